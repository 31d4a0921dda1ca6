//! How the differences between an expected answer and a real one are drawn for people.

use std::fmt::Write as _;

use myna_dialect::case::Mismatch;

const EXPECTED: &str = "\u{1b}[32m";
const GOT: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";
/// Texts that differ this late are hard to compare by eye.
const EASY_CHARS_MAX: usize = 12;

/// Every difference under its place, what was expected above what came; a caret where long texts part.
pub(super) fn list(mismatches: &[Mismatch], color: bool) -> String {
    let (green, red, plain) = if color { (EXPECTED, GOT, PLAIN) } else { ("", "", "") };
    let mut text = String::new();
    for Mismatch { place, expected, got } in mismatches {
        let _ = write!(text, "\n      {place}");
        let _ = write!(text, "\n        expected {green}{expected}{plain}");
        let _ = write!(text, "\n        got      {red}{got}{plain}");
        if let Some(at) = parting(expected, got) {
            let _ = write!(text, "\n                 {}^", " ".repeat(at));
        }
    }
    text
}

/// Where two texts of one line part, in characters; `None` where that is plain to see.
fn parting(one: &str, other: &str) -> Option<usize> {
    if one.contains('\n') || other.contains('\n') {
        return None;
    }
    let at = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    (at > EASY_CHARS_MAX).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_drawn_with_a_caret_where_it_helps() {
        let mismatch = |place: &str, expected: &str, got: &str| Mismatch {
            place: place.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
        };
        let drawn = list(
            &[mismatch("status", "200", "401"), mismatch("body.a", "\"a long enough täxt\"", "\"a long enough täst\"")],
            false,
        );
        let expected = r#"
      status
        expected 200
        got      401
      body.a
        expected "a long enough täxt"
        got      "a long enough täst"
                                  ^"#;
        assert_eq!(drawn, expected);
        assert!(list(&[mismatch("status", "200", "401")], true).contains("\u{1b}[31m401\u{1b}[0m"));
    }
}
