//! `from`: where inputs are found outside the body.

use http::HeaderName;
use http::header::AUTHORIZATION;
use myna_core::problem::Field;

use super::Compiler;
use super::request::Reading;
use crate::diagnostic::did_you_mean;
use crate::file::{Table, Text};
use crate::insecure::Insecure;
use crate::scheme::Half;
use crate::source::Source;

const SOURCES: [&str; 8] = [
    "bearer",
    "header NAME",
    "cookie NAME",
    "path NAME",
    "query NAME",
    "basic user",
    "basic password",
    "scheme WORD [PARAM] [in HEADER]",
];

impl Compiler {
    pub(super) fn sources(&mut self, table: &Table<'_>, reading: &mut Reading<'_>, params: &[String]) {
        let from = table.table("from", &mut self.faults);
        for key in from.iter().flat_map(Table::keys) {
            let Some(from) = &from else { return };
            let written = from.texts(&key.value, &mut self.faults);
            let sources: Vec<Source> =
                written.iter().filter_map(|text| self.source(text, &key.value, params)).collect();
            // What the body has, too, keeps the body's name.
            if let Some(input) = reading.find(&key.value).and_then(|at| reading.inputs.get_mut(at)) {
                input.sources = sources;
                continue;
            }
            let wire = sources.first().map(|source| match source {
                Source::Bearer(name) | Source::Header(name) => canonical_case(name),
                Source::Cookie(name) | Source::Path(name) | Source::Query(name) => name.clone(),
                Source::Basic(Half::User) => "user".to_owned(),
                Source::Basic(Half::Password) => "password".to_owned(),
                Source::Scheme { param: Some(param), .. } => param.clone(),
                Source::Scheme { param: None, header, .. } => canonical_case(header),
            });
            let at = self.input(&key, "input", &wire.unwrap_or_default(), reading);
            if let Some(input) = at.and_then(|at| reading.inputs.get_mut(at)) {
                input.sources = sources;
            }
        }
        let used = |name: &String| {
            let uses = |source: &Source| matches!(source, Source::Path(param) if param == name);
            reading.inputs.iter().any(|input| input.sources.iter().any(uses))
        };
        for name in params.iter().filter(|name| !used(name)) {
            self.faults.add(table.place("route"), format!("nothing reads the parameter `{{{name}}}` of the path"));
        }
    }

    pub(super) fn source(&mut self, text: &Text, input: &str, params: &[String]) -> Option<Source> {
        let (kind, name) = text.value.split_once(' ').unwrap_or((&text.value, ""));
        let header = || HeaderName::from_bytes(name.as_bytes()).ok();
        let source = match kind {
            "bearer" if name.is_empty() => Some(Source::Bearer(AUTHORIZATION)),
            "bearer" => header().map(Source::Bearer),
            "header" => header().map(Source::Header),
            "cookie" => header().map(|_| Source::Cookie(name.to_owned())),
            "path" => Some(Source::Path(name.to_owned())),
            "query" => Some(Source::Query(name.to_owned())).filter(|_| !name.is_empty()),
            "basic" => match name {
                "user" => Some(Source::Basic(Half::User)),
                "password" => Some(Source::Basic(Half::Password)),
                _ => None,
            },
            "scheme" => scheme(name),
            _ => {
                let list = || format!("sources are: {}", SOURCES.join(", "));
                let kinds = SOURCES.iter().filter_map(|source| source.split(' ').next());
                let help = did_you_mean(kind, kinds).unwrap_or_else(list);
                self.faults.add_with(text.span.clone(), format!("there is no source `{kind}`"), help);
                return None;
            }
        };
        if source.is_none() {
            let (message, help) = match kind {
                "basic" => ("`basic` has a `user` and a `password`".to_owned(), None),
                "scheme" => (
                    format!("`{}` cannot be read after a scheme", name.escape_debug()),
                    Some(
                        "`scheme Token`, `scheme MediaBrowser Token`, `scheme MediaBrowser Token in X-Auth`".to_owned(),
                    ),
                ),
                _ => (format!("`{}` cannot be a {kind}'s name", name.escape_debug()), None),
            };
            self.faults.add_with(text.span.clone(), message, help);
        }
        if let Some(Source::Path(name)) = &source
            && !params.contains(name)
        {
            let help = did_you_mean(name, params.iter().map(String::as_str));
            self.faults.add_with(text.span.clone(), format!("the path has no parameter `{name}`"), help);
        }
        if Field::parse(input).is_some_and(Field::is_secret) {
            let loosening = match &source {
                // Queries end up in logs, histories and `Referer`.
                Some(Source::Query(_)) => Some((Insecure::SecretInQuery, "query")),
                // Every log has it.
                Some(Source::Path(_)) => Some((Insecure::SecretInPath, "path")),
                Some(
                    Source::Bearer(_)
                    | Source::Header(_)
                    | Source::Cookie(_)
                    | Source::Basic(_)
                    | Source::Scheme { .. },
                )
                | None => None,
            };
            if let Some((what, place)) = loosening {
                let message = format!("`{input}` is a secret: it does not belong in the {place}");
                self.loosen(what, text.span.clone(), message);
            }
        }
        source
    }
}

/// `WORD`, `WORD PARAM`, either with ` in HEADER`.
fn scheme(text: &str) -> Option<Source> {
    let (words, header) = match text.split_once(" in ") {
        Some((words, header)) => (words, HeaderName::from_bytes(header.as_bytes()).ok()?),
        None => (text, AUTHORIZATION),
    };
    let (word, param) = words.split_once(' ').map_or((words, None), |(word, param)| (word, Some(param)));
    // A scheme and a parameter are tokens, as a header's name is.
    let token = |text: &str| HeaderName::from_bytes(text.as_bytes()).is_ok();
    let param = param.map(str::to_owned);
    let lawful = token(word) && param.as_deref().is_none_or(token);
    lawful.then(|| Source::Scheme { word: word.to_owned(), param, header })
}

/// `x-device` as people write it: `X-Device`.
fn canonical_case(name: &HeaderName) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.as_str().split('-').map(part).collect::<Vec<_>>().join("-")
}
