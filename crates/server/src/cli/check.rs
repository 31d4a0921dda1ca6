//! `myna check`.

use clap::Args;

use super::{Settings, Shown, counted, in_color, say};
use crate::dialects;
use crate::http::site::RESERVED;

/// Look for every fault in the configuration and the dialects, without serving
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    settings: Settings,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let shown = |faults: dialects::DialectFaults| anyhow::anyhow!(Shown(faults.to_string()));
        let found = dialects::enabled(&config.dialects).map_err(shown)?;
        let compiled = dialects::compile_all(&found, in_color()).map_err(shown)?;
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        dialects::route(compiled, &RESERVED).map_err(shown)?;
        say(format!("no faults in the configuration and {}: {}", counted(names.len(), "dialect"), names.join(", ")))?;
        Ok(())
    }
}
