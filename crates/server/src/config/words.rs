//! What kinds and values are called in faults and in the initial file, and how each is written. Words only.

use toml::de::DeValue;

use super::settings::Kind;

/// What a kind is called, and how it is written.
pub(super) fn expected(kind: Kind) -> (&'static str, Option<String>) {
    let (one, example) = match kind {
        Kind::Text | Kind::Path | Kind::SecretFile | Kind::Secret => ("a text", None),
        Kind::Flag => ("true or false", None),
        Kind::Number(..) => ("a whole number", None),
        Kind::Duration(..) => ("a duration", Some("write a number and ms, s, m, h or d, as \"10s\"")),
        Kind::Size(..) => ("a size", Some("write a number and B, KiB, MiB or GiB, as \"16KiB\"")),
        Kind::Choice(_) => ("one of the known words", None),
        Kind::Host => ("a host name", Some("write the name or address alone, without port or scheme")),
        Kind::Link => ("a URL", Some("write it as \"https://app.example.com/reset\"")),
        Kind::Mailbox => ("a mail address", Some("write it as \"Example <no-reply@example.com>\"")),
        Kind::Levels => ("a log level", Some("write a level, then levels of targets, as \"info,hyper=warn\"")),
        Kind::Names => ("a list of names", Some("write it as [\"one\", \"two\"]")),
        Kind::Addresses => ("a list of addresses", Some("write it as [\"127.0.0.1:8080\", \"[::1]:8080\"]")),
        Kind::Networks => ("a list of networks", Some("write it as [\"10.0.0.0/8\", \"fd00::/8\"]")),
        Kind::Origins => ("a list of origins", Some("write it as [\"https://app.example.com\"]")),
    };
    (one, example.map(str::to_owned))
}

/// What a TOML value is called.
pub(super) const fn with_article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
