//! What an endpoint reads: the request's shape, sources outside the body, the dialect's rules; and the proof that the
//! operation is given what it needs, and nothing is read that nobody uses.

use myna_core::catalog::Operation;
use myna_core::problem::Field;

use super::Compiler;
use crate::body::{BodyPlan, Encoding, Shape};
use crate::check::{Check, Rule};
use crate::decode::{Input, Plan};
use crate::diagnostic::did_you_mean;
use crate::file::{Table, Text};
use crate::json::{self, Node};
use crate::origin::CrossSite;

/// An endpoint's reading while it is compiled.
pub(super) struct Reading<'r> {
    operation: Operation,
    extra: &'r [Text],
    pub(super) inputs: Vec<Input>,
    /// The inputs of further leaves.
    repeats: Vec<usize>,
}

impl Reading<'_> {
    fn known(&self) -> impl Iterator<Item = &str> {
        let extra = self.extra.iter().map(|extra| extra.value.as_str());
        extra.chain(self.operation.fields().map(|field| field.name()))
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
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
        let mut reading = Reading { operation, extra: &extra, inputs: Vec::new(), repeats: Vec::new() };
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
        let mut inputs = reading.inputs;
        hide_repetitions(&mut inputs, &checks);
        self.prove_places(table, &inputs);
        Plan { body, inputs, checks, order, echoes: false, cross_site: CrossSite::default() }
    }

    fn body(&mut self, table: &Table<'_>, reading: &mut Reading<'_>) -> Option<BodyPlan> {
        let encodings = self.encodings(table);
        let may_be_empty = table.bool("may_be_empty", &mut self.faults).unwrap_or_default();
        let Some(text) = table.text("request", &mut self.faults) else {
            for key in ["may_be_empty", "encoding"].into_iter().filter(|key| table.has(key) && !table.has("request")) {
                self.faults.add(table.place(key), format!("`{key}` is about a body, and no `request` reads one"));
            }
            return None;
        };
        let value = match json::parse(&text.value, &json::Limits { depth: json::BODY.depth, ..json::TEMPLATE }) {
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
        let only_text = encodings.iter().any(|encoding| *encoding != Encoding::Json);
        if let Some(member) = members.iter().find(nested).filter(|_| only_text) {
            self.faults.add(text.at(member.value.span.clone()), "a form holds nothing but text");
        }
        let members = self.request_members(&text, members, "", reading);
        let whole = matches!(members.as_slice(), [(_, Shape::Input(_))]);
        if encodings.contains(&Encoding::Text) && !whole {
            let help = r#"one member with one placeholder; its name is only told: '{ "mail": "{email}" }'"#.to_owned();
            self.faults.add_with(text.span.clone(), "a body that is text is one value", help);
        }
        let repeats = std::mem::take(&mut reading.repeats);
        Some(BodyPlan { encodings, members, repeats, strict: self.strict, may_be_empty })
    }

    fn encodings(&mut self, table: &Table<'_>) -> Vec<Encoding> {
        let mut encodings = Vec::new();
        for text in table.texts("encoding", &mut self.faults) {
            let Some(encoding) = Encoding::ALL.into_iter().find(|encoding| encoding.name() == text.value) else {
                let names = || Encoding::ALL.map(Encoding::name);
                let list = || format!("encodings are: {}", names().join(", "));
                let help = did_you_mean(&text.value, names()).unwrap_or_else(list);
                self.faults.add_with(text.span, format!("there is no encoding `{}`", text.value.escape_debug()), help);
                continue;
            };
            if encodings.contains(&encoding) {
                self.faults.add(text.span, format!("`{}` is listed twice", text.value));
            }
            encodings.push(encoding);
        }
        if encodings.is_empty() { vec![Encoding::Json] } else { encodings }
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
            let shape = self.request_shape(text, value, &wire, reading);
            shapes.extend(shape.map(|shape| (key.to_string(), shape)));
        }
        shapes
    }

    fn request_shape(
        &mut self,
        text: &Text,
        value: &json::Value<'_>,
        wire: &str,
        reading: &mut Reading<'_>,
    ) -> Option<Shape> {
        match &value.node {
            Node::Object(inner) => Some(Shape::Object(self.request_members(text, inner, wire, reading))),
            Node::Text(leaf) if leaf.contains(['{', '}']) => self.request_leaf(text, leaf, value, wire, reading),
            Node::Array(inner) if inner.iter().any(holds_placeholder) => {
                let mut shapes = Vec::new();
                for (at, value) in inner.iter().enumerate() {
                    // One that is at fault leaves no gap: the faults are told and nothing is compiled.
                    shapes.extend(self.request_shape(text, value, &format!("{wire}.{at}"), reading));
                }
                Some(Shape::Array(shapes))
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_) => {
                let mut out = Vec::new();
                json::compact(value, &mut out);
                Some(Shape::Literal(out.into()))
            }
        }
    }

    fn request_leaf(
        &mut self,
        text: &Text,
        leaf: &str,
        value: &json::Value<'_>,
        wire: &str,
        reading: &mut Reading<'_>,
    ) -> Option<Shape> {
        let span = text.at(value.span.start + 1..value.span.end.saturating_sub(1));
        let name = leaf.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name.filter(|name| !name.contains(['{', '}', '?', '|'])) else {
            let help = "a leaf of a request is one placeholder without marks and filters, or fixed".to_owned();
            self.faults.add_with(span, format!("`{leaf}` cannot be read back"), help);
            return None;
        };
        if let Some(input) = reading.find(name) {
            reading.repeats.push(input);
            return Some(Shape::Repeat(reading.repeats.len() - 1));
        }
        let name = Text { value: name.to_owned(), span, ..text.clone() };
        self.input(&name, "placeholder", wire, reading).map(Shape::Input)
    }

    /// A new input, or the fault that nobody uses it.
    pub(super) fn input(&mut self, name: &Text, what: &str, wire: &str, reading: &mut Reading<'_>) -> Option<usize> {
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
            let help = help.or_else(|| Some("what the operation does not use is listed in `extra`".to_owned()));
            self.faults.add_with(name.span.clone(), message, help);
            return None;
        }
        let secret = field.is_some_and(Field::is_secret);
        let input = Input { name: name.value.clone(), field, secret, wire: wire.to_owned(), sources: Vec::new() };
        reading.inputs.push(input);
        Some(reading.inputs.len() - 1)
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
}

fn holds_placeholder(value: &json::Value<'_>) -> bool {
    match &value.node {
        Node::Array(values) => values.iter().any(holds_placeholder),
        Node::Object(members) => members.iter().any(|member| holds_placeholder(&member.value)),
        Node::Text(leaf) => leaf.contains(['{', '}']),
        Node::Null | Node::Bool(_) | Node::Number(_) => false,
    }
}

/// What has to be the same as a secret is one.
fn hide_repetitions(inputs: &mut [Input], checks: &[Check]) {
    // Each round but the last hides one input at least.
    loop {
        let mut altered = false;
        for check in checks {
            let Rule::Same(other) = check.rule else { continue };
            let secret = |at: usize| inputs.get(at).is_some_and(|input| input.secret);
            if secret(check.input) != secret(other) {
                altered = true;
                for at in [check.input, other] {
                    if let Some(input) = inputs.get_mut(at) {
                        input.secret = true;
                    }
                }
            }
        }
        if !altered {
            return;
        }
    }
}
