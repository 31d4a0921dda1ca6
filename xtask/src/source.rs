//! Reading Rust text well enough to check it: comments and literals blanked out, test code set apart. Line numbers are
//! kept. It is no parser: it never resolves names and never expands macros.

/// The text with the inside of comments, strings and character literals replaced by spaces, line for line.
pub(crate) fn code_only(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    let mut after_word = false;
    while at < bytes.len() {
        match blank_length(&bytes[at..], after_word) {
            Some(length) => {
                let end = (at + length).min(bytes.len());
                for byte in bytes[at..end].iter_mut().filter(|byte| **byte != b'\n') {
                    *byte = b' ';
                }
                at = end;
                after_word = false;
            }
            None => {
                after_word = is_word(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The word that the text opens with, after blanks.
pub(crate) fn first_word(text: &str) -> String {
    let letters = text.trim_start().bytes().take_while(|byte| is_word(*byte));
    letters.map(char::from).collect()
}

/// `TokenManager`, `token_manager` and `token-manager` alike give `token`, `manager`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() {
            words.push(String::new());
        }
        let last = words.last_mut().filter(|_| letter.is_alphanumeric());
        last.into_iter().for_each(|last| last.extend(letter.to_lowercase()));
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The length of the comment or literal that starts here, if one does.
fn blank_length(rest: &[u8], after_word: bool) -> Option<usize> {
    match rest {
        [b'/', b'/', ..] => Some(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment_length(rest)),
        [b'"', ..] => Some(closing(rest, 1, b'"')),
        [b'\'', b'\\', ..] => Some(closing(rest, 1, b'\'')),
        // 'x' is a character, 'x without the second quote a lifetime; a character may take up to four bytes.
        [b'\'', ..] => (3..=6).find(|end| is_quoted_char(rest.get(1..*end).unwrap_or_default())),
        [b'r' | b'b' | b'c', ..] if !after_word => raw_string_length(rest),
        _ => None,
    }
}

fn is_quoted_char(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.ends_with('\'') && text.chars().count() == 2)
}

fn closing(rest: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn raw_string_length(rest: &[u8]) -> Option<usize> {
    let prefix = if rest[0] == b'r' { 1 } else { 2 };
    let after = rest.get(prefix..).filter(|_| rest[prefix - 1] == b'r')?;
    let hashes = after.iter().take_while(|byte| **byte == b'#').count();
    let inside = after[hashes..].strip_prefix(b"\"")?;
    let close = [b"\"".as_slice(), &after[..hashes]].concat();
    let found = inside.windows(close.len()).position(|window| window == close);
    Some(found.map_or(rest.len(), |at| prefix + hashes + 1 + at + close.len()))
}

/// True where the whole file holds tests, so none of its lines count.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/") || path.contains("/examples/")
}

/// The lines of `code` that are not under `#[cfg(test)]`, with their numbers from 1. Takes the answer of [`code_only`].
pub(crate) fn production_lines(code: &str) -> Vec<(usize, &str)> {
    if code.lines().any(|line| line.trim_end() == "#![cfg(test)]") {
        return Vec::new();
    }
    let mut kept = Vec::new();
    let mut lines = code.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if !line.starts_with("#[cfg(test") && !line.starts_with("#[cfg(all(test") {
            kept.push((index + 1, line));
            continue;
        }
        // The item under the attribute ends at a `;`, or at the `}` in the first column that rustfmt gives it.
        for (_, next) in lines.by_ref() {
            let next = next.trim_end();
            let attribute = next.starts_with("#[");
            let one_line = next.ends_with(';') || (next.contains('{') && next.ends_with('}'));
            if next == "}" || (one_line && !next.starts_with(' ') && !attribute) {
                break;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_kept() {
        let table = [
            ("use a; // use crate::b", "use a;"),
            ("/* one /* two */ fn get_x */ fn y() {}", "fn y() {}"),
            (r#"let a = "crate::b \" more"; x"#, "; x"),
            (r###"let a = r#"fn get_x "quoted""#; x"###, "; x"),
            ("let q = '\"'; fn z<'a>(b: &'a str) {}", "fn z<'a>(b: &'a str) {}"),
            ("let r#type = '\\''; y", "; y"),
            ("let e = 'é'; y", "; y"),
        ];
        for (text, kept) in table {
            let code = code_only(text);
            assert_eq!(code.len(), text.len(), "{text}");
            assert!(code.contains(kept), "{text} became {code}");
            assert!(!code.contains("crate::b") && !code.contains("get_x"), "{text} became {code}");
        }
    }

    #[test]
    fn test_code_is_set_apart() {
        let text = "//! Doc.\n#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod more {\n    fn b() {}\n}\nfn c() {}\n";
        let code = code_only(text);
        let kept: Vec<usize> = production_lines(&code).iter().map(|(line, _)| *line).collect();
        assert_eq!(kept, [1, 4, 10]);
        assert!(production_lines("#![cfg(test)]\nfn a() {}").is_empty());
        assert!(is_test_file("crates/core/src/ops/tests.rs") && !is_test_file("crates/core/src/test_kit.rs"));
    }
}
