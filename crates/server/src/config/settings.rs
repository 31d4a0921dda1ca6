//! The one table of all settings: name, kind, default, meaning. The reader, the environment names, `myna init` and the
//! documentation are made from it. It holds no values and reads nothing.

use std::time::Duration;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// One thing an operator may decide.
pub(crate) struct Setting {
    /// `section.name` as in `myna.toml`; without a dot at the file's top.
    pub(crate) key: &'static str,
    /// What may be written.
    pub(crate) kind: Kind,
    /// What holds when nothing is written.
    pub(crate) preset: Preset,
    /// What it decides, for the operator.
    pub(crate) doc: &'static str,
}

/// What may be written as a value, and within which bounds (both inclusive).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Free text.
    Text,
    /// A file or folder.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number(u64, u64),
    /// A time span, written as "10s".
    Duration(Duration, Duration),
    /// Bytes, written as "16KiB".
    Size(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text nobody may see; may also come from the file that `<key>_file` names.
    Secret,
    /// Names the file of a [`Kind::Secret`]; never in the table itself.
    SecretFile,
    /// A host name or address without port.
    Host,
    /// An absolute http or https URL without query.
    Link,
    /// A mail address, with or without a name.
    Mailbox,
    /// Log levels: one for all, then some by target.
    Levels,
    /// A list of dialect names.
    Names,
    /// A list of `address:port`.
    Addresses,
    /// A list of addresses or CIDR blocks.
    Networks,
    /// A list of web origins.
    Origins,
}

/// What holds when nothing is written.
pub(crate) enum Preset {
    /// This value, as TOML.
    Default(&'static str),
    /// Nothing, or what the meaning says; with an example, as TOML.
    Unset(&'static str),
}

use Preset::{Default, Unset};

const fn setting(key: &'static str, kind: Kind, preset: Preset, doc: &'static str) -> Setting {
    Setting { key, kind, preset, doc }
}

const TIMEOUT: Kind = Kind::Duration(Duration::from_millis(10), Duration::from_hours(1));
const DAYS: Kind = Kind::Duration(Duration::from_hours(24), Duration::from_hours(24 * 3650));

/// Every setting; those of a section stand together.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "data",
        Kind::Path,
        Default(r#""./myna-data""#),
        "Folder of the embedded database, the keys and the self-signed certificate. Made at first start, readable by its owner only.",
    ),
    setting(
        "database",
        Kind::Secret,
        Unset(r#""postgres://myna:password@db.example.com/myna""#),
        "Address of a PostgreSQL database, for several nodes at once. Unset: an embedded database in the data folder.",
    ),
    setting(
        "key_encryption_key",
        Kind::Secret,
        Unset(r#""0000000000000000000000000000000000000000000000000000000000000000""#),
        "Keeps Myna's own keys in the database, encrypted with this key (openssl rand -hex 32): every node has them then. While it is changed: the new one and the old one, with a comma between. Unset: the keys are in the folder `keys` of the data folder.",
    ),
    setting(
        "read_only",
        Kind::Flag,
        Default("false"),
        "Refuse every change with 503 while the store is copied; what only reads goes on.",
    ),
    setting(
        "dialects.enabled",
        Kind::Names,
        Unset(r#"["my-api"]"#),
        "The dialects (login APIs) to serve. Unset: every built-in one, and your own.",
    ),
    setting(
        "dialects.folder",
        Kind::Path,
        Unset(r#""./dialects""#),
        "Folder with your own dialects, each in NAME/dialect.toml.",
    ),
    setting(
        "docs.enabled",
        Kind::Flag,
        Default("false"),
        "Serve the documentation of the APIs: a page at /docs in which requests can be tried, and an OpenAPI document of each dialect at /openapi/NAME.json.",
    ),
    setting(
        "http.listen",
        Kind::Addresses,
        Default(r#"["127.0.0.1:8080"]"#),
        "Where plain HTTP is served. Passwords travel unencrypted: keep it on this machine, behind a proxy that does TLS. [] for none.",
    ),
    setting(
        "http.trusted_proxies",
        Kind::Networks,
        Default("[]"),
        "Proxies whose X-Forwarded-For is believed. From anybody else the header is ignored.",
    ),
    setting(
        "http.cors_origins",
        Kind::Origins,
        Default("[]"),
        "Web pages of these origins may call the APIs from a browser. [] switches CORS off.",
    ),
    setting(
        "http.header_timeout",
        TIMEOUT,
        Default(r#""10s""#),
        "A request's head must have arrived within this time.",
    ),
    setting("http.body_timeout", TIMEOUT, Default(r#""10s""#), "A request's body must have arrived within this time."),
    setting(
        "http.request_timeout",
        TIMEOUT,
        Default(r#""10s""#),
        "A request must have been answered within this time.",
    ),
    setting(
        "http.idle_timeout",
        TIMEOUT,
        Default(r#""60s""#),
        "A connection without requests is closed after this time.",
    ),
    setting("http.tls_timeout", TIMEOUT, Default(r#""10s""#), "A TLS handshake must be complete within this time."),
    setting("http.body_limit", Kind::Size(KIB, MIB), Default(r#""16KiB""#), "Larger request bodies are refused."),
    setting("http.header_limit", Kind::Size(8 * KIB, MIB), Default(r#""16KiB""#), "Larger request heads are refused."),
    setting(
        "http.max_connections",
        Kind::Number(1, 1_000_000),
        Default("10000"),
        "Connections open at once, all listeners together.",
    ),
    setting(
        "http.shutdown_timeout",
        TIMEOUT,
        Default(r#""30s""#),
        "When the server is asked to stop, requests in flight get this time to finish.",
    ),
    setting("https.listen", Kind::Addresses, Default("[]"), "Where HTTPS is served, for example [\"0.0.0.0:8443\"]."),
    setting(
        "https.certificate",
        Kind::Path,
        Unset(r#""/etc/myna/tls/fullchain.pem""#),
        "PEM file: the certificate and its chain. Goes with https.key.",
    ),
    setting("https.key", Kind::Path, Unset(r#""/etc/myna/tls/key.pem""#), "PEM file: the certificate's private key."),
    setting(
        "https.self_signed",
        Kind::Flag,
        Default("false"),
        "For development: serve HTTPS with a certificate made here that no client trusts. Only without https.certificate.",
    ),
    setting(
        "keys.poll",
        Kind::Duration(Duration::from_millis(100), Duration::from_secs(30)),
        Default(r#""10s""#),
        "How often a node looks for keys that another node or a command has made.",
    ),
    setting(
        "keys.lead",
        Kind::Duration(Duration::from_millis(200), Duration::from_hours(24 * 30)),
        Default(r#""15m""#),
        "A new key of `myna key rotate` is shown in /.well-known/jwks.json at once and signs after this time, when every node and every verifier has it. At least twice keys.poll.",
    ),
    setting(
        "password.memory",
        Kind::Size(7 * MIB, 256 * MIB),
        Default(r#""19MiB""#),
        "Argon2id: memory of one hash, in whole KiB. Each hashing thread keeps as much.",
    ),
    setting("password.passes", Kind::Number(1, 16), Default("2"), "Argon2id: passes over the memory."),
    setting("password.lanes", Kind::Number(1, 8), Default("1"), "Argon2id: lanes."),
    setting("password.threads", Kind::Number(0, 1024), Default("0"), "Threads that hash. 0: one for each core."),
    setting(
        "password.queue",
        Kind::Number(1, 100_000),
        Default("64"),
        "Hashes that may wait for a thread. When there are more, the request is told to come back later.",
    ),
    setting("password.queue_timeout", TIMEOUT, Default(r#""2s""#), "A hash waits so long at most."),
    setting("password.min_length", Kind::Number(8, 64), Default("15"), "Shortest new password, in characters."),
    setting(
        "password.max_age",
        DAYS,
        Unset(r#""365d""#),
        "A password older than this has to be changed. Unset: passwords do not age.",
    ),
    setting(
        "password.backend",
        Kind::Choice(&["fast", "portable"]),
        Default(r#""fast""#),
        "Who computes Argon2id. The results are the same; `portable` is the slower, longer-known library.",
    ),
    setting(
        "reset.link_base",
        Kind::Link,
        Unset(r#""https://app.example.com/reset""#),
        "The page of your app that resets a password. Reset mails link to it with ?token=…&email=… added. Needed with smtp.host; mails that are written to a folder hold the token alone without it.",
    ),
    setting(
        "reset.lifetime",
        Kind::Duration(Duration::from_mins(1), Duration::from_hours(24)),
        Default(r#""30m""#),
        "How long the link of a reset mail works.",
    ),
    setting(
        "smtp.host",
        Kind::Host,
        Unset(r#""smtp.example.com""#),
        "The mail server that takes our mails. Unset: mails are written to mail.folder.",
    ),
    setting(
        "smtp.port",
        Kind::Number(1, 65_535),
        Unset("587"),
        "Its port. Unset: 587 for starttls, 465 for tls, 25 for none.",
    ),
    setting(
        "smtp.tls",
        Kind::Choice(&["starttls", "tls", "none"]),
        Default(r#""starttls""#),
        "How the connection is encrypted. `none` only for a mail server on this machine.",
    ),
    setting("smtp.user", Kind::Text, Unset(r#""myna""#), "User name at the mail server. Goes with smtp.password."),
    setting("smtp.password", Kind::Secret, Unset(r#""the password""#), "Password at the mail server."),
    setting(
        "smtp.from",
        Kind::Mailbox,
        Unset(r#""Example <no-reply@example.com>""#),
        "Sender of our mails. Goes with smtp.host.",
    ),
    setting(
        "smtp.timeout",
        TIMEOUT,
        Default(r#""30s""#),
        "A mail must have been handed over within this time; else it is tried again later.",
    ),
    setting(
        "mail.folder",
        Kind::Path,
        Unset(r#""./myna-data/mail""#),
        "Without smtp.host: mails are written here as .eml files. Unset: the folder `mail` in the data folder.",
    ),
    setting(
        "log.level",
        Kind::Levels,
        Default(r#""info""#),
        "How much is logged: off, error, warn, info, debug or trace; by target too, as in \"info,hyper=warn\".",
    ),
    setting(
        "log.format",
        Kind::Choice(&["text", "json"]),
        Default(r#""text""#),
        "Lines for people or lines for machines.",
    ),
    setting(
        "session.cap",
        Kind::Number(1, 10_000),
        Default("50"),
        "Live sessions of one user. The longest unused one ends when there would be more.",
    ),
];

impl Setting {
    /// The environment variable of this setting: `MYNA_` and the key in capitals.
    pub(crate) fn variable(&self) -> String {
        variable(self.key)
    }

    /// For a secret: the key and the variable that name a file with it.
    pub(crate) fn file_form(&self) -> Option<(String, String)> {
        let key = format!("{}_file", self.key);
        (self.kind == Kind::Secret).then(|| (key.clone(), variable(&key)))
    }

    /// The section of `myna.toml`; empty for the file's top.
    pub(crate) fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The name within its section.
    pub(crate) fn name(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, name)| name)
    }
}

/// The setting of this key and the kind its value has there: `<secret>_file` names a file, not the secret.
pub(super) fn find(key: &str) -> Option<(&'static Setting, Kind)> {
    let direct = SETTINGS.iter().find(|setting| setting.key == key).map(|setting| (setting, setting.kind));
    direct.or_else(|| {
        let (secret, Kind::Secret) = find(key.strip_suffix("_file")?)? else {
            return None;
        };
        Some((secret, Kind::SecretFile))
    })
}

/// Every key that may be written, the `_file` forms included.
pub(super) fn keys() -> impl Iterator<Item = String> {
    let direct = SETTINGS.iter().map(|setting| setting.key.to_owned());
    direct.chain(SETTINGS.iter().filter_map(|setting| setting.file_form().map(|(key, _)| key)))
}

/// `http.listen` → `MYNA_HTTP_LISTEN`.
pub(super) fn variable(key: &str) -> String {
    format!("MYNA_{}", key.replace('.', "_").to_uppercase())
}
