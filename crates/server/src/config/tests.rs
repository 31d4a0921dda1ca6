//! The configuration's rules, each with values written as operators write them.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;

use super::settings::{Kind, Preset, SETTINGS, Setting};
use super::*;

/// A configuration from these texts alone; no file of this machine is read but those a value names.
fn load(file: &str, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Config, String> {
    let mut layers = Layers::defaults();
    file::add_text(&mut layers, FILE_NAME, file);
    layers.add_variables(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    layers.add_overrides(overrides);
    build::config(layers).map_err(|faults| faults.render(false))
}

fn faults(file: &str) -> String {
    load(file, &[], &[]).err().unwrap_or_default()
}

fn titles(report: &str) -> Vec<&str> {
    report.lines().filter_map(|line| line.strip_prefix("error: ")).collect()
}

const SMTP: &str =
    "reset.link_base = \"https://a.example/r\"\n[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\n";

#[test]
fn nothing_written_gives_the_documented_defaults() {
    let config = load("", &[], &[]).expect("the defaults are a configuration");
    let Config {
        data,
        database,
        key_encryption,
        keys,
        dialects,
        docs,
        http,
        https,
        password,
        reset,
        smtp,
        mail_folder,
        log,
        session,
        read_only,
    } = config;
    assert!(key_encryption.is_none() && (keys.poll, keys.lead) == (Duration::from_secs(10), Duration::from_mins(15)));
    assert_eq!(data, Path::new("./myna-data"));
    assert_eq!((dialects.enabled, dialects.folder), (None, None));
    assert_eq!(http.listen, ["127.0.0.1:8080".parse().expect("an address")]);
    assert!(http.trusted_proxies.is_empty() && http.cors_origins.is_empty());
    let seconds = [http.header_timeout, http.body_timeout, http.request_timeout, http.idle_timeout, http.tls_timeout];
    assert_eq!(seconds.map(|time| time.as_secs()), [10, 10, 10, 60, 10]);
    assert_eq!(http.shutdown_timeout, Duration::from_secs(30));
    assert_eq!((http.body_bytes_max, http.header_bytes_max, http.connections_max), (16_384, 16_384, 10_000));
    assert!(https.is_none() && smtp.is_none() && database.is_none());
    assert_eq!((password.memory_kib, password.passes, password.lanes, password.threads), (19_456, 2, 1, None));
    assert_eq!((password.queue_max, password.queue_timeout), (64, Duration::from_secs(2)));
    assert_eq!((password.length_min, password.age_max, password.backend), (15, None, Backend::Fast));
    assert_eq!((reset.link_base, reset.lifetime), (None, Duration::from_mins(30)));
    assert!(!docs && !read_only);
    assert_eq!(mail_folder, Path::new("./myna-data/mail"));
    assert_eq!((log.levels.default_level(), log.format), (Some(LevelFilter::INFO), LogFormat::Text));
    assert_eq!(session.sessions_max, 50);
}

#[test]
fn every_default_is_within_its_own_bounds() {
    let layers = Layers::defaults();
    assert!(layers.faults.is_empty(), "{}", layers.faults);
    for setting in SETTINGS {
        let has_default = matches!(setting.preset, Preset::Default(_));
        assert_eq!(layers.value(setting.key).is_some(), has_default, "{}", setting.key);
    }
}

/// Laws of the table: what is made from it must be unambiguous.
#[test]
fn the_table_is_lawful() {
    let keys: Vec<String> = settings::keys().collect();
    let variables: Vec<String> = keys.iter().map(|key| settings::variable(key)).collect();
    for (at, variable) in variables.iter().enumerate() {
        assert!(!variables[..at].contains(variable), "{variable} stands for two settings");
        assert!(variable.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{variable}");
    }
    let mut sections: Vec<&str> = SETTINGS.iter().map(Setting::section).collect();
    sections.dedup();
    let count = sections.len();
    sections.sort_unstable();
    sections.dedup();
    assert_eq!(sections.len(), count, "the settings of a section stand together");
    for setting in SETTINGS {
        assert!(setting.doc.ends_with(['.', ']']) && setting.doc.len() > 6, "{} is explained", setting.key);
        assert!(setting.kind != Kind::SecretFile, "{}", setting.key);
    }
}

const EVERY_KIND: &str = r#"
data = "/srv/myna"
dialects = { enabled = ["one", "two-2"], folder = "/etc/myna/dialects" }
http.listen = []
http.trusted_proxies = ["10.0.0.0/8", "::1"]
http.cors_origins = ["https://app.example.com", "http://localhost:3000"]
http.header_timeout = "1500ms"
http.body_limit = "1MiB"
https.listen = ["[::]:8443"]
https.certificate = "c.pem"
https.key = "k.pem"
session.cap = 0x10
[password]
memory = "7MiB"
passes = 5
threads = 3
max_age = "90d"
backend = "portable"
[reset]
link_base = "https://app.example.com/#/reset"
lifetime = "1h"
[smtp]
host = "::1"
tls = "none"
user = "u"
password = ' p"w '
from = "Myna <no-reply@example.com>"
[log]
level = "warn,hyper=debug"
format = "json"
"#;

#[test]
fn values_of_every_kind_are_read() {
    let config = load(EVERY_KIND, &[], &[]).expect("lawful");
    assert_eq!(config.dialects.enabled, Some(vec!["one".to_owned(), "two-2".to_owned()]));
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.http.cors_origins, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(config.http.header_timeout, Duration::from_millis(1500));
    assert_eq!(config.http.body_bytes_max, 1 << 20);
    let https = config.https.expect("asked for");
    assert_eq!(https.listen, ["[::]:8443".parse().expect("an address")]);
    assert_eq!(https.certificate, Certificate::Files { chain: "c.pem".into(), key: "k.pem".into() });
    assert_eq!((config.password.memory_kib, config.password.backend), (7 * 1024, Backend::Portable));
    assert_eq!(config.password.threads.map(NonZeroUsize::get), Some(3));
    assert_eq!(config.password.age_max, Some(Duration::from_hours(90 * 24)));
    assert_eq!(config.reset.link_base.as_ref().map(Link::as_str), Some("https://app.example.com/#/reset"));
    let smtp = config.smtp.expect("asked for");
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), ("::1", 25, SmtpTls::None));
    assert_eq!(smtp.from.email.to_string(), "no-reply@example.com");
    let user = smtp.user.expect("asked for");
    assert_eq!((user.name.as_str(), user.password.expose().as_str()), ("u", " p\"w "));
    assert_eq!(config.mail_folder, Path::new("/srv/myna/mail"));
    assert_eq!(config.session.sessions_max, 16);
    assert_eq!(config.log.format, LogFormat::Json);
    let levels: Vec<_> = config.log.levels.iter().collect();
    assert_eq!((config.log.levels.default_level(), levels.len()), (Some(LevelFilter::WARN), 1));
}

#[test]
fn the_port_of_the_mail_server_follows_its_encryption() {
    for (extra, port) in [("", 587), ("tls = \"tls\"", 465), ("tls = \"tls\"\nport = 2465", 2465)] {
        let config = load(&format!("{SMTP}{extra}"), &[], &[]).expect("lawful");
        assert_eq!(config.smtp.map(|smtp| smtp.port), Some(port), "{extra}");
    }
}

/// Defaults, file, environment, command line: the later wins.
#[test]
fn later_layers_win() {
    let file = "[http]\nidle_timeout = \"20s\"\nbody_timeout = \"20s\"\nheader_timeout = \"20s\"";
    let variables = [
        ("MYNA_HTTP_BODY_TIMEOUT", "30s"),
        ("MYNA_HTTP_HEADER_TIMEOUT", "30s"),
        ("MYNA_HTTP_LISTEN", " 127.0.0.1:1 , [::1]:2,"),
        ("MYNA_PASSWORD_PASSES", "3"),
        ("MYNA_HTTPS_SELF_SIGNED", "true"),
        ("PATH", "not ours"),
    ];
    let config = load(file, &variables, &[("http.header_timeout", "40s"), ("data", "/d")]).expect("lawful");
    let seconds = |time: Duration| time.as_secs();
    assert_eq!(seconds(config.http.tls_timeout), 10);
    assert_eq!(seconds(config.http.idle_timeout), 20);
    assert_eq!(seconds(config.http.body_timeout), 30);
    assert_eq!(seconds(config.http.header_timeout), 40);
    assert_eq!(config.http.listen.len(), 2);
    assert_eq!(config.password.passes, 3);
    assert_eq!(config.data, Path::new("/d"));
    let nowhere = load("https.self_signed = true\nhttps.listen = [\"127.0.0.1:1\"]", &[("MYNA_HTTP_LISTEN", "")], &[]);
    assert!(nowhere.expect("HTTPS alone").http.listen.is_empty());
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_text() {
    let file =
        "dat = \"x\"\n[http]\nlisen = []\nbody_timeout = \"soon\"\nmax_connections = \"many\"\n[htps]\nlisten = []\n";
    let variables = [("MYNA_HTP_LISTEN", "secret?"), ("MYNA_SESSION_CAP", "-1")];
    let report = load(file, &variables, &[("log.format", "xml")]).err().expect("faulty");
    let expected = "\
error: there is no setting `dat`
 --> myna.toml:1:1
  |
1 | dat = ***
  | ^^^
  |
  = help: did you mean `data`?

error: there is no setting `http.lisen`
 --> myna.toml:3:1
  |
3 | lisen = **
  | ^^^^^
  |
  = help: did you mean `http.listen`?

error: `soon` is not a duration
 --> myna.toml:4:16
  |
4 | body_timeout = \"soon\"
  |                ^^^^^^
  |
  = help: write a number and ms, s, m, h or d, as \"10s\"

error: expected a whole number, found a string
 --> myna.toml:5:19
  |
5 | max_connections = \"many\"
  |                   ^^^^^^

error: there is no setting `htps`
 --> myna.toml:6:2
  |
6 | [htps]
  |  ^^^^
  |
  = help: did you mean `https`?

error: there is no setting `MYNA_HTP_LISTEN`
--> environment variable MYNA_HTP_LISTEN
 = help: did you mean `MYNA_HTTP_LISTEN`?

error: `-1` is not a whole number
 --> environment variable MYNA_SESSION_CAP:1:1
  |
1 | -1
  | ^^

error: `xml` is not one of text, json
 --> command line, `log.format`:1:1
  |
1 | xml
  | ^^^

8 faults in the configuration
";
    assert_eq!(report, expected);
}

#[test]
fn faults_of_the_file_alone_are_summed_by_its_name() {
    assert!(faults("a = 1").ends_with("\n1 fault in myna.toml\n"));
}

#[test]
fn unknown_keys_have_suggestions() {
    let cases = [
        ("listen = []", "`http.listen`"),
        ("[http]\ntrusted_proxy = []", "`http.trusted_proxies`"),
        ("[http]\nlink_base = \"x\"", "`reset.link_base`"),
        ("[smtp]\npasword_file = \"x\"", "`smtp.password_file`"),
        ("[passwords]\nmemory = \"19MiB\"", "`password`"),
        ("http_listen = []", "`http.listen`"),
        ("http = 5", "write [http] and its settings below"),
        ("[[http]]\nlisten = []", "write [http] and its settings below"),
    ];
    for (file, expected) in cases {
        let report = faults(file);
        assert_eq!(titles(&report).len(), 1, "{report}");
        assert!(report.contains("= help: ") && report.contains(expected), "{report}");
    }
    assert!(!faults("zzzzzzzz = 1").contains("help"));
}

/// A file with one fault, and the words for it.
const UNLAWFUL: &[(&str, &str)] = &[
    ("data = 5", "expected a text, found an integer"),
    ("data = \"\"", "the value is empty"),
    ("data = \"a\\u0000b\"", "the value has a control character"),
    ("data = { a = 1 }", "expected a text, found a table"),
    ("http.listen = \"127.0.0.1:1\"", "expected a list of addresses, found a string"),
    ("http.listen = [1]", "expected a list of addresses, found an integer"),
    ("http.listen = [\"localhost:1\"]", "`localhost:1` is not an address to listen on"),
    ("http.listen = [\"[::1]:1\", \"[::1]:1\"]", "`[::1]:1` is listed twice"),
    ("http.header_timeout = 10", "expected a duration, found an integer"),
    ("http.header_timeout = \"10\"", "`10` is not a duration"),
    ("http.header_timeout = \"1.5s\"", "`1.5s` is not a duration"),
    ("http.header_timeout = \"-1s\"", "`-1s` is not a duration"),
    ("http.header_timeout = \"99999999999999999999d\"", "`99999999999999999999d` is not a duration"),
    ("http.header_timeout = \"0s\"", "0ms is too little; the least is 10ms"),
    ("http.header_timeout = \"2h\"", "2h is too much; the most is 1h"),
    ("http.body_limit = \"16KB\"", "`16KB` is not a size"),
    ("http.body_limit = \"2MiB\"", "2MiB is too much; the most is 1MiB"),
    ("http.max_connections = 0", "0 is too little; the least is 1"),
    ("http.max_connections = 1e3", "expected a whole number, found a float"),
    ("http.trusted_proxies = [\"10.0.0.1/8\"]", "`10.0.0.1/8` is inside a block; the block is written 10.0.0.0/8"),
    ("http.cors_origins = [\"*\"]", "`*` is not an origin"),
    ("http.cors_origins = [\"https://a.example/\"]", "`https://a.example/` is not an origin"),
    ("http.cors_origins = [\"null\"]", "`null` is not an origin"),
    ("https.self_signed = \"true\"", "expected true or false, found a string"),
    ("password.memory = \"6MiB\"", "6MiB is too little; the least is 7MiB"),
    ("password.memory = \"7MiB\"", "7MiB is too little for 2 passes; the least is 19MiB"),
    ("password.memory = \"257MiB\"", "257MiB is too much; the most is 256MiB"),
    ("password.memory = \"20971521B\"", "20971521B is not a whole number of KiB"),
    ("password.backend = \"fst\"", "`fst` is not one of fast, portable"),
    ("reset.link_base = \"ftp://a.example\"", "`ftp://a.example` is not an http or https URL"),
    ("reset.link_base = \"/reset\"", "`/reset` is not an http or https URL"),
    (
        "reset.link_base = \"https://a.example?x=1\"",
        "`https://a.example?x=1` has a query; the server adds the query itself",
    ),
    ("reset.link_base = \"https://u@a.example\"", "`https://u@a.example` has a user name before its host"),
    ("smtp.from = \"a@b.example\"\nsmtp.port = 70000", "70000 is too much; the most is 65535"),
    ("smtp.from = \"nobody\"", "`nobody` is not a mail address"),
    ("dialects.enabled = [\"../x\"]", "`../x` is not the name of a dialect"),
    ("log.level = \"info,hyper=wrn\"", "`hyper=wrn` is not a log level"),
    ("log.level = \"hyper\"", "`hyper` is not a log level"),
];

#[test]
fn unlawful_values_are_refused() {
    for (file, expected) in UNLAWFUL {
        let report = faults(file);
        assert_eq!(titles(&report), [*expected], "{file}\n{report}");
    }
}

/// Checks of settings against each other; shown where the cause was written.
#[test]
fn settings_that_contradict_each_other_are_refused() {
    let key_alone = "https.key = \"k\"\nhttps.listen = [\"[::1]:1\"]";
    let smtp = |rest: &str| format!("{SMTP}{rest}");
    let cases = [
        ("http.listen = []".to_owned(), "the server would listen nowhere"),
        ("https.listen = [\"[::1]:1\"]".to_owned(), "HTTPS needs a certificate"),
        ("https.certificate = \"c\"".to_owned(), "`https.certificate` is set, but `https.key` is not"),
        (key_alone.to_owned(), "`https.key` is set, but `https.certificate` is not"),
        (
            "https = { certificate = \"c\", key = \"k\", self_signed = true }".to_owned(),
            "a self-signed certificate is asked for, but `https.certificate` is set",
        ),
        (
            "https.self_signed = true\nhttps.listen = [\"127.0.0.1:8080\"]".to_owned(),
            "127.0.0.1:8080 is in `http.listen` and in `https.listen`",
        ),
        (SMTP.replace("from", "# from"), "`smtp.host` is set, but `smtp.from` is not"),
        (SMTP.replace("reset", "# reset"), "`smtp.host` is set, but `reset.link_base` is not"),
        (
            smtp("from_ = 1").replace("from =", "# from =").replace("from_ = 1", "from = \"x\""),
            "`x` is not a mail address",
        ),
        (smtp("tls = \"none\""), "mail to mail.example would travel unencrypted"),
        (smtp("user = \"u\""), "`smtp.user` is set, but `smtp.password` is not"),
        (smtp("password = \"u\""), "`smtp.password` is set, but `smtp.user` is not"),
        (smtp("port = 587").replace("mail.example", "smtp://mail.example"), "`smtp://mail.example` is not a host name"),
    ];
    for (file, expected) in cases {
        let report = faults(&file);
        assert_eq!(titles(&report), [expected], "{file}\n{report}");
        assert!(report.contains("myna.toml:"), "the place is known: {report}");
    }
}

#[test]
fn secrets_may_come_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let smtp = |rest: &str| format!("{SMTP}user = \"u\"\n{rest}");
    let password = |config: Result<Config, String>| {
        let user = config.expect("lawful").smtp.and_then(|smtp| smtp.user).expect("asked for");
        user.password.expose().clone()
    };
    for (text, expected) in [("pw\n", "pw"), ("pw", "pw"), ("pw\r\n", "pw"), (" p w \n\n", " p w \n")] {
        let file = smtp(&format!("password_file = {:?}", path("pw", text)));
        assert_eq!(password(load(&file, &[], &[])), expected);
    }
    let good = path("good", "from file\n");
    let variable = [("MYNA_SMTP_PASSWORD_FILE", good.as_str())];
    assert_eq!(password(load(&smtp("password = \"x\""), &variable, &[])), "from file");
    // What does not hold is not opened.
    let gone = smtp("password_file = \"/nowhere/at/all\"");
    assert_eq!(password(load(&gone, &[("MYNA_SMTP_PASSWORD", "direct")], &[])), "direct");

    let report = faults(&gone);
    assert!(titles(&report)[0].starts_with("/nowhere/at/all: the file cannot be read: No such file"), "{report}");
    assert_eq!(titles(&report).len(), 1, "not also a missing password: {report}");
    let report = faults(&smtp(&format!("password_file = {:?}", path("empty", "\n"))));
    assert!(report.contains("empty: the file is empty"), "{report}");
    let report = faults(&smtp("password = \"hunter2\"\npassword_file = \"/x\""));
    assert_eq!(titles(&report), ["`smtp.password` and `smtp.password_file` are both set"]);
    let both = [("MYNA_SMTP_PASSWORD", "hunter2"), ("MYNA_SMTP_PASSWORD_FILE", good.as_str())];
    let report = load(&smtp(""), &both, &[]).err().expect("both");
    assert_eq!(titles(&report), ["`smtp.password` and `smtp.password_file` are both set"]);
    assert!(!report.contains("hunter2"));
}

/// Faults are printed and logged: no report shows a secret, wherever and however wrong it was written.
#[test]
fn no_report_shows_a_secret() {
    let cases = [
        "[smtp]\npassword = \"hunter2\"",
        "[smtp]\npasswrd = \"hunter2\"",
        "[smtp]\npassword = \"hunter2",
        "[smtp]\npassword = hunter2",
        "[smtp]\npassword = [\"hunter2\"]",
        "[smtp]\n\"password\" = 'hunter2' 'x'",
        "smtp = { host = \"a\", password = \"hunter2\", }, }",
        "smtp.password = \"\"\"\nhunter2\\q\nhunter2\"\"\"",
        "[smtp]\npassword = \"hunter2\"\npassword = \"hunter2\"",
        "[smpt]\npassword = \"hunter2\"",
        "smtp_password = \"hunter2\"",
    ];
    for file in cases {
        let report = faults(file);
        assert!(!report.is_empty(), "faulty: {file}");
        assert!(!report.contains("hunter2"), "{report}");
    }
    for (name, value) in [("MYNA_SMTP_PASSWORD", "hunter2"), ("MYNA_SMTP_PASWORD", "hunter2")] {
        let report = load("", &[(name, value)], &[]).err().expect("faulty");
        assert!(!report.contains("hunter2"), "{report}");
    }
    let report = load("", &[("MYNA_SMTP_PASSWORD", "")], &[]).err().expect("faulty");
    assert_eq!(titles(&report), ["the value is empty"]);
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    let report = faults("data = \"a\"\ndata = \"b\"\n[http]\nbody_timeout = 10s\nlisen = []\n");
    assert_eq!(titles(&report).len(), 3, "{report}");
    for place in ["myna.toml:2:1", "myna.toml:4:", "myna.toml:5:1"] {
        assert!(report.contains(place), "{report}");
    }
    // Behind a broken header every key would be in the wrong section: nothing is said about them.
    let report = faults("[http\nlisten = []\nbody_timeout = \"5s\"\n");
    assert!(titles(&report).iter().all(|title| title.starts_with("not TOML: ")), "{report}");
    for file in ["", "\u{feff}", "=", "[", "]]", "\"", "a = [", "\0", "x = {y", "[a]\n[a]", "\r", "\u{1b}[0m = 1"] {
        let _ = faults(file);
    }
}

#[test]
fn files_are_read_by_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.toml");
    let none = || std::iter::empty::<(String, String)>();
    let report = Config::load(Some(&path), none(), &[]).err().map(|faults| faults.to_string()).expect("missing");
    assert!(report.contains("the file cannot be read") && report.contains("m.toml"), "{report}");
    std::fs::write(&path, "[session]\ncap = 7\n").expect("written");
    assert_eq!(Config::load(Some(&path), none(), &[]).expect("lawful").session.sessions_max, 7);
    std::fs::write(&path, b"data = \"\xff\"").expect("written");
    assert!(Config::load(Some(&path), none(), &[]).is_err());
    std::fs::write(&path, " ".repeat(1024 * 1024 + 1)).expect("written");
    let report = Config::load(Some(&path), none(), &[]).err().map(|faults| faults.to_string()).expect("too large");
    assert!(report.contains("the file is larger than 1048576 bytes"), "{report}");
}

#[test]
fn values_that_were_not_utf8_are_refused() {
    let report = load("", &[("MYNA_DATA", "a\u{fffd}")], &[]).err().expect("faulty");
    assert_eq!(titles(&report), ["the value is not UTF-8"]);
}

#[test]
fn the_initial_file_parses_commented_and_uncommented() {
    let text = init_file();
    assert!(load(&text, &[], &[]).is_ok());
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let settings = text.lines().filter(is_setting).count();
    assert_eq!(settings, SETTINGS.len(), "every setting once");
    let uncommented: Vec<&str> =
        text.lines().map(|line| if is_setting(&line) { line.trim_start_matches('#') } else { line }).collect();
    let uncommented = uncommented.join("\n");
    // KY-01: nobody runs with the key of the example.
    assert!(titles(&faults(&uncommented))[0].contains("everybody can guess"), "{uncommented}");
    let config = load(&uncommented.replace(&"0".repeat(64), &"01".repeat(32).replacen("01", "23", 1)), &[], &[]);
    let config = config.unwrap_or_else(|report| panic!("{report}"));
    assert!(config.smtp.is_some() && config.reset.link_base.is_some());
    for setting in SETTINGS {
        assert!(text.contains(&format!("# Environment: {}\n", setting.variable())), "{}", setting.key);
    }
    assert!(text.contains("MYNA_SMTP_PASSWORD_FILE"));
    let long = text.lines().find(|line| line.chars().count() > 110);
    assert_eq!(long, None, "fits a terminal");
}

/// TH-06: who is believed about the client's address.
#[test]
fn networks_contain_their_addresses() {
    let cases = [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("10.0.0.0/8", "::a00:1", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "2001:db8::1", true),
        ("::/0", "127.0.0.1", false),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe80::1", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("::1", "::1", true),
    ];
    for (network, address, expected) in cases {
        let address: IpAddr = address.parse().expect("an address");
        assert_eq!(Network::parse(network).expect(network).contains(address), expected, "{network} {address}");
    }
    assert_eq!(Network::parse("10.0.0.0/8").expect("lawful").to_string(), "10.0.0.0/8");
    for text in
        ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "10.0.0/8", "::ffff:0.0.0.0/96", "a/8", "1.1.1.1/8/8"]
    {
        assert!(Network::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_key_encryption_key_is_64_digits_that_nobody_else_reads() {
    let [one, two] = ["0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4)];
    let ids = |text: &str| {
        let config = load(&format!("key_encryption_key = \"{text}\""), &[], &[])?;
        let keys = config.key_encryption.expect("it was written");
        Ok::<_, String>(keys.keys().iter().map(|key| key.id().to_owned()).collect::<Vec<_>>())
    };
    let both = ids(&format!("{one}, {two}")).expect("lawful");
    assert_eq!([ids(&one).expect("lawful"), ids(&two.to_uppercase()).expect("lawful")].concat(), both);
    for text in [
        &one[1..],
        &format!("{one}0"),
        &one.replacen('0', "g", 1),
        &"ab".repeat(32),
        &format!("{one},{two},{one}"),
        ",",
    ] {
        let report = ids(text).expect_err(text);
        assert_eq!(titles(&report).len(), 1, "{report}");
        assert!(!report.contains(&one[2..20]), "{report}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kek");
    std::fs::write(&path, format!("{one}\n")).expect("written");
    let name = path.display().to_string();
    let variable = [("MYNA_KEY_ENCRYPTION_KEY_FILE", name.as_str())];
    for (mode, lawful) in [(0o600, true), (0o440, true), (0o644, false), (0o602, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("ours");
        let report = load("", &variable, &[]).err().unwrap_or_default();
        assert_eq!(report.is_empty(), lawful, "{mode:o}: {report}");
        assert!(lawful || report.contains("chmod 600"), "{report}");
    }
}

// MN-03
#[test]
fn a_new_key_waits_for_every_node() {
    assert!(load("[keys]\npoll = \"1s\"\nlead = \"2s\"", &[], &[]).is_ok());
    let report = faults("[keys]\nlead = \"19s\"");
    assert!(titles(&report) == ["a new key would sign before every node has seen it"], "{report}");
}
