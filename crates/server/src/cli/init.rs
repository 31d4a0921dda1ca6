//! `myna init`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::say;
use crate::config::{FILE_NAME, init_file};

/// Write a commented myna.toml with every setting
#[derive(Args)]
pub(super) struct Init {
    /// Where to write it; `-` prints it
    #[arg(default_value = FILE_NAME)]
    file: PathBuf,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.file.as_os_str() == "-" {
            io::stdout().lock().write_all(init_file().as_bytes())?;
            return Ok(());
        }
        let mut options = OpenOptions::new();
        // A password may be written into it.
        options.write(true).mode(0o600);
        if self.force {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let path = self.file.display();
        let mut file = options.open(&self.file).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return anyhow::anyhow!("{path} is there already; --force overwrites it");
            }
            anyhow::Error::new(error).context(format!("cannot write {path}"))
        })?;
        file.write_all(init_file().as_bytes()).with_context(|| format!("cannot write {path}"))?;
        say(format!("wrote {path}: every setting with its default, commented out. Then: myna check, myna serve"))?;
        Ok(())
    }
}
