//! What is wrong in a text somebody wrote (a dialect, the configuration), and how it is shown: file, line, column, the
//! line itself, a caret, help. It collects and draws; it never reads a file, prints, or decides what is a fault.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

/// Longer words get no suggestion: the distance costs the product of both lengths, and the word may be hostile.
const WORD_CHARS_MAX: usize = 64;

/// A written text and the name under which its author knows it: a path, or what else it is ("environment variable X").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Shown as the place of each fault.
    pub name: String,
    /// The text that the spans of the diagnostics count in.
    pub text: String,
}

impl Source {
    /// A source of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// One fault in a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The bytes of the source that are at fault; `None`: the source as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong, one line, without full stop.
    pub message: String,
    /// What the author could do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A fault of the source as a whole; [`at`](Self::at) gives it a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), help: None }
    }

    /// The same fault, placed at these bytes.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// The same fault with advice; `None` leaves it as it is, so that a suggestion can be passed on.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into().or(self.help);
        self
    }
}

/// Every fault of one source in the order of the text, then the sum of them. Nothing for no faults.
pub fn render(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| diagnostic.span.as_ref().map(|span| (span.start, span.end)));
    let mut text: String = sorted.iter().map(|diagnostic| render_one(source, diagnostic, color) + "\n").collect();
    text.push_str(&summary(diagnostics.len(), &source.name));
    text
}

/// One fault, drawn; ends with a line feed. A span outside the text is drawn at the text's end.
pub fn render_one(source: &Source, diagnostic: &Diagnostic, color: bool) -> String {
    let Diagnostic { span, message, help } = diagnostic;
    let group = Group::with_title(Level::ERROR.primary_title(message.as_str()));
    let mut group = match span {
        None => group.element(Origin::path(normalize_untrusted_str(&source.name))),
        Some(span) => {
            // Only the line at fault is handed over: the renderer panics on spans beyond what it is given, and cutting
            // a longer span at the end of its first line keeps the picture one caret line high.
            let place = locate(&source.text, span.start);
            let length = span.end.saturating_sub(span.start);
            let end = place.line_text.floor_char_boundary(place.offset.saturating_add(length));
            let snippet = Snippet::source(place.line_text)
                .line_start(place.line)
                .path(normalize_untrusted_str(&source.name))
                .annotation(AnnotationKind::Primary.span(place.offset..end.max(place.offset)));
            group.element(snippet)
        }
    };
    if let Some(help) = help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group]) + "\n"
}

/// The closing line: "3 faults in dialects/spring/dialect.toml".
pub fn summary(count: usize, name: &str) -> String {
    let name = normalize_untrusted_str(name);
    if count == 1 { format!("1 fault in {name}\n") } else { format!("{count} faults in {name}\n") }
}

/// Line and column, both from 1, the column in characters. Beyond the end: the end.
pub fn line_column(source: &Source, offset: usize) -> (usize, usize) {
    let place = locate(&source.text, offset);
    let before = place.line_text.get(..place.offset).unwrap_or_default();
    (place.line, before.chars().count() + 1)
}

/// The candidate that `word` most likely meant: the least edits (a swap of neighbours is one), in at most a third of
/// the letters, upper and lower case alike. Of equals the first.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > WORD_CHARS_MAX {
        return None;
    }
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            let limit = length.max(candidate.chars().count()) / 3;
            (distance <= limit).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// [`nearest`] as a question, ready to be the help of a [`Diagnostic`].
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

struct Place<'a> {
    /// From 1.
    line: usize,
    /// The line without its end.
    line_text: &'a str,
    /// In `line_text`, always on the boundary of a character.
    offset: usize,
}

fn locate(text: &str, offset: usize) -> Place<'_> {
    let offset = text.floor_char_boundary(offset);
    let (before, after) = text.split_at(offset);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| offset + at);
    let line_text = text.get(start..end).unwrap_or_default();
    let line_text = line_text.strip_suffix('\r').unwrap_or(line_text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Place { line, line_text, offset: (offset - start).min(line_text.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source::new("dialects/spring/dialect.toml", "name = \"spring\"\n\n[[endpont]]\r\nrüte = 5\n")
    }

    #[test]
    fn a_fault_shows_place_line_caret_and_help() {
        let fault = Diagnostic::new("unknown key `endpont`").at(19..26).help(did_you_mean("endpont", ["endpoint"]));
        let expected = "\
error: unknown key `endpont`
 --> dialects/spring/dialect.toml:3:3
  |
3 | [[endpont]]
  |   ^^^^^^^
  |
  = help: did you mean `endpoint`?
";
        assert_eq!(render_one(&source(), &fault, false), expected);
    }

    #[test]
    fn a_fault_without_span_names_the_source() {
        let text = render_one(&Source::new("environment variable MYNA_X", ""), &Diagnostic::new("not a number"), false);
        assert_eq!(text, "error: not a number\n--> environment variable MYNA_X\n");
    }

    #[test]
    fn all_faults_are_listed_in_order_with_their_sum() {
        let faults = [
            Diagnostic::new("third").at(30..31),
            Diagnostic::new("first"),
            Diagnostic::new("second").at(0..4),
            Diagnostic::new("fourth").at(30..35),
        ];
        let text = render(&source(), &faults, false);
        let titles: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert_eq!(titles, ["first", "second", "third", "fourth"]);
        assert!(text.ends_with("\n\n4 faults in dialects/spring/dialect.toml\n"), "{text}");
        assert!(render(&source(), &faults[..1], false).ends_with("1 fault in dialects/spring/dialect.toml\n"));
        assert_eq!(render(&source(), &[], false), "");
    }

    /// IN-09: whatever the span, whatever the text, a picture and no panic.
    #[test]
    fn no_span_panics() {
        #[expect(clippy::reversed_empty_ranges, reason = "that is the case tried")]
        let reversed = 9..2;
        let texts = ["", "\n", "\r\n", "x", "ü", "a\n", "a\n\n", "\u{feff}a = 1", "\u{1b}[31m\0\t= 1", "日本 = 語\r\n"];
        for text in texts {
            let source = Source::new("f", text);
            for start in 0..=text.len() + 2 {
                for end in start..=text.len() + 2 {
                    let drawn = render_one(&source, &Diagnostic::new("m").at(start..end), false);
                    assert!(drawn.contains("--> f:") && drawn.contains('^'), "{text:?} {start}..{end}: {drawn}");
                    assert!(!drawn.contains('\u{1b}'), "control characters are not passed to the terminal");
                }
            }
            for span in [reversed.clone(), usize::MAX..usize::MAX, 0..usize::MAX] {
                assert!(render_one(&source, &Diagnostic::new("m").at(span), true).contains('^'));
            }
        }
    }

    #[test]
    fn a_span_of_many_lines_is_shown_at_its_first() {
        let drawn = render_one(&source(), &Diagnostic::new("m").at(2..40), false);
        assert!(drawn.contains("1 | name = \"spring\"\n  |   ^^^^^^^^^^^^^\n"), "{drawn}");
        assert!(!drawn.contains("endpont"));
    }

    #[test]
    fn colour_only_when_asked() {
        let fault = Diagnostic::new("m").at(0..4);
        assert!(render_one(&source(), &fault, true).contains('\u{1b}'));
        assert!(!render_one(&source(), &fault, false).contains('\u{1b}'));
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        for (offset, expected) in [(0, (1, 1)), (4, (1, 5)), (15, (1, 16)), (16, (2, 1)), (19, (3, 3))] {
            assert_eq!(line_column(&source(), offset), expected, "{offset}");
        }
        // `ü` is two bytes and one column; an offset inside it is its start.
        let start = source().text.find("rüte").expect("present");
        assert_eq!(line_column(&source(), start + 2), (4, 2));
        assert_eq!(line_column(&source(), start + 3), (4, 3));
        assert_eq!(line_column(&source(), usize::MAX), (5, 1));
    }

    #[test]
    fn suggestions_are_near_or_absent() {
        let candidates = ["http.listen", "https.listen", "http.body_limit", "port", "id"];
        let cases = [
            ("http.lisen", Some("http.listen")),
            ("htpts.listen", Some("https.listen")),
            ("HTTP.BODY-LIMIT", Some("http.body_limit")),
            ("prt", Some("port")),
            ("ip", None),
            ("colour", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, candidates), expected, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(65), ["a".repeat(65).as_str()]), None);
        assert_eq!(did_you_mean("prt", candidates).as_deref(), Some("did you mean `port`?"));
    }
}
