//! From the values that hold to the proven [`Config`], with the checks that concern more than one setting. When there is
//! any fault the sections are built of placeholders and thrown away, so that all faults are found first.

use std::net::IpAddr;
use std::num::NonZeroUsize;

use myna_core::secret::Secret;
use myna_dialect::diagnostic::Diagnostic;
use myna_passwords::{Argon2Params, ParamsError};

use super::layers::Layers;
use super::units::show_size;
use super::value::Value;
use super::{
    Backend, Certificate, Config, ConfigFaults, Dialects, Http, Https, KeyEncryption, Keys, Log, LogFormat, Password,
    Reset, Session, Smtp, SmtpTls, SmtpUser, file,
};

/// The configuration, or everything that is wrong with it.
pub(super) fn config(mut layers: Layers) -> Result<Config, ConfigFaults> {
    let data = layers.path("data").unwrap_or_default();
    let http = http(&layers);
    let https = https(&mut layers, &http);
    let smtp = smtp(&mut layers);
    let database = secret(&mut layers, "database");
    let key_encryption = key_encryption(&mut layers);
    let keys = own_keys(&mut layers);
    let password = password(&mut layers);
    let config = Config {
        dialects: Dialects {
            enabled: layers.value("dialects.enabled").map(|_| layers.texts("dialects.enabled")),
            folder: layers.path("dialects.folder"),
        },
        read_only: layers.flag("read_only"),
        docs: layers.flag("docs.enabled"),
        http,
        https,
        password,
        reset: Reset { link_base: layers.link("reset.link_base"), lifetime: layers.duration("reset.lifetime") },
        smtp,
        mail_folder: layers.path("mail.folder").unwrap_or_else(|| data.join("mail")),
        log: log(&layers),
        session: Session { sessions_max: layers.number32("session.cap") },
        data,
        database,
        key_encryption,
        keys,
    };
    if layers.faults.is_empty() { Ok(config) } else { Err(layers.faults) }
}

fn key_encryption(layers: &mut Layers) -> Option<KeyEncryption> {
    const KEY: &str = "key_encryption_key";
    if let Some(Value::SecretFile(path)) = layers.value(KEY)
        && let Some(problem) = file::exposed(path)
    {
        layers.fault(KEY, Diagnostic::new(problem));
        return None;
    }
    let text = secret(layers, KEY)?;
    KeyEncryption::parse(&text).map_err(|problem| layers.fault(KEY, Diagnostic::new(problem))).ok()
}

fn own_keys(layers: &mut Layers) -> Keys {
    let (poll, lead) = (layers.duration("keys.poll"), layers.duration("keys.lead"));
    if lead < poll * 2 && !layers.has_fault("keys.poll") && !layers.has_fault("keys.lead") {
        let fault = Diagnostic::new("a new key would sign before every node has seen it");
        layers.fault("keys.lead", fault.help("make it at least twice `keys.poll`".to_owned()));
    }
    Keys { poll, lead }
}

fn http(layers: &Layers) -> Http {
    Http {
        listen: layers.addresses("http.listen"),
        trusted_proxies: layers.networks("http.trusted_proxies"),
        cors_origins: layers.texts("http.cors_origins"),
        header_timeout: layers.duration("http.header_timeout"),
        body_timeout: layers.duration("http.body_timeout"),
        request_timeout: layers.duration("http.request_timeout"),
        idle_timeout: layers.duration("http.idle_timeout"),
        tls_timeout: layers.duration("http.tls_timeout"),
        body_bytes_max: layers.size("http.body_limit"),
        header_bytes_max: layers.size("http.header_limit"),
        connections_max: layers.size("http.max_connections"),
        shutdown_timeout: layers.duration("http.shutdown_timeout"),
    }
}

fn log(layers: &Layers) -> Log {
    let format = if layers.text("log.format") == Some("json") { LogFormat::Json } else { LogFormat::Text };
    Log { levels: layers.levels("log.level"), format }
}

fn https(layers: &mut Layers, http: &Http) -> Option<Https> {
    let listen = layers.addresses("https.listen");
    // Port 0 asks for any free port: twice the same text, two ports.
    for address in listen.iter().filter(|address| address.port() != 0 && http.listen.contains(address)) {
        let message = format!("{address} is in `http.listen` and in `https.listen`");
        layers.fault("https.listen", Diagnostic::new(message));
    }
    if listen.is_empty()
        && http.listen.is_empty()
        && !layers.has_fault("http.listen")
        && !layers.has_fault("https.listen")
    {
        let fault = Diagnostic::new("the server would listen nowhere");
        layers.fault("http.listen", fault.help("give `http.listen` or `https.listen` an address".to_owned()));
    }
    let self_signed = layers.flag("https.self_signed");
    let certificate = match (layers.path("https.certificate"), layers.path("https.key")) {
        (Some(chain), Some(key)) => {
            if self_signed {
                let fault = Diagnostic::new("a self-signed certificate is asked for, but `https.certificate` is set");
                layers.fault("https.self_signed", fault);
            }
            Some(Certificate::Files { chain, key })
        }
        (Some(_), None) => missing(layers, "https.certificate", "https.key"),
        (None, Some(_)) => missing(layers, "https.key", "https.certificate"),
        (None, None) if self_signed => Some(Certificate::SelfSigned),
        (None, None) => None,
    };
    let is_refused = ["https.certificate", "https.key"].iter().any(|key| layers.has_fault(key));
    if certificate.is_none() && !listen.is_empty() && !is_refused {
        let fault = Diagnostic::new("HTTPS needs a certificate");
        let help = "set `https.certificate` and `https.key`, or for development `https.self_signed = true`";
        layers.fault("https.listen", fault.help(help.to_owned()));
    }
    (!listen.is_empty()).then_some(Https { listen, certificate: certificate? })
}

fn password(layers: &mut Layers) -> Password {
    let memory = layers.number("password.memory");
    if !memory.is_multiple_of(1024) {
        let message = format!("{} is not a whole number of KiB", show_size(memory));
        layers.fault("password.memory", Diagnostic::new(message));
    }
    let memory_kib = u32::try_from(memory / 1024).unwrap_or(u32::MAX);
    let (passes, lanes) = (layers.number32("password.passes"), layers.number32("password.lanes"));
    if let Err(ParamsError::BelowFloor { floor_kib, .. }) = Argon2Params::new(memory_kib, passes, lanes) {
        let least = show_size(u64::from(floor_kib) * 1024);
        let passes = if passes == 1 { "1 pass".to_owned() } else { format!("{passes} passes") };
        let message = format!("{} is too little for {passes}; the least is {least}", show_size(memory));
        layers.fault("password.memory", Diagnostic::new(message).help("more memory, or more passes".to_owned()));
    }
    Password {
        memory_kib,
        passes,
        lanes,
        threads: NonZeroUsize::new(layers.size("password.threads")),
        queue_max: layers.size("password.queue"),
        queue_timeout: layers.duration("password.queue_timeout"),
        length_min: layers.size("password.min_length"),
        age_max: layers.value("password.max_age").map(|_| layers.duration("password.max_age")),
        backend: if layers.text("password.backend") == Some("portable") { Backend::Portable } else { Backend::Fast },
    }
}

fn smtp(layers: &mut Layers) -> Option<Smtp> {
    let user = smtp_user(layers);
    let host = layers.text("smtp.host")?.to_owned();
    let tls = match layers.text("smtp.tls") {
        Some("tls") => SmtpTls::Tls,
        Some("none") => SmtpTls::None,
        _ => SmtpTls::StartTls,
    };
    // Reset links would cross the network readable by anybody on the way.
    if tls == SmtpTls::None && !is_this_machine(&host) {
        let fault = Diagnostic::new(format!("mail to {host} would travel unencrypted"));
        layers.fault(
            "smtp.tls",
            fault.help("`none` is for a mail server on this machine; use starttls or tls".to_owned()),
        );
    }
    if layers.link("reset.link_base").is_none() {
        missing::<()>(layers, "smtp.host", "reset.link_base");
    }
    let from = match layers.mailbox("smtp.from") {
        Some(from) => from,
        None => missing(layers, "smtp.host", "smtp.from")?,
    };
    let port = match tls {
        SmtpTls::StartTls => 587,
        SmtpTls::Tls => 465,
        SmtpTls::None => 25,
    };
    let port = layers.value("smtp.port").map_or(port, |_| u16::try_from(layers.number("smtp.port")).unwrap_or(port));
    Some(Smtp { host, port, tls, user, from, timeout: layers.duration("smtp.timeout") })
}

fn smtp_user(layers: &mut Layers) -> Option<SmtpUser> {
    let name = layers.text("smtp.user").map(str::to_owned);
    let password = secret(layers, "smtp.password");
    match (name, password) {
        (Some(name), Some(password)) => Some(SmtpUser { name, password }),
        (Some(_), None) => missing(layers, "smtp.user", "smtp.password"),
        (None, Some(_)) => missing(layers, "smtp.password", "smtp.user"),
        (None, None) => None,
    }
}

/// Reports that `key` is set without `other`, unless `other` was written and is at fault itself.
fn missing<T>(layers: &mut Layers, key: &'static str, other: &str) -> Option<T> {
    if !layers.has_fault(other) {
        let fault = Diagnostic::new(format!("`{key}` is set, but `{other}` is not"));
        layers.fault(key, fault.help(format!("set `{other}` too")));
    }
    None
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The secret that holds, read now if it is in a file: the file of a value that does not hold is never opened.
fn secret(layers: &mut Layers, key: &'static str) -> Option<Secret<String>> {
    if let Some(Value::Secret(secret)) = layers.value(key) {
        return Some(secret.clone());
    }
    let Some(Value::SecretFile(path)) = layers.value(key) else {
        return None;
    };
    match file::secret(path) {
        Ok(secret) => Some(secret),
        Err(problem) => {
            layers.fault(key, Diagnostic::new(problem));
            None
        }
    }
}
