//! `from`: where inputs are found outside the body.

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

use super::Compiler;
use super::request::Reading;
use crate::decode::Input;
use crate::diagnostic::did_you_mean;
use crate::file::{Faults, Table, Text};
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
            let sources: Vec<Source> = written.iter().filter_map(|text| self.source(text, params)).collect();
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

    pub(super) fn source(&mut self, text: &Text, params: &[String]) -> Option<Source> {
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
        // HD-04: who reads a cookie as a header is not asked which site sent it.
        if source.as_ref().and_then(Source::header) == Some(&COOKIE) {
            let help = "one cookie: `cookie NAME`".to_owned();
            self.faults.add_with(text.span.clone(), "the header with every cookie is no input", help);
        }
        if let Some(Source::Path(name)) = &source
            && !params.contains(name)
        {
            let help = did_you_mean(name, params.iter().map(String::as_str));
            self.faults.add_with(text.span.clone(), format!("the path has no parameter `{name}`"), help);
        }
        source
    }

    /// That no secret, and nothing that has to be the same as one, is read where logs and histories keep it.
    pub(super) fn prove_places(&mut self, table: &Table<'_>, inputs: &[Input]) {
        let Some(from) = table.table("from", &mut self.faults) else { return };
        for input in inputs.iter().filter(|input| input.secret) {
            for text in from.texts(&input.name, &mut Faults::default()) {
                let (what, place) = match text.value.split(' ').next() {
                    // Queries end up in logs, histories and `Referer`.
                    Some("query") => (Insecure::SecretInQuery, "query"),
                    // Every log has it.
                    Some("path") => (Insecure::SecretInPath, "path"),
                    Some(_) | None => continue,
                };
                let message = format!("`{}` is a secret: it does not belong in the {place}", input.name);
                self.loosen(what, text.span, message);
            }
        }
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
