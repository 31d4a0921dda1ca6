//! What compiled dialects do, through the public API: requests to inputs, outcomes to responses, tokens, routes.

#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod decode;
mod describe;
mod encode;
mod faulty;
mod hostile;
mod openapi;
mod refused;
mod route;
mod token;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::session::{AccessDigests, Session};
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};
use myna_dialect::diagnostic::{Source, render};
use myna_dialect::{Dialect, Params, Request, compile};

const TOKENS: &str = r#"
[token.access]
algorithm = "HS256"
header    = '{ "alg": "{alg}", "jti": "{access.id}" }'
claims    = '{ "sub": "{user.id}", "sid": "{session.id}", "exp": "{access.expires_at}" }'
lifetime  = "1h"

[token.refresh]
format   = "opaque"
lifetime = "4h"
"#;

const LOGIN: &str = r#"
[[endpoint]]
name      = "login"
route     = "POST /login"
operation = "login"
request   = '{ "email": "{identifier}", "password": "{password}" }'
"#;

/// A dialect of these parts.
fn dialect(parts: &[&str]) -> Arc<Dialect> {
    let text = format!("dialect = \"d\"\n{}", parts.join("\n"));
    let source = Source::new("d", text);
    match compile(&source, None) {
        Ok(dialect) => Arc::new(dialect),
        Err(faults) => panic!("{}", render(&source, &faults, false)),
    }
}

fn user() -> User {
    User {
        id: UserId(7),
        email: Some("foo@gmail.com".to_owned()),
        username: None,
        first_name: Some("Alex \"}".to_owned()),
        middle_name: None,
        last_name: None,
        photo: None,
        status: Status::Active,
        must_change_password: false,
        roles: vec![role(2, "User", &["USER", "READ"]), role(3, "Admin", &[])],
        attributes: r#"{ "plan": {"a": [1, 2]}, "nick": "x", "none": null }"#.to_owned(),
        created_at: Timestamp::from_seconds(1_566_127_840),
        updated_at: Timestamp(1_566_127_840_999_999),
    }
}

fn role(id: i64, name: &str, permissions: &[&str]) -> Role {
    let permissions = permissions.iter().map(|text| (*text).to_owned()).collect();
    Role { id, name: name.to_owned(), permissions }
}

fn session() -> Session {
    Session {
        id: SessionId { user: UserId(7), handle: Handle([0xab; 16]) },
        dialect: "d".to_owned(),
        device: None,
        salt: [0; 16],
        generation: 1,
        created_at: Timestamp(0),
        rotated_at: Timestamp(0),
        used_at: Timestamp(0),
        idle_expires_at: Timestamp(0),
        expires_at: Timestamp(0),
        client_address: None,
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    }
}

/// A request to the dialect's first endpoint.
struct Sent {
    headers: HeaderMap,
    query: Option<&'static str>,
    params: Params,
}

impl Sent {
    fn new(headers: &[(&'static str, &str)]) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("value"));
        }
        Self { headers: map, query: None, params: Params::new() }
    }

    fn with<'a>(&'a self, body: &'a [u8]) -> Request<'a> {
        let Self { headers, query, params } = self;
        Request { method: &Method::POST, path: "/login", query: *query, headers, body, params, origins: &[] }
    }
}
