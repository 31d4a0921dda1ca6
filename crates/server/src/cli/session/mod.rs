//! `myna session …`: who is signed in, where and since when, why others are no more, and the end of some.

mod end;
mod show;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::session::Session as Record;
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_store::{Opening, Sessions, Store};

use super::user::find as find_user;
use super::{Settings, say};
use crate::clock::Clock;
use crate::start::open_store;

/// How many sessions are read at once.
const PAGE: u32 = 500;
/// How many digits of a handle a list shows: with a million sessions, the chance that two share them is one in 500.
const SHORT_DIGITS: usize = 12;
/// How many digits of a handle have to be typed.
const TYPED_DIGITS_MIN: usize = 4;

/// List, show and end sessions; works while the server runs
#[derive(Subcommand)]
pub(super) enum Session {
    /// List the sessions that live, the last used of each user first
    List(List),
    /// Show one session, whether it lives or why it does not
    Show {
        /// The session's id, or a beginning of it that no other session has
        id: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// End sessions: no refresh succeeds any more, and Myna's own endpoints refuse the access tokens at once
    End(end::End),
}

/// What is listed.
#[derive(Args)]
pub(super) struct List {
    /// Only those of this user: id, e-mail or username
    user: Option<String>,
    /// Those, too, that have ended or expired, as long as they are kept (30 days)
    #[arg(long)]
    ended: bool,
    /// Only those of this dialect
    #[arg(long, value_name = "NAME")]
    dialect: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Session {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show { id, json, settings } => {
                let store = open(&settings).await?;
                let (session, now) = (find(&store, &id).await?, Clock::default().now());
                let user = owner(&store, session.id.user).await?;
                Ok(say(match json {
                    true => serde_json::to_string_pretty(&show::record(&user, &session, now))?,
                    false => show::page(&user, &session, now),
                })?)
            }
            Self::End(end) => end.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let store = open(&self.settings).await?;
        let now = Clock::default().now();
        let which = if self.ended { Sessions::All } else { Sessions::LiveAt(now) };
        let mut walk = Walk::over(&store, which, self.user.as_deref()).await?;
        if !self.json {
            say(show::heading(self.ended))?;
        }
        let mut of_one: Vec<Record> = Vec::new();
        loop {
            let page = walk.next(&store).await?;
            let is_last = page.is_empty();
            for session in page {
                if of_one.last().is_some_and(|last| last.id.user != session.id.user) {
                    self.print(&store, &mut of_one, now).await?;
                }
                if self.dialect.as_ref().is_none_or(|dialect| *dialect == session.dialect) {
                    of_one.push(session);
                }
            }
            if is_last {
                return self.print(&store, &mut of_one, now).await;
            }
        }
    }

    /// Prints the sessions of one user.
    async fn print(&self, store: &Store, sessions: &mut Vec<Record>, now: Timestamp) -> anyhow::Result<()> {
        let Some(first) = sessions.first() else { return Ok(()) };
        let user = owner(store, first.id.user).await?;
        sessions.sort_by_key(|session| std::cmp::Reverse((session.used_at, session.created_at)));
        for session in sessions.drain(..) {
            say(match self.json {
                true => show::record(&user, &session, now).to_string(),
                false => show::line(&user, &session, now, self.ended),
            })?;
        }
        Ok(())
    }
}

/// A walk over sessions in the order of their keys, page by page: other processes write meanwhile.
struct Walk {
    which: Sessions,
    after: SessionId,
    through: UserId,
}

impl Walk {
    /// Over the sessions of everybody, or of the user whom `user` names.
    async fn over(store: &Store, which: Sessions, user: Option<&str>) -> anyhow::Result<Self> {
        let (before, through) = match user {
            Some(text) => {
                let id = find_user(store, text).await?.user.id;
                (UserId(id.0 - 1), id)
            }
            None => (UserId(0), UserId(i64::MAX)),
        };
        Ok(Self { which, after: SessionId { user: before, handle: Handle([u8::MAX; 16]) }, through })
    }

    /// The next ones; none at the end.
    async fn next(&mut self, store: &Store) -> anyhow::Result<Vec<Record>> {
        let page = store.page_sessions(self.which, self.after, self.through, PAGE).await?;
        if let Some(last) = page.last() {
            self.after = last.id;
        }
        Ok(page)
    }
}

/// The one session whose handle begins so.
async fn find(store: &Store, text: &str) -> anyhow::Result<Record> {
    let typed = text.to_ascii_lowercase();
    let Some((first, last)) = Handle::beginning_with(&typed).filter(|_| typed.len() >= TYPED_DIGITS_MIN) else {
        bail!(
            "`{text}` is no session id: that is 32 hexadecimal digits, or the first {TYPED_DIGITS_MIN} or more of them"
        );
    };
    let mut found = store.sessions_between(first, last, 2).await?.into_iter();
    let session = found.next().with_context(|| format!("there is no session `{text}`"))?;
    if found.next().is_some() {
        bail!("several sessions begin with `{text}`; type more of the id");
    }
    Ok(session)
}

/// Whose a session is. A user who is deleted takes the sessions along.
async fn owner(store: &Store, id: UserId) -> anyhow::Result<User> {
    let known = store.load_known_by_id(id).await?;
    Ok(known.with_context(|| format!("user {id} was deleted just now"))?.user)
}

async fn open(settings: &Settings) -> anyhow::Result<Store> {
    open_store(&settings.load(&[])?, Opening::MustExist).await
}
