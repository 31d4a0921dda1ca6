//! How values become bytes: integers, JSON strings, times, cookie values. It appends to a buffer; it never allocates
//! anything else, except for the two rare forms of a date.

use std::time::{Duration, UNIX_EPOCH};

use myna_core::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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
    fn a_cookie_value_cannot_end_its_cookie() {
        let mut out = Vec::new();
        cookie("a; Domain=x, \"é%\r\n", &mut out);
        assert_eq!(String::from_utf8(out).expect("ASCII"), "a%3B%20Domain=x%2C%20%22%C3%A9%25%0D%0A");
    }
}
