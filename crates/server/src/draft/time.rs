//! Points in time as APIs write them, and spans as dialects do.

use std::time::UNIX_EPOCH;

use serde_json::Value;
use time::format_description::parse_borrowed;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime};

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Seconds,
    Millis,
    Iso8601,
    HttpDate,
    /// In one of [`UNZONED`].
    Date(&'static str),
}

/// Forms that tell no zone, taken for UTC.
const UNZONED: [&str; 2] =
    ["[year]-[month]-[day] [hour]:[minute]:[second]", "[year]-[month]-[day]T[hour]:[minute]:[second]"];

impl Form {
    /// The placeholder of a time, written so.
    pub(super) fn placeholder(self, slot: &str) -> String {
        match self {
            Self::Seconds => format!("{{{slot}}}"),
            Self::Millis => format!("{{{slot}|millis}}"),
            Self::Iso8601 => format!("{{{slot}|iso8601}}"),
            Self::HttpDate => format!("{{{slot}|http_date}}"),
            Self::Date(form) => format!("{{{slot}|date '{form}'}}"),
        }
    }

    /// The class of a case that it is of.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Seconds => "<time>",
            Self::Millis => "<int>",
            Self::Iso8601 => "<iso8601>",
            Self::HttpDate => "<http_date>",
            Self::Date(_) => "<text>",
        }
    }
}

/// A time between 2001 and 2100, in Unix seconds.
pub(super) fn read(value: &Value) -> Option<(i64, Form)> {
    let (seconds, form) = match value {
        Value::Number(number) => match number.as_i64()? {
            number if number > 100_000_000_000 => (number / 1000, Form::Millis),
            number => (number, Form::Seconds),
        },
        Value::String(text) => text_time(text)?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (1_000_000_000..4_102_444_800).contains(&seconds).then_some((seconds, form))
}

fn text_time(text: &str) -> Option<(i64, Form)> {
    if let Some(seconds) = http_date(text) {
        return Some((seconds, Form::HttpDate));
    }
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some((time.unix_timestamp(), Form::Iso8601));
    }
    let unzoned = |form: &'static str| {
        let form_read = parse_borrowed::<2>(form).ok()?;
        Some(PrimitiveDateTime::parse(text, &form_read).ok()?.assume_utc().unix_timestamp())
    };
    UNZONED.iter().find_map(|form| Some((unzoned(form)?, Form::Date(form))))
}

/// `Sun, 18 Aug 2019 11:30:40 GMT`
pub(super) fn http_date(text: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// A span as dialects write it.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        ..=0 => "1h".to_owned(),
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let table = [
            (json!(1_566_127_840), Some((1_566_127_840, Form::Seconds))),
            (json!(1_566_127_840_123_i64), Some((1_566_127_840, Form::Millis))),
            (json!("2019-08-18T11:30:40Z"), Some((1_566_127_840, Form::Iso8601))),
            (json!("2019-08-18T11:30:40.123+00:00"), Some((1_566_127_840, Form::Iso8601))),
            (json!("Sun, 18 Aug 2019 11:30:40 GMT"), Some((1_566_127_840, Form::HttpDate))),
            (json!("2000-02-29T00:00:00Z"), None),
            (json!(3600), None),
            (json!("soon"), None),
            (json!("2019-08-18 11:30:40"), Some((1_566_127_840, Form::Date(UNZONED[0])))),
            (json!("2019-08-18T11:30:40"), Some((1_566_127_840, Form::Date(UNZONED[1])))),
            (json!("2019-08-18 11:30:40 "), None),
            (json!(null), None),
        ];
        for (value, expected) in table {
            assert_eq!(read(&value), expected, "{value}");
        }
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:01 GMT"), Some(1));
        for (seconds, expected) in [(3600, "1h"), (90, "90s"), (1800, "30m"), (1_209_600, "14d"), (0, "1h")] {
            assert_eq!(span(seconds), expected);
        }
    }
}
