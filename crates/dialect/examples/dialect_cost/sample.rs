//! What is rendered and read: a user with everything, tokens of the usual lengths, and a login request made from what the
//! dialect says that it reads.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::outcome::{Kind, Outcome};
use myna_core::problem::Field;
use myna_core::session::{AccessDigests, Session};
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};
use myna_dialect::describe::{Asked, AskedShape, EndpointDescription, InputDescription, Place};
use myna_dialect::{Minted, Tokens};
use serde_json::{Map, Value};

pub(crate) const REQUEST_ID: &str = "01J9Z6C1WQ5M";

/// One login's outcome and tokens.
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    pub(crate) user: Arc<User>,
    pub(crate) tokens: Tokens,
    pub(crate) now: Timestamp,
}

impl Sample {
    /// Every value of another number is another.
    pub(crate) fn new(number: i64) -> Self {
        let now = Timestamp::from_seconds(1_766_200_000 + number);
        let user = user(number);
        let minted = |length: usize, hours: u64| Minted {
            text: format!("{number}eyJhbGciOiJIUzI1NiJ9").chars().cycle().take(length).collect(),
            id: format!("0123456789abcde{number}"),
            issued_at: now,
            expires_at: now + Duration::from_secs(hours * 3600 + number.unsigned_abs()),
        };
        let tokens = Tokens { access: Some(minted(620, 1)), refresh: Some(minted(330, 24)) };
        let outcome = Outcome::signed_in(Kind::SignedIn, user.clone(), session(now));
        Self { outcome, user: Arc::new(user), tokens, now }
    }
}

fn user(number: i64) -> User {
    User {
        id: UserId(7_123_456 + number),
        email: Some(format!("alexandra.example{number}@mail.example.com")),
        username: Some(format!("alexandra{number}")),
        first_name: Some(format!("Alexandra {number}")),
        middle_name: None,
        last_name: Some(format!("Example-Sürname {number}")),
        photo: Some(format!("https://images.example.com/users/{number}/portrait.webp?size=256")),
        status: if number == 0 { Status::Active } else { Status::Disabled },
        must_change_password: number != 0,
        roles: vec![Role {
            id: 2 + number,
            name: format!("User{number}"),
            permissions: ["USER", "orders.read", "orders.write", "profile"]
                .map(|name| format!("{name}{number}"))
                .to_vec(),
        }],
        attributes: "{}".to_owned(),
        created_at: Timestamp::from_seconds(1_566_127_840 + number),
        updated_at: Timestamp::from_seconds(1_766_127_840 + number),
    }
}

fn session(now: Timestamp) -> Session {
    Session {
        id: SessionId { user: UserId(7_123_456), handle: Handle([7; 16]) },
        dialect: "any".to_owned(),
        device: None,
        salt: [0; 16],
        generation: 1,
        created_at: now,
        rotated_at: now,
        used_at: now,
        idle_expires_at: now,
        expires_at: now,
        client_address: None,
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    }
}

/// A lawful request to an endpoint.
pub(crate) struct Sent {
    pub(crate) headers: HeaderMap,
    pub(crate) query: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// As the endpoint says that it reads.
    pub(crate) fn to(endpoint: &EndpointDescription) -> Option<Self> {
        let mut headers = HeaderMap::new();
        let mut query = Vec::new();
        for input in endpoint.inputs.iter().filter(|input| !input.in_body) {
            let value = value_of(input);
            match input.places.first()? {
                Place::Bearer(name) => {
                    headers.insert(
                        HeaderName::try_from(name).ok()?,
                        HeaderValue::try_from(format!("Bearer {value}")).ok()?,
                    );
                }
                Place::Header(name) => {
                    headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
                }
                Place::Cookie(name) => {
                    headers.append("cookie", HeaderValue::try_from(format!("{name}={value}")).ok()?);
                }
                Place::Query(name) => query.push(format!("{name}={value}")),
                Place::Scheme { word, param, header } => {
                    let name = HeaderName::try_from(header).ok()?;
                    let before = headers.get(&name).and_then(|line| Some(line.to_str().ok()?.to_owned()));
                    let line = match (param, before) {
                        (None, _) => format!("{word} {value}"),
                        (Some(param), None) => format!("{word} {param}=\"{value}\""),
                        (Some(param), Some(before)) => format!("{before}, {param}=\"{value}\""),
                    };
                    headers.insert(name, HeaderValue::try_from(line).ok()?);
                }
                Place::Path(_) | Place::Basic(_) => return None,
            }
        }
        let mut body = Vec::new();
        if let Some(members) = &endpoint.body {
            let json = object(endpoint, members);
            let form = endpoint.reads.first().is_some_and(|kind| kind.ends_with("form-urlencoded"));
            body = if form { form_of(&json)? } else { serde_json::to_vec(&json).ok()? };
            headers.insert("content-type", HeaderValue::from_static(endpoint.reads.first()?));
        }
        Some(Self { headers, query: (!query.is_empty()).then(|| query.join("&")), body })
    }
}

fn value_of(input: &InputDescription) -> &'static str {
    match input.field {
        Some(Field::Identifier | Field::Email) => "alexandra.example@mail.example.com",
        Some(Field::Password) => "correct hors", // lawful for every built-in dialect's own rules
        Some(Field::Device) => "0e4fda7a-4d7c-4f2b-9a36-c7a4b3f3e8d1",
        _ => "anything",
    }
}

fn object(endpoint: &EndpointDescription, members: &[Asked]) -> Value {
    Value::Object(members.iter().map(|each| (each.name.clone(), asked(endpoint, &each.shape))).collect::<Map<_, _>>())
}

fn asked(endpoint: &EndpointDescription, shape: &AskedShape) -> Value {
    match shape {
        AskedShape::Input(at) => endpoint.inputs.get(*at).map_or(Value::Null, |input| value_of(input).into()),
        AskedShape::Literal(value) => value.clone(),
        AskedShape::Object(inner) => object(endpoint, inner),
        AskedShape::Array(inner) => inner.iter().map(|each| asked(endpoint, each)).collect(),
    }
}

fn form_of(json: &Value) -> Option<Vec<u8>> {
    let pairs =
        json.as_object()?.iter().map(|(name, value)| Some(format!("{name}={}", value.as_str()?.replace(' ', "+"))));
    Some(pairs.collect::<Option<Vec<_>>>()?.join("&").into_bytes())
}
