//! A session for people and for scripts. What a client wrote (device, agent) does nothing to a terminal.

use std::fmt::Write as _;

use myna_core::session::{EndCause, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use serde_json::{Value, json};

use super::SHORT_DIGITS;
use crate::cli::user::{name, time};

/// How much of a text that a client chose fits into a column.
const COLUMN_CHARS: usize = 24;

/// What became of a session.
enum State {
    Live,
    Expired(Timestamp),
    Ended(Timestamp, EndCause),
}

impl State {
    fn of(session: &Session, now: Timestamp) -> Self {
        match session.ended {
            Some((at, cause)) => Self::Ended(at, cause),
            None if session.is_live(now) => Self::Live,
            None => Self::Expired(session.idle_expires_at.min(session.expires_at)),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired(_) => "expired",
            Self::Ended(_, cause) => cause.name(),
        }
    }
}

/// The heading above [`line`]s.
pub(super) fn heading(ended: bool) -> String {
    columns(["ID", "USER", "DIALECT", "DEVICE", "ADDRESS", "SIGNED IN", "LAST USED"], ended.then_some("STATE"), "AGENT")
}

/// A session on one line.
pub(super) fn line(user: &User, session: &Session, now: Timestamp, ended: bool) -> String {
    let id = session.id.handle.to_string();
    let texts = [
        &id[..SHORT_DIGITS],
        &cut(name(user)),
        &session.dialect,
        &cut(session.device.as_deref().unwrap_or("-")),
        session.client_address.as_deref().unwrap_or("-"),
        &time(session.created_at),
        &time(session.used_at),
    ];
    let state = State::of(session, now);
    columns(texts, ended.then(|| state.name()), &plain(session.client_agent.as_deref().unwrap_or("-")))
}

fn columns([id, user, dialect, device, address, begun, used]: [&str; 7], state: Option<&str>, agent: &str) -> String {
    let state = state.map(|state| format!("{state:<17}")).unwrap_or_default();
    format!("{id:<13} {user:<24} {dialect:<12} {device:<16} {address:<16} {begun:<21} {used:<21} {state}{agent}")
}

/// A session with all that is known of it, for people.
pub(super) fn page(user: &User, session: &Session, now: Timestamp) -> String {
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or("-"));
    let state = match State::of(session, now) {
        State::Live => "live".to_owned(),
        State::Expired(at) => format!("expired {}: {}", time(at), limit(session)),
        State::Ended(at, cause) => format!("ended {}: {} ({})", time(at), why(cause), cause.name()),
    };
    let mut page = String::new();
    for (label, value) in [
        ("session", session.id.handle.to_string()),
        ("user", format!("{} ({})", user.id, plain(name(user)))),
        ("dialect", session.dialect.clone()),
        ("device", text(&session.device)),
        ("address", text(&session.client_address)),
        ("agent", text(&session.client_agent)),
        ("signed in", time(session.created_at)),
        ("last used", format!("{}, {} refreshes", time(session.used_at), session.generation)),
        (
            "expires",
            format!("{} unless used, {} at the latest", time(session.idle_expires_at), time(session.expires_at)),
        ),
        ("state", state),
    ] {
        let _ = writeln!(page, "{label:<10} {value}");
    }
    page.truncate(page.trim_end().len());
    page
}

/// A session for scripts. `state` is `live`, `expired` or `ended`.
pub(super) fn record(user: &User, session: &Session, now: Timestamp) -> Value {
    let Session {
        id,
        dialect,
        device,
        salt: _,
        generation,
        created_at,
        rotated_at,
        used_at,
        idle_expires_at,
        expires_at,
        client_address,
        client_agent,
        // Of no use to anybody but the server.
        access: _,
        ended,
    } = session;
    let state = match State::of(session, now) {
        State::Live => "live",
        State::Expired(_) => "expired",
        State::Ended(..) => "ended",
    };
    json!({
        "id": id.handle.to_string(),
        "user": { "id": id.user.0, "email": user.email, "username": user.username },
        "dialect": dialect,
        "device": device,
        "address": client_address,
        "agent": client_agent,
        "generation": generation,
        "created_at": time(*created_at),
        "rotated_at": time(*rotated_at),
        "used_at": time(*used_at),
        "idle_expires_at": time(*idle_expires_at),
        "expires_at": time(*expires_at),
        "state": state,
        "ended_at": ended.map(|(at, _)| time(at)),
        "end_cause": ended.map(|(_, cause)| cause.name()),
    })
}

/// Which limit a session that expired has reached.
fn limit(session: &Session) -> &'static str {
    if session.idle_expires_at < session.expires_at { "not used for too long" } else { "as old as it may become" }
}

const fn why(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Logout => "the user signed out",
        EndCause::Replaced => "a new login on the same device took its place",
        EndCause::PasswordChanged => "the password was changed in another session",
        EndCause::PasswordReset => "the password was reset by mail",
        EndCause::Reuse => "a refresh token that had been replaced was used again: somebody may hold a copy",
        EndCause::Cap => "the user had more sessions than `session.cap` allows",
        EndCause::Operator => "an operator ended it, set a password, or disabled the user",
    }
}

/// A client's text for a column.
fn cut(text: &str) -> String {
    if text.chars().count() <= COLUMN_CHARS {
        return plain(text);
    }
    plain(&(text.chars().take(COLUMN_CHARS - 1).collect::<String>() + "…"))
}

/// The text without what a terminal obeys: control characters, and those that turn the direction of writing.
fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, char| {
        match char {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(char.escape_unicode());
            }
            _ if char.is_control() => shown.extend(char.escape_default()),
            _ => shown.push(char),
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wrote_does_nothing_to_a_terminal() {
        for (written, shown) in [
            ("Ada's phone", "Ada's phone"),
            ("größer 電話", "größer 電話"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("two\nlines\r", "two\\nlines\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}"),
        ] {
            assert_eq!(plain(written), shown);
        }
        assert_eq!(cut(&"ä".repeat(24)), "ä".repeat(24));
        assert_eq!(cut(&"ä".repeat(25)), "ä".repeat(23) + "…");
    }
}
