//! `myna key …`.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use myna_dialect::diagnostic::did_you_mean;
use myna_tokens::{Algorithm, SigningKey};
use zeroize::Zeroizing;

use super::{Settings, say};
use crate::clock::Clock;
use crate::dialects;
use crate::keyring::{self, Need, Use};

/// List and import signing keys; works while the server runs
#[derive(Subcommand)]
pub(super) enum Key {
    /// List every key: whose it is, what it signs, its id and age
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Import a key that your clients already trust; it signs from then on, and older keys go on verifying
    Import(Import),
}

/// What is imported, and for whom.
#[derive(Args)]
pub(super) struct Import {
    /// PEM (PKCS#8, PKCS#1, SEC 1), a private JWK, or a file with a shared secret; `-` reads standard input
    file: PathBuf,
    /// The dialect that it is for
    #[arg(long)]
    dialect: String,
    /// What it signs: access or refresh tokens
    #[arg(long = "use", value_name = "USE", default_value = "access", value_parser = ["access", "refresh"])]
    purpose: String,
    #[command(flatten)]
    settings: Settings,
}

impl Key {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { settings } => list(&settings),
            Self::Import(import) => import.run(),
        }
    }
}

fn list(settings: &Settings) -> anyhow::Result<()> {
    let config = settings.load(&[])?;
    let mut keys = keyring::list(&config.data.join("keys"))?;
    keys.sort_by_key(|key| (key.need.dialect.clone(), key.need.purpose.name(), std::cmp::Reverse(key.created_at)));
    say(format!("{:<12} {:<8} {:<6} {:<9} {:<20} KEY ID", "DIALECT", "USE", "ALG", "STATE", "MADE"))?;
    let mut last = None;
    for key in &keys {
        let state = if last == Some(&key.need) { "verifies" } else { "signs" };
        last = Some(&key.need);
        let Need { dialect, purpose, algorithm } = &key.need;
        let made = super::user::time(key.created_at);
        say(format!("{dialect:<12} {purpose:<8} {:<6} {state:<9} {made:<20} {}", algorithm.name(), key.kid))?;
    }
    Ok(())
}

impl Import {
    fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let found = dialects::enabled(&config.dialects)?;
        let compiled = dialects::compile_all(&found, super::in_color())?;
        let Some(dialect) = compiled.iter().find(|dialect| dialect.name() == self.dialect) else {
            let hint = did_you_mean(&self.dialect, compiled.iter().map(|dialect| dialect.name()));
            bail!(
                "there is no dialect `{}` here{}",
                self.dialect,
                hint.map(|hint| format!("; {hint}")).unwrap_or_default()
            );
        };
        let purpose = Use::parse(&self.purpose).context("`--use` is access or refresh")?;
        let Some(need) = keyring::needs(dialect).into_iter().find(|need| need.purpose == purpose) else {
            bail!("the dialect `{}` signs no {purpose} tokens", self.dialect);
        };
        let text = self.read()?;
        let key = parse(need.algorithm, &text).with_context(|| format!("{}", self.file.display()))?;
        if key.algorithm() != need.algorithm {
            bail!(
                "the key is one for {}, but the dialect `{}` signs its {purpose} tokens with {}",
                key.algorithm().name(),
                self.dialect,
                need.algorithm.name()
            );
        }
        let folder = config.data.join("keys");
        if !folder.is_dir() {
            bail!(
                "there is no key folder {}; start the server once, or name the data folder with --data",
                folder.display()
            );
        }
        let path = keyring::save(&folder, &need, &key, Clock::default().now())?;
        say(format!("imported key {} into {}; it signs from now on", key.kid(), path.display()))?;
        Ok(())
    }

    fn read(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::new());
        if self.file.as_os_str() == "-" {
            std::io::stdin().lock().read_to_end(&mut bytes)?;
        } else {
            let path = &self.file;
            bytes = Zeroizing::new(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
        }
        Ok(bytes)
    }
}

/// PEM and JWK say what they are; everything else is a shared secret, less the line feed that editors add.
fn parse(algorithm: Algorithm, bytes: &[u8]) -> anyhow::Result<SigningKey> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if text.contains("-----BEGIN ") {
        return Ok(SigningKey::from_pem(text)?);
    }
    if text.trim_start().starts_with('{') {
        return Ok(SigningKey::from_jwk(text)?);
    }
    let secret = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Ok(SigningKey::from_secret(algorithm, secret)?),
        Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => {
            bail!("neither PEM nor a JWK, and {} cannot sign with a shared secret", algorithm.name())
        }
    }
}
