//! `myna check`.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;
use myna_store::Store;

use super::{Settings, Shown, counted, in_color, patroni, say, warn};
use crate::dialects;
use crate::http::site::RESERVED;

/// Look for every fault in the configuration, the dialects and the database, without serving
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    settings: Settings,
}

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let shown = |faults: dialects::DialectFaults| anyhow::anyhow!(Shown(faults.to_string()));
        let found = dialects::enabled(&config.dialects).map_err(shown)?;
        let compiled = dialects::compile_all(&found, in_color()).map_err(shown)?;
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        dialects::route(compiled, &RESERVED).map_err(shown)?;
        if let Some(address) = &config.database {
            let hosts = Store::hosts(address.expose()).context("`database`")?;
            for warning in patroni::warnings(hosts).await {
                warn(warning);
            }
        }
        say(format!("no faults in the configuration and {}: {}", counted(names.len(), "dialect"), names.join(", ")))?;
        match config.database {
            None => database(&config.data),
            // Its own server looks after its pages.
            Some(_) => Ok(()),
        }
    }
}

/// Reads every page; the server may go on meanwhile. No database is no fault: the first start makes one.
fn database(data: &Path) -> anyhow::Result<()> {
    match Store::examine(data).with_context(|| format!("cannot check the data folder {}", data.display()))? {
        None => Ok(()),
        Some(wrong) if wrong.is_empty() => Ok(say(format!("no faults in the database of {}", data.display()))?),
        Some(wrong) => bail!("the database of {} is damaged:\n  {}", data.display(), wrong.join("\n  ")),
    }
}
