//! What was asked of a user's account and what came back, in the words that the model knows.

use std::fmt;
use std::time::Duration;

/// The most nodes of a cluster.
pub const NODES_MAX: usize = 4;

/// A point in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Since the run began, by this machine's own clock.
    pub real: Duration,
    /// What the servers' clock said, in microseconds since 1970.
    pub clock: i64,
    /// How often that clock had jumped by then, twice: odd while it jumps.
    pub jumps: u32,
    /// How many processes of each node had died by then.
    pub deaths: [u32; NODES_MAX],
}

/// How the nodes are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// An access token names its session.
    #[default]
    Named,
    /// An access token does not; its session knows the newest two.
    Nameless,
}

/// A session, by the order in which a user's sessions began.
pub type SessionNumber = usize;

/// A refresh token, by a digest of its text. An access token is named by the refresh token that came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// A password, by the order in which a user's passwords were thought of.
pub type PasswordNumber = usize;

/// A request for a reset mail, by the order in which a user made them.
pub type MailNumber = usize;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A new user with this password.
    Register(PasswordNumber),
    /// A login; the session that it begins if it is granted.
    Login(PasswordNumber, SessionNumber),
    /// An exchange of a refresh token.
    Refresh(SessionNumber, Token),
    /// Who the bearer of an access token is.
    Me(SessionNumber, Token),
    /// The end of a session, by an access token.
    Logout(SessionNumber, Token),
    /// A new password, by an access token: the old one, the new one.
    Change(SessionNumber, Token, PasswordNumber, PasswordNumber),
    /// A mail with a link.
    Forgot(MailNumber),
    /// A new password by a link. Which request it answers is not always known: any of these.
    Reset(Vec<MailNumber>, PasswordNumber),
    /// An operator disables the user.
    Disable,
    /// An operator lets the user in again.
    Enable,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It was done.
    Done,
    /// It was done, and this is the refresh token.
    Granted(Token),
    /// It was refused.
    Refused,
    /// The answer was lost after the server had done with it: it happened, or it did not.
    Lost,
    /// No answer, or one that the server is in trouble: it may happen even later, as long as the process lives.
    Open,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was sent.
    pub start: Moment,
    /// When its answer had come, or was given up.
    pub end: Moment,
    /// Whom it was sent to.
    pub node: usize,
    /// How far the clock of that node is ahead of the others', in microseconds.
    pub ahead: i64,
    /// How it was sent.
    pub dialect: Dialect,
    /// What was asked.
    pub action: Action,
    /// What came back.
    pub reply: Reply,
}

/// Requests that were under way at the same time; every step ends before the next begins.
pub type Step = Vec<Event>;

impl Reply {
    /// Whether nobody knows what became of it.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Lost | Self::Open)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(password) => write!(f, "register with password {password}"),
            Self::Login(password, session) => write!(f, "login with password {password} (session {session})"),
            Self::Refresh(session, token) => write!(f, "session {session}: refresh {token}"),
            Self::Me(session, token) => write!(f, "session {session}: who am I, beside {token}"),
            Self::Logout(session, token) => write!(f, "session {session}: logout, beside {token}"),
            Self::Change(session, token, old, new) => {
                write!(f, "session {session}: change password {old} to {new}, beside {token}")
            }
            Self::Forgot(mail) => write!(f, "ask for mail {mail}"),
            Self::Reset(mails, new) => write!(f, "reset by mail {mails:?} to password {new}"),
            Self::Disable => write!(f, "an operator disables the user"),
            Self::Enable => write!(f, "an operator enables the user"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end, node, ahead, dialect, action, reply } = self;
        write!(f, "{:>9.3} – {:<9.3} node {node}  {action}", start.real.as_secs_f64(), end.real.as_secs_f64())?;
        match reply {
            Reply::Done => write!(f, " → done"),
            Reply::Granted(token) => write!(f, " → {token}"),
            Reply::Refused => write!(f, " → refused"),
            Reply::Lost => write!(f, " → lost"),
            Reply::Open => write!(f, " → no answer"),
        }?;
        if *dialect == Dialect::Nameless {
            write!(f, "   (nameless)")?;
        }
        if *ahead != 0 {
            write!(f, "   (its clock: {ahead:+} µs)")?;
        }
        if end.jumps > 0 { write!(f, "   (clock has jumped {} times)", end.jumps.div_ceil(2)) } else { Ok(()) }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {:06x}", self.0 & 0xff_ffff)
    }
}
