//! The keys that are in use, and where they come from: a folder, or the database of several nodes. What is missing is made
//! at the first start or by [`Keyring::adopt`]; what an operator or another node makes meanwhile is found by
//! [`Keyring::look`]. A new key is shown and verifies at once, and signs when its time has come (MN-03).

mod error;
mod folder;
mod new;
mod place;
mod stock;
mod vault;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use myna_core::time::Timestamp;
use myna_dialect::Dialect;
use myna_tokens::access::AccessKey;
use myna_tokens::crypto::derive;
use myna_tokens::refresh::RefreshKey;
use myna_tokens::{Algorithm, KeyRing, jwks};
use tokio::sync::Mutex;

pub(crate) use error::KeyringError;
pub(crate) use new::NewKey;
pub(crate) use place::Place;
pub(crate) use stock::{KeptKey, State, Stock};

use crate::config::Keys;
use new::complete;
use place::Mark;
use stock::Rings;

/// A key folder is looked at this often at least: that costs nothing.
const FOLDER_POLL: Duration = Duration::from_secs(2);
/// A key may sign by so much later than its time.
const MOMENT: Duration = Duration::from_millis(20);
/// Tokens that no key of ours has made cost one look in this time, however many there are (JT-05).
const UNKNOWN_EVERY: Duration = Duration::from_secs(1);
/// Whoever asks for the JWKS waits so long for a node that has to look first.
const JWKS_PATIENCE: Duration = Duration::from_secs(1);
/// So long others may keep what `/.well-known/jwks.json` says, at most.
const JWKS_AGE_MAX: Duration = Duration::from_secs(300);

/// What a key signs. Keys are never shared between uses (KY-05).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Use {
    /// Access tokens.
    Access,
    /// Refresh tokens that are written as JWTs.
    Refresh,
}

impl Use {
    /// The name in file names and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    /// Reads what [`name`](Self::name) writes.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Access, Self::Refresh].into_iter().find(|each| each.name() == name)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a dialect needs a key for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Need {
    /// The dialect's name.
    pub(crate) dialect: String,
    /// For which tokens.
    pub(crate) purpose: Use,
    /// The algorithm that the dialect file states.
    pub(crate) algorithm: Algorithm,
}

/// Every key that `dialect` needs.
pub(crate) fn needs(dialect: &Dialect) -> Vec<Need> {
    let need = |purpose, name: &str| {
        let algorithm = name.parse().ok()?;
        Some(Need { dialect: dialect.name().to_owned(), purpose, algorithm })
    };
    let access = dialect.access().and_then(|profile| need(Use::Access, profile.algorithm()?));
    let refresh = dialect.refresh().and_then(|profile| need(Use::Refresh, profile.algorithm()?));
    access.into_iter().chain(refresh).collect()
}

/// The keys in use at one moment.
struct InUse {
    /// What the dialects need that are served now.
    served: Vec<Need>,
    stock: Arc<Stock>,
    /// Also for every need that was served before: a request that is in flight while the dialects are replaced signs and
    /// verifies with its own dialect's keys.
    rings: Rings,
    /// The present for which they were chosen.
    at: Timestamp,
}

/// What was seen at the last look.
struct Seen {
    mark: Mark,
    /// When that was.
    at: Timestamp,
    /// When a token that no key of ours has made was the reason for one.
    unknown_at: Option<Timestamp>,
}

/// All keys of the server.
pub(crate) struct Keyring {
    place: Place,
    pace: Keys,
    in_use: ArcSwap<InUse>,
    /// Held by whoever replaces what is in use, so that no replacement is lost.
    seen: Mutex<Seen>,
    access: AccessKey,
    refresh: RefreshKey,
    reset: RefreshKey,
}

impl Keyring {
    /// Reads the keys and makes what is missing.
    ///
    /// # Errors
    /// [`KeyringError`]; nothing is overwritten.
    pub(crate) async fn open(place: Place, pace: Keys, needs: Vec<Need>, now: Timestamp) -> Result<Self, KeyringError> {
        place.prepare()?;
        let (stock, mark) = complete(&place, &needs, now).await?;
        let root = stock.root.clone().ok_or_else(|| place.no_root())?;
        let rings = stock.rings(&needs, now)?;
        Ok(Self {
            place,
            pace,
            in_use: ArcSwap::from_pointee(InUse { served: needs, stock: Arc::new(stock), rings, at: now }),
            seen: Mutex::new(Seen { mark, at: now, unknown_at: None }),
            access: AccessKey::from_bytes(&derive(&root, "access tokens")),
            refresh: RefreshKey::from_bytes(&derive(&root, "refresh tokens")),
            reset: RefreshKey::from_bytes(&derive(&root, "reset tokens")),
        })
    }

    /// Takes up what has come or gone, and the keys whose time to sign has come. Whether anything has changed. On a fault
    /// the keys in use stay.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub(crate) async fn look(&self, now: Timestamp) -> Result<bool, KeyringError> {
        let mut seen = self.seen.lock().await;
        self.look_and_see(&mut seen, now).await
    }

    async fn look_and_see(&self, seen: &mut Seen, now: Timestamp) -> Result<bool, KeyringError> {
        let in_use = self.in_use.load_full();
        let changed = self.place.load_changed(&seen.mark).await?;
        seen.at = now;
        match changed {
            Some((stock, mark)) => {
                if stock.root.is_none() {
                    return Err(self.place.no_root());
                }
                self.replace(in_use.served.clone(), Arc::new(stock), now)?;
                seen.mark = mark;
                Ok(true)
            }
            None if in_use.stock.next_turn(in_use.at).is_some_and(|turn| turn <= now) => {
                self.replace(in_use.served.clone(), Arc::clone(&in_use.stock), now)?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// A token came that none of our keys has made: perhaps another node has a key that we do not know yet. However many
    /// such tokens come, one look in a while is all they cost.
    pub(crate) async fn look_for_unknown(&self, now: Timestamp) {
        let mut seen = self.seen.lock().await;
        // Whoever waited for the lock has what the one before has found.
        if seen.unknown_at.is_some_and(|at| now.apart(at) < UNKNOWN_EVERY) {
            return;
        }
        self.look_at_last(&mut seen, now).await;
    }

    async fn look_at_last(&self, seen: &mut Seen, now: Timestamp) {
        seen.unknown_at = Some(now);
        if let Err(error) = self.look_and_see(seen, now).await {
            tracing::debug!(%error, "cannot look for a key that is not known");
        }
    }

    /// How long to wait for the next look: never beyond the time when a key begins to sign.
    pub(crate) fn next_look(&self, now: Timestamp) -> Duration {
        let every = match self.place {
            Place::Folder(_) => self.pace.poll.min(FOLDER_POLL),
            Place::Database(_) => self.pace.poll,
        };
        let in_use = self.in_use.load();
        in_use.stock.next_turn(in_use.at).map_or(every, |turn| turn.since(now).max(MOMENT).min(every))
    }

    /// Makes what is missing for dialects that are about to be served. The keys of those served so far stay in use.
    ///
    /// # Errors
    /// [`KeyringError`]; the keys in use stay as they were.
    pub(crate) async fn adopt(&self, needs: Vec<Need>, now: Timestamp) -> Result<(), KeyringError> {
        let mut seen = self.seen.lock().await;
        let (stock, mark) = complete(&self.place, &needs, now).await?;
        self.replace(needs, Arc::new(stock), now)?;
        seen.mark = mark;
        Ok(())
    }

    fn replace(&self, served: Vec<Need>, stock: Arc<Stock>, now: Timestamp) -> Result<(), KeyringError> {
        let before = self.in_use.load_full();
        let mut known: Vec<Need> = before.rings.keys().cloned().collect();
        known.extend(served.iter().filter(|need| !before.rings.contains_key(need)).cloned());
        // A clock that was set back takes no key its turn.
        let at = now.max(before.at);
        let rings = stock.rings(&known, at)?;
        self.in_use.store(Arc::new(InUse { served, stock, rings, at }));
        Ok(())
    }

    /// For people: where the keys are.
    pub(crate) fn shown_place(&self) -> String {
        self.place.shown()
    }

    /// The keys of a dialect for one use and the algorithm that its file states.
    pub(crate) fn ring(&self, dialect: &str, purpose: Use, algorithm: &str) -> Option<Arc<KeyRing>> {
        // A look-up by an owned name would cost an allocation; a handful of rings is scanned as fast.
        let in_use = self.in_use.load();
        let is_it =
            |need: &Need| need.purpose == purpose && need.dialect == dialect && need.algorithm.name() == algorithm;
        in_use.rings.iter().find(|(need, _)| is_it(need)).map(|(_, ring)| Arc::clone(ring))
    }

    /// The key of opaque access tokens.
    pub(crate) const fn access(&self) -> &AccessKey {
        &self.access
    }

    /// The key of refresh tokens.
    pub(crate) const fn refresh(&self) -> &RefreshKey {
        &self.refresh
    }

    /// The key of reset links.
    pub(crate) const fn reset(&self) -> &RefreshKey {
        &self.reset
    }

    /// The public keys of access tokens as a JWKS (RFC 7517 §5). A node that has slept through its looks makes one first, or
    /// others would keep what it says beyond the time when a new key signs.
    pub(crate) async fn jwks(&self, now: Timestamp) -> String {
        let looked = tokio::time::timeout(JWKS_PATIENCE, async {
            let mut seen = self.seen.lock().await;
            let is_late = now.apart(seen.at) > self.pace.poll * 2;
            let is_new = seen.unknown_at.is_none_or(|at| now.apart(at) >= UNKNOWN_EVERY);
            if is_late && is_new {
                self.look_at_last(&mut seen, now).await;
            }
        });
        if looked.await.is_err() {
            tracing::debug!("the keys cannot be looked at in time; what was known of them is shown");
        }
        let in_use = self.in_use.load();
        let mut access: Vec<_> = in_use.served.iter().filter(|need| need.purpose == Use::Access).collect();
        access.sort_by(|one, other| one.dialect.cmp(&other.dialect));
        jwks(access.iter().filter_map(|need| in_use.rings.get(need)).flat_map(|ring| ring.keys()))
    }

    /// How long others may keep the JWKS: with it, and with the nodes' own looks, every verifier has a new key before it signs.
    pub(crate) fn jwks_age_max(&self) -> Duration {
        (self.pace.lead.saturating_sub(self.pace.poll * 2) / 2).min(JWKS_AGE_MAX)
    }
}
