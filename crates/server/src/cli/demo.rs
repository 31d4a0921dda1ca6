//! `myna demo`: the real server on a temporary folder, with example users and a curl line for each API. Users, their
//! passwords and the curl lines are data in `demo.toml`; no dialect is known here by name.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use myna_core::id::UserId;
use myna_core::ops::admin_user;
use myna_core::secret::Secret;
use myna_core::user::{Role, User};
use myna_passwords::{Hasher, Password};
use myna_tokens::crypto::random;
use serde::Deserialize;

use super::{log, say};
use crate::app::App;
use crate::config::{self, Config};
use crate::hashing::Asker;
use crate::reload::Hangup;
use crate::start::{DEMO_MARK, Server};

/// Try Myna: serve every built-in dialect with example users and a temporary data folder
#[derive(Args)]
pub(super) struct Demo {
    /// Address for plain HTTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9080")]
    http: String,
    /// Address for HTTPS, with a self-signed certificate
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    https: String,
    /// Keep the data in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    user: Vec<ExampleUser>,
    api: Vec<ExampleApi>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleUser {
    id: i64,
    email: String,
    username: String,
    password: String,
    first_name: Option<String>,
    last_name: Option<String>,
    #[serde(default)]
    must_change_password: bool,
    role: Option<Role>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleApi {
    dialect: String,
    curl: String,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let temporary = tempfile::Builder::new().prefix("myna-demo-").tempdir()?;
        let data = self.data.clone().unwrap_or_else(|| temporary.path().to_owned());
        let config = self.config(&data)?;
        // What is there already and was not made by a demo is somebody's: nobody wants these users in it.
        anyhow::ensure!(
            !data.join("myna.db").exists() || data.join(DEMO_MARK).exists(),
            "{} holds users that no demo made; name another folder with --data",
            data.display()
        );
        let dialects = config.dialects.clone();
        let server = Server::new(&config, Box::new(move || Ok(dialects.clone()))).await?;
        let examples: Examples = toml::from_str(include_str!("demo.toml")).context("demo.toml")?;
        std::fs::write(data.join(DEMO_MARK), "made by `myna demo`: everybody knows these users' passwords\n")?;
        create_users(&server.app, &examples.user).await?;
        self.introduce(&server, &config, &examples)?;
        // Only now: what is made at a first start would stand before the introduction.
        log::start(&config.log);
        server.run(Hangup::Ends).await
    }

    /// Nothing of the operator's own configuration: a demo is the same everywhere.
    fn config(&self, data: &std::path::Path) -> anyhow::Result<Config> {
        let data = data.display().to_string();
        let levels = config::environment().filter(|(name, _)| name == "MYNA_LOG_LEVEL" || name == "MYNA_LOG_FORMAT");
        let overrides = [
            ("data", data.as_str()),
            ("http.listen", &self.http),
            ("https.listen", &self.https),
            ("https.self_signed", "true"),
            ("docs.enabled", "true"),
            ("reset.link_base", "https://app.example.com/reset-password"),
        ];
        Config::load(Some(std::path::Path::new("/dev/null")), levels, &overrides)
            .map_err(|faults| anyhow::anyhow!(super::Shown(faults.render(super::in_color()))))
    }

    fn introduce(&self, server: &Server, config: &Config, examples: &Examples) -> anyhow::Result<()> {
        let addresses = server.addresses();
        let http = addresses.first().map(ToString::to_string).unwrap_or_default();
        let https = addresses.last().map(ToString::to_string).unwrap_or_default();
        say("Myna serves these login APIs at once, over one store of users:\n")?;
        for dialect in server.site().dialects() {
            say(format!("{} — {}", dialect.name(), dialect.title()))?;
            for endpoint in dialect.endpoints() {
                for (method, path) in endpoint.routes() {
                    say(format!("    {method} {path}"))?;
                }
            }
            for api in examples.api.iter().filter(|api| api.dialect == dialect.name()) {
                let curl = api.curl.trim_end().replace("{http}", &http).replace("{https}", &https);
                let curl = curl.replace("{certificate}", &config.data.join("dev-cert.pem").display().to_string());
                say(format!("\n{curl}\n"))?;
            }
        }
        say(format!("Documentation, to try each of them: http://{http}/docs\n"))?;
        say("Users (password):")?;
        for user in &examples.user {
            say(format!("    {:>2}  {:<24} {:<10} {}", user.id, user.email, user.username, user.password))?;
        }
        say(format!("\nMails are written to {}", config.mail_folder.display()))?;
        match &self.data {
            Some(data) => say(format!("The data stays in {}", data.display()))?,
            None => say("The data is thrown away at the end; --data DIR keeps it")?,
        }
        say(format!("\nhttp://{http}  https://{https} (a self-signed certificate, for development)  Ctrl-C ends\n"))?;
        Ok(())
    }
}

/// Makes the example users as an import would: their passwords are shorter than any policy for new ones. Users that are
/// there already (`--data` of an earlier run) stay as they are.
async fn create_users(app: &App, users: &[ExampleUser]) -> anyhow::Result<()> {
    for example in users {
        if app.store.load_known_by_id(UserId(example.id)).await?.is_some() {
            continue;
        }
        let now = app.clock.now();
        let user = User {
            email: Some(example.email.clone()),
            username: Some(example.username.clone()),
            first_name: example.first_name.clone(),
            last_name: example.last_name.clone(),
            must_change_password: example.must_change_password,
            roles: example.role.clone().into_iter().collect(),
            ..User::blank(UserId(example.id), now)
        };
        let password = Password::parse(&example.password)?;
        let (salt, cost) = (random()?, app.passwords.cost);
        let work = move |hasher: &mut Hasher| hasher.hash(password.as_bytes(), &salt, &cost);
        let hash = app.hashing.run(Asker::Unknown, work).await??;
        let hash = Secret::new(hash.stored_text().to_owned());
        let decision = admin_user::decide_add(user, example.role.clone().into_iter().collect(), Some(hash), now);
        app.store
            .commit(decision.changes)
            .await
            .map_err(|error| anyhow::anyhow!("cannot make the example user {}: {error}", example.id))?;
    }
    Ok(())
}
