//! Credentials outside the body: which there are, and which an operation takes.

use myna_core::outcome::Kind;
use myna_core::problem::Field;
use serde_json::{Value, json};

use super::Object;
use crate::describe::{Description, EndpointDescription, InputDescription, OutcomeDescription, Place, TokenForm};

/// The schemes that the operations so far have named.
pub(super) struct Schemes<'d> {
    description: &'d Description,
    schemes: Object,
}

/// Schemes that are needed together.
type Together = Vec<String>;

impl<'d> Schemes<'d> {
    pub(super) fn new(description: &'d Description) -> Self {
        Self { description, schemes: Object::new() }
    }

    pub(super) fn into_components(self) -> Option<Value> {
        (!self.schemes.is_empty()).then_some(Value::Object(self.schemes))
    }

    /// The ways in which a request to one of the endpoints can prove who asks; `None`: it need not.
    pub(super) fn of(&mut self, endpoints: &[&EndpointDescription]) -> Option<Value> {
        let mut ways: Vec<Together> = Vec::new();
        for endpoint in endpoints {
            for way in self.ways(endpoint) {
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        // Whoever proves nothing is told so in an answer that is none of an error: then nobody has to.
        let excused = |outcome: &OutcomeDescription| {
            outcome.status < 400 && outcome.kind.chain().any(|kind| kind == Kind::Unauthorized)
        };
        if endpoints.iter().any(|endpoint| endpoint.outcomes.iter().any(excused)) && !ways.contains(&Vec::new()) {
            ways.push(Vec::new());
        }
        if ways.iter().all(Vec::is_empty) {
            return None;
        }
        let way = |way: Together| Value::Object(way.into_iter().map(|name| (name, json!([]))).collect());
        Some(Value::Array(ways.into_iter().map(way).collect()))
    }

    fn ways(&mut self, endpoint: &EndpointDescription) -> Vec<Together> {
        let credentials: Vec<&InputDescription> =
            endpoint.inputs.iter().filter(|input| proofs(input).next().is_some()).collect();
        let mut ways: Vec<Together> = vec![Vec::new()];
        for input in credentials.iter().filter(|input| input.required) {
            let mut choices: Vec<Together> = self.names(input).into_iter().map(|name| vec![name]).collect();
            if input.in_body || proofs(input).count() < input.places.len() {
                choices.push(Vec::new());
            }
            // The two halves of `Basic` are one scheme.
            let both = |way: &Together, choice: &Together| -> Together {
                way.iter().chain(choice.iter().filter(|name| !way.contains(name))).cloned().collect()
            };
            ways = ways.iter().flat_map(|way| choices.iter().map(move |choice| both(way, choice))).collect();
        }
        // Of those that can stand in for each other one is enough; if one may stand in the body, none is needed here.
        let mut optional = Vec::new();
        for input in credentials.iter().filter(|input| !input.required) {
            optional.extend(self.names(input));
        }
        if optional.is_empty() {
            return ways;
        }
        let mut all: Vec<Together> = optional
            .iter()
            .flat_map(|name| ways.iter().map(move |way| [&way[..], std::slice::from_ref(name)].concat()))
            .collect();
        let needed = endpoint.operation.entry().needs.iter().any(|needed| {
            let read: Vec<_> =
                endpoint.inputs.iter().filter(|input| input.field.is_some_and(|f| needed.contains(&f))).collect();
            !read.is_empty() && read.iter().all(|input| proofs(input).next().is_some() && !input.in_body)
        });
        if !needed {
            all.extend(ways);
        }
        all
    }

    /// The names of the schemes of an input, made where they are new.
    fn names(&mut self, input: &InputDescription) -> Vec<String> {
        let named = |place: &Place| self.scheme(place);
        let named: Vec<(String, Value)> = proofs(input).map(named).collect();
        let names = named.iter().map(|(name, _)| name.clone()).collect();
        for (name, scheme) in named {
            self.schemes.entry(name).or_insert(scheme);
        }
        names
    }

    fn scheme(&self, place: &Place) -> (String, Value) {
        let word = |text: &str| -> String {
            text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
        };
        match place {
            Place::Bearer(name) if name == "authorization" => {
                let mut scheme = json!({ "type": "http", "scheme": "bearer" });
                if let Some(TokenForm::Jwt(_)) = self.description.access {
                    scheme["bearerFormat"] = json!("JWT");
                }
                ("bearer".to_owned(), scheme)
            }
            Place::Bearer(name) => {
                let told = "`Bearer`, one blank, the access token.";
                (
                    format!("bearer_{}", word(name)),
                    json!({ "type": "apiKey", "in": "header", "name": name, "description": told }),
                )
            }
            Place::Basic(_) => ("basic".to_owned(), json!({ "type": "http", "scheme": "basic" })),
            Place::Scheme { word: scheme, param, header } => {
                let told = match param {
                    Some(param) => format!("`{scheme} {param}=\"…\"`"),
                    None => format!("`{scheme}`, one blank, the token."),
                };
                let name = format!("scheme_{}", word(&scheme.to_ascii_lowercase()));
                (name, json!({ "type": "apiKey", "in": "header", "name": header, "description": told }))
            }
            Place::Header(name) => {
                (format!("header_{}", word(name)), json!({ "type": "apiKey", "in": "header", "name": name }))
            }
            Place::Cookie(name) => {
                (format!("cookie_{}", word(name)), json!({ "type": "apiKey", "in": "cookie", "name": name }))
            }
            Place::Query(name) | Place::Path(name) => {
                (format!("query_{}", word(name)), json!({ "type": "apiKey", "in": "query", "name": name }))
            }
        }
    }
}

/// Where the input proves who asks: a token anywhere, a name or a password only in `Basic`.
fn proofs(input: &InputDescription) -> impl Iterator<Item = &Place> {
    let is_token = matches!(input.field, Some(Field::AccessToken | Field::RefreshToken));
    input.places.iter().filter(move |place| is_token || matches!(place, Place::Basic(_)))
}
