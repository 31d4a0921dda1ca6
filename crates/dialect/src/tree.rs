//! Written trees and texts: JSON from a dialect file with its placeholders read. Every placeholder is known and every
//! filter fits its slot; whether they have a value where the tree is used is judged when it is compiled for a place.

use std::ops::Range;

use crate::diagnostic::{did_you_mean, nearest};
use crate::file::{Faults, Text};
use crate::filter;
use crate::json::{self, Node, Value};
use crate::slot::{List, Slot};
use crate::template::{Absent, Show};

/// A JSON tree.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// Compact JSON without placeholders.
    Literal(String),
    /// A string with placeholders in it.
    Text(Vec<Part>),
    /// A leaf that is one placeholder.
    Whole(Placeholder),
    /// Another tree, by name.
    Shape(String, Range<usize>),
    Array(Vec<Self>),
    Object(Vec<Entry>),
    /// One element for each entry.
    EachElement(List, Range<usize>, Box<Self>),
    /// The members for each entry.
    EachMember(List, Range<usize>, Vec<Entry>),
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Vec<Part>,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Tree,
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Literal(String),
    Slot(Placeholder),
    Shape(String, Range<usize>),
    Each(List, Range<usize>),
}

/// A slot with its place in the file.
#[derive(Clone, Debug)]
pub(crate) struct Placeholder {
    pub(crate) show: Show,
    pub(crate) span: Range<usize>,
}

impl Placeholder {
    /// The slot's name as it is written.
    pub(crate) fn name(&self) -> String {
        self.show.slot.written(&self.show.attribute)
    }
}

/// Reads JSON with placeholders; `None` when it is not JSON.
pub(crate) fn tree(text: &Text, shapes: &[String], faults: &mut Faults) -> Option<Tree> {
    match json::parse(&text.value, &json::TEMPLATE) {
        Ok(value) => Some(Reader { text, shapes, faults }.tree(&value)),
        Err(flaw) => {
            faults.add(text.at(flaw.span), format!("this is not JSON: {}", flaw.what));
            None
        }
    }
}

/// Reads a text with placeholders.
pub(crate) fn parts(text: &Text, faults: &mut Faults) -> Vec<Part> {
    let parts = Reader { text, shapes: &[], faults }.parts(&text.value, &|inner| text.at(inner));
    for part in &parts {
        if let Part::Shape(_, span) | Part::Each(_, span) = part {
            faults.add(span.clone(), "shapes and `each` have their place in JSON, not in text");
        }
    }
    parts
}

/// The text of parts that hold no placeholder.
pub(crate) fn literal(parts: &[Part]) -> Option<&str> {
    match parts {
        [] => Some(""),
        [Part::Literal(text)] => Some(text),
        _ => None,
    }
}

struct Reader<'r> {
    text: &'r Text,
    shapes: &'r [String],
    faults: &'r mut Faults,
}

impl Reader<'_> {
    fn tree(&mut self, value: &Value<'_>) -> Tree {
        match &value.node {
            Node::Null | Node::Bool(_) | Node::Number(_) => Tree::Literal(compact(value)),
            Node::Text(text) => self.leaf(text, &value.span),
            Node::Array(values) => self.array(values),
            Node::Object(members) => self.object(members),
        }
    }

    fn array(&mut self, values: &[Value<'_>]) -> Tree {
        let first = values.first().and_then(|value| match &value.node {
            Node::Text(text) => self.each(text, &value.span),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Array(_) | Node::Object(_) => None,
        });
        match (first, values) {
            (Some((list, span)), [_, element]) => Tree::EachElement(list, span, Box::new(self.tree(element))),
            (Some((_, span)), _) => {
                let help = r#"["{each errors}", ELEMENT]: one element is written for every entry"#.to_owned();
                self.faults.add_with(span, "`each` wants exactly one element after it", help);
                Tree::Literal("[]".to_owned())
            }
            (None, _) => {
                let all: Vec<Tree> = values.iter().map(|value| self.tree(value)).collect();
                merged(Tree::Array(all))
            }
        }
    }

    fn object(&mut self, members: &[json::Member<'_>]) -> Tree {
        if let [member] = members
            && let Some((list, span)) = self.each(&member.key, &member.key_span)
        {
            let Node::Object(inner) = &member.value.node else {
                let help = r#"{ "{each errors}": { "{field}": VALUE } }: the members are written for every entry"#;
                self.faults.add_with(span, "`each` as a member wants an object", help.to_owned());
                return Tree::Literal("{}".to_owned());
            };
            return Tree::EachMember(list, span, self.entries(inner));
        }
        let entries = self.entries(members);
        for entry in &entries {
            if literal(&entry.key).is_none() {
                let help = "elsewhere a member's name is fixed; literal braces are written twice".to_owned();
                let message = "a placeholder in a member's name has its place inside `each`";
                self.faults.add_with(entry.key_span.clone(), message, help);
            }
        }
        merged(Tree::Object(entries))
    }

    fn entries(&mut self, members: &[json::Member<'_>]) -> Vec<Entry> {
        let entry = |member: &json::Member<'_>| {
            let locate = locator(self.text, &member.key, &member.key_span);
            Entry {
                key: self.parts(&member.key, &locate),
                key_span: self.text.at(member.key_span.clone()),
                value: self.tree(&member.value),
            }
        };
        members.iter().map(entry).collect()
    }

    /// Reads a text that begins `each`, without a fault when it does not.
    fn each(&mut self, text: &str, span: &Range<usize>) -> Option<(List, Range<usize>)> {
        if !text.starts_with("{each ") {
            return None;
        }
        let locate = locator(self.text, text, span);
        match self.parts(text, &locate).as_slice() {
            [Part::Each(list, span)] => Some((*list, span.clone())),
            _ => None,
        }
    }

    fn leaf(&mut self, text: &str, span: &Range<usize>) -> Tree {
        let locate = locator(self.text, text, span);
        let mut parts = self.parts(text, &locate);
        if let Some(text) = literal(&parts) {
            let mut out = Vec::new();
            crate::write::quoted(text, &mut out);
            return Tree::Literal(String::from_utf8(out).unwrap_or_default());
        }
        if let [_] = parts.as_slice() {
            match parts.remove(0) {
                Part::Slot(placeholder) => return Tree::Whole(placeholder),
                Part::Shape(name, span) => return Tree::Shape(name, span),
                part @ (Part::Literal(_) | Part::Each(..)) => parts.push(part),
            }
        }
        for part in &parts {
            match part {
                Part::Each(_, span) => {
                    let help = r#"["{each errors}", ELEMENT] or { "{each errors}": { "{field}": VALUE } }"#.to_owned();
                    self.faults.add_with(span.clone(), "`each` stands first in an array or alone in an object", help);
                }
                Part::Shape(name, span) => {
                    let message = format!("`{{shape.{name}}}` is a tree: nothing can stand beside it");
                    self.faults.add(span.clone(), message);
                }
                Part::Literal(_) | Part::Slot(_) => {}
            }
        }
        Tree::Text(parts)
    }

    /// Splits a text at its placeholders; `{{` and `}}` are literal braces.
    fn parts(&mut self, text: &str, locate: &dyn Fn(Range<usize>) -> Range<usize>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find(['{', '}'])) {
            let brace = at + found;
            let rest = text.get(brace..).unwrap_or_default();
            literal.push_str(text.get(at..brace).unwrap_or_default());
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push_str(rest.get(..1).unwrap_or_default());
                at = brace + 2;
                continue;
            }
            let end = rest.find('}').filter(|_| rest.starts_with('{'));
            let Some(end) = end else {
                let help = "a literal brace is written twice: `{{` or `}}`".to_owned();
                self.faults.add_with(locate(brace..brace + 1), "a brace without its partner", help);
                at = brace + 1;
                continue;
            };
            at = brace + end + 1;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.extend(self.placeholder(rest.get(1..end).unwrap_or_default(), locate(brace..at)));
        }
        literal.push_str(text.get(at..).unwrap_or_default());
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        parts
    }

    /// Reads what stands between braces.
    fn placeholder(&mut self, inner: &str, span: Range<usize>) -> Option<Part> {
        if let Some(name) = inner.strip_prefix("each ") {
            let list = List::parse(name.trim());
            if list.is_none() {
                let help = format!("lists are: {}", List::NAMES.join(", "));
                self.faults.add_with(span.clone(), format!("there is no list `{}`", name.trim()), help);
            }
            return list.map(|list| Part::Each(list, span));
        }
        if let Some(name) = inner.strip_prefix("shape.") {
            let known = self.shapes.iter().any(|shape| shape == name);
            if !known {
                let help = did_you_mean(name, self.shapes.iter().map(String::as_str));
                self.faults.add_with(span.clone(), format!("there is no shape `{name}`"), help);
            }
            return known.then(|| Part::Shape(name.to_owned(), span));
        }
        let mut words = filter::split(inner).into_iter();
        let name = words.next().unwrap_or_default();
        let (name, absent) = match name.strip_suffix("??") {
            Some(name) => (name, Absent::Omit),
            None => name.strip_suffix('?').map_or((name, Absent::Never), |name| (name, Absent::Null)),
        };
        let Some((slot, attribute)) = Slot::parse(name) else {
            let near = nearest(name, Slot::ALL.iter().map(|slot| slot.name()));
            let help = near.map(|near| format!("did you mean `{{{near}}}`?"));
            self.faults.add_with(span, format!("unknown placeholder `{{{name}}}`"), help);
            return None;
        };
        let attribute = attribute.unwrap_or_default().into();
        let mut show = Show { absent, ..Show::plain(slot, attribute) };
        for word in words {
            if let Err((message, help)) = filter::apply(&mut show, word) {
                self.faults.add_with(span.clone(), message, help);
            }
        }
        Some(Part::Slot(Placeholder { show, span }))
    }
}

/// Tells where parts of a JSON string stand in the file: exactly, unless it holds escapes.
fn locator(text: &Text, content: &str, span: &Range<usize>) -> impl Fn(Range<usize>) -> Range<usize> + use<> {
    let exact = span.len() == content.len() + 2;
    let (whole, start) = (text.at(span.clone()), span.start + 1);
    let text = text.clone();
    move |inner| {
        if exact { text.at(start + inner.start..start + inner.end) } else { whole.clone() }
    }
}

fn compact(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    json::compact(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A tree without placeholders is a literal.
fn merged(tree: Tree) -> Tree {
    let plain = |tree: &Tree| match tree {
        Tree::Literal(json) => Some(json.clone()),
        Tree::Text(_) | Tree::Whole(_) | Tree::Shape(..) | Tree::Array(_) | Tree::Object(_) => None,
        Tree::EachElement(..) | Tree::EachMember(..) => None,
    };
    let json = match &tree {
        Tree::Array(all) => all.iter().map(plain).collect::<Option<Vec<_>>>().map(|all| format!("[{}]", all.join(","))),
        Tree::Object(entries) => {
            let member = |entry: &Entry| {
                let mut key = Vec::new();
                crate::write::quoted(literal(&entry.key)?, &mut key);
                Some(format!("{}:{}", String::from_utf8(key).unwrap_or_default(), plain(&entry.value)?))
            };
            entries.iter().map(member).collect::<Option<Vec<_>>>().map(|all| format!("{{{}}}", all.join(",")))
        }
        Tree::Literal(_) | Tree::Text(_) | Tree::Whole(_) | Tree::Shape(..) => None,
        Tree::EachElement(..) | Tree::EachMember(..) => None,
    };
    json.map_or(tree, Tree::Literal)
}
