//! Examples from cases: what was sent and what came back, values that vary replaced by samples of their class.

use http::Method;
use serde_json::{Map, Value};

use super::Object;
use crate::case::{Action, Captures, Case, Exchange};
use crate::describe::Description;
use crate::form;
use crate::media;

/// Of each kind so many, in the order of the cases.
const EXAMPLES_MAX: usize = 3;
/// Larger bodies are tests of limits and show nobody anything.
const EXAMPLE_BYTES_MAX: usize = 2048;

/// One body.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// Its key in the document.
    pub(super) name: String,
    /// The title of its case.
    pub(super) title: String,
    /// The body.
    pub(super) value: Value,
}

/// The examples of a dialect by method and path.
pub(super) struct Examples {
    exchanges: Vec<Known>,
}

/// An exchange that was read.
struct Known {
    method: Method,
    path: String,
    title: String,
    /// The media type and the body of the request, if it is to be shown.
    sent: Option<(String, Value)>,
    status: u16,
    answered: Option<Value>,
}

impl Examples {
    pub(super) fn of(description: &Description, cases: &[Case]) -> Self {
        let mut exchanges = Vec::new();
        for case in cases {
            let mut captures = Captures::default();
            for step in &case.steps {
                if let Action::Exchange(exchange) = &step.action {
                    exchanges.extend(known(description, &case.title, exchange, &mut captures));
                }
            }
        }
        Self { exchanges }
    }

    /// Bodies of requests that went well, with their media types.
    pub(super) fn requests(&self, method: &Method, path: &str) -> Vec<(String, Example)> {
        let mut found: Vec<(String, Example)> = Vec::new();
        for known in self.at(method, path).filter(|known| (200..400).contains(&known.status)) {
            let Some((media_type, value)) = &known.sent else { continue };
            let count = found.iter().filter(|(other, _)| other == media_type).count();
            if count < EXAMPLES_MAX && found.iter().all(|(_, example)| example.value != *value) {
                found.push((media_type.clone(), example(count, known, value)));
            }
        }
        found
    }

    /// Bodies of answers by status.
    pub(super) fn answers(&self, method: &Method, path: &str) -> Vec<(u16, Example)> {
        let mut found: Vec<(u16, Example)> = Vec::new();
        for known in self.at(method, path) {
            let Some(value) = &known.answered else { continue };
            let same = || found.iter().filter(|(status, _)| *status == known.status);
            let count = same().count();
            if count < EXAMPLES_MAX && same().all(|(_, example)| example.value != *value) {
                found.push((known.status, example(count, known, value)));
            }
        }
        found
    }

    fn at(&self, method: &Method, path: &str) -> impl Iterator<Item = &Known> {
        self.exchanges.iter().filter(move |known| known.method == *method && known.path == path)
    }
}

fn example(count: usize, known: &Known, value: &Value) -> Example {
    Example { name: format!("case_{}", count + 1), title: known.title.clone(), value: value.clone() }
}

fn known(description: &Description, title: &str, exchange: &Exchange, captures: &mut Captures) -> Option<Known> {
    let request = exchange.request.fill(captures);
    let answered = exchange.response.sample(captures);
    let path = request.target.split('?').next().unwrap_or_default();
    let endpoints = description.endpoints.iter().filter(|endpoint| endpoint.method == request.method);
    let all = endpoints.flat_map(|endpoint| endpoint.paths.iter().map(move |pattern| (endpoint, pattern)));
    let fitting: Vec<_> = all.filter(|(_, pattern)| fits(pattern, path)).collect();
    // A fixed segment comes before a parameter, as in the router.
    let (endpoint, path) = fitting.iter().find(|(_, pattern)| *pattern == path).or_else(|| fitting.first())?;
    let path = (*path).clone();
    let content_type = request.headers.iter().find(|(name, _)| *name == http::header::CONTENT_TYPE);
    let content_type = match content_type {
        Some((_, value)) => str::from_utf8(value).ok().map(media::essence),
        None => endpoint.reads.first().map(|first| (*first).to_owned()),
    };
    let text = String::from_utf8(request.body).ok().filter(|text| text.len() <= EXAMPLE_BYTES_MAX);
    let sent = content_type.zip(text).and_then(|(media_type, text)| {
        let value = if media::is_form(&media_type) {
            let pairs = form::parse(&text)?.into_iter();
            Value::Object(pairs.map(|(name, value)| (name.into_owned(), value.into())).collect::<Object>())
        } else if media_type == media::TEXT {
            Value::String(text)
        } else {
            Value::Object(serde_json::from_str::<Map<String, Value>>(&text).ok()?)
        };
        Some((media_type, value))
    });
    let answered = answered.filter(|value| value.to_string().len() <= EXAMPLE_BYTES_MAX);
    let status = exchange.response.status().as_u16();
    Some(Known { method: request.method, path, title: title.to_owned(), sent, status, answered })
}

fn fits(pattern: &str, path: &str) -> bool {
    let same = |(one, other): (&str, &str)| one == other || (one.starts_with('{') && !other.is_empty());
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(same)
}
