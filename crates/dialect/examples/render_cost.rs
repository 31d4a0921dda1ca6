//! What rendering and decoding cost: a login answer of 1.7 kB and 25 values, by a compiled dialect against serde_json on
//! a hand-written struct with the same output, in turns on one thread; and one login body. Run with
//! `cargo run --release -p myna-dialect --example render_cost`. Only the ratio lasts.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::outcome::{Kind, Outcome};
use myna_core::session::Session;
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};
use myna_dialect::diagnostic::{Source, render};
use myna_dialect::{Answer, Minted, Params, Request, Tokens, compile};
use serde::Serialize;

const ROUNDS: usize = 40;
const CALLS: u32 = 20_000;
const DIALECT: &str = include_str!("render_cost.toml");

#[derive(Serialize)]
struct Login<'a> {
    token_type: &'static str,
    access_token: &'a str,
    access_expires_at: i64,
    access_expires_in: i64,
    refresh_after: i64,
    refresh_token: &'a str,
    refresh_expires_at: i64,
    refresh_expires_in: i64,
    request_id: &'a str,
    server_time: i64,
    status: u16,
    reason: &'static str,
    user: Person<'a>,
}

#[derive(Serialize)]
struct Person<'a> {
    id: i64,
    email: Option<&'a str>,
    username: Option<&'a str>,
    first_name: Option<&'a str>,
    middle_name: Option<&'a str>,
    last_name: Option<&'a str>,
    photo: Option<&'a str>,
    status: &'a str,
    must_change_password: bool,
    created_at: i64,
    updated_at: i64,
    role: Part<'a>,
}

#[derive(Serialize)]
struct Part<'a> {
    id: Option<i64>,
    name: Option<&'a str>,
    permissions: &'a [String],
}

fn hand_written(user: &User, tokens: &Tokens, request_id: &str, now: Timestamp) -> Vec<u8> {
    let (Some(access), Some(refresh)) = (&tokens.access, &tokens.refresh) else {
        return Vec::new();
    };
    let role = user.roles.first();
    let (issued, expires) = (access.issued_at.seconds(), access.expires_at.seconds());
    let login = Login {
        token_type: "Bearer",
        access_token: &access.text,
        access_expires_at: expires,
        access_expires_in: expires - issued,
        refresh_after: issued + (expires - issued) / 2,
        refresh_token: &refresh.text,
        refresh_expires_at: refresh.expires_at.seconds(),
        refresh_expires_in: refresh.expires_at.seconds() - refresh.issued_at.seconds(),
        request_id,
        server_time: now.seconds(),
        status: 200,
        reason: "OK",
        user: Person {
            id: user.id.0,
            email: user.email.as_deref(),
            username: user.username.as_deref(),
            first_name: user.first_name.as_deref(),
            middle_name: user.middle_name.as_deref(),
            last_name: user.last_name.as_deref(),
            photo: user.photo.as_deref(),
            status: user.status.name(),
            must_change_password: user.must_change_password,
            created_at: user.created_at.seconds(),
            updated_at: user.updated_at.seconds(),
            role: Part {
                id: role.map(|role| role.id),
                name: role.map(|role| role.name.as_str()),
                permissions: role.map_or(&[], |role| &role.permissions),
            },
        },
    };
    serde_json::to_vec(&login).unwrap_or_default()
}

fn user() -> User {
    User {
        id: UserId(7_123_456),
        email: Some("alexandra.example@mail.example.com".to_owned()),
        username: Some("alexandra".to_owned()),
        first_name: Some("Alexandra".to_owned()),
        middle_name: None,
        last_name: Some("Example-Sürname".to_owned()),
        photo: Some("https://images.example.com/users/7123456/portrait.webp?size=256".to_owned()),
        status: Status::Active,
        must_change_password: false,
        roles: vec![Role {
            id: 2,
            name: "User".to_owned(),
            permissions: ["USER", "orders.read", "orders.write", "profile"].map(str::to_owned).to_vec(),
        }],
        attributes: "{}".to_owned(),
        created_at: Timestamp::from_seconds(1_566_127_840),
        updated_at: Timestamp::from_seconds(1_766_127_840),
    }
}

fn session(now: Timestamp) -> Session {
    Session {
        id: SessionId { user: UserId(7_123_456), handle: Handle([7; 16]) },
        dialect: "render_cost".to_owned(),
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
        ended: None,
    }
}

fn nanoseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        drop(black_box(call()));
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// The middle one.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = Source::new("render_cost.toml", DIALECT);
    let dialect = compile(&source, None).map_err(|faults| render(&source, &faults, false))?;
    let now = Timestamp::from_seconds(1_766_200_000);
    let minted = |length: usize, hours: u64| Minted {
        text: "eyJhbGciOiJIUzI1NiJ9".chars().cycle().take(length).collect(),
        id: "0123456789abcdef".to_owned(),
        issued_at: now,
        expires_at: now + Duration::from_secs(hours * 3600),
    };
    let tokens = Tokens { access: Some(minted(620, 1)), refresh: Some(minted(330, 24)) };
    let outcome = Outcome::signed_in(Kind::SignedIn, user(), session(now));
    let person = outcome.user.clone().unwrap_or_else(|| Arc::new(user()));
    let answer =
        Answer { outcome: &outcome, tokens: &tokens, errors: &[], request_id: "01J9Z6C1WQ5M", now, allow: None };
    let (ours, theirs) = (dialect.encode(Some(0), &answer).body, hand_written(&person, &tokens, "01J9Z6C1WQ5M", now));
    if ours != theirs {
        return Err(format!(
            "not the same output:\n{}\n{}",
            String::from_utf8_lossy(&ours),
            String::from_utf8_lossy(&theirs)
        )
        .into());
    }
    let (headers, params) = (HeaderMap::new(), Params::new());
    let body = br#"{"email": "alexandra.example@mail.example.com", "password": "correct horse battery staple"}"#;
    let request =
        Request { method: &Method::POST, path: "/login", query: None, headers: &headers, body, params: &params };
    let (mut compiled, mut written, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        compiled.push(nanoseconds(|| dialect.encode(Some(0), black_box(&answer))));
        written.push(nanoseconds(|| hand_written(black_box(&person), &tokens, "01J9Z6C1WQ5M", now)));
        decoded.push(nanoseconds(|| dialect.decode(0, black_box(&request))));
    }
    let (compiled, written, decoded) = (median(compiled), median(written), median(decoded));
    let mut out = std::io::stdout().lock();
    writeln!(out, "answer of {} bytes, whole response with headers, compiled dialect: {compiled:.0} ns", ours.len())?;
    writeln!(out, "the same body, serde_json on a hand-written struct: {written:.0} ns")?;
    writeln!(out, "ratio {:.2} (goal: at most 1.0)", compiled / written)?;
    writeln!(out, "login body decoded to inputs: {decoded:.0} ns (goal: at most 3000)")?;
    Ok(())
}
