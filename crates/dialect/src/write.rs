//! How values become bytes: integers, JSON strings, times, cookie values. It appends to a buffer; it never allocates
//! anything else, except for the two rare forms of a date.

use std::time::{Duration, UNIX_EPOCH};

use myna_core::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::format_description::{OwnedFormatItem, parse_owned};

/// The last second that a date with four digits of year can tell.
const SECONDS_MAX: i64 = 253_402_300_799;

/// For each byte what follows the backslash: 0 for nothing to escape, `u` for the long form.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// The inside of a JSON string (RFC 8259 §7); what need not be escaped is not.
pub(crate) fn escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[*byte as usize];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(bytes.get(start..at).unwrap_or_default());
        start = at + 1;
        if escape == b'u' {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
    }
    out.extend_from_slice(bytes.get(start..).unwrap_or_default());
}

/// A JSON string with its quotes.
pub(crate) fn quoted(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    escaped(text, out);
    out.push(b'"');
}

/// A decimal integer.
pub(crate) fn integer(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// `2019-08-18T11:30:40Z` (RFC 3339); times that no such date can tell are held at its ends.
pub(crate) fn iso8601(time: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(time.seconds().clamp(0, SECONDS_MAX));
    date.ok().and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_default()
}

/// `Sun, 18 Aug 2019 11:30:40 GMT` (RFC 9110 §5.6.7), held at the ends like [`iso8601`].
pub(crate) fn http_date(time: Timestamp) -> String {
    let seconds = time.seconds().clamp(0, SECONDS_MAX).unsigned_abs();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A form of times that a dialect describes: `[year]-[month]-[day] [hour]:[minute]:[second]`, in UTC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DateForm(OwnedFormatItem);

impl DateForm {
    /// Reads a description as the `time` crate has it.
    ///
    /// # Errors
    /// What is wrong with it, one line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let form = parse_owned::<2>(text).map(Self).map_err(|error| error.to_string())?;
        // A component that a time in UTC has no value for is told now, not when somebody signs in.
        OffsetDateTime::UNIX_EPOCH.format(&form.0).map(|_| form).map_err(|error| error.to_string())
    }

    /// The time in this form, held at the ends like [`iso8601`].
    pub(crate) fn write(&self, time: Timestamp) -> String {
        let micros = time.0.clamp(0, SECONDS_MAX.saturating_mul(1_000_000));
        let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
        date.ok().and_then(|date| date.format(&self.0).ok()).unwrap_or_default()
    }
}

/// A number inside a UUID of version 8 (RFC 9562 §5.8): for APIs whose ids are UUIDs. The same number is the same UUID.
pub(crate) fn uuid(number: i64) -> String {
    let bits = u64::from_be_bytes(number.to_be_bytes());
    // 48 bits fit into the last group; an id that needs more fills the group before it.
    let (high, low) = (bits >> 48, bits & 0xffff_ffff_ffff);
    format!("00000000-{high:04x}-8000-8000-{low:012x}")
}

/// A cookie's value (RFC 6265 §4.1.1): what it cannot hold goes percent-encoded.
pub(crate) fn cookie(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if is_cookie_octet(byte) && byte != b'%' {
            out.push(byte);
        } else {
            out.extend_from_slice(percent_encoding::percent_encode_byte(byte).as_bytes());
        }
    }
}

/// RFC 6265 §4.1.1, `cookie-octet`.
pub(crate) const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_integers_are_written_as_serde_writes_them() {
        let every: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        for text in ["", "foo@gmail.com", "\"}", "a\\b\"c\n\u{7f}\u{2028}é😀", &every] {
            let mut out = Vec::new();
            quoted(text, &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), serde_json::to_string(text).expect("text"));
        }
        for number in [0, 7, 10, -1, 99, 100, 1_566_131_194, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            integer(number, &mut out);
            assert_eq!(String::from_utf8(out).expect("digits"), number.to_string());
        }
    }

    #[test]
    fn dates_have_their_forms_and_no_time_panics() {
        let time = Timestamp::from_seconds(1_566_127_840);
        assert_eq!(iso8601(time), "2019-08-18T11:30:40Z");
        assert_eq!(http_date(time), "Sun, 18 Aug 2019 11:30:40 GMT");
        assert_eq!(iso8601(Timestamp(i64::MIN)), "1970-01-01T00:00:00Z");
        assert_eq!(iso8601(Timestamp::from_seconds(i64::MAX / 2)), "9999-12-31T23:59:59Z");
        assert_eq!(http_date(Timestamp(i64::MIN)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(Timestamp::from_seconds(SECONDS_MAX + 1)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn a_dialect_has_its_own_form_of_dates() {
        let form = "[weekday repr:short] [day]/[month]/[year] [hour]:[minute]:[second].[subsecond digits:3]";
        let form = DateForm::parse(form).expect("lawful");
        assert_eq!(form.write(Timestamp(1_566_127_840_123_456)), "Sun 18/08/2019 11:30:40.123");
        assert_eq!(form.write(Timestamp(i64::MIN)), "Thu 01/01/1970 00:00:00.000");
        assert_eq!(form.write(Timestamp(i64::MAX)), "Fri 31/12/9999 23:59:59.000");
        for wrong in ["[year", "[yaer]", "[month repr:x]"] {
            assert!(DateForm::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn different_numbers_are_different_uuids() {
        for (number, expected) in [
            (0, "00000000-0000-8000-8000-000000000000"),
            (42, "00000000-0000-8000-8000-00000000002a"),
            (i64::MAX, "00000000-7fff-8000-8000-ffffffffffff"),
        ] {
            assert_eq!(uuid(number), expected);
        }
    }

    #[test]
    fn a_cookie_value_cannot_end_its_cookie() {
        let mut out = Vec::new();
        cookie("a; Domain=x, \"é%\r\n", &mut out);
        assert_eq!(String::from_utf8(out).expect("ASCII"), "a%3B%20Domain=x%2C%20%22%C3%A9%25%0D%0A");
    }
}
