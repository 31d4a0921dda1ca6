//! `multipart/form-data` (RFC 7578), strictly: text fields of one whole body, each name once, no file, nothing nested.
//!
//! Our own, because the crates that read multipart are asynchronous readers of streams, for uploads that do not fit into
//! memory, and forgiving about what stands around the parts. Here the body is there already, at most a few KiB, and the
//! grammar is the least that browsers and HTTP libraries write: CR LF everywhere, no preamble, no padding.

use std::borrow::Cow;

use crate::form::{PAIRS_MAX, Pair};
use crate::media;

/// The headers of one part, in bytes.
const HEAD_BYTES_MAX: usize = 512;

/// The fields in their order; `None` when the text is not lawful.
pub(crate) fn parse<'a>(text: &'a str, boundary: &str) -> Option<Vec<Pair<'a>>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = text.strip_prefix(delimiter.get(2..)?)?;
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix("--") {
            return matches!(end, "" | "\r\n").then_some(pairs);
        }
        let part = rest.strip_prefix("\r\n")?;
        let (head, after) = part.split_once("\r\n\r\n").filter(|(head, _)| head.len() <= HEAD_BYTES_MAX)?;
        // The first delimiter ends the part, whatever follows it: a value that holds one was not meant to be sent so.
        let (value, after) = after.split_once(delimiter.as_str())?;
        let name = name(head)?;
        if pairs.len() == PAIRS_MAX || pairs.iter().any(|(present, _)| *present == name) {
            return None;
        }
        pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        rest = after;
    }
}

/// The name of a part with these headers; `None` when it is no text field.
fn name(head: &str) -> Option<&str> {
    let mut name = None;
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        if value.contains(char::is_control) {
            return None;
        }
        match header.to_ascii_lowercase().as_str() {
            "content-disposition" if name.is_none() => name = Some(disposition(value)?),
            "content-type" if media::is_text(value) => {}
            // Old libraries say how they did not encode it.
            "content-transfer-encoding"
                if ["7bit", "8bit", "binary"].contains(&value.to_ascii_lowercase().as_str()) => {}
            "content-length" if value.bytes().all(|byte| byte.is_ascii_digit()) => {}
            _ => return None,
        }
    }
    name
}

/// `form-data; name="x"` and nothing more: what has a file's name is a file.
fn disposition(value: &str) -> Option<&str> {
    let (kind, parameter) = value.split_once(';')?;
    if !kind.trim_end().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (key, value) = parameter.trim_start().split_once('=')?;
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let name = quoted.unwrap_or(value);
    let lawful = !name.is_empty() && !name.contains(['"', '\\']) && (quoted.is_some() || !name.contains([' ', ';']));
    (key.eq_ignore_ascii_case("name") && lawful).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(head: &str, value: &str) -> String {
        format!("--b\r\n{head}\r\n\r\n{value}\r\n")
    }

    fn field(name: &str, value: &str) -> String {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    }

    #[test]
    fn text_fields_are_read_as_they_are() {
        let typed = part("content-type: text/plain; charset=UTF-8\r\ncontent-disposition: form-data; name=c", "z");
        let old = part("Content-Disposition:form-data;name=\"d\"\r\nContent-Transfer-Encoding: binary", "");
        let text = field("a", "1\r\n--x\n") + &field("b ü", "\"é\"") + &typed + &old + "--b--\r\n";
        let pairs = parse(&text, "b").expect("lawful");
        let shown: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(shown, ["a:1\r\n--x\n", "b ü:\"é\"", "c:z", "d:"]);
        assert_eq!(parse("--b--", "b").map(|pairs| pairs.len()), Some(0));
    }

    // IN-01, IN-02
    #[test]
    fn what_is_not_strictly_a_form_is_refused() {
        let end = "--b--\r\n";
        let file = part("Content-Disposition: form-data; name=\"a\"; filename=\"x\"", "1");
        let nested =
            part("Content-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=c", "1");
        let latin = part("Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=latin1", "1");
        let many: String = (0..101).map(|n| field(&n.to_string(), "")).collect();
        let long = part(&format!("Content-Disposition: form-data; name=\"{}\"", "a".repeat(500)), "");
        for wrong in [
            String::new(),
            field("a", "1"),
            field("a", "1") + "--b",
            field("a", "1") + "--b--x",
            field("a", "1") + "--bb--\r\n",
            field("a", "1") + &field("a", "2") + end,
            field("", "1") + end,
            field("a\\\"", "1") + end,
            "preamble\r\n".to_owned() + &field("a", "1") + end,
            (field("a", "1") + end).replace("\r\n", "\n"),
            field("a", "1\r\n--bx") + end,
            part("Content-Disposition: attachment; name=\"a\"", "1") + end,
            part("Content-Type: text/plain", "1") + end,
            part("Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"", "1") + end,
            part("Content-Disposition: form-data; name=\"a\"\r\nX-Other: 1", "1") + end,
            part("Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64", "1") + end,
            part("Content-Disposition: form-data", "1") + end,
            part("", "1") + end,
            file + end,
            nested + end,
            latin + end,
            many + end,
            long + end,
        ] {
            assert_eq!(parse(&wrong, "b"), None, "{wrong:?}");
        }
    }
}
