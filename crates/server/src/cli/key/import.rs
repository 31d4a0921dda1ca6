//! `myna key import`.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use myna_tokens::{Algorithm, SigningKey};
use zeroize::Zeroizing;

use super::{Settings, named, place, say, served};
use crate::clock::Clock;
use crate::keyring::{self, NewKey, Use};

/// What is imported, and for whom.
#[derive(Args)]
pub(in crate::cli) struct Import {
    /// PEM (PKCS#8, PKCS#1, SEC 1), a private JWK, or a file with a shared secret; `-` reads standard input
    file: PathBuf,
    /// The dialect that it is for
    #[arg(long)]
    dialect: String,
    /// What it signs: access or refresh tokens
    #[arg(long = "use", value_name = "USE", default_value = "access", value_parser = ["access", "refresh"])]
    purpose: String,
    /// Let it sign only after `keys.lead`: for a key that verifiers do not know yet
    #[arg(long)]
    with_lead: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let served = served(&config)?;
        let dialect = named(&served, &self.dialect)?;
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
        let place = place(&config).await?;
        let now = Clock::default().now();
        let lead = if self.with_lead { config.keys.lead } else { Duration::ZERO };
        let active_from = place.load().await?.signs_from(&need, now, lead);
        let new = NewKey { need, key: Arc::new(key), created_at: now, active_from };
        place.add(&new).await?;
        let from = if self.with_lead { super::super::user::time(active_from) } else { "now".to_owned() };
        say(format!("imported key {} into {}; it signs from {from} on", new.key.kid(), place.shown()))?;
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
