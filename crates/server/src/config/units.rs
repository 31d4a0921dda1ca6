//! Durations and sizes as operators write them: "10s", "16KiB". Whole numbers with a unit, nothing else.

use std::time::Duration;

/// Digits and a unit; no sign, fraction or blank.
fn quantity<T: Copy>(text: &str, units: &[(&str, T)]) -> Option<(u64, T)> {
    let (digits, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    Some((digits.parse().ok()?, *factor))
}

const DURATION_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads "10s"; `None` for anything else, or too large to count in milliseconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (count, millis) = quantity(text, &DURATION_UNITS)?;
    count.checked_mul(millis).map(Duration::from_millis)
}

/// Reads "16KiB" as bytes; `None` for anything else, or more than 64 bits.
pub(super) fn size(text: &str) -> Option<u64> {
    let (count, bytes) = quantity(text, &SIZE_UNITS)?;
    count.checked_mul(bytes)
}

/// In the largest unit that loses nothing.
fn show(amount: u64, units: &[(&str, u64)]) -> String {
    let unit = units.iter().find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor)).or(units.last());
    unit.map_or_else(|| amount.to_string(), |(name, factor)| format!("{}{name}", amount / factor))
}

/// A size in bytes as it would be written.
pub(super) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZE_UNITS)
}

/// A duration as it would be written.
pub(crate) fn show_duration(span: Duration) -> String {
    show(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), &DURATION_UNITS)
}
