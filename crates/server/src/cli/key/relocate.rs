//! `myna key move`.

use anyhow::bail;
use clap::{Args, ValueEnum};
use myna_store::Opening;

use super::{Settings, counted, say};
use crate::keyring::Place;
use crate::start::open_store;

/// Where the keys are to be.
#[derive(Args)]
pub(in crate::cli) struct Move {
    /// Where they are to be
    #[arg(long, value_enum)]
    to: To,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Clone, Copy, ValueEnum)]
enum To {
    /// Into the database, encrypted with `key_encryption_key`
    Database,
    /// Into the folder `keys` of the data folder, unencrypted
    Folder,
}

impl Move {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        if config.key_encryption.is_none() {
            bail!(
                "set `key_encryption_key` first: it opens the keys in the database. To make one: openssl rand -hex 32"
            );
        }
        let store = open_store(&config, Opening::MustExist).await?;
        let Place::Database(vault) = Place::of(&config.data, config.key_encryption.as_ref(), &store).await? else {
            bail!("`key_encryption_key` is not set");
        };
        let folder = vault.folder().path().display().to_string();
        let (moved, what_next) = match self.to {
            To::Database => (
                vault.take_from_folder().await?,
                format!(
                    "the keys are in the database now. Start every node with `key_encryption_key`; nodes that run without it go on \
                     with {folder}, which can be deleted when none is left. Keep a backup of the key-encryption key: without it \
                     every session ends"
                ),
            ),
            To::Folder => (
                vault.give_to_folder().await?,
                format!(
                    "the keys are in {folder} now, and no more in the database. Give each node a copy, take `key_encryption_key` \
                     out of the configuration, and start the nodes again"
                ),
            ),
        };
        let root = if moved.root { "the root key" } else { "no root key (it was there)" };
        say(format!("moved {root} and {}", counted(moved.keys, "signing key")))?;
        say(what_next)?;
        Ok(())
    }
}
