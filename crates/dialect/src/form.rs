//! `application/x-www-form-urlencoded`, strictly: valid UTF-8, no name twice (IN-01). It reads; it never merges.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// As many as a JSON body may have members.
pub(crate) const PAIRS_MAX: usize = crate::json::BODY.members;

/// Name and value of one field.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs in their order; `None` when the text is not lawful.
pub(crate) fn parse(text: &str) -> Option<Vec<Pair<'_>>> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if pairs.len() == PAIRS_MAX || pairs.iter().any(|(present, _)| *present == name) {
            return None;
        }
        pairs.push((name, value));
    }
    Some(pairs)
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_strictly() {
        let pairs = parse("a=1&b=x+y%26z&c&&d==").expect("lawful");
        let shown: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(shown, ["a:1", "b:x y&z", "c:", "d:="]);
        assert_eq!(parse("").map(|pairs| pairs.len()), Some(0));
        let many: String = (0..101).map(|n| format!("a{n}=1&")).collect();
        for wrong in ["a=1&a=2", "a=1&%61=2", "a=%ff", &many] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
