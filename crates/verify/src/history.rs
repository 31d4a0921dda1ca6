//! What was asked of a user's account and what came back, in the words that the model knows.

use std::fmt;
use std::time::Duration;

/// A point in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the run began, by this machine's own clock.
    pub real: Duration,
    /// What the servers' clock said, in microseconds since 1970.
    pub clock: i64,
    /// How often that clock had jumped by then.
    pub jumps: u32,
}

/// A session, by the order in which a user's sessions began.
pub type SessionNumber = usize;

/// A refresh token, by a digest of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// A password, by the order in which a user's passwords were thought of.
pub type PasswordNumber = usize;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new user with the first password.
    Register,
    /// A login; the session that it begins if it is granted.
    Login(PasswordNumber, SessionNumber),
    /// An exchange of a refresh token.
    Refresh(SessionNumber, Token),
    /// Who the bearer of the session's newest access token is.
    Me(SessionNumber),
    /// The end of a session, by its newest access token.
    Logout(SessionNumber),
    /// A new password, by a session: the old one, the new one.
    Change(SessionNumber, PasswordNumber, PasswordNumber),
    /// A new password by the link of a mail: which mail, the new password.
    Reset(usize, PasswordNumber),
    /// An operator disables the user.
    Disable,
    /// An operator lets the user in again.
    Enable,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done.
    Done,
    /// It was done, and this is the refresh token.
    Granted(Token),
    /// It was refused, and nothing was done.
    Refused,
    /// Nobody knows: the answer was lost, or was that the server is in trouble.
    Unknown,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was sent.
    pub start: Moment,
    /// When its answer had come, or was given up.
    pub end: Moment,
    /// What was asked.
    pub action: Action,
    /// What came back.
    pub reply: Reply,
}

/// Requests that were under way at the same time; every step ends before the next begins.
pub type Step = Vec<Event>;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end, action, reply } = self;
        write!(f, "{:>9.3} – {:<9.3} ", start.real.as_secs_f64(), end.real.as_secs_f64())?;
        match action {
            Action::Register => write!(f, "register with password 0"),
            Action::Login(password, session) => write!(f, "login with password {password} (session {session})"),
            Action::Refresh(session, token) => write!(f, "session {session}: refresh {token}"),
            Action::Me(session) => write!(f, "session {session}: who am I"),
            Action::Logout(session) => write!(f, "session {session}: logout"),
            Action::Change(session, old, new) => write!(f, "session {session}: change password {old} to {new}"),
            Action::Reset(link, new) => write!(f, "reset by mail {link} to password {new}"),
            Action::Disable => write!(f, "an operator disables the user"),
            Action::Enable => write!(f, "an operator enables the user"),
        }?;
        match reply {
            Reply::Done => write!(f, " → done"),
            Reply::Granted(token) => write!(f, " → {token}"),
            Reply::Refused => write!(f, " → refused"),
            Reply::Unknown => write!(f, " → unknown"),
        }?;
        if end.jumps > 0 { write!(f, "   (clock has jumped {} times)", end.jumps) } else { Ok(()) }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {:06x}", self.0 & 0xff_ffff)
    }
}
