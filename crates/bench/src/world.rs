//! Data folders with users in them, made through the store: no password is hashed but one, which all of them share.

use std::path::Path;

use anyhow::Context as _;
use myna_core::id::UserId;
use myna_core::ops::admin_user;
use myna_core::secret::Secret;
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_passwords::{Argon2Params, Backend, Hasher};
use myna_store::{OnConflict, Opening, Store};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What a hash costs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// In MiB.
    pub(crate) memory_mib: u32,
    /// Over the memory.
    pub(crate) passes: u32,
}

impl Cost {
    /// What the server does by default.
    pub(crate) const DEFAULT: Self = Self { memory_mib: 19, passes: 2 };
    /// OWASP's choice for one pass.
    pub(crate) const ONE_PASS: Self = Self { memory_mib: 46, passes: 1 };

    /// The same for the hasher.
    ///
    /// # Errors
    /// When it is below the floor.
    pub(crate) fn params(self) -> anyhow::Result<Argon2Params> {
        Ok(Argon2Params::new(self.memory_mib * 1024, self.passes, 1)?)
    }
}

/// The address of a user.
pub(crate) fn email(user: u64) -> String {
    format!("user{user}@example.com")
}

/// The stored form of [`PASSWORD`].
///
/// # Errors
/// When it cannot be hashed.
pub(crate) fn hash(cost: Cost) -> anyhow::Result<String> {
    let hash = Hasher::new(Backend::Fast).hash(PASSWORD.as_bytes(), b"a salt for bench", &cost.params()?)?;
    Ok(hash.stored_text().to_owned())
}

/// Makes users `1..=users` in `folder`.
///
/// # Errors
/// When the store cannot.
pub(crate) async fn populate(folder: &Path, users: i64, cost: Cost) -> anyhow::Result<()> {
    let hash = hash(cost)?;
    let now = Timestamp(now()?);
    let store = Store::open(folder, Opening::Create)?;
    let mut bulk = store.bulk()?;
    let mut ids = 1..=users;
    loop {
        let insert = |id: i64| {
            let user = User { email: Some(email(id.unsigned_abs())), ..User::blank(UserId(id), now) };
            admin_user::decide_add(user, Vec::new(), Some(Secret::new(hash.clone())), now).changes
        };
        let lists: Vec<_> = ids.by_ref().take(bulk.room()).map(insert).collect();
        if lists.is_empty() {
            return Ok(bulk.finish().await?);
        }
        for answer in bulk.commit(lists, OnConflict::Stop).await? {
            answer.map_err(|conflict| anyhow::anyhow!("cannot make users: {conflict:?}"))?;
        }
    }
}

/// Microseconds since 1970.
///
/// # Errors
/// When the clock is wrong by centuries.
pub(crate) fn now() -> anyhow::Result<i64> {
    i64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).context("the clock")
}

/// Copies a data folder whose database nobody has open.
///
/// # Errors
/// Those of the system.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
