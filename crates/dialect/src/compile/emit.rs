//! Written tree → template for one place: every slot has its carrier there, what may be absent says what then. It
//! expands shapes and merges literals; it never looks at values.

use std::ops::Range;

use myna_core::outcome::Kind;
use myna_core::problem::Field;

use crate::diagnostic::did_you_mean;
use crate::encode::{of_access, of_refresh};
use crate::file::Faults;
use crate::slot::{Carrier, List, Place, Slot, Type};
use crate::template::{self, Absent, Case, Medium, Segment, Show, Template};
use crate::tree::{Entry, Part, Placeholder, Tree};
use crate::words::Words;
use crate::write;

use super::{Compiler, Shapes};

/// What all templates of a dialect may hold together, in bytes and segments: shapes in shapes grow fast (IN-07).
pub(super) const EMITTED_MAX: usize = 1 << 20;
/// Shapes inside each other.
const SHAPE_DEPTH_MAX: usize = 32;

/// Where a template will be used.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) place: Place,
    /// For which outcome, to name it in faults.
    pub(super) kind: Option<Kind>,
}

impl Use {
    pub(super) const fn response(kind: Kind) -> Self {
        Self { place: Place::Response(kind.groups()), kind: Some(kind) }
    }

    pub(super) const fn token(place: Place) -> Self {
        Self { place, kind: None }
    }

    fn describe(self) -> String {
        match (self.place, self.kind) {
            (Place::Response(_), Some(kind)) => format!("in a response for `{}`", kind.name()),
            (Place::Response(_), None) => "in a header of every response".to_owned(),
            (Place::Header, _) => "in a token's header".to_owned(),
            (Place::AccessClaims, _) => "in an access token's claims".to_owned(),
            (Place::RefreshClaims, _) => "in a refresh token's claims".to_owned(),
        }
    }
}

impl Compiler {
    /// A tree as JSON.
    pub(super) fn json(&mut self, tree: &Tree, used: Use) -> Template {
        let mut emit = self.emit(used, Medium::Json);
        emit.tree(tree);
        emit.finish()
    }

    /// Parts as text.
    pub(super) fn plain(&mut self, parts: &[Part], used: Use, medium: Medium) -> Template {
        let mut emit = self.emit(used, medium);
        emit.parts(parts);
        emit.finish()
    }

    fn emit(&mut self, used: Use, medium: Medium) -> Emit<'_> {
        Emit {
            used,
            medium,
            tokens: self.tokens,
            shapes: &self.shapes,
            texts: &self.texts,
            echoes: &self.echoes,
            faults: &mut self.faults,
            budget: &mut self.budget,
            segments: Vec::new(),
            literal: Vec::new(),
            lists: Vec::new(),
            stack: Vec::new(),
            via: None,
        }
    }
}

struct Emit<'c> {
    used: Use,
    medium: Medium,
    /// Whether the dialect has access and refresh tokens.
    tokens: (bool, bool),
    shapes: &'c Shapes,
    texts: &'c [(String, Words)],
    /// What of requests may be shown.
    echoes: &'c [String],
    faults: &'c mut Faults,
    budget: &'c mut usize,
    segments: Vec<Segment>,
    literal: Vec<u8>,
    /// The lists that are gone through here.
    lists: Vec<List>,
    /// The shapes that are being expanded.
    stack: Vec<String>,
    /// Where the outermost of them is used: faults of its use are told there.
    via: Option<Range<usize>>,
}

impl Emit<'_> {
    fn finish(mut self) -> Template {
        self.flush();
        Template::new(self.segments, self.medium)
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.segments.push(Segment::Literal(std::mem::take(&mut self.literal).into()));
        }
    }

    fn spend(&mut self, amount: usize) {
        *self.budget = self.budget.saturating_sub(amount);
    }

    fn push(&mut self, segment: Segment) {
        self.flush();
        self.spend(64);
        self.segments.push(segment);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.spend(bytes.len());
        self.literal.extend_from_slice(bytes);
    }

    /// What `write` emits, as a sequence of its own.
    fn inner(&mut self, write: impl FnOnce(&mut Self)) -> Box<[Segment]> {
        self.flush();
        let outer = std::mem::take(&mut self.segments);
        write(self);
        self.flush();
        std::mem::replace(&mut self.segments, outer).into()
    }

    fn tree(&mut self, tree: &Tree) {
        if *self.budget == 0 {
            return;
        }
        match tree {
            Tree::Literal(json) => self.bytes(json.as_bytes()),
            Tree::Text(parts) => {
                self.bytes(b"\"");
                self.parts(parts);
                self.bytes(b"\"");
            }
            Tree::Whole(placeholder) => {
                self.no_omission(placeholder);
                self.whole(placeholder);
            }
            Tree::Shape(name, span) => self.shape(name, span),
            Tree::Array(all) => {
                self.bytes(b"[");
                for (at, tree) in all.iter().enumerate() {
                    if at > 0 {
                        self.bytes(b",");
                    }
                    self.tree(tree);
                }
                self.bytes(b"]");
            }
            Tree::Object(entries) => {
                self.bytes(b"{");
                self.entries(entries, false);
                self.bytes(b"}");
            }
            Tree::EachElement(list, span, element) => {
                self.bytes(b"[");
                self.each(*list, span, |emit| {
                    emit.push(Segment::Comma);
                    emit.tree(element);
                });
                self.bytes(b"]");
            }
            Tree::EachMember(list, span, entries) => {
                self.bytes(b"{");
                self.tell_apart(*list, entries);
                self.each(*list, span, |emit| emit.entries(entries, true));
                self.bytes(b"}");
            }
        }
    }

    /// Members. Behind one that is surely there a comma is fixed; else only rendering can tell.
    fn entries(&mut self, entries: &[Entry], repeated: bool) {
        let mut certain = false;
        for (at, entry) in entries.iter().enumerate() {
            let write = |emit: &mut Self| {
                if certain {
                    emit.bytes(b",");
                } else if repeated || at > 0 {
                    emit.push(Segment::Comma);
                }
                emit.bytes(b"\"");
                emit.parts(&entry.key);
                emit.bytes(b"\":");
                if let Tree::Whole(placeholder) = &entry.value {
                    emit.whole(placeholder);
                } else {
                    emit.tree(&entry.value);
                }
            };
            if let Tree::Whole(placeholder) = &entry.value
                && placeholder.show.absent == Absent::Omit
            {
                let inner = self.inner(write);
                self.push(Segment::Present(placeholder.show.clone(), inner));
            } else {
                write(self);
                certain = true;
            }
        }
    }

    fn each(&mut self, list: List, span: &Range<usize>, write: impl FnOnce(&mut Self)) {
        self.prove(list.slot(), list.slot().name(), span);
        if self.lists.contains(&list) {
            // TH-18: ten entries would be a hundred, and a thousand one level deeper.
            let help = "its entries are gone through once".to_owned();
            self.fault(span, format!("`{{each {}}}` stands inside itself", list.slot().name()), help);
        }
        self.lists.push(list);
        let inner = self.inner(write);
        self.lists.pop();
        self.push(Segment::Each(list, inner));
    }

    /// IN-01: no object has a member twice, so each entry's key holds what no other entry has, in its own letters.
    fn tell_apart(&mut self, list: List, entries: &[Entry]) {
        let tells = |part: &Part| matches!(part, Part::Slot(slot) if list.is_told_by(slot.show.slot) && slot.show.case == Case::AsIs);
        for entry in entries.iter().filter(|entry| !entry.key.iter().any(tells)) {
            let help = match list {
                List::Errors => "`{field}`, `{field.name}` or `{field.pointer}` tells them apart".to_owned(),
                List::Codes => "`{code}` tells them apart".to_owned(),
                List::Roles => "`{role.name}` or `{role.id}` tells them apart".to_owned(),
                List::Sessions => "`{session.id}` tells them apart".to_owned(),
                List::Messages => "write them as an array".to_owned(),
            };
            let message = format!("two entries of `{}` could have one name here", list.slot().name());
            self.fault(&entry.key_span, message, help);
        }
    }

    fn shape(&mut self, name: &str, span: &Range<usize>) {
        // A shape within itself was told before; here it only must end.
        if self.stack.len() >= SHAPE_DEPTH_MAX || self.stack.iter().any(|open| open == name) {
            return;
        }
        let shapes = self.shapes;
        let Some((_, Some(tree))) = shapes.iter().find(|(shape, _)| shape == name) else {
            return;
        };
        let outermost = self.via.is_none();
        if outermost {
            self.via = Some(span.clone());
        }
        self.stack.push(name.to_owned());
        self.tree(tree);
        self.stack.pop();
        if outermost {
            self.via = None;
        }
    }

    fn whole(&mut self, placeholder: &Placeholder) {
        if placeholder.show.slot == Slot::Words {
            self.bytes(b"\"");
            self.words(placeholder);
            self.bytes(b"\"");
            return;
        }
        self.placeholder(placeholder);
        if placeholder.show.slot.kind() == Type::List {
            let help = format!("go through it: `{{each {}}}`", placeholder.name());
            self.faults.add_with(placeholder.span.clone(), format!("`{{{}}}` is a list", placeholder.name()), help);
        }
        self.push(Segment::Whole(placeholder.show.clone()));
    }

    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Literal(text) if self.medium == Medium::Json => {
                    let mut escaped = Vec::new();
                    write::escaped(text, &mut escaped);
                    self.bytes(&escaped);
                }
                Part::Literal(text) => self.bytes(text.as_bytes()),
                Part::Slot(placeholder) => self.part(placeholder),
                Part::Shape(..) | Part::Each(..) => {}
            }
        }
    }

    /// The words of a name; where there is one language only they are literal.
    fn words(&mut self, placeholder: &Placeholder) {
        let (show, name) = (&placeholder.show, placeholder.name());
        self.prove(show.slot, &name, &placeholder.span);
        if *show != Show::plain(show.slot, show.attribute.clone()) {
            self.fault(&placeholder.span, format!("`{{{name}}}` is always there and takes no filter"), None);
        }
        let texts = self.texts;
        let Some((_, words)) = texts.iter().find(|(text, _)| **text == *show.attribute) else {
            let help = did_you_mean(&show.attribute, texts.iter().map(|(name, _)| name.as_str()));
            let help = help.or_else(|| Some(format!("write it in `[text]`: {} = \"…\"", show.attribute)));
            self.fault(&placeholder.span, format!("there is no text `{}`", show.attribute), help);
            return;
        };
        let written = |text: &String| {
            let mut out = Vec::new();
            template::text_into(text, self.medium, &mut out);
            out.into_boxed_slice()
        };
        match words.all() {
            [one] => self.bytes(&written(one)),
            all => {
                let all: Box<[Box<[u8]>]> = all.iter().map(written).collect();
                self.spend(all.iter().map(|text| text.len()).sum());
                self.push(Segment::Words(show.clone(), all));
            }
        }
    }

    /// That what an answer shows of the request is something that a request gives, and no secret.
    fn echo(&mut self, placeholder: &Placeholder) {
        let name = &*placeholder.show.attribute;
        if self.echoes.iter().any(|known| known == name) {
            return;
        }
        let (message, help) = if Field::parse(name).is_some_and(Field::is_secret) {
            (format!("`{name}` is a secret: no answer shows it again"), None)
        } else {
            let help = did_you_mean(name, self.echoes.iter().map(String::as_str));
            (
                format!("no endpoint reads `{name}`, or it is read where a secret stands"),
                help.or_else(|| Some("what only answers show is listed in `extra`".to_owned())),
            )
        };
        self.fault(&placeholder.span, message, help);
    }

    fn no_omission(&mut self, placeholder: &Placeholder) {
        if placeholder.show.absent == Absent::Omit {
            let help = "`?` writes null, or nothing within a text".to_owned();
            self.faults.add_with(placeholder.span.clone(), "`??` leaves a member out, and this is none", help);
        }
    }

    fn part(&mut self, placeholder: &Placeholder) {
        if placeholder.show.slot == Slot::Words {
            self.words(placeholder);
            return;
        }
        self.placeholder(placeholder);
        if matches!(placeholder.show.slot.kind(), Type::List | Type::Texts | Type::Json) {
            let help = "it can only be a JSON leaf of its own".to_owned();
            self.faults.add_with(
                placeholder.span.clone(),
                format!("`{{{}}}` has no text form", placeholder.name()),
                help,
            );
        }
        self.no_omission(placeholder);
        self.push(Segment::Part(placeholder.show.clone()));
    }

    fn placeholder(&mut self, placeholder: &Placeholder) {
        let (slot, name) = (placeholder.show.slot, placeholder.name());
        self.prove(slot, &name, &placeholder.span);
        if slot == Slot::Echo {
            self.echo(placeholder);
        }
        // A token's name for its user may be missing: then the token names nobody and is refused when it comes back.
        let naming = matches!(slot, Slot::UserEmail | Slot::UserUsername) && self.used.kind.is_none();
        if slot.is_optional() && placeholder.show.absent == Absent::Never && !naming {
            let help = format!(
                "`{{{name}?}}` writes null, `{{{name}??}}` leaves the member out, `{{{name} | or '…'}}` a text"
            );
            self.faults.add_with(
                placeholder.span.clone(),
                format!("`{{{name}}}` may be absent, and nothing says what then"),
                help,
            );
        }
    }

    /// That the slot has a carrier here.
    fn prove(&mut self, slot: Slot, name: &str, span: &Range<usize>) {
        let carrier = slot.carrier();
        let shown = format!("`{{{name}}}`");
        // Outside its list an entry of `errors` is the first one, where there are any.
        let first = carrier == Carrier::Error && self.used.place.carries(Slot::Errors);
        let within = |carrier| self.lists.iter().any(|list| list.entry() == carrier);
        if carrier == Carrier::Session && within(Carrier::Listed) {
            return;
        }
        if let Some(list) = List::of_entry(carrier) {
            if !first && !within(carrier) {
                let also = if list == List::Errors { ", and in a response for `invalid`: the first" } else { "" };
                let help = format!("it has a value inside `{{each {}}}`{also}", list.slot().name());
                self.fault(span, format!("{shown} stands outside its list"), help);
            }
            return;
        }
        if !self.used.place.carries(slot) {
            let message = format!("{shown} has no value {}", self.used.describe());
            let help = self.used.kind.map(|kind| format!("`{}` carries: {}", kind.name(), carried(kind)));
            self.fault(span, message, help);
            return;
        }
        for (wanted, has, which) in
            [(of_access as fn(Slot) -> bool, self.tokens.0, "access"), (of_refresh, self.tokens.1, "refresh")]
        {
            if wanted(slot) && !has {
                let help = format!("describe them in `[token.{which}]`");
                self.fault(span, format!("{shown}: this dialect has no {which} tokens"), help);
            }
        }
    }

    fn fault(&mut self, span: &Range<usize>, message: String, help: impl Into<Option<String>>) {
        match self.via.clone() {
            Some(via) => {
                let shape = self.stack.first().map(String::as_str).unwrap_or_default();
                self.faults.add_with(via, format!("in shape `{shape}`: {message}"), help);
            }
            None => self.faults.add_with(span.clone(), message, help),
        }
    }
}

fn carried(kind: Kind) -> String {
    let names: Vec<String> = kind.groups().iter().map(|group| format!("{group:?}").to_lowercase()).collect();
    names.join(", ")
}
