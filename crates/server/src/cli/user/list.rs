//! `myna user list`: for people a table, for programs one JSON object a line, which `myna user import` reads.

use std::io::{BufWriter, Write as _, stdout};

use clap::Args;
use myna_core::id::UserId;
use myna_core::user::{Known, Role, User};
use myna_store::{Opening, Store};
use serde_json::{Value, json};

use super::exact_time;
use crate::cli::Settings;
use crate::start::open_store;

/// How many users are read at once.
const PAGE: u32 = 500;

/// List users, a line each
#[derive(Args)]
pub(in crate::cli) struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// With the hash of each password, for moving users elsewhere: guard what is written like the passwords themselves
    #[arg(long, requires = "json")]
    with_password_hash: bool,
    #[command(flatten)]
    settings: Settings,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let store = open_store(&self.settings.load(&[])?, Opening::MustExist).await?;
        let mut out = BufWriter::new(stdout().lock());
        if !self.json {
            writeln!(out, "{:>8}  {:<32} {:<20} {:<9} ROLES", "ID", "E-MAIL", "USERNAME", "STATUS")?;
        }
        let mut after = UserId(0);
        loop {
            let page = self.page(&store, after).await?;
            let Some(last) = page.last() else { return Ok(out.flush()?) };
            after = last.user.id;
            for known in &page {
                writeln!(out, "{}", if self.json { self.whole(known).to_string() } else { row(&known.user) })?;
            }
        }
    }

    /// The users after `after`, with their passwords only if those are wanted.
    async fn page(&self, store: &Store, after: UserId) -> anyhow::Result<Vec<Known>> {
        if self.with_password_hash {
            return Ok(store.list_known(after, PAGE).await?);
        }
        let users = store.list_users(after, PAGE).await?;
        Ok(users.into_iter().map(|user| Known { user, password: None }).collect())
    }

    fn whole(&self, known: &Known) -> Value {
        let mut value = record(&known.user);
        if self.with_password_hash {
            let password = known.password.as_ref();
            value["password_hash"] = json!(password.map(|password| password.hash.expose()));
            value["password_changed_at"] = json!(password.map(|password| exact_time(password.changed_at)));
        }
        value
    }
}

fn row(user: &User) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    format!(
        "{:>8}  {:<32} {:<20} {:<9} {}",
        user.id,
        text(&user.email),
        text(&user.username),
        user.status.name(),
        roles.join(", ")
    )
}

/// A user for people and scripts: everything but the password.
pub(super) fn record(user: &User) -> Value {
    let User {
        id,
        email,
        username,
        first_name,
        middle_name,
        last_name,
        photo,
        status,
        must_change_password,
        roles,
        attributes,
        created_at,
        updated_at,
    } = user;
    json!({
        "id": id.0,
        "email": email,
        "username": username,
        "first_name": first_name,
        "middle_name": middle_name,
        "last_name": last_name,
        "photo": photo,
        "status": status.name(),
        "must_change_password": must_change_password,
        "roles": roles.iter().map(|Role { id, name, permissions }| json!({
            "id": id, "name": name, "permissions": permissions,
        })).collect::<Vec<_>>(),
        "attributes": serde_json::from_str::<Value>(attributes).unwrap_or_default(),
        "created_at": exact_time(*created_at),
        "updated_at": exact_time(*updated_at),
    })
}
