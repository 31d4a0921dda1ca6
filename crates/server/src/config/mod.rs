//! The configuration: read once at start from `myna.toml`, the environment and the command line, proven, and handed out
//! by value, each module its own section. The environment is read here and nowhere else; there is no global. Which
//! settings there are is the table [`SETTINGS`]; what they mean together is checked in `build`.

mod build;
mod faults;
mod file;
mod init;
mod layers;
mod settings;
mod typed;
mod types;
mod units;
mod value;
mod words;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use myna_core::secret::Secret;
use tracing_subscriber::filter::Targets;

pub(crate) use faults::ConfigFaults;
pub(crate) use init::init_file;

pub(crate) use types::{KeyEncryption, Link, Network, hex_key};

pub(crate) use units::show_duration as shown;

use layers::Layers;

/// The file that is read when none is named and it exists.
pub(crate) const FILE_NAME: &str = "myna.toml";

/// Everything an operator decided, proven.
pub(crate) struct Config {
    /// Folder of the embedded database, the keys and the self-signed certificate.
    pub(crate) data: PathBuf,
    /// The address of a PostgreSQL database; `None`: the embedded one in the data folder.
    pub(crate) database: Option<Secret<String>>,
    /// What our own keys are encrypted with in the database; `None`: they are in a folder.
    pub(crate) key_encryption: Option<KeyEncryption>,
    /// How new keys are taken up.
    pub(crate) keys: Keys,
    /// Whether every change is refused.
    pub(crate) read_only: bool,
    /// Which dialects are served.
    pub(crate) dialects: Dialects,
    /// Whether the documentation of the dialects is served.
    pub(crate) docs: bool,
    /// The plain listeners, and the limits of all.
    pub(crate) http: Http,
    /// The TLS listeners; `None` without any.
    pub(crate) https: Option<Https>,
    /// How passwords are hashed and what they must be.
    pub(crate) password: Password,
    /// Password reset.
    pub(crate) reset: Reset,
    /// The mail server; `None`: mails go to `mail_folder`.
    pub(crate) smtp: Option<Smtp>,
    /// Where mails are written as files.
    pub(crate) mail_folder: PathBuf,
    /// Logging.
    pub(crate) log: Log,
    /// Sessions.
    pub(crate) session: Session,
}

/// Which dialects are served.
#[derive(Clone)]
pub(crate) struct Dialects {
    /// Their names; `None`: every built-in one.
    pub(crate) enabled: Option<Vec<String>>,
    /// Folder of the operator's own dialects, each in `NAME/dialect.toml`.
    pub(crate) folder: Option<PathBuf>,
}

/// How new keys are taken up.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    /// How often a node looks for new ones.
    pub(crate) poll: Duration,
    /// How long a new one waits before it signs.
    pub(crate) lead: Duration,
}

/// The plain listeners, and the limits of all listeners.
#[derive(Clone)]
pub(crate) struct Http {
    /// Where plain HTTP is served; may be empty when there is HTTPS.
    pub(crate) listen: Vec<SocketAddr>,
    /// Whose `X-Forwarded-For` is believed (TH-06).
    pub(crate) trusted_proxies: Vec<Network>,
    /// Origins as browsers send them; empty: CORS is off.
    pub(crate) cors_origins: Vec<String>,
    /// For the head of a request to arrive (TH-12).
    pub(crate) header_timeout: Duration,
    /// For its body to arrive (TH-12).
    pub(crate) body_timeout: Duration,
    /// For its answer (TH-13).
    pub(crate) request_timeout: Duration,
    /// For a connection without requests.
    pub(crate) idle_timeout: Duration,
    /// For a TLS handshake.
    pub(crate) tls_timeout: Duration,
    /// Largest body, in bytes.
    pub(crate) body_bytes_max: usize,
    /// Largest head, in bytes.
    pub(crate) header_bytes_max: usize,
    /// Connections open at once, all listeners together.
    pub(crate) connections_max: usize,
    /// For requests in flight when the server stops.
    pub(crate) shutdown_timeout: Duration,
}

/// The TLS listeners.
#[derive(Clone)]
pub(crate) struct Https {
    /// Where HTTPS is served; at least one.
    pub(crate) listen: Vec<SocketAddr>,
    /// With which certificate.
    pub(crate) certificate: Certificate,
}

/// Where a certificate comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Certificate {
    /// PEM files: the chain and its private key.
    Files {
        /// The certificate and its chain.
        chain: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Made here, for development.
    SelfSigned,
}

/// How passwords are hashed and what they must be.
#[derive(Clone)]
pub(crate) struct Password {
    /// Argon2id: memory of one hash, in KiB.
    pub(crate) memory_kib: u32,
    /// Argon2id: passes.
    pub(crate) passes: u32,
    /// Argon2id: lanes.
    pub(crate) lanes: u32,
    /// Hashing threads; `None`: one for each core.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Hashes that may wait.
    pub(crate) queue_max: usize,
    /// How long a hash may wait.
    pub(crate) queue_timeout: Duration,
    /// Shortest new password, in characters.
    pub(crate) length_min: usize,
    /// An older password has to be changed; `None`: passwords do not age.
    pub(crate) age_max: Option<Duration>,
    /// Who computes Argon2id.
    pub(crate) backend: Backend,
}

/// Who computes Argon2id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Backend {
    /// The fast library.
    Fast,
    /// The longer-known one.
    Portable,
}

/// Password reset.
#[derive(Clone)]
pub(crate) struct Reset {
    /// What links in mails start with (RS-01); `None`: the mail holds the token alone.
    pub(crate) link_base: Option<Link>,
    /// How long a link works.
    pub(crate) lifetime: Duration,
}

/// The mail server.
#[derive(Clone)]
pub(crate) struct Smtp {
    /// Its name or address.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is encrypted.
    pub(crate) tls: SmtpTls,
    /// As whom we sign in there; `None`: not at all.
    pub(crate) user: Option<SmtpUser>,
    /// Sender of our mails.
    pub(crate) from: Mailbox,
    /// For one mail to be handed over.
    pub(crate) timeout: Duration,
}

/// As whom we sign in at the mail server.
#[derive(Clone)]
pub(crate) struct SmtpUser {
    /// The name there.
    pub(crate) name: String,
    /// The password there.
    pub(crate) password: Secret<String>,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SmtpTls {
    /// STARTTLS, required (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Not at all; only to this machine.
    None,
}

/// Logging.
#[derive(Clone)]
pub(crate) struct Log {
    /// How much, by target.
    pub(crate) levels: Targets,
    /// In which form.
    pub(crate) format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Sessions.
#[derive(Clone)]
pub(crate) struct Session {
    /// Live sessions of one user (RF-15).
    pub(crate) sessions_max: u32,
}

impl Config {
    /// Reads `file` (else [`FILE_NAME`] here, if it is there), then `variables` over it, then `overrides`, which are
    /// `(key, value)` from the command line. Lists in the last two are separated by commas.
    ///
    /// # Errors
    /// Every fault of every layer, at once.
    pub(crate) fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
        overrides: &[(&str, &str)],
    ) -> Result<Self, ConfigFaults> {
        let mut layers = Layers::defaults();
        let usual = Path::new(FILE_NAME);
        if let Some(path) = file.or_else(|| usual.exists().then_some(usual)) {
            file::add_path(&mut layers, path);
        }
        layers.add_variables(variables);
        layers.add_overrides(overrides);
        build::config(layers)
    }
}

/// The environment of this process, the one place where it is read. What is not UTF-8 has replacement characters, which
/// no setting takes.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
