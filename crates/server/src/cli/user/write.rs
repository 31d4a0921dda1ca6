//! `myna user add` and `set`: what is asked on the command line becomes a record, proven before anything is written.

use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Args;
use myna_core::id::UserId;
use myna_core::ops::admin_user;
use myna_core::secret::Secret;
use myna_core::user::{Role, Status, User};
use myna_passwords::{Password, PasswordHash, self_check, strength};
use myna_store::{Opening, Store};
use myna_tokens::crypto::random;
use zeroize::Zeroizing;

use super::{Whom, commit, name};
use crate::cli::{Settings, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::hashing;
use crate::import::{USER_ID_MAX, told};
use crate::start::{open_store, password_rules};

/// What a user's record can be given.
#[derive(Args)]
struct Fields {
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// User name
    #[arg(long)]
    username: Option<String>,
    /// First name, or the whole name
    #[arg(long)]
    first_name: Option<String>,
    /// Middle name
    #[arg(long)]
    middle_name: Option<String>,
    /// Last name
    #[arg(long)]
    last_name: Option<String>,
    /// Where a picture is found
    #[arg(long)]
    photo: Option<String>,
    /// A role: NAME, or NAME=PERMISSION,PERMISSION to make or alter it; several times for several roles
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Free attributes: a JSON object
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// Whether the password has to be changed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    must_change_password: Option<bool>,
}

/// Where a password comes from. Never the command line itself: other users of the machine can read that.
#[derive(Args)]
#[group(multiple = false)]
struct PasswordSource {
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Take a hash that another system made (Argon2id PHC string, $2a$, $2b$, $2y$)
    #[arg(long, value_name = "HASH")]
    password_hash: Option<String>,
}

/// Make a user
#[derive(Args)]
pub(in crate::cli) struct Add {
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    password: PasswordSource,
    /// Make the user without a password; a reset by mail gives it one
    #[arg(long, conflicts_with_all = ["password_stdin", "password_hash"])]
    no_password: bool,
    /// Take a password that the policy refuses
    #[arg(long)]
    allow_weak_password: bool,
    /// A fixed id, which must never have been given out; for moving users over
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=USER_ID_MAX))]
    id: Option<i64>,
    #[command(flatten)]
    settings: Settings,
}

/// Alter a user; what is not named stays as it is
#[derive(Args)]
pub(in crate::cli) struct Set {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    source: PasswordSource,
    /// Ask for a new password
    #[arg(long, conflicts_with_all = ["password_stdin", "password_hash"])]
    password: bool,
    /// Take a password that the policy refuses
    #[arg(long)]
    allow_weak_password: bool,
}

impl Add {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        // An operator makes the first user before the first start.
        let store = open_store(&config, Opening::Create).await?;
        let now = Clock::default().now();
        let blank = User::blank(UserId(self.id.unwrap_or(1)), now);
        let (mut user, put) = self.fields.over(blank, &store).await?;
        prove(&user)?;
        let hash =
            if self.no_password { None } else { Some(self.password.hash(&config, &user, self.allow_weak_password)?) };
        if self.id.is_none() {
            user.id = store.allocate_user_id().await?;
        }
        let (id, shown) = (user.id, name(&user).to_owned());
        commit(&store, admin_user::decide_add(user, put, hash, now).changes).await?;
        Ok(say(format!("added user {id} ({shown})"))?)
    }
}

impl Set {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.whom.settings.load(&[])?;
        let (store, known) = self.whom.find().await?;
        let (user, put) = self.fields.over(known.user, &store).await?;
        prove(&user)?;
        let asked = self.password || self.source.password_stdin || self.source.password_hash.is_some();
        let hash = asked.then(|| self.source.hash(&config, &user, self.allow_weak_password)).transpose()?;
        let id = user.id;
        let sessions = if hash.is_some() { "; every session has ended" } else { "" };
        commit(&store, admin_user::decide_set(user, put, hash, Clock::default().now()).changes).await?;
        Ok(say(format!("user {id} is set{sessions}"))?)
    }
}

/// Disables or enables a user.
pub(super) async fn set_status(whom: &Whom, status: Status) -> anyhow::Result<()> {
    let (store, known) = whom.find().await?;
    let user = User { status, ..known.user };
    let (id, shown) = (user.id, name(&user).to_owned());
    commit(&store, admin_user::decide_set(user, Vec::new(), None, Clock::default().now()).changes).await?;
    Ok(say(format!("user {id} ({shown}) is {}", status.name()))?)
}

impl Fields {
    /// The record with what was named, and the roles that are made or altered with it; an empty text takes a field away.
    async fn over(self, mut user: User, store: &Store) -> anyhow::Result<(User, Vec<Role>)> {
        let mut put = Vec::new();
        for (given, field) in [
            (self.email, &mut user.email),
            (self.username, &mut user.username),
            (self.first_name, &mut user.first_name),
            (self.middle_name, &mut user.middle_name),
            (self.last_name, &mut user.last_name),
            (self.photo, &mut user.photo),
        ] {
            if let Some(text) = given {
                *field = Some(text).filter(|text| !text.is_empty());
            }
        }
        if let Some(text) = self.attributes {
            let parsed: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&text).context("--attributes must be a JSON object")?;
            user.attributes = serde_json::Value::Object(parsed).to_string();
        }
        if !self.roles.is_empty() {
            (user.roles, put) = roles(&self.roles, store).await?;
        }
        user.must_change_password = self.must_change_password.unwrap_or(user.must_change_password);
        Ok((user, put))
    }
}

/// The roles of those names, and those among them that are new or given with permissions.
async fn roles(given: &[String], store: &Store) -> anyhow::Result<(Vec<Role>, Vec<Role>)> {
    let known = store.load_roles().await?;
    let mut next = known.iter().map(|role| role.id).max().unwrap_or(0) + 1;
    let (mut roles, mut put) = (Vec::<Role>::new(), Vec::new());
    for text in given {
        let (name, permissions) = text.split_once('=').map_or((text.as_str(), None), |(name, list)| (name, Some(list)));
        if name.is_empty() {
            bail!("--role: `{text}` has no name");
        }
        let permissions = permissions
            .map(|list| list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect());
        if roles.iter().any(|role| role.name == name) {
            bail!("--role: `{name}` is given twice");
        }
        let old = known.iter().find(|role| role.name == name).cloned();
        let is_put = old.is_none() || permissions.is_some();
        let role = old.unwrap_or_else(|| {
            next += 1;
            Role { id: next - 1, name: name.to_owned(), permissions: Vec::new() }
        });
        let role = Role { permissions: permissions.unwrap_or(role.permissions.clone()), ..role };
        put.extend(is_put.then(|| role.clone()));
        roles.push(role);
    }
    roles.sort_by_key(|role| role.id);
    Ok((roles, put))
}

fn prove(user: &User) -> anyhow::Result<()> {
    let problems = admin_user::problems(user);
    if problems.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = problems.iter().map(told).collect();
    bail!("{}", lines.join(" "));
}

impl PasswordSource {
    fn hash(&self, config: &Config, user: &User, allow_weak: bool) -> anyhow::Result<Secret<String>> {
        if let Some(hash) = &self.password_hash {
            let hash = PasswordHash::parse(hash)?;
            return Ok(Secret::new(hash.stored_text().to_owned()));
        }
        let typed = if self.password_stdin { from_stdin()? } else { ask()? };
        let password = Password::parse(&typed)?;
        let rules = password_rules(&config.password)?;
        let context: Vec<&str> = [&user.email, &user.username, &user.first_name, &user.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if let Err(weakness) = strength::check(&password, &context, &rules.strength)
            && !allow_weak
        {
            bail!("{weakness} (--allow-weak-password takes it all the same)");
        }
        let salt = random()?;
        let hash = hashing::alone(self_check()?, |hasher| hasher.hash(password.as_bytes(), &salt, &rules.cost))??;
        Ok(Secret::new(hash.stored_text().to_owned()))
    }
}

fn from_stdin() -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().lock().read_to_string(&mut text).context("the password on standard input is not UTF-8")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        bail!("standard input holds no password");
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask() -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the password; use --password-stdin, --password-hash or --no-password");
    }
    let first = Zeroizing::new(rpassword::prompt_password("Password: ")?);
    let second = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
    if first != second {
        bail!("the two are not the same; nothing was changed");
    }
    Ok(first)
}
