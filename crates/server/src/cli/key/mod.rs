//! `myna key …`. Where the keys are, in a folder or in the database, is what the configuration says.

mod import;
mod relocate;
mod remove;
mod rotate;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use myna_dialect::Dialect;
use myna_dialect::diagnostic::did_you_mean;
use myna_store::Opening;
use std::sync::Arc;

use super::{Settings, counted, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::dialects;
use crate::keyring::{Need, Place};
use crate::start::open_store;

/// List, import, rotate, remove and move signing keys; works while the server runs
#[derive(Subcommand)]
pub(super) enum Key {
    /// List every key: whose it is, what it signs, from when on, its id and age
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Import a key that your clients already trust; it signs from then on, and older keys go on verifying
    Import(import::Import),
    /// Make a new key; it is shown to verifiers at once, and signs after `keys.lead`
    Rotate(rotate::Rotate),
    /// Remove a key that has signed nothing that is still good
    Remove(remove::Remove),
    /// Move all keys into the database, encrypted, or back into the folder
    Move(relocate::Move),
    /// Encrypt the keys in the database with the first key of `key_encryption_key`
    Reencrypt {
        #[command(flatten)]
        settings: Settings,
    },
}

impl Key {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { settings } => list(&settings).await,
            Self::Import(import) => import.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Move(r#move) => r#move.run().await,
            Self::Reencrypt { settings } => reencrypt(&settings).await,
        }
    }
}

async fn list(settings: &Settings) -> anyhow::Result<()> {
    let stock = place(&settings.load(&[])?).await?.load().await?;
    let now = Clock::default().now();
    say(format!(
        "{:<12} {:<8} {:<6} {:<9} {:<20} {:<20} KEY ID",
        "DIALECT", "USE", "ALG", "STATE", "MADE", "SIGNS FROM"
    ))?;
    for need in stock.needs() {
        let Need { dialect, purpose, algorithm } = &need;
        for (key, state) in stock.of(&need, now) {
            let (made, from) = (super::user::time(key.created_at), super::user::time(key.active_from));
            let (algorithm, state) = (algorithm.name(), state.name());
            say(format!("{dialect:<12} {purpose:<8} {algorithm:<6} {state:<9} {made:<20} {from:<20} {}", key.kid))?;
        }
    }
    Ok(())
}

async fn reencrypt(settings: &Settings) -> anyhow::Result<()> {
    let Place::Database(vault) = place(&settings.load(&[])?).await? else {
        bail!("the keys are in a folder, where nothing is encrypted: `key_encryption_key` is not set");
    };
    let done = vault.reencrypt().await?;
    say(format!(
        "{} encrypted with the key-encryption key {}, {} before; the key-encryption key before it can go from the configuration",
        counted(done.altered, "key"),
        done.with,
        done.all - done.altered,
    ))?;
    Ok(())
}

/// Where the keys are.
async fn place(config: &Config) -> anyhow::Result<Place> {
    let in_folder = config.key_encryption.is_none();
    let place = if in_folder && config.database.is_none() && !config.data.join("myna.db").exists() {
        Place::folder_of(&config.data)
    } else {
        let store = open_store(config, Opening::MustExist).await?;
        Place::of(&config.data, config.key_encryption.as_ref(), &store).await?
    };
    if let Place::Folder(folder) = &place
        && !folder.path().is_dir()
    {
        bail!(
            "there is no key folder {}; start the server once, or name the data folder with --data",
            folder.path().display()
        );
    }
    Ok(place)
}

/// The dialects that the configuration serves.
fn served(config: &Config) -> anyhow::Result<Vec<Arc<Dialect>>> {
    let found = dialects::enabled(&config.dialects)?;
    Ok(dialects::compile_all(&found, super::in_color())?)
}

/// The dialect of that name.
fn named<'a>(served: &'a [Arc<Dialect>], name: &str) -> anyhow::Result<&'a Arc<Dialect>> {
    served.iter().find(|dialect| dialect.name() == name).with_context(|| {
        let hint = did_you_mean(name, served.iter().map(|dialect| dialect.name()));
        format!("there is no dialect `{name}` here{}", hint.map(|hint| format!("; {hint}")).unwrap_or_default())
    })
}
