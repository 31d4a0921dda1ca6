//! `myna user …`: operators' changes to users, through the same decisions and guards as everything else.

mod example;
mod import;
mod list;
mod write;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use myna_core::change::Change;
use myna_core::id::UserId;
use myna_core::identifier::Canonical;
use myna_core::time::Timestamp;
use myna_core::user::{Known, Status, User as Record};
use myna_store::{Opening, Store};
use serde_json::{Value, json};

use super::{Settings, say};
use crate::start::open_store;

/// Make, show, alter, disable and delete users; works while the server runs
#[derive(Subcommand)]
pub(super) enum User {
    /// Make a user
    Add(write::Add),
    /// List users, a line each
    List(list::List),
    /// Take users over from elsewhere, with the hashes of their passwords; works while the server runs
    Import(import::Import),
    /// Write users to try an import with, as many as are asked for
    #[command(hide = true)]
    Example(example::Example),
    /// Show one user as JSON
    Show(Whom),
    /// Alter a user; what is not named stays as it is
    Set(write::Set),
    /// Keep a user from signing in; ends every session
    Disable(Whom),
    /// Let a disabled user sign in again
    Enable(Whom),
    /// Delete a user with everything that belongs to it; its id is never used again
    Delete {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whom: Whom,
    },
}

/// Which user is meant.
#[derive(Args)]
pub(super) struct Whom {
    /// Id, e-mail or username
    user: String,
    #[command(flatten)]
    settings: Settings,
}

impl User {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await,
            Self::Set(set) => set.run().await,
            Self::List(list) => list.run().await,
            Self::Import(import) => import.run().await,
            Self::Example(example) => example.run(),
            Self::Show(whom) => {
                let (_, known) = whom.find().await?;
                Ok(say(serde_json::to_string_pretty(&shown(&known))?)?)
            }
            Self::Disable(whom) => write::set_status(&whom, Status::Disabled).await,
            Self::Enable(whom) => write::set_status(&whom, Status::Active).await,
            Self::Delete { yes, whom } => {
                let (store, known) = whom.find().await?;
                let user = known.user;
                if !yes && !confirmed(&format!("Delete user {} ({})? [y/N] ", user.id, name(&user)))? {
                    bail!("nothing was deleted");
                }
                commit(&store, vec![Change::DeleteUser(user.id)]).await?;
                Ok(say(format!("deleted user {}", user.id))?)
            }
        }
    }
}

impl Whom {
    async fn find(&self) -> anyhow::Result<(Store, Known)> {
        let config = self.settings.load(&[])?;
        let store = open_store(&config, Opening::MustExist).await?;
        let known = find(&store, &self.user).await?;
        Ok((store, known))
    }
}

/// The user whom an operator names: by id, e-mail or username.
pub(super) async fn find(store: &Store, name: &str) -> anyhow::Result<Known> {
    let by_id = match name.parse() {
        Ok(id) => store.load_known_by_id(UserId(id)).await?,
        Err(_) => None,
    };
    let known = match (by_id, Canonical::of(name)) {
        (Some(known), _) => Some(known),
        (None, Some(canonical)) => store.load_known(&canonical).await?,
        (None, None) => None,
    };
    known.with_context(|| format!("there is no user `{name}`"))
}

/// Applies changes and says in words which guard did not hold.
async fn commit(store: &Store, changes: Vec<Change>) -> anyhow::Result<()> {
    use myna_core::change::Conflict;
    use myna_store::CommitError;
    match store.commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(CommitError::Conflict(conflict)) => match conflict {
            Conflict::IdentifierTaken(name) => bail!("another user has the name `{}`", name.as_str()),
            Conflict::UserIdUsed(id) => {
                bail!("the id {id} was given out before; leave out --id to take the next free one")
            }
            Conflict::UserGone(id) => bail!("there is no user {id} any more"),
            Conflict::UserChanged(_)
            | Conflict::RoleIdUsed(_)
            | Conflict::PasswordChanged(_)
            | Conflict::SessionChanged(_)
            | Conflict::DeviceBusy(_)
            | Conflict::ChallengeSpent(_)
            | Conflict::MailGone
            | Conflict::KeyNameTaken(_)
            | Conflict::KeyChanged(_) => bail!("the user was changed by somebody else just now; look again"),
        },
    }
}

pub(super) fn confirmed(question: &str) -> std::io::Result<bool> {
    use std::io::Write as _;
    let mut error = std::io::stderr().lock();
    write!(error, "{question}")?;
    error.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

pub(super) fn name(user: &Record) -> &str {
    user.email.as_deref().or(user.username.as_deref()).unwrap_or("without a name")
}

fn shown(known: &Known) -> Value {
    let mut value = list::record(&known.user);
    let format = known.password.as_ref().map(|password| {
        myna_passwords::PasswordHash::parse(password.hash.expose()).map_or("unreadable", |hash| hash.format())
    });
    value["password_format"] = json!(format);
    value["password_changed_at"] = json!(known.password.as_ref().map(|password| time(password.changed_at)));
    value
}

/// `2026-11-23T12:00:00Z`: for people.
pub(super) fn time(at: Timestamp) -> String {
    exact_time(Timestamp::from_seconds(at.seconds()))
}

/// `2026-11-23T12:00:00.000001Z`, with as many digits as it needs: for what is read again.
fn exact_time(at: Timestamp) -> String {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;
    let nanos = i128::from(at.0) * 1000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}
