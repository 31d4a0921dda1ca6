//! Points in time as APIs write them, and spans as dialects do.

use serde_json::Value;

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Seconds,
    Millis,
    Iso8601,
    HttpDate,
}

impl Form {
    /// The placeholder of a time, written so.
    pub(super) fn placeholder(self, slot: &str) -> String {
        match self {
            Self::Seconds => format!("{{{slot}}}"),
            Self::Millis => format!("{{{slot}|millis}}"),
            Self::Iso8601 => format!("{{{slot}|iso8601}}"),
            Self::HttpDate => format!("{{{slot}|http_date}}"),
        }
    }

    /// The class of a case that it is of.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Seconds => "<time>",
            Self::Millis => "<int>",
            Self::Iso8601 => "<iso8601>",
            Self::HttpDate => "<http_date>",
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
    if text.ends_with(" GMT") {
        return http_date(text).map(|seconds| (seconds, Form::HttpDate));
    }
    let number = |at: usize, length: usize| text.get(at..at + length)?.parse::<i64>().ok();
    let mark = |at: usize, letter: &str| text.get(at..=at) == Some(letter);
    if text.len() < 20 || !(mark(4, "-") && mark(7, "-") && mark(10, "T") && mark(13, ":") && mark(16, ":")) {
        return None;
    }
    let days = days(number(0, 4)?, number(5, 2)?, number(8, 2)?);
    Some((days * 86_400 + number(11, 2)? * 3600 + number(14, 2)? * 60 + number(17, 2)?, Form::Iso8601))
}

/// `Sun, 18 Aug 2019 11:30:40 GMT`
pub(super) fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|known| known == month)?;
    let number = |text: &str| text.parse::<i64>().ok();
    let days = days(number(year)?, i64::try_from(month).ok()? + 1, number(day)?);
    Some(days * 86_400 + number(hour)? * 3600 + number(minute)? * 60 + number(second)?)
}

/// Days since 1970-01-01 in the Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
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
