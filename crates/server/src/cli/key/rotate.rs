//! `myna key rotate`.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use myna_tokens::Algorithm;

use super::{Settings, named, place, say, served};
use crate::clock::Clock;
use crate::keyring::{self, Need, NewKey, Place, State, Use};

/// Make new keys.
#[derive(Args)]
pub(in crate::cli) struct Rotate {
    /// The dialect that it is for [default: every dialect that is served]
    #[arg(long)]
    dialect: Option<String>,
    /// What it signs: access or refresh tokens [default: both]
    #[arg(long = "use", value_name = "USE", value_parser = ["access", "refresh"])]
    purpose: Option<String>,
    /// Let it sign at once, also where verifiers do not know it yet: for a key that was stolen
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Rotate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let needs = self.needs(&served(&config)?)?;
        let place = place(&config).await?;
        let lead = if self.at_once { Duration::ZERO } else { config.keys.lead };
        for need in needs {
            self.rotate(&place, &need, lead).await?;
        }
        Ok(())
    }

    fn needs(&self, served: &[std::sync::Arc<myna_dialect::Dialect>]) -> anyhow::Result<Vec<Need>> {
        let purpose = self.purpose.as_deref().and_then(Use::parse);
        let dialects = match &self.dialect {
            Some(name) => vec![named(served, name)?],
            None => served.iter().collect(),
        };
        let needs = dialects.into_iter().flat_map(|dialect| keyring::needs(dialect));
        let needs: Vec<Need> = needs.filter(|need| purpose.is_none_or(|purpose| need.purpose == purpose)).collect();
        if needs.is_empty() {
            bail!("nothing is signed there: opaque tokens need no key");
        }
        Ok(needs)
    }

    async fn rotate(&self, place: &Place, need: &Need, lead: Duration) -> anyhow::Result<()> {
        let now = Clock::default().now();
        let stock = place.load().await?;
        let Need { dialect, purpose, algorithm } = need;
        let waits = stock.of(need, now).into_iter().find(|(_, state)| *state == State::Waits);
        if let Some((key, _)) = waits.filter(|_| !self.at_once) {
            let from = super::super::user::time(key.active_from);
            return Ok(say(format!("{dialect} {purpose}: key {} waits already and signs from {from} on", key.kid))?);
        }
        let new = NewKey::generate(need, now, stock.signs_from(need, now, lead))?;
        place.add(&new).await?;
        let kid = new.key.kid();
        let from = if self.at_once { "now".to_owned() } else { super::super::user::time(new.active_from) };
        say(format!("{dialect} {purpose}: new key {kid} in {}; it signs from {from} on", place.shown()))?;
        match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => say(format!(
                "  {} is a shared secret: a service that verifies these tokens by itself does not learn it; for that, import one",
                algorithm.name()
            ))?,
            Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => {}
        }
        Ok(())
    }
}
