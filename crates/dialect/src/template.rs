//! Compiled templates: runs of literal bytes and typed slots, appended to one buffer. Structure comes from the file,
//! values are escaped, so no value can break out of its place (IN-07). It renders; what may stand in it was proven before.

use crate::slot::{List, Slot};
use crate::value::{Scope, Value};
use crate::write::{self, DateForm};

/// How a slot's value is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Show {
    pub(crate) slot: Slot,
    /// Which attribute; empty for every slot but one.
    pub(crate) attribute: Box<str>,
    pub(crate) form: Form,
    pub(crate) case: Case,
    /// Written as a JSON string, whatever its type.
    pub(crate) as_text: bool,
    pub(crate) absent: Absent,
}

/// How a number, a span or a time is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// As it is; times and spans in seconds.
    Plain,
    /// Times and spans in milliseconds.
    Millis,
    /// Times as RFC 3339 has them.
    Iso8601,
    /// Times as HTTP has them.
    HttpDate,
    /// Times in a form of the dialect's own.
    Date(Box<DateForm>),
    /// A number inside a UUID.
    Uuid,
}

impl Show {
    /// The slot as it is, with no mark and no filter.
    pub(crate) const fn plain(slot: Slot, attribute: Box<str>) -> Self {
        Self { slot, attribute, form: Form::Plain, case: Case::AsIs, as_text: false, absent: Absent::Never }
    }
}

impl Form {
    /// Whether what is written so is a JSON number.
    pub(crate) const fn is_number(&self) -> bool {
        match self {
            Self::Plain | Self::Millis => true,
            Self::Iso8601 | Self::HttpDate | Self::Date(_) | Self::Uuid => false,
        }
    }
}

/// What happens to letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Case {
    AsIs,
    Upper,
    Lower,
}

/// What is written when there is no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Absent {
    /// Does not happen.
    Never,
    /// `null`, or nothing within a text.
    Null,
    /// The member is left out.
    Omit,
    /// This text.
    Or(Box<str>),
}

/// Where the bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Medium {
    /// A JSON document.
    Json,
    /// A text body or a header.
    Plain,
    /// A cookie's value.
    Cookie,
}

/// A step of rendering.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    /// These bytes.
    Literal(Box<[u8]>),
    /// A comma, unless an object or array was just opened.
    Comma,
    /// A value as a whole JSON leaf.
    Whole(Show),
    /// A value inside a text.
    Part(Show),
    /// The words of one name inside a text, escaped for the medium, by language.
    Words(Show, Box<[Box<[u8]>]>),
    /// These, if the slot has a value.
    Present(Show, Box<[Self]>),
    /// These, once for each entry.
    Each(List, Box<[Self]>),
}

/// A compiled tree or text.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    segments: Box<[Segment]>,
    medium: Medium,
    literal_bytes: usize,
}

impl Template {
    pub(crate) fn new(segments: Vec<Segment>, medium: Medium) -> Self {
        let literal_bytes = literal_bytes(&segments);
        Self { segments: segments.into(), medium, literal_bytes }
    }

    /// The steps of rendering.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Where the bytes go.
    pub(crate) const fn medium(&self) -> Medium {
        self.medium
    }

    /// The rendered bytes. The one allocation is the buffer.
    pub(crate) fn render(&self, scope: &Scope<'_>) -> Vec<u8> {
        let tokens = [scope.access, scope.refresh].into_iter().flatten().map(|stamp| stamp.text.len());
        let mut out = Vec::with_capacity(self.literal_bytes + 512 + tokens.sum::<usize>());
        run(&self.segments, self.medium, scope, &mut out);
        out
    }

    /// Whether the template shows a slot for which `wanted` holds.
    pub(crate) fn shows(&self, wanted: fn(Slot) -> bool) -> bool {
        shows(&self.segments, wanted)
    }

    /// The bytes, when no slot is in it.
    pub(crate) fn fixed(&self) -> Option<&[u8]> {
        match &*self.segments {
            [] => Some(&[]),
            [Segment::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }
}

fn literal_bytes(segments: &[Segment]) -> usize {
    let bytes = |segment: &Segment| match segment {
        Segment::Literal(bytes) => bytes.len(),
        Segment::Comma => 1,
        Segment::Whole(_) | Segment::Part(_) => 0,
        Segment::Words(_, words) => words.iter().map(|text| text.len()).max().unwrap_or(0),
        Segment::Present(_, inner) | Segment::Each(_, inner) => literal_bytes(inner),
    };
    segments.iter().map(bytes).sum()
}

fn shows(segments: &[Segment], wanted: fn(Slot) -> bool) -> bool {
    segments.iter().any(|segment| match segment {
        Segment::Literal(_) | Segment::Comma => false,
        Segment::Whole(show) | Segment::Part(show) | Segment::Words(show, _) => wanted(show.slot),
        Segment::Present(show, inner) => wanted(show.slot) || shows(inner, wanted),
        Segment::Each(list, inner) => wanted(list.slot()) || shows(inner, wanted),
    })
}

fn run(segments: &[Segment], medium: Medium, scope: &Scope<'_>, out: &mut Vec<u8>) {
    for segment in segments {
        match segment {
            Segment::Literal(bytes) => out.extend_from_slice(bytes),
            Segment::Comma => {
                // No value ends with an opening mark, so the last byte tells whether this is the first member.
                if !matches!(out.last(), Some(b'{' | b'[')) {
                    out.push(b',');
                }
            }
            Segment::Whole(show) => whole(show, scope, out),
            Segment::Part(show) => part(show, medium, scope, out),
            Segment::Words(_, words) => {
                if let Some(text) = scope.language.of(words) {
                    out.extend_from_slice(text);
                }
            }
            Segment::Present(show, inner) => {
                if !matches!(scope.value(show.slot, &show.attribute), Value::Absent) {
                    run(inner, medium, scope, out);
                }
            }
            Segment::Each(list, inner) => {
                for entry in scope.entries(*list) {
                    run(inner, medium, &entry, out);
                }
            }
        }
    }
}

fn whole(show: &Show, scope: &Scope<'_>, out: &mut Vec<u8>) {
    let value = scope.value(show.slot, &show.attribute);
    match &value {
        Value::Absent => match &show.absent {
            Absent::Or(text) => write::quoted(text, out),
            Absent::Never | Absent::Null | Absent::Omit => out.extend_from_slice(b"null"),
        },
        Value::Text(text) if show.case == Case::AsIs => write::quoted(text, out),
        Value::Int(_) | Value::Span(_) | Value::Time(_) if !show.as_text && show.form.is_number() => {
            inside(show, &value, Medium::Json, out);
        }
        Value::Bool(truth) if !show.as_text => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Json(json) => out.extend_from_slice(json.as_bytes()),
        Value::Raw(json) if !show.as_text => out.extend_from_slice(json.as_bytes()),
        Value::Texts(texts) => {
            out.push(b'[');
            for (at, text) in texts.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write::quoted(text, out);
            }
            out.push(b']');
        }
        Value::Int(_) | Value::Span(_) | Value::Time(_) | Value::Bool(_) | Value::Raw(_) | Value::Text(_) => {
            out.push(b'"');
            inside(show, &value, Medium::Json, out);
            out.push(b'"');
        }
    }
}

fn part(show: &Show, medium: Medium, scope: &Scope<'_>, out: &mut Vec<u8>) {
    let value = scope.value(show.slot, &show.attribute);
    match (&value, &show.absent) {
        (Value::Absent, Absent::Or(text)) => text_into(text, medium, out),
        (Value::Absent, _) => {}
        _ => inside(show, &value, medium, out),
    }
}

/// A value within a text. Lists and JSON are never there: the compiler refuses them.
fn inside(show: &Show, value: &Value<'_>, medium: Medium, out: &mut Vec<u8>) {
    match value {
        Value::Absent | Value::Texts(_) | Value::Json(_) => {}
        Value::Int(number) if show.form == Form::Uuid => out.extend_from_slice(write::uuid(*number).as_bytes()),
        Value::Int(number) => write::integer(*number, out),
        Value::Span(seconds) if show.form == Form::Millis => write::integer(seconds.saturating_mul(1000), out),
        Value::Span(seconds) => write::integer(*seconds, out),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Raw(json) => out.extend_from_slice(json.as_bytes()),
        Value::Time(time) => match &show.form {
            Form::Plain | Form::Uuid => write::integer(time.seconds(), out),
            Form::Millis => write::integer(time.millis(), out),
            Form::Iso8601 => text_into(&write::iso8601(*time), medium, out),
            Form::HttpDate => text_into(&write::http_date(*time), medium, out),
            Form::Date(form) => text_into(&form.write(*time), medium, out),
        },
        Value::Text(text) => match show.case {
            Case::AsIs => text_into(text, medium, out),
            Case::Upper => text_into(&text.to_uppercase(), medium, out),
            Case::Lower => text_into(&text.to_lowercase(), medium, out),
        },
    }
}

/// A text as the medium has it.
pub(crate) fn text_into(text: &str, medium: Medium, out: &mut Vec<u8>) {
    match medium {
        Medium::Json => write::escaped(text, out),
        Medium::Plain => out.extend_from_slice(text.as_bytes()),
        Medium::Cookie => write::cookie(text, out),
    }
}
