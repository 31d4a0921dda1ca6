//! `myna store …`: what concerns the store as a whole.

mod copy;

use clap::Subcommand;

/// Copy a whole store to another place
#[derive(Subcommand)]
pub(super) enum Store {
    Copy(copy::Copy),
}

impl Store {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Copy(copy) => copy.run().await,
        }
    }
}
