//! What answers may show of requests: every input that is no secret, repeats none, and is read from no place where a secret
//! stands (HD-06). A name that one endpoint has to keep to itself is shown by none.

use myna_core::catalog::Operation;
use myna_core::problem::Field;

use crate::file::{Faults, Table};

/// The names, sorted.
pub(super) fn echoes_of(root: &Table<'_>) -> Vec<String> {
    // What is wrong with the endpoints is told when they are compiled.
    let untold = &mut Faults::default();
    let endpoints = root.tables("endpoint", untold);
    let sources: Vec<_> = endpoints.iter().flat_map(|table| sources(table, untold)).collect();
    let of_secrets = sources.iter().filter(|(name, _)| is_secret(name)).flat_map(|(_, sources)| sources);
    let mut secret_places: Vec<&str> =
        of_secrets.flat_map(|source| [Some(&**source), header_of(source)]).flatten().collect();
    secret_places.sort_unstable();
    let holds_secret = |place: &str| secret_places.binary_search(&place).is_ok();
    let shows_secret = |source: &str| {
        holds_credentials(source)
            || holds_secret(source)
            || (!is_param(source) && header_of(source).is_some_and(holds_secret))
    };
    let from_secrets = sources.iter().filter(|(_, sources)| sources.iter().any(|source| shows_secret(source)));
    let mut hidden: Vec<String> = from_secrets.map(|(name, _)| name.clone()).collect();
    let mut echoes = Vec::new();
    for table in &endpoints {
        let operation = table.text("operation", untold).and_then(|text| Operation::parse(&text.value));
        let fields = operation.into_iter().flat_map(Operation::fields).filter(|field| !field.is_secret());
        echoes.extend(fields.map(|field| field.name().to_owned()));
        echoes.extend(table.texts("extra", untold).into_iter().map(|extra| extra.value));
        for check in table.tables("check", untold) {
            let (field, other) = (check.text("field", untold), check.text("as", untold));
            if let (Some(field), Some(other)) = (field, other) {
                hidden.extend(is_secret(&field.value).then(|| other.value.clone()));
                hidden.extend(is_secret(&other.value).then_some(field.value));
            }
        }
    }
    hidden.sort();
    echoes.retain(|name| hidden.binary_search(name).is_err());
    echoes.sort();
    echoes.dedup();
    echoes
}

fn is_secret(name: &str) -> bool {
    Field::parse(name).is_some_and(Field::is_secret)
}

/// The inputs that an endpoint reads outside the body, each with its sources in small letters.
fn sources(table: &Table<'_>, untold: &mut Faults) -> Vec<(String, Vec<String>)> {
    let Some(from) = table.table("from", untold) else { return Vec::new() };
    let small = |table: &Table<'_>, name: &str, untold: &mut Faults| {
        table.texts(name, untold).into_iter().map(|text| text.value.to_ascii_lowercase()).collect()
    };
    from.keys().into_iter().map(|key| (key.value.clone(), small(&from, &key.value, untold))).collect()
}

/// Whether credentials are what stands there, whoever reads them: of another dialect, or of nobody here.
fn holds_credentials(source: &str) -> bool {
    let mut words = source.split(' ');
    match words.next().unwrap_or_default() {
        "bearer" | "cookie" => true,
        "basic" => source == "basic password",
        "header" => matches!(words.next(), Some("authorization" | "proxy-authorization")),
        // `scheme WORD`: the token. A parameter may be anything, such as a device's name.
        "scheme" => matches!(words.nth(1), None | Some("in")),
        _ => false,
    }
}

/// Whether it is one parameter of a header, and not all that stands there: `scheme WORD PARAM`.
fn is_param(source: &str) -> bool {
    source
        .strip_prefix("scheme ")
        .is_some_and(|words| words.split(" in ").next().is_some_and(|words| words.contains(' ')))
}

/// The header that the source names.
fn header_of(source: &str) -> Option<&str> {
    match source.split_once(" in ") {
        Some((_, header)) => Some(header),
        None => source.strip_prefix("bearer ").or_else(|| source.strip_prefix("header ")),
    }
}
