//! `myna reload`.

use anyhow::bail;
use clap::Args;

use super::{Settings, Shown, in_color, say};
use crate::reload::{Drawn, ask_all};

/// Have the running server read its dialects again; faults leave it as it is
///
/// Of the configuration only [dialects] is read again. SIGHUP does the same, and answers in the log.
#[derive(Args)]
pub(super) struct Reload {
    #[command(flatten)]
    settings: Settings,
}

impl Reload {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let data = self.settings.data_folder()?;
        let none = || format!("no server runs on the data folder {} (--data, --config name another)", data.display());
        if !data.is_dir() {
            bail!(none());
        }
        let drawn = if in_color() { Drawn::Color } else { Drawn::Plain };
        let answers = ask_all(&data, drawn)?;
        if answers.is_empty() {
            bail!(none());
        }
        let mut refused = Vec::new();
        for answer in &answers {
            match &answer.said {
                Ok(said) if answers.len() == 1 => say(said)?,
                Ok(said) => say(format!("process {}: {said}", answer.pid))?,
                Err(why) if answers.len() == 1 => refused.push(why.clone()),
                Err(why) => refused.push(format!("process {}:\n{why}", answer.pid)),
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(Shown(refused.join("\n")))) }
    }
}
