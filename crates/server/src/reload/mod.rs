//! Replaces the dialects of the running server, all or none: on SIGHUP, and for `myna reload` through the control socket.
//! Of the configuration only `[dialects]` is read again.

mod socket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use myna_dialect::{Dialect, RefreshProfile};
use myna_tokens::crypto::digest;
use tokio::sync::watch;

pub(crate) use socket::{Control, ask_all};

use crate::config::{ConfigFaults, Dialects};
use crate::dialects::{self, DialectFaults, Found};
use crate::http::site::{RESERVED, Site};
use crate::keyring::{KeyringError, needs};

/// Reads `[dialects]` of the configuration again.
pub(crate) type Written = Box<dyn Fn() -> Result<Dialects, ConfigFaults> + Send + Sync>;

/// What SIGHUP means to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hangup {
    /// Read the dialects again.
    Reloads,
    /// The terminal is gone, and nobody wants the server any more.
    Ends,
}

/// Whether an answer is drawn in colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Drawn {
    /// For a file or a pipe.
    Plain,
    /// For a terminal.
    Color,
}

/// The text of each served dialect's file, by name, as a digest.
type Texts = BTreeMap<String, [u8; 32]>;

/// Replaces the dialects of one site.
pub(crate) struct Reload {
    site: Arc<Site>,
    written: Written,
    /// Held during a reload, so that there is one at a time.
    served: Mutex<Texts>,
}

/// Why the dialects stay as they are.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{drawn}")]
    Config { drawn: String, plain: String },
    #[error(transparent)]
    Dialects(#[from] DialectFaults),
    #[error("{0}")]
    Keys(#[from] KeyringError),
}

impl Reload {
    /// Reloads for `site`, which serves `found`.
    pub(crate) fn new(site: Arc<Site>, found: &[Found], written: Written) -> Self {
        Self { site, written, served: Mutex::new(texts(found)) }
    }

    /// Compiles what is written now and serves it from the next request on. Says what changed.
    ///
    /// # Errors
    /// Everything that is wrong; the dialects stay as they are then. Both are in the log already.
    pub(crate) async fn run(self: &Arc<Self>, drawn: Drawn) -> Result<String, String> {
        let reload = Arc::clone(self);
        // Files are read, and a new key may take a second.
        #[expect(clippy::disallowed_methods, reason = "asked for by the operator alone, and one at a time")]
        let replaced = tokio::task::spawn_blocking(move || reload.replace(drawn)).await;
        match replaced {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(refused)) => {
                refused.log();
                tracing::warn!("the dialects stay as they are");
                Err(format!("{}\nthe dialects stay as they are", refused.to_string().trim_end()))
            }
            Err(error) => {
                tracing::error!(%error, "the reload broke off; the dialects stay as they are");
                Err("the reload broke off; the log says more".to_owned())
            }
        }
    }

    fn replace(&self, drawn: Drawn) -> Result<String, Refused> {
        let color = drawn == Drawn::Color;
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let config = (self.written)()
            .map_err(|faults| Refused::Config { drawn: faults.render(color), plain: faults.render(false) })?;
        let found = dialects::enabled(&config)?;
        let router = dialects::route(dialects::compile_all(&found, color)?, &RESERVED)?;
        let before = self.site.dialects();
        let after: Vec<Arc<Dialect>> = router.dialects().cloned().collect();
        // The keys first: a request of a new dialect must find them.
        let needs = after.iter().flat_map(|dialect| needs(dialect)).collect();
        let app = &self.site.app;
        // This is a thread of its own, which may wait.
        tokio::runtime::Handle::current().block_on(app.keys.adopt(needs, app.clock.now()))?;
        self.site.replace(router);
        let texts = texts(&found);
        let said = compared(&served, &texts);
        *served = texts;
        tracing::info!(dialects = after.len(), changes = said, "dialects reloaded");
        dialects::warn(after.iter());
        let unread = unread_sessions(&before, &after);
        for name in &unread {
            tracing::warn!(dialect = name, "{UNREAD}");
        }
        let unread = unread.iter().map(|name| format!("\n{name}: {UNREAD}"));
        let count = after.len();
        let served = if count == 1 { "1 dialect is".to_owned() } else { format!("{count} dialects are") };
        Ok(format!("{served} served; {said}{}", unread.collect::<String>()))
    }
}

const UNREAD: &str = "its refresh tokens are written differently now; those in clients' hands are not read any more, and \
                      their users have to sign in again";

impl Refused {
    fn log(&self) {
        match self {
            Self::Config { drawn: _, plain } => {
                // A configuration's faults are drawn over several lines; a log line is one.
                for fault in plain.split("\n\n") {
                    tracing::error!(fault = fault.trim(), "the configuration cannot be read again");
                }
            }
            Self::Dialects(faults) => faults.log(),
            Self::Keys(error) => tracing::error!(%error, "the keys of the new dialects cannot be had"),
        }
    }
}

fn texts(found: &[Found]) -> Texts {
    found.iter().map(|found| (found.name.clone(), digest(found.source.text.as_bytes()))).collect()
}

/// "new: a; changed: b, c; gone: d".
fn compared(before: &Texts, after: &Texts) -> String {
    let names = |what: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
    let new = after.keys().filter(|name| !before.contains_key(*name)).map(String::as_str).collect();
    let changed = after.iter().filter(|(name, text)| before.get(*name).is_some_and(|other| other != *text));
    let changed = changed.map(|(name, _)| name.as_str()).collect();
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(String::as_str).collect();
    let parts: Vec<String> =
        [names("new", new), names("changed", changed), names("gone", gone)].into_iter().flatten().collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join("; ") }
}

/// The dialects whose refresh tokens are written in another way now. Access tokens may change as they like: a client whose
/// access token is refused refreshes, as it does when one has expired.
fn unread_sessions(before: &[Arc<Dialect>], after: &[Arc<Dialect>]) -> Vec<String> {
    let same = |old: &RefreshProfile, new: &RefreshProfile| match (old, new) {
        (RefreshProfile::Opaque(old), RefreshProfile::Opaque(new)) => {
            old.prefix() == new.prefix() && old.alphabet() == new.alphabet()
        }
        (RefreshProfile::Jwt(old), RefreshProfile::Jwt(new)) => old.algorithm() == new.algorithm(),
        (RefreshProfile::Opaque(_), RefreshProfile::Jwt(_)) | (RefreshProfile::Jwt(_), RefreshProfile::Opaque(_)) => {
            false
        }
    };
    let differs = |old: &Arc<Dialect>| {
        let new = after.iter().find(|new| new.name() == old.name())?;
        let unread = match (old.refresh(), new.refresh()) {
            (Some(old), Some(new)) => !same(old, new),
            (Some(_), None) => true,
            (None, _) => false,
        };
        unread.then(|| old.name().to_owned())
    };
    before.iter().filter_map(differs).collect()
}

/// Reloads when asked, until `stop` holds true.
pub(crate) async fn serve(
    reload: Arc<Reload>,
    control: Option<Control>,
    hangup: Hangup,
    mut stop: watch::Receiver<bool>,
) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signal = match hangup {
        Hangup::Ends => None,
        Hangup::Reloads => {
            signal(SignalKind::hangup()).inspect_err(|error| tracing::error!(%error, "cannot listen for SIGHUP")).ok()
        }
    };
    loop {
        let hung_up = async {
            match &mut signal {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            _ = hung_up => None,
            stream = socket::accept(control.as_ref()) => Some(stream),
        };
        match asked {
            Some(stream) => socket::converse(stream, &reload).await,
            None => drop(reload.run(Drawn::Plain).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said() {
        let texts = |pairs: &[(&str, u8)]| pairs.iter().map(|(name, byte)| ((*name).to_owned(), [*byte; 32])).collect();
        let before: Texts = texts(&[("a", 1), ("b", 1), ("c", 1)]);
        let table = [
            (texts(&[("a", 1), ("b", 1), ("c", 1)]), "nothing changed"),
            (texts(&[("a", 2), ("b", 1), ("d", 1), ("e", 1)]), "new: d, e; changed: a; gone: c"),
            (texts(&[]), "gone: a, b, c"),
        ];
        for (after, expected) in table {
            assert_eq!(compared(&before, &after), expected);
        }
    }
}
