//! Spans of time as people write them: `10s`, `30m`, `24h`, `30d`. It reads them; it never rounds or adds.

use std::time::Duration;

/// The longest span a dialect can state: a hundred years.
pub(crate) const SPAN_MAX: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Reads digits and one unit; `None` for anything else and for what is longer than [`SPAN_MAX`].
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let span = Duration::from_secs(digits.parse::<u64>().ok()?.checked_mul(seconds)?);
    (span <= SPAN_MAX).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_number_and_one_unit() {
        for (text, seconds) in
            [("0s", 0), ("10s", 10), ("30m", 1800), ("24h", 86_400), ("30d", 2_592_000), ("31622400s", 31_622_400)]
        {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in
            ["", "s", "10", "+1s", "-1s", "1.5h", "1h30m", "1 h", "1w", "1S", "36601d", "99999999999999999999s"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
