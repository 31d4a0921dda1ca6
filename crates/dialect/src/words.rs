//! Words that people read: one text, or one for each language of the dialect. Which language a client wants is read here;
//! what the words say is the dialect's.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of a dialect, by its place in `languages`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Language(usize);

impl Language {
    /// Which of these, one for each language, is in it.
    pub(crate) fn of<T>(self, all: &[T]) -> Option<&T> {
        all.get(self.0).or_else(|| all.first())
    }
}

/// The languages of a dialect, the default first; none: its words are what they are.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Languages(pub(crate) Vec<String>);

/// A text in one or every language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Words(Box<[String]>);

impl Words {
    /// The same in every language.
    pub(crate) fn one(text: impl Into<String>) -> Self {
        Self([text.into()].into())
    }

    /// One for each language; of fewer than one for each, the first stands for the others.
    pub(crate) fn of(texts: Vec<String>) -> Self {
        Self(texts.into())
    }

    /// What is said in this language.
    pub(crate) fn say(&self, language: Language) -> &str {
        language.of(&self.0).map_or("", String::as_str)
    }

    /// The same words, each text changed.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|text| change(text)).collect())
    }

    /// The text of each language.
    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }
}

impl Languages {
    /// The best of ours for an `Accept-Language` (RFC 9110 §12.5.4): the client's order decides, then ours; a tag with a
    /// region is served by its language, and a language by its regions. What cannot be read is no wish.
    pub(crate) fn choose(&self, headers: &HeaderMap) -> Language {
        if self.0.len() < 2 {
            return Language::default();
        }
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let mut best: Option<(f32, usize)> = None;
        for range in lines.flat_map(|line| line.split(',')) {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.parse().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0),
                None => 1.0,
            };
            let found = self.find(tag.trim()).filter(|_| weight > 0.0);
            if let Some(place) = found
                && best.is_none_or(|(other, _)| weight > other)
            {
                best = Some((weight, place));
            }
        }
        Language(best.map_or(0, |(_, place)| place))
    }

    fn find(&self, tag: &str) -> Option<usize> {
        let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let exact = self.0.iter().position(|ours| ours.eq_ignore_ascii_case(tag));
        exact.or_else(|| self.0.iter().position(|ours| language(ours) == language(tag)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_client_chooses_its_language() {
        let ours = Languages(["en", "de", "pt-BR"].map(str::to_owned).to_vec());
        for (wanted, place) in [
            (None, 0),
            (Some(""), 0),
            (Some("de"), 1),
            (Some("DE-at, en;q=0.9"), 1),
            (Some("fr, en;q=0.2, de;q=0.8"), 1),
            (Some("de;q=0"), 0),
            (Some("de;q=0, pt"), 2),
            (Some("pt-PT"), 2),
            (Some("en;q=0.5,de;q=0.5"), 0),
            (Some("de;q=nonsense, ,;;"), 0),
            (Some("*"), 0),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(wanted.map(|wanted| (ACCEPT_LANGUAGE, HeaderValue::from_static(wanted))));
            assert_eq!(ours.choose(&headers), Language(place), "{wanted:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("de"));
        assert_eq!(Languages::default().choose(&headers), Language(0));
    }

    #[test]
    fn words_that_are_missing_are_said_in_the_default_language() {
        let words = Words::of(vec!["one".to_owned(), "eins".to_owned()]);
        assert_eq!([0, 1, 2].map(|place| words.say(Language(place)).to_owned()), ["one", "eins", "one"]);
        assert_eq!(Words::one("x").say(Language(7)), "x");
    }
}
