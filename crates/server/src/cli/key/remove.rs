//! `myna key remove`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use myna_core::catalog::Operation;
use myna_core::problem::Field;
use myna_core::time::Timestamp;
use myna_dialect::{AccessProfile, Dialect, RefreshProfile};

use super::{Settings, place, say, served};
use crate::clock::Clock;
use crate::keyring::{KeptKey, State, Stock, Use};

/// Clocks of nodes and verifiers may differ by so much, either way.
const CLOCKS_APART: Duration = Duration::from_mins(2);

/// Which key goes.
#[derive(Args)]
pub(in crate::cli) struct Remove {
    /// Its key id, or the beginning of it
    #[arg(value_name = "KEY ID", allow_hyphen_values = true)]
    kid: String,
    /// Also if tokens that it has signed are still good: their holders have to refresh or sign in again
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Remove {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let place = place(&config).await?;
        let stock = place.load().await?;
        let now = Clock::default().now();
        let (key, state) = self.find(&stock, now)?;
        let (dialect, purpose) = (&key.need.dialect, key.need.purpose);
        match state {
            State::Waits => {}
            State::Signs => bail!(
                "the key signs the {purpose} tokens of `{dialect}`; make another first: myna key rotate --dialect {dialect} --use {purpose}"
            ),
            State::Verifies(_) if self.force => {}
            State::Verifies(since) => self.check_age(&served(&config)?, key, since, now)?,
        }
        place.remove(key).await?;
        say(format!("removed key {} of {dialect} {purpose} from {}", key.kid, place.shown()))?;
        say(format!("every node refuses it within {}", crate::config::shown(config.keys.poll)))?;
        Ok(())
    }

    fn find<'a>(&self, stock: &'a Stock, now: Timestamp) -> anyhow::Result<(&'a KeptKey, State)> {
        let needs = stock.needs();
        let mut found = Vec::new();
        for need in &needs {
            found.extend(stock.of(need, now).into_iter().filter(|(key, _)| key.kid.starts_with(&self.kid)));
        }
        let exact = found.iter().position(|(key, _)| key.kid == self.kid);
        match (found.len(), exact) {
            (0, _) => bail!("there is no key `{}`; `myna key list` shows every one", self.kid),
            (1, _) => found.pop().context("no key"),
            (_, Some(at)) if found.iter().filter(|(key, _)| key.kid == self.kid).count() == 1 => {
                Ok(found.swap_remove(at))
            }
            (count, _) => bail!("{count} keys begin with `{}`; give more of it", self.kid),
        }
    }

    fn check_age(
        &self,
        served: &[Arc<Dialect>],
        key: &KeptKey,
        since: Timestamp,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let name = &key.need.dialect;
        let Some(dialect) = served.iter().find(|dialect| dialect.name() == name) else {
            bail!(
                "`{name}` is not served here, and nobody says how long its tokens are good; --force removes the key all the same"
            );
        };
        let until = since + lifetime(dialect, key.need.purpose) + CLOCKS_APART;
        if now < until {
            bail!(
                "tokens that the key {} has signed may be good until {}; wait, or --force: their holders have to refresh or sign in \
                 again then",
                key.kid,
                super::super::user::time(until)
            );
        }
        Ok(())
    }
}

/// How long a token is of use.
fn lifetime(dialect: &Dialect, purpose: Use) -> Duration {
    let access = dialect.access().map(AccessProfile::lifetime).unwrap_or_default();
    let refresh = dialect.refresh().map(RefreshProfile::lifetime).unwrap_or_default();
    // Where a refresh takes the access token beside the refresh token, an expired one will do.
    let beside = dialect
        .endpoints()
        .iter()
        .any(|endpoint| endpoint.operation() == Operation::Refresh && endpoint.reads(Field::AccessToken));
    match purpose {
        Use::Access if beside => access.max(refresh),
        Use::Access => access,
        Use::Refresh => refresh,
    }
}
