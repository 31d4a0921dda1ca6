//! TLS for the listening sockets: a configuration from the operator's PEM files, or from a certificate for development
//! that is made here. Never talks to an authority and never prints a key.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use myna_core::time::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{RootCertStore, ServerConfig};

/// HTTP/2's name in TLS (RFC 9113 §3.1).
pub(super) const ALPN_HTTP2: &[u8] = b"h2";

/// HTTP/1.1's name in TLS (RFC 7301 §6).
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The names a development certificate is good for.
const DEVELOPMENT_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a development certificate is good for: the most that browsers accept is 398 days.
const DEVELOPMENT_LIFETIME: Duration = Duration::from_secs(397 * DAY.as_secs());

/// A development certificate with less than this left is replaced at the start.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Why there is no TLS configuration. Each names the file the operator should look at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The certificate file cannot be read, or is not PEM, or holds no certificate.
    #[error("cannot read certificates from {}: {cause}", path.display())]
    Certificate { path: PathBuf, cause: pem::Error },
    /// The key file cannot be read, or is not PEM, or holds no private key.
    #[error("cannot read a private key from {}: {cause}", path.display())]
    Key { path: PathBuf, cause: pem::Error },
    /// Certificate and key are readable but of no use, as when they do not belong together.
    #[error("cannot serve TLS with {}: {cause}", path.display())]
    Unusable { path: PathBuf, cause: rustls::Error },
    /// The certificate for development cannot be made.
    #[error("cannot make a development certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The certificate for development cannot be stored.
    #[error("cannot write {}: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
}

/// The configuration for a certificate chain, the server's own certificate first, and its private key, both in PEM.
/// TLS 1.2 and 1.3; offers HTTP/2, then HTTP/1.1.
///
/// # Errors
///
/// See [`TlsError`].
pub(crate) fn server_config_from_pem(cert_path: &Path, key_path: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let unreadable = |cause| TlsError::Certificate { path: cert_path.to_owned(), cause };
    let chain = CertificateDer::pem_file_iter(cert_path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(unreadable(pem::Error::NoItemsFound));
    }
    let key =
        PrivateKeyDer::from_pem_file(key_path).map_err(|cause| TlsError::Key { path: key_path.to_owned(), cause })?;
    // The provider is named: the process-wide default panics when two crates of the build bring one each.
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|cause| TlsError::Unusable { path: cert_path.to_owned(), cause })?;
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
    Ok(Arc::new(config))
}

/// A configuration for development on this machine, and the path of its certificate, for the client to trust: a
/// self-signed one for `localhost`, `127.0.0.1` and `::1`, in `folder/dev-cert.pem` with the key in `folder/dev-key.pem`.
///
/// The same one is used again at the next start, unless it cannot be read, others may read its key, or it ends within
/// 30 days of `now`.
///
/// # Errors
///
/// See [`TlsError`].
pub(crate) fn development_certificate(folder: &Path, now: Timestamp) -> Result<(Arc<ServerConfig>, PathBuf), TlsError> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now.seconds().max(0).cast_unsigned());
    let (cert_path, key_path) = (folder.join("dev-cert.pem"), folder.join("dev-key.pem"));
    if is_private(&key_path)
        && [now, now + RENEW_BEFORE].into_iter().all(|at| is_good(&cert_path, at))
        && let Ok(config) = server_config_from_pem(&cert_path, &key_path)
    {
        return Ok((config, cert_path));
    }
    let key = KeyPair::generate()?;
    let certificate = development_params(now)?.self_signed(&key)?;
    fs::create_dir_all(folder).map_err(|cause| TlsError::Write { path: folder.to_owned(), cause })?;
    write_whole(&key_path, &key.serialize_pem(), Readers::Owner)?;
    write_whole(&cert_path, &certificate.pem(), Readers::All)?;
    Ok((server_config_from_pem(&cert_path, &key_path)?, cert_path))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn development_params(now: SystemTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(DEVELOPMENT_NAMES.map(String::from))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Myna development certificate");
    // A day back, for clocks that are not quite right.
    params.not_before = (now - DAY).into();
    params.not_after = (now - DAY + DEVELOPMENT_LIFETIME).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Whether a client that trusts the certificate would accept it for `localhost` at the time `at`.
fn is_good(cert_path: &Path, at: SystemTime) -> bool {
    let accepted = || {
        let certificate = CertificateDer::from_pem_file(cert_path).ok()?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).ok()?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()?;
        let name = ServerName::try_from(DEVELOPMENT_NAMES[0]).ok()?;
        let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).ok()?);
        verifier.verify_server_cert(&certificate, &[], &name, &[], at).ok()
    };
    accepted().is_some()
}

/// Whether nobody but the owner may read the key file.
#[cfg(unix)]
fn is_private(key_path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(key_path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0)
}

/// Where there are no modes, the folder's own protection has to do.
#[cfg(not(unix))]
fn is_private(_key_path: &Path) -> bool {
    true
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    Owner,
    All,
}

/// Writes a file so that it is never seen half written, nor readable by others for an instant: under another name first,
/// created with its final mode.
fn write_whole(path: &Path, text: &str, readers: Readers) -> Result<(), TlsError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::from_mode(match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    });
    #[cfg(unix)]
    builder.permissions(mode);
    #[cfg(not(unix))]
    let _ = readers;
    let write = || {
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(io::Error::from)?;
        Ok(())
    };
    write().map_err(|cause| TlsError::Write { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn certificate_after(folder: &Path, now: Timestamp) -> Vec<u8> {
        let (_config, path) = development_certificate(folder, now).unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn a_development_certificate_is_kept_while_it_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let first = certificate_after(folder.path(), present());
        assert_eq!(certificate_after(folder.path(), present() + 300 * DAY), first);
        assert_ne!(certificate_after(folder.path(), present() + 380 * DAY), first, "ends within 30 days");
    }

    #[test]
    fn a_spoilt_development_certificate_is_replaced() {
        type Spoil = fn(&Path);
        let table: &[(&str, Spoil)] = &[
            ("no certificate", |folder| fs::remove_file(folder.join("dev-cert.pem")).unwrap()),
            ("no key", |folder| fs::remove_file(folder.join("dev-key.pem")).unwrap()),
            ("half a certificate", |folder| fs::write(folder.join("dev-cert.pem"), "-----BEGIN CERT").unwrap()),
            ("another key", |folder| {
                fs::write(folder.join("dev-key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
            }),
            #[cfg(unix)]
            ("key readable by others", |folder| {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(folder.join("dev-key.pem"), fs::Permissions::from_mode(0o640)).unwrap();
            }),
        ];
        for (name, spoil) in table {
            let folder = tempfile::tempdir().unwrap();
            let first = certificate_after(folder.path(), present());
            spoil(folder.path());
            assert_ne!(certificate_after(folder.path(), present()), first, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        development_certificate(folder.path(), present()).unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("dev-key.pem"), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn each_bad_file_is_named() {
        let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&ours, &other] {
            development_certificate(folder.path(), present()).unwrap();
        }
        let (cert, key) = (ours.path().join("dev-cert.pem"), ours.path().join("dev-key.pem"));
        let (missing, empty) = (ours.path().join("missing.pem"), ours.path().join("empty.pem"));
        fs::write(&empty, "").unwrap();
        assert!(server_config_from_pem(&cert, &key).is_ok());
        let table = [
            (&missing, &key, "certificates from", &missing),
            (&empty, &key, "certificates from", &empty),
            (&cert, &missing, "private key from", &missing),
            (&cert, &cert, "private key from", &cert),
            (&cert, &other.path().join("dev-key.pem"), "serve TLS with", &cert),
        ];
        for (cert, key, words, path) in table {
            let message = server_config_from_pem(cert, key).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains(&*path.to_string_lossy()), "{message}");
        }
    }

    #[test]
    fn http2_is_offered_first() {
        let folder = tempfile::tempdir().unwrap();
        let (config, _path) = development_certificate(folder.path(), present()).unwrap();
        assert_eq!(config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }
}
