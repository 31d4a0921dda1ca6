//! The one comparison of secret bytes in this crate (PW-12). It never stops early and never compares anything else.

use std::hint::black_box;

/// Whether both are the same bytes, in a time that depends on the lengths only.
///
/// Lengths are not secret here: the stored text shows its own. Six lines of our own rather than a crate: the one danger
/// is an optimiser that turns the fold into an early exit, and `black_box` takes the accumulator out of its sight.
pub(crate) fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let difference = left.iter().zip(right).fold(0, |seen, (l, r)| black_box(seen | (l ^ r)));
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::same_bytes;

    #[test]
    fn only_equal_bytes_are_the_same() {
        // PW-12: a difference in any place counts, also one bit in the last byte.
        let cases: [(&[u8], &[u8], bool); 7] = [
            (b"", b"", true),
            (b"abc", b"abc", true),
            (b"abc", b"abd", false),
            (b"abc", b"bbc", false),
            (b"\x00", b"\x80", false),
            (b"abc", b"ab", false),
            (b"", b"a", false),
        ];
        for (left, right, same) in cases {
            assert_eq!(same_bytes(left, right), same, "{left:?} {right:?}");
        }
    }
}
