//! From a written value to a proven one, by the kind of its setting; and the words for what is wrong with it. The spans
//! it reports count in the text it was given. It knows no layers and opens no files.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use myna_core::secret::Secret;
use myna_dialect::diagnostic::{Diagnostic, did_you_mean};
use toml::Spanned;
use toml::de::DeValue;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::settings::Kind;
use super::types::{Link, Network};
use super::units::{duration, show_duration, show_size, size};
use super::words::{expected, with_article};

/// A value that is what its kind says.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Path(PathBuf),
    Flag(bool),
    /// Also sizes, in bytes.
    Number(u64),
    Duration(Duration),
    Secret(Secret<String>),
    SecretFile(PathBuf),
    Link(Link),
    Mailbox(Mailbox),
    Levels(Targets),
    Texts(Vec<String>),
    Addresses(Vec<SocketAddr>),
    Networks(Vec<Network>),
}

type Faults = Vec<Diagnostic>;

/// Message, and help if there is any.
pub(super) struct Problem(String, Option<String>);

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self(message, None)
    }
}

impl Problem {
    fn at(self, span: Range<usize>) -> Diagnostic {
        Diagnostic::new(self.0).at(span).help(self.1)
    }
}

/// Reads a value from `myna.toml`; spans count in the file.
pub(super) fn from_toml(kind: Kind, written: &Spanned<DeValue<'_>>) -> Result<Value, Faults> {
    let span = written.span();
    let unexpected = |found: &DeValue<'_>, span: Range<usize>| {
        let (one, example) = expected(kind);
        vec![Problem(format!("expected {one}, found {}", with_article(found)), example).at(span)]
    };
    let value = written.get_ref();
    if is_list(kind) {
        let Some(items) = value.as_array() else {
            return Err(unexpected(value, span));
        };
        if let Some(item) = items.iter().find(|item| !item.get_ref().is_str()) {
            return Err(unexpected(item.get_ref(), item.span()));
        }
        let items = items.iter().map(|item| (item.get_ref().as_str().unwrap_or_default(), item.span()));
        return list(kind, items);
    }
    let one = |text: &str| scalar(kind, text).map_err(|problem| vec![problem.at(span.clone())]);
    match (kind, value) {
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Number(..), DeValue::Integer(number)) => one(&decimal(number.as_str(), number.radix())),
        (Kind::Flag | Kind::Number(..), _) => Err(unexpected(value, span)),
        (_, DeValue::String(text)) => one(text),
        _ => Err(unexpected(value, span)),
    }
}

/// Reads a value from an environment variable or the command line: lists are separated by commas. Spans count in `text`.
pub(super) fn from_text(kind: Kind, text: &str) -> Result<Value, Faults> {
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(vec![Diagnostic::new("the value is not UTF-8")]);
    }
    if !is_list(kind) {
        return scalar(kind, text).map_err(|problem| vec![problem.at(0..text.len())]);
    }
    let mut start = 0;
    let items = text.split(',').filter_map(|piece| {
        let at = start + piece.len() - piece.trim_start().len();
        start += piece.len() + 1;
        let item = piece.trim();
        (!item.is_empty()).then(|| (item, at..at + item.len()))
    });
    list(kind, items)
}

const fn is_list(kind: Kind) -> bool {
    matches!(kind, Kind::Names | Kind::Addresses | Kind::Networks | Kind::Origins)
}

fn list<'a>(kind: Kind, items: impl Iterator<Item = (&'a str, Range<usize>)>) -> Result<Value, Faults> {
    let items: Vec<_> = items.collect();
    let repeated =
        items.iter().enumerate().filter(|(at, (text, _))| items.iter().take(*at).any(|(other, _)| other == text));
    let faults =
        repeated.map(|(_, (text, span))| Diagnostic::new(format!("`{text}` is listed twice")).at(span.clone()));
    let mut faults: Faults = faults.collect();
    let value = if kind == Kind::Addresses {
        Value::Addresses(each(&items, &mut faults, address))
    } else if kind == Kind::Networks {
        Value::Networks(each(&items, &mut faults, |text| Network::parse(text).map_err(Problem::from)))
    } else if kind == Kind::Origins {
        Value::Texts(each(&items, &mut faults, origin))
    } else {
        Value::Texts(each(&items, &mut faults, dialect_name))
    };
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

fn each<T>(items: &[(&str, Range<usize>)], faults: &mut Faults, parse: impl Fn(&str) -> Result<T, Problem>) -> Vec<T> {
    let parsed = items.iter().filter_map(|(text, span)| match parse(text) {
        Ok(value) => Some(value),
        Err(problem) => {
            faults.push(problem.at(span.clone()));
            None
        }
    });
    parsed.collect()
}

fn scalar(kind: Kind, text: &str) -> Result<Value, Problem> {
    if text.trim().is_empty() {
        return Err(Problem("the value is empty".into(), Some("remove the setting to have its default".into())));
    }
    // Neither a header, a path nor an SMTP command may be broken by what is written here (RS-14).
    if kind != Kind::Secret && text.contains(char::is_control) {
        return Err(Problem::from("the value has a control character".to_owned()));
    }
    Ok(match kind {
        Kind::Path => Value::Path(text.into()),
        Kind::SecretFile => Value::SecretFile(text.into()),
        Kind::Secret => Value::Secret(Secret::new(text.to_owned())),
        Kind::Flag => Value::Flag(text.parse().map_err(|_| malformed(kind, text))?),
        Kind::Number(least, most) => {
            let number = text.parse().map_err(|_| malformed(kind, text))?;
            Value::Number(within(number, least, most, |number| number.to_string())?)
        }
        Kind::Size(least, most) => {
            let size = size(text).ok_or_else(|| malformed(kind, text))?;
            Value::Number(within(size, least, most, show_size)?)
        }
        Kind::Duration(least, most) => {
            let span = duration(text).ok_or_else(|| malformed(kind, text))?;
            Value::Duration(within(span, least, most, show_duration)?)
        }
        Kind::Choice(words) if words.contains(&text) => Value::Text(text.to_owned()),
        Kind::Choice(words) => {
            let help = did_you_mean(text, words.iter().copied()).or_else(|| expected(kind).1);
            return Err(Problem(format!("`{text}` is not one of {}", words.join(", ")), help));
        }
        Kind::Host => Value::Text(host(text)?),
        Kind::Link => Value::Link(Link::parse(text)?),
        Kind::Mailbox => Value::Mailbox(text.parse().map_err(|_| malformed(kind, text))?),
        Kind::Levels => Value::Levels(levels(text)?),
        Kind::Text | Kind::Names | Kind::Addresses | Kind::Networks | Kind::Origins => Value::Text(text.to_owned()),
    })
}

fn malformed(kind: Kind, text: &str) -> Problem {
    let (one, example) = expected(kind);
    Problem(format!("`{text}` is not {one}"), example)
}

/// The number as decimal digits; as written when it is negative or too large, which the next step refuses.
fn decimal(digits: &str, radix: u32) -> String {
    u64::from_str_radix(digits, radix).map_or_else(|_| digits.to_owned(), |number| number.to_string())
}

fn within<T: PartialOrd + Copy>(value: T, least: T, most: T, show: impl Fn(T) -> String) -> Result<T, Problem> {
    if value < least {
        return Err(Problem::from(format!("{} is too little; the least is {}", show(value), show(least))));
    }
    if value > most {
        return Err(Problem::from(format!("{} is too much; the most is {}", show(value), show(most))));
    }
    Ok(value)
}

fn address(text: &str) -> Result<SocketAddr, Problem> {
    let help = "write address and port, as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080";
    text.parse().map_err(|_| Problem(format!("`{text}` is not an address to listen on"), Some(help.into())))
}

fn dialect_name(text: &str) -> Result<String, Problem> {
    let lawful = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(lawful) {
        return Ok(text.to_owned());
    }
    Err(Problem(
        format!("`{text}` is not the name of a dialect"),
        Some("names have small letters, digits, - and _".into()),
    ))
}

/// An origin is compared byte for byte with what the browser sends (RFC 6454, section 6.2): no path, no capitals.
fn origin(text: &str) -> Result<String, Problem> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let lawful = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]_".contains(&byte);
    if rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(lawful)) {
        return Ok(text.to_owned());
    }
    let help = "write scheme, host and port if it is not the usual one, as https://app.example.com, in small letters and \
                without / at the end; there is no wildcard";
    Err(Problem(format!("`{text}` is not an origin"), Some(help.into())))
}

fn host(text: &str) -> Result<String, Problem> {
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if is_name || text.parse::<std::net::IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    Err(malformed(Kind::Host, text))
}

fn levels(text: &str) -> Result<Targets, Problem> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for directive in text.split(',').map(str::trim) {
        let (target, level) =
            directive.split_once('=').map_or((None, directive), |(target, level)| (Some(target), level));
        if !LEVELS.contains(&level) || target == Some("") {
            let help = did_you_mean(level, LEVELS).or_else(|| expected(Kind::Levels).1);
            return Err(Problem(format!("`{directive}` is not a log level"), help));
        }
        let level: LevelFilter = level.parse().map_err(|_| malformed(Kind::Levels, directive))?;
        targets = match target {
            Some(target) => targets.with_target(target, level),
            None => targets.with_default(level),
        };
    }
    Ok(targets)
}
