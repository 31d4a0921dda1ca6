//! Where the database is: `postgres://user:password@host:5432,host:5432/name?sslmode=…`, as libpq reads it (PostgreSQL
//! documentation, "Connection URIs"), with two differences: a connection that is encrypted is verified, too, and one to
//! another machine is encrypted unless the address says `sslmode=disable`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::OpenError;

/// How long one host may take to answer a new connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the network may keep bytes that nobody confirms (RFC 5482).
const UNCONFIRMED_MAX: Duration = Duration::from_secs(8);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 16;
const CONNECTIONS_MAX: usize = 1000;

/// What an operator wrote, proven.
pub(crate) struct Address {
    /// One for each host.
    pub(super) hosts: Vec<tokio_postgres::Config>,
    /// How encrypted connections are verified; `None`: they are not encrypted.
    pub(super) tls: Option<Roots>,
    /// The most connections that are open at once.
    pub(super) connections: usize,
}

/// Whose word counts about the server's certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Roots {
    /// The system's authorities.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

// The password must not be seen.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown())
    }
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`OpenError::Address`], which holds nothing of a password.
    pub(crate) fn parse(text: &str) -> Result<Self, OpenError> {
        let wrong = |problem: String| OpenError::Address { problem };
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(wrong("it begins with neither `postgres://` nor `postgresql://`".to_owned()));
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut kept, mut sslmode, mut root, mut connections) = (Vec::new(), None, None, CONNECTIONS);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value_text = || percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => sslmode = Some(value_text()),
                "sslrootcert" => root = Some(PathBuf::from(value_text())),
                "connections" => {
                    let number = value.parse().ok().filter(|number| (2..=CONNECTIONS_MAX).contains(number));
                    let message = || wrong(format!("`connections` is a number from 2 to {CONNECTIONS_MAX}"));
                    connections = number.ok_or_else(message)?;
                }
                _ => kept.push(pair),
            }
        }
        let whole: tokio_postgres::Config = format!("{base}?{}", kept.join("&"))
            .parse()
            .map_err(|error: tokio_postgres::Error| wrong(super::connection::told(&error)))?;
        if whole.get_hosts().is_empty() {
            return Err(wrong("it names no host".to_owned()));
        }
        if whole.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("it names no database: `postgres://user@host/NAME`".to_owned()));
        }
        let local = whole.get_hosts().iter().all(is_local);
        let encrypt = match sslmode.as_deref() {
            None => !local,
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(other) => {
                let known = "`disable`, `require`, `verify-full`; an encrypted connection is always verified";
                return Err(wrong(format!("`sslmode={other}` is none of {known}")));
            }
        };
        let roots = root.map_or(Roots::System, Roots::File);
        Ok(Self { hosts: each_host(&whole, encrypt), tls: encrypt.then_some(roots), connections })
    }

    /// The hosts and the database, for messages: never the password.
    pub(crate) fn shown(&self) -> String {
        let database = self.hosts.first().and_then(tokio_postgres::Config::get_dbname).unwrap_or_default();
        let hosts: Vec<String> = self.hosts.iter().map(shown_host).collect();
        format!("{}/{database}", hosts.join(","))
    }

    /// The names of its machines; a socket has none.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.hosts.iter().flat_map(tokio_postgres::Config::get_hosts).filter_map(|host| match host {
            Host::Tcp(name) => Some(name.clone()),
            #[cfg(unix)]
            Host::Unix(_) => None,
        });
        names.collect()
    }

    /// Who signs in there.
    pub(super) fn user(&self) -> &str {
        self.hosts.first().and_then(tokio_postgres::Config::get_user).unwrap_or_default()
    }

    /// Which database.
    pub(super) fn database(&self) -> &str {
        self.hosts.first().and_then(tokio_postgres::Config::get_dbname).unwrap_or_default()
    }
}

/// `host:port`.
pub(super) fn shown_host(config: &tokio_postgres::Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    }
}

/// A configuration for each host: which of them is taken is decided after all have been asked.
fn each_host(whole: &tokio_postgres::Config, encrypt: bool) -> Vec<tokio_postgres::Config> {
    let ports = whole.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let one = |(at, host): (usize, &Host)| {
        let mut config = tokio_postgres::Config::new();
        match host {
            Host::Tcp(name) => config.host(name),
            #[cfg(unix)]
            Host::Unix(path) => config.host_path(path),
        };
        config.port(port(at)).dbname(whole.get_dbname().unwrap_or_default());
        if let Some(user) = whole.get_user() {
            config.user(user);
        }
        if let Some(password) = whole.get_password() {
            config.password(password);
        }
        if let Some(options) = whole.get_options() {
            config.options(options);
        }
        config
            .application_name(whole.get_application_name().unwrap_or("myna"))
            .ssl_mode(if encrypt { SslMode::Require } else { SslMode::Disable })
            // Asked by ourselves, together with what tells a live primary from one that was replaced.
            .target_session_attrs(TargetSessionAttrs::Any)
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .tcp_user_timeout(UNCONFIRMED_MAX);
        config
    };
    whole.get_hosts().iter().enumerate().map(one).collect()
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.starts_with("127.") || name == "::1",
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn hosts_ports_and_encryption_are_read() {
        let address = parsed("postgres://ada:s3cret@db1:6000,db2:6001/myna?connections=40&sslrootcert=/etc/ca.pem");
        assert_eq!(address.shown(), "db1:6000,db2:6001/myna");
        assert_eq!(address.tls, Some(Roots::File("/etc/ca.pem".into())));
        assert_eq!((address.connections, address.user()), (40, "ada"));
        assert_eq!(parsed("postgresql://ada@127.0.0.1/myna").tls, None);
        assert_eq!(parsed("postgresql://ada@127.0.0.1/myna?sslmode=verify-full").tls, Some(Roots::System));
        assert_eq!(parsed("postgresql://ada@db/myna").tls, Some(Roots::System));
        assert_eq!(parsed("postgresql://ada@db/myna?sslmode=disable").tls, None);
        assert_eq!(parsed("postgres://ada@db1,db2:6001/myna").shown(), "db1:5432,db2:6001/myna");
        assert_eq!(parsed("postgres://ada@db1,db2:6001/myna").names(), ["db1", "db2"]);
        assert_eq!(parsed("postgres://ada@%2Frun%2Fpostgresql/myna").names(), Vec::<String>::new());
    }

    #[test]
    fn faults_name_the_part_and_never_the_password() {
        for (text, part) in [
            ("mysql://ada:s3cret@db/myna", "postgres://"),
            ("postgres://ada:s3cret@db", "no database"),
            ("postgres:///myna", "no host"),
            ("postgres://ada:s3cret@db:x/myna", "port"),
            ("postgres://ada:s3cret@db/myna?sslmode=prefer", "sslmode=prefer"),
            ("postgres://ada:s3cret@db/myna?connections=0", "connections"),
            ("postgres://ada:s3cret@db/myna?colour=red", "colour"),
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("s3cret"), "{text}: {error}");
        }
        assert_eq!(format!("{:?}", parsed("postgres://ada:s3cret@db/myna")), "Address(db:5432/myna)");
    }
}
