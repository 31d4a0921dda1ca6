//! The closed list of filters: how a placeholder's value is written. Each fits some types and no other; it reads the
//! words behind the bars, it never sees a value.

use crate::diagnostic::did_you_mean;
use crate::slot::Type;
use crate::template::{Absent, Case, Form, Show};
use crate::write::DateForm;

/// The names of all filters.
const FILTERS: [&str; 9] = ["text", "upper", "lower", "millis", "iso8601", "http_date", "date", "uuid", "or"];

/// What is wrong with a filter, and what to do.
type Fault = (String, Option<String>);

/// Applies one filter.
///
/// # Errors
/// Why it cannot be.
pub(crate) fn apply(show: &mut Show, word: &str) -> Result<(), Fault> {
    let (name, argument) = word.split_once(' ').map_or((word, None), |(name, rest)| (name, Some(rest.trim())));
    let kind = show.slot.kind();
    let fits = match name {
        "or" => {
            show.absent = Absent::Or(quoted(name, argument)?.into());
            return Ok(());
        }
        "date" => {
            let example = "{access.expires_at|date '[year]-[month]-[day] [hour]:[minute]:[second]'}";
            let form = DateForm::parse(quoted(name, argument)?)
                .map_err(|why| (format!("no form of dates: {why}"), Some(format!("for example `{example}`"))))?;
            show.form = Form::Date(Box::new(form));
            kind == Type::Time
        }
        _ if argument.is_some() => return Err(unknown(word)),
        "text" => {
            show.as_text = true;
            if matches!(kind, Type::Texts | Type::Json | Type::List) {
                return Err((format!("`{}` has no text form", show.slot.name()), None));
            }
            true
        }
        "upper" | "lower" => {
            show.case = if name == "upper" { Case::Upper } else { Case::Lower };
            kind == Type::Text
        }
        "millis" => {
            show.form = Form::Millis;
            matches!(kind, Type::Time | Type::Span)
        }
        "iso8601" | "http_date" => {
            show.form = if name == "iso8601" { Form::Iso8601 } else { Form::HttpDate };
            kind == Type::Time
        }
        "uuid" => {
            show.form = Form::Uuid;
            kind == Type::Int
        }
        _ => return Err(unknown(word)),
    };
    if fits {
        return Ok(());
    }
    let what = match name {
        "upper" | "lower" => "a text",
        "millis" => "a time or a span",
        "uuid" => "a whole number",
        _ => "a time",
    };
    Err((format!("`{name}` is for {what}, which `{{{}}}` is not", show.slot.name()), None))
}

fn unknown(word: &str) -> Fault {
    let list = || format!("filters are: {}", FILTERS.join(", "));
    (format!("unknown filter `{word}`"), Some(did_you_mean(word, FILTERS).unwrap_or_else(list)))
}

fn quoted<'w>(name: &str, argument: Option<&'w str>) -> Result<&'w str, Fault> {
    let text = argument.and_then(|rest| rest.strip_prefix('\'')?.strip_suffix('\''));
    text.ok_or_else(|| (format!("`{name}` wants a text in single quotes"), None))
}

/// Splits at `|`, but not inside single quotes.
pub(crate) fn split(inner: &str) -> Vec<&str> {
    let mut quoted = false;
    let bar = |c: char| {
        quoted ^= c == '\'';
        c == '|' && !quoted
    };
    inner.split(bar).map(str::trim).collect()
}
