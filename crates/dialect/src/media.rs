//! Media types as requests name them: what a body is (`Content-Type`), what a client wants (`Accept`). It compares; it
//! never guesses from content.

/// Whether a `Content-Type` says JSON (RFC 6839 §3.1) in UTF-8, the only encoding that JSON has.
pub(crate) fn is_json(content_type: &str) -> bool {
    let json = |kind: &str| kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    is(content_type, json)
}

/// Whether a `Content-Type` says form.
pub(crate) fn is_form(content_type: &str) -> bool {
    is(content_type, |kind| kind == "application/x-www-form-urlencoded")
}

/// Whether a `Content-Type` says a form in parts.
pub(crate) fn is_multipart(content_type: &str) -> bool {
    is(content_type, |kind| kind == "multipart/form-data")
}

/// Plain text.
pub(crate) const TEXT: &str = "text/plain";

/// Whether a `Content-Type` says plain text in UTF-8.
pub(crate) fn is_text(content_type: &str) -> bool {
    is(content_type, |kind| kind == TEXT)
}

/// What stands between the parts (RFC 2046 §5.1.1); its letters keep their size. `None`: none, or none that is lawful.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let parameter =
        |part: &'_ str| part.split_once('=').is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case("boundary"));
    let mut found = content_type.split(';').skip(1).filter(|part| parameter(part));
    let (_, value) = found.next()?.split_once('=')?;
    let value = value.trim_end();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let lawful = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let lawful = (1..=70).contains(&value.len()) && value.bytes().all(lawful) && !value.ends_with(' ');
    (lawful && found.next().is_none()).then_some(value)
}

fn is(content_type: &str, wanted: impl Fn(&str) -> bool) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().is_some_and(|kind| wanted(&kind));
    let utf8 = |part: String| match part.strip_prefix("charset=") {
        Some(charset) => charset.trim_matches('"') == "utf-8",
        None => true,
    };
    essence && parts.all(utf8)
}

/// The media type without parameters, in small letters.
pub(crate) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a browser that opens a body of this type may run what stands in it.
pub(crate) fn runs(content_type: &str) -> bool {
    let essence = essence(content_type);
    let (_, kind) = essence.split_once('/').unwrap_or_default();
    kind == "html"
        || kind == "xml"
        || kind.ends_with("+xml")
        || kind.ends_with("javascript")
        || kind.ends_with("ecmascript")
}

/// Whether it can be a `Content-Type` (RFC 9110 §8.3.1): two tokens with a slash between, and parameters in ASCII.
pub(crate) fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        let lawful = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(lawful)
    };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    kind.trim_end().split_once('/').is_some_and(|(group, kind)| token(group) && token(kind))
        && parameters.bytes().all(printable)
}

/// Whether an `Accept` header (RFC 9110 §12.5.1) takes `written`: the most precise range that fits it decides.
pub(crate) fn accepts(accept: &str, written: &str) -> bool {
    let group = written.split_once('/').map(|(group, _)| format!("{group}/*")).unwrap_or_default();
    let mut best: Option<(u8, bool)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let precision = match parts.next() {
            Some(kind) if kind == written => 3,
            Some(kind) if kind == group => 2,
            Some(kind) if kind == "*/*" => 1,
            Some(_) | None => continue,
        };
        let refused = parts.filter_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).any(|q| q <= 0.0);
        if best.is_none_or(|(other, _)| precision > other) {
            best = Some((precision, !refused));
        }
    }
    best.is_some_and(|(_, taken)| taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    // IN-04
    #[test]
    fn content_types_are_told_apart() {
        for right in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/vnd.x+json",
        ] {
            assert!(is_json(right), "{right}");
        }
        for wrong in [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin1",
            "application/jsonx",
        ] {
            assert!(!is_json(wrong), "{wrong}");
        }
        assert!(is_form("application/x-www-form-urlencoded; charset=utf-8") && !is_form("multipart/form-data"));
    }

    // IN-04
    #[test]
    fn a_boundary_is_lawful_and_there_once() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=aB-1", Some("aB-1")),
            ("multipart/form-data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=\"a \"", None),
            ("multipart/form-data; boundary=a\r", Some("a")),
            ("multipart/form-data; boundary=a{b", None),
            ("multipart/form-data; boundary=a; boundary=b", None),
        ] {
            assert_eq!(boundary(content_type), expected, "{content_type:?}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
    }

    #[test]
    fn media_types_are_ascii_and_of_two_tokens() {
        for right in ["text/plain", "text/plain;charset=UTF-8", "application/vnd.x+json ; a=\"b\""] {
            assert!(is_media_type(right), "{right}");
        }
        for wrong in [
            "",
            "/",
            "text",
            "text/",
            "/plain",
            "te xt/plain",
            "text/plain/x",
            "text/plä",
            "text/plain;a=ä",
            "a/b;\r\nc",
        ] {
            assert!(!is_media_type(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_most_precise_range_decides() {
        for (accept, expected) in [
            ("application/json", true),
            ("*/*", true),
            ("application/*;q=0.1", true),
            ("text/html, application/json;q=0.9", true),
            ("text/html", false),
            ("", false),
            ("*/*, application/json;q=0", false),
            ("*/*;q=0, application/json", true),
            ("application/*;q=0, */*", false),
            ("application/json;q=0.000", false),
        ] {
            assert_eq!(accepts(accept, "application/json"), expected, "{accept}");
        }
    }
}
