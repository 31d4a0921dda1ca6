//! The classes of `<…>`: which texts and which JSON values each accepts. No class looks at where it stands.

use serde_json::Value;

/// What `<…>` accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Anything, also nothing; alone in a leaf: any JSON value.
    Any,
    /// Any text but the empty one.
    Text,
    /// An integer; alone in a leaf: a JSON number, no string.
    Int,
    /// `true` or `false`; alone in a leaf: a JSON boolean.
    Bool,
    /// Lower-case hexadecimal digits.
    Hex,
    /// The letters of base64url (RFC 4648 §5), without padding.
    Base64url,
    /// Three parts of base64url (RFC 7519 §3.1).
    Jwt,
    /// Unix seconds between 2001 and 5138; alone in a leaf: a JSON number.
    Time,
    /// `2019-08-18T11:30:40Z`, with a fraction or an offset (RFC 3339 §5.6).
    Iso8601,
    /// `Sun, 18 Aug 2019 11:30:40 GMT` (RFC 9110 §5.6.7).
    HttpDate,
}

impl Class {
    /// Every class with its name.
    pub const ALL: [(&'static str, Self); 10] = [
        ("any", Self::Any),
        ("text", Self::Text),
        ("int", Self::Int),
        ("bool", Self::Bool),
        ("hex", Self::Hex),
        ("base64url", Self::Base64url),
        ("jwt", Self::Jwt),
        ("time", Self::Time),
        ("iso8601", Self::Iso8601),
        ("http_date", Self::HttpDate),
    ];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, class)| class)
    }

    pub(super) fn accepts(self, text: &str) -> bool {
        let all = |allowed: fn(u8) -> bool| !text.is_empty() && text.bytes().all(allowed);
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match self {
            Self::Any => true,
            Self::Text => !text.is_empty(),
            Self::Int => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
            Self::Bool => text == "true" || text == "false",
            Self::Hex => all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            Self::Base64url => text.bytes().all(base64url) && !text.is_empty(),
            Self::Jwt => {
                let part = |part: &str| !part.is_empty() && part.bytes().all(base64url);
                text.split('.').count() == 3 && text.split('.').all(part)
            }
            Self::Time => {
                all(|byte| byte.is_ascii_digit()) && (10..=11).contains(&text.len()) && !text.starts_with('0')
            }
            Self::Iso8601 => is_rfc3339(text),
            Self::HttpDate => text.ends_with(" GMT") && httpdate::parse_http_date(text).is_ok(),
        }
    }

    /// Whether a JSON value is of the class, its type included.
    pub(super) fn accepts_value(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => value.is_boolean(),
            Self::Int => value.is_i64() || value.is_u64(),
            Self::Time => value.is_u64() && self.accepts(&value.to_string()),
            Self::Text | Self::Hex | Self::Base64url | Self::Jwt | Self::Iso8601 | Self::HttpDate => {
                value.as_str().is_some_and(|text| self.accepts(text))
            }
        }
    }
}

fn is_rfc3339(text: &str) -> bool {
    let like = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(
                |(byte, form)| {
                    if form == b'0' { byte.is_ascii_digit() } else { byte == form }
                },
            )
    };
    let Some((start, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        None => rest,
    };
    like(start, "0000-00-00T00:00:00")
        && !rest.starts_with(".Z")
        && (zone == "Z" || like(zone, "+00:00") || like(zone, "-00:00"))
}
