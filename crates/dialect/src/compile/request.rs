//! What an endpoint reads: the request's shape, sources outside the body, the dialect's rules; and the proof that the
//! operation is given what it needs, and nothing is read that nobody uses.

use http::HeaderName;
use http::header::AUTHORIZATION;
use myna_core::catalog::Operation;
use myna_core::problem::{Field, ProblemKind};

use super::Compiler;
use crate::check::{Check, Rule};
use crate::decode::{BodyPlan, Encoding, Input, Plan, Shape};
use crate::diagnostic::did_you_mean;
use crate::file::{Table, Text};
use crate::insecure::Insecure;
use crate::json::{self, Node};
use crate::messages::fill;
use crate::source::Source;

const SOURCES: [&str; 5] = ["bearer", "header NAME", "cookie NAME", "path NAME", "query NAME"];
const CHECK_KEYS: [&str; 6] = ["field", "rule", "message", "min", "max", "as"];

/// An endpoint's reading while it is compiled.
struct Reading<'r> {
    operation: Operation,
    extra: &'r [Text],
    inputs: Vec<Input>,
}

impl Reading<'_> {
    fn known(&self) -> impl Iterator<Item = &str> {
        let extra = self.extra.iter().map(|extra| extra.value.as_str());
        extra.chain(self.operation.fields().map(|field| field.name()))
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| input.name == name)
    }
}

impl Compiler {
    pub(super) fn plan(&mut self, table: &Table<'_>, operation: Operation, params: &[String]) -> Plan {
        let extra = table.texts("extra", &mut self.faults);
        for name in extra.iter().filter(|name| operation.fields().any(|field| field.name() == name.value)) {
            let message = format!("`{}` is an input of `{}` already", name.value, operation.name());
            self.faults.add(name.span.clone(), message);
        }
        let mut reading = Reading { operation, extra: &extra, inputs: Vec::new() };
        let body = self.body(table, &mut reading);
        self.sources(table, &mut reading, params);
        self.prove_needs(table, &reading);
        for name in extra.iter().filter(|name| reading.find(&name.value).is_none()) {
            self.faults.add(name.span.clone(), format!("nothing reads `{}`", name.value));
        }
        let checks = self.checks(table, &reading);
        let mut order: Vec<usize> = Vec::new();
        for at in checks.iter().map(|check| check.input).chain(0..reading.inputs.len()) {
            if !order.contains(&at) {
                order.push(at);
            }
        }
        Plan { body, inputs: reading.inputs, checks, order }
    }

    fn body(&mut self, table: &Table<'_>, reading: &mut Reading<'_>) -> Option<BodyPlan> {
        let encoding = match table.text("encoding", &mut self.faults) {
            None => Encoding::Json,
            Some(text) => match text.value.as_str() {
                "json" => Encoding::Json,
                "form" => Encoding::Form,
                other => {
                    let help = did_you_mean(other, ["json", "form"]);
                    self.faults.add_with(text.span, "`encoding` is \"json\" or \"form\"", help);
                    Encoding::Json
                }
            },
        };
        let text = table.text("request", &mut self.faults)?;
        let value = match json::parse(&text.value, &json::TEMPLATE) {
            Ok(value) => value,
            Err(flaw) => {
                self.faults.add(text.at(flaw.span), format!("this is not JSON: {}", flaw.what));
                return None;
            }
        };
        let Node::Object(members) = &value.node else {
            self.faults.add(text.span, "a request's body is an object");
            return None;
        };
        let nested = |member: &&json::Member<'_>| !matches!(member.value.node, Node::Text(_));
        if let Some(member) = members.iter().find(nested).filter(|_| encoding == Encoding::Form) {
            self.faults.add(text.at(member.value.span.clone()), "a form holds nothing but text");
        }
        let members = self.request_members(&text, members, "", reading);
        Some(BodyPlan { encoding, members, strict: self.strict })
    }

    fn request_members(
        &mut self,
        text: &Text,
        members: &[json::Member<'_>],
        path: &str,
        reading: &mut Reading<'_>,
    ) -> Vec<(String, Shape)> {
        let mut shapes = Vec::new();
        for json::Member { key, value, .. } in members {
            let wire = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
            let shape = match &value.node {
                Node::Object(inner) => Some(Shape::Object(self.request_members(text, inner, &wire, reading))),
                Node::Text(leaf) if leaf.contains(['{', '}']) => {
                    self.request_leaf(text, leaf, value, &wire, reading).map(Shape::Input)
                }
                Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_) => {
                    self.refuse_placeholders(text, value);
                    let mut out = Vec::new();
                    json::compact(value, &mut out);
                    Some(Shape::Literal(out.into()))
                }
            };
            shapes.extend(shape.map(|shape| (key.to_string(), shape)));
        }
        shapes
    }

    /// A list is read only as a whole: which of its elements a value came from could not be told.
    fn refuse_placeholders(&mut self, text: &Text, value: &json::Value<'_>) {
        match &value.node {
            Node::Array(values) => values.iter().for_each(|value| self.refuse_placeholders(text, value)),
            Node::Object(members) => members.iter().for_each(|member| self.refuse_placeholders(text, &member.value)),
            Node::Text(leaf) if leaf.contains(['{', '}']) => {
                self.faults.add(text.at(value.span.clone()), "nothing is read out of a list");
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => {}
        }
    }

    fn request_leaf(
        &mut self,
        text: &Text,
        leaf: &str,
        value: &json::Value<'_>,
        wire: &str,
        reading: &mut Reading<'_>,
    ) -> Option<usize> {
        let span = text.at(value.span.start + 1..value.span.end.saturating_sub(1));
        let name = leaf.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name.filter(|name| !name.contains(['{', '}', '?', '|'])) else {
            let help = "a leaf of a request is one placeholder without marks and filters, or fixed".to_owned();
            self.faults.add_with(span, format!("`{leaf}` cannot be read back"), help);
            return None;
        };
        if reading.find(name).is_some() {
            self.faults.add(span, format!("`{{{name}}}` is read twice"));
            return None;
        }
        let name = Text { value: name.to_owned(), span, ..text.clone() };
        self.input(&name, "placeholder", wire, reading)
    }

    /// A new input, or the fault that nobody uses it.
    fn input(&mut self, name: &Text, what: &str, wire: &str, reading: &mut Reading<'_>) -> Option<usize> {
        let field = reading.operation.fields().find(|field| field.name() == name.value);
        if field.is_none() && !reading.extra.iter().any(|extra| extra.value == name.value) {
            let known = did_you_mean(&name.value, reading.known());
            let (message, help) = match Field::parse(&name.value) {
                Some(_) => {
                    let operation = reading.operation.name();
                    let help = format!("`{operation}` reads: {}", reading.known().collect::<Vec<_>>().join(", "));
                    (format!("`{operation}` has no use for `{}`", name.value), Some(help))
                }
                None => (format!("unknown {what} `{}`", name.value), known),
            };
            let help = help.or_else(|| Some("what only `check` uses is listed in `extra`".to_owned()));
            self.faults.add_with(name.span.clone(), message, help);
            return None;
        }
        let input = Input { name: name.value.clone(), field, wire: wire.to_owned(), sources: Vec::new() };
        reading.inputs.push(input);
        Some(reading.inputs.len() - 1)
    }

    fn sources(&mut self, table: &Table<'_>, reading: &mut Reading<'_>, params: &[String]) {
        let from = table.table("from", &mut self.faults);
        for key in from.iter().flat_map(Table::keys) {
            let Some(from) = &from else { return };
            let written = from.texts(&key.value, &mut self.faults);
            let sources: Vec<Source> =
                written.iter().filter_map(|text| self.source(text, &key.value, params)).collect();
            if reading.find(&key.value).is_some() {
                self.faults.add(key.span, format!("`{}` is read twice: in the body and from elsewhere", key.value));
                continue;
            }
            let wire = sources.first().map(|source| match source {
                Source::Bearer(name) | Source::Header(name) => canonical_case(name),
                Source::Cookie(name) | Source::Path(name) | Source::Query(name) => name.clone(),
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

    fn source(&mut self, text: &Text, input: &str, params: &[String]) -> Option<Source> {
        let (kind, name) = text.value.split_once(' ').unwrap_or((&text.value, ""));
        let header = || HeaderName::from_bytes(name.as_bytes()).ok();
        let source = match kind {
            "bearer" if name.is_empty() => Some(Source::Bearer(AUTHORIZATION)),
            "bearer" => header().map(Source::Bearer),
            "header" => header().map(Source::Header),
            "cookie" => header().map(|_| Source::Cookie(name.to_owned())),
            "path" => Some(Source::Path(name.to_owned())),
            "query" => Some(Source::Query(name.to_owned())).filter(|_| !name.is_empty()),
            _ => {
                let list = || format!("sources are: {}", SOURCES.join(", "));
                let help = did_you_mean(kind, ["bearer", "header", "cookie", "path", "query"]).unwrap_or_else(list);
                self.faults.add_with(text.span.clone(), format!("there is no source `{kind}`"), help);
                return None;
            }
        };
        if source.is_none() {
            self.faults.add(text.span.clone(), format!("`{}` cannot be a {kind}'s name", name.escape_debug()));
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
                Some(Source::Bearer(_) | Source::Header(_) | Source::Cookie(_)) | None => None,
            };
            if let Some((what, place)) = loosening {
                let message = format!("`{input}` is a secret: it does not belong in the {place}");
                self.loosen(what, text.span.clone(), message);
            }
        }
        source
    }

    fn prove_needs(&mut self, table: &Table<'_>, reading: &Reading<'_>) {
        for needed in reading.operation.entry().needs {
            if needed.iter().any(|field| reading.find(field.name()).is_some()) {
                continue;
            }
            let names: Vec<String> = needed.iter().map(|field| format!("`{}`", field.name())).collect();
            let message = format!("`{}` needs {}, which nothing reads", reading.operation.name(), names.join(" or "));
            let help = "read it in `request`, or with `from`".to_owned();
            self.faults.add_with(table.place("operation"), message, help);
        }
    }

    fn checks(&mut self, table: &Table<'_>, reading: &Reading<'_>) -> Vec<Check> {
        let tables = table.tables("check", &mut self.faults);
        tables.iter().filter_map(|table| self.check(table, reading)).collect()
    }

    fn check(&mut self, table: &Table<'_>, reading: &Reading<'_>) -> Option<Check> {
        table.only(&CHECK_KEYS, &mut self.faults);
        let field = table.needed("field", &mut self.faults);
        let rule = table.needed("rule", &mut self.faults);
        let words = table.text("message", &mut self.faults);
        if let Some(words) = &words {
            self.prove_message(words);
        }
        let input = field.and_then(|name| self.checked(&name, reading));
        let rule_name = rule?;
        let (min, max) = (table.number("min", &mut self.faults), table.number("max", &mut self.faults));
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or(u32::MAX));
        let other = table.text("as", &mut self.faults);
        let rule = match rule_name.value.as_str() {
            "required" => Rule::Required,
            "email" => Rule::Email,
            "username" => Rule::Username,
            "size" => Rule::Size { min, max },
            "same" => {
                if other.is_none() {
                    self.faults.add(table.span.clone(), "`same` wants `as`: what it has to be the same as");
                }
                Rule::Same(self.checked(other.as_ref()?, reading)?)
            }
            unknown => {
                let list = || format!("rules are: {}", Rule::NAMES.join(", "));
                let help = did_you_mean(unknown, Rule::NAMES).unwrap_or_else(list);
                self.faults.add_with(rule_name.span, format!("there is no rule `{unknown}`"), help);
                return None;
            }
        };
        let sized = matches!(rule, Rule::Size { .. });
        if sized && (min > max || (!table.has("min") && !table.has("max"))) {
            self.faults.add(table.span.clone(), "`size` wants `min`, `max` or both, `min` not above `max`");
        }
        for key in ["min", "max", "as"].into_iter().filter(|key| table.has(key)) {
            if (key == "as") != (rule_name.value == "same") || (key != "as" && !sized) {
                self.faults.add(table.place(key), format!("the rule `{}` has no `{key}`", rule_name.value));
            }
        }
        let input = input?;
        Some(Check { input, rule, messages: self.check_messages(rule, words, &reading.inputs.get(input)?.wire) })
    }

    fn checked(&mut self, name: &Text, reading: &Reading<'_>) -> Option<usize> {
        let found = reading.find(&name.value);
        if found.is_none() {
            let help = did_you_mean(&name.value, reading.inputs.iter().map(|input| input.name.as_str()));
            self.faults.add_with(name.span.clone(), format!("nothing reads `{}`", name.value), help);
        }
        found
    }

    /// What is said when the rule does not hold; the second for what is too long.
    fn check_messages(&self, rule: Rule, words: Option<Text>, wire: &str) -> [String; 2] {
        let (first, second) = match rule {
            Rule::Required => (ProblemKind::Required, ProblemKind::Required),
            Rule::Email => (ProblemKind::NotEmail, ProblemKind::NotEmail),
            Rule::Username => (ProblemKind::NotUsername, ProblemKind::NotUsername),
            Rule::Size { min, max } => (ProblemKind::TooShort { min }, ProblemKind::TooLong { max }),
            Rule::Same(_) => (ProblemKind::Differs, ProblemKind::Differs),
        };
        match (words, rule) {
            // One sentence may name both ends.
            (Some(words), Rule::Size { min, max }) => {
                let text = words.value.replace("{min}", &min.to_string()).replace("{max}", &max.to_string());
                [fill(&text, wire, first), fill(&text, wire, second)]
            }
            (Some(words), _) => [fill(&words.value, wire, first), fill(&words.value, wire, second)],
            (None, _) => [self.messages.of(first, wire), self.messages.of(second, wire)],
        }
    }
}

/// `x-device` as people write it: `X-Device`.
fn canonical_case(name: &HeaderName) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.as_str().split('-').map(part).collect::<Vec<_>>().join("-")
}
