//! What a template sees while it is rendered: the scope, and the value of each slot in it. It looks values up; it never
//! writes them.

use std::borrow::Cow;

use myna_core::outcome::Listed;
use myna_core::session::Session;
use myna_core::time::Timestamp;
use myna_core::user::{Role, User};

use crate::echo::{Echo, EchoValue};
use crate::encode::Minted;
use crate::json::{self, Node};
use crate::messages::{self, FieldErrors};
use crate::slot::{List, Slot};
use crate::words::Language;

/// Everything that slots can stand for. What is `None` makes its slots absent; rendering cannot fail.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) status: u16,
    pub(crate) reason: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) language: Language,
    pub(crate) echo: Option<&'a Echo>,
    pub(crate) now: Timestamp,
    pub(crate) user: Option<&'a User>,
    /// The session that the tokens name; the entry of `{each sessions}`.
    pub(crate) session: Option<&'a Session>,
    /// Whether that entry is the session that asks.
    pub(crate) is_current: bool,
    pub(crate) sessions: &'a [Listed],
    pub(crate) access: Option<Stamp<'a>>,
    pub(crate) refresh: Option<Stamp<'a>>,
    pub(crate) retry_after: Option<u32>,
    pub(crate) errors: &'a [FieldErrors],
    pub(crate) error: Option<&'a FieldErrors>,
    pub(crate) message: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) role: Option<&'a Role>,
    pub(crate) alg: &'a str,
    pub(crate) kid: &'a str,
    pub(crate) opaque: Option<&'a str>,
}

/// A token as far as templates see it.
#[derive(Clone, Copy)]
pub(crate) struct Stamp<'a> {
    pub(crate) text: &'a str,
    pub(crate) id: &'a str,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl<'a> From<&'a Minted> for Stamp<'a> {
    fn from(minted: &'a Minted) -> Self {
        let Minted { text, id, issued_at, expires_at } = minted;
        Self { text, id, issued_at: *issued_at, expires_at: *expires_at }
    }
}

impl Stamp<'_> {
    fn seconds(&self) -> i64 {
        self.expires_at.seconds().saturating_sub(self.issued_at.seconds())
    }

    /// Half of the lifetime has passed.
    fn refresh_after(&self) -> Timestamp {
        Timestamp(self.issued_at.0.saturating_add(self.expires_at.0.saturating_sub(self.issued_at.0) / 2))
    }
}

/// The value of a slot.
pub(crate) enum Value<'a> {
    Absent,
    Int(i64),
    /// Seconds.
    Span(i64),
    Bool(bool),
    Time(Timestamp),
    Text(Cow<'a, str>),
    Texts(&'a [String]),
    /// A JSON number or boolean, as it was sent.
    Raw(&'a str),
    /// Proven JSON.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(Cow::Borrowed(text)))
    }

    fn int(number: Option<i64>) -> Self {
        number.map_or(Self::Absent, Self::Int)
    }

    fn span(seconds: Option<i64>) -> Self {
        seconds.map_or(Self::Absent, Self::Span)
    }

    fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Absent, Self::Time)
    }

    fn texts(texts: Option<&'a Vec<String>>) -> Self {
        Self::Texts(texts.map_or(&[], Vec::as_slice))
    }
}

impl<'a> Scope<'a> {
    /// The entry of `{each errors}`; outside of it the first, for APIs that report one failing field.
    fn one_error(&self) -> Option<&'a FieldErrors> {
        self.error.or_else(|| self.errors.first())
    }

    /// The slot's value; `attribute` names which, for the one slot that has many.
    pub(crate) fn value(&self, slot: Slot, attribute: &str) -> Value<'a> {
        let (access, refresh) = (self.access, self.refresh);
        match slot {
            Slot::Status => Value::Int(self.status.into()),
            Slot::Reason => Value::text(Some(self.reason)),
            Slot::RequestId => Value::text(Some(self.request_id)),
            Slot::Now => Value::Time(self.now),
            Slot::Echo => match self.echo.and_then(|echo| echo.find(attribute)) {
                None => Value::Absent,
                Some(EchoValue::Text(text)) => Value::text(Some(text)),
                Some(EchoValue::Json(json)) => Value::Raw(json),
            },
            Slot::AccessToken => Value::text(access.map(|stamp| stamp.text)),
            Slot::AccessExpiresAt => Value::time(access.map(|stamp| stamp.expires_at)),
            Slot::AccessIssuedAt => Value::time(access.map(|stamp| stamp.issued_at)),
            Slot::AccessExpiresIn => Value::span(access.map(|stamp| stamp.seconds())),
            Slot::AccessRefreshAfter => Value::time(access.map(|stamp| stamp.refresh_after())),
            Slot::AccessId => Value::text(access.map(|stamp| stamp.id)),
            Slot::RefreshToken => Value::text(refresh.map(|stamp| stamp.text)),
            Slot::RefreshExpiresAt => Value::time(refresh.map(|stamp| stamp.expires_at)),
            Slot::RefreshIssuedAt => Value::time(refresh.map(|stamp| stamp.issued_at)),
            Slot::RefreshExpiresIn => Value::span(refresh.map(|stamp| stamp.seconds())),
            Slot::RefreshOpaque => Value::text(self.opaque),
            Slot::SessionId
            | Slot::SessionDevice
            | Slot::SessionDialect
            | Slot::SessionAddress
            | Slot::SessionAgent
            | Slot::SessionCreatedAt
            | Slot::SessionUsedAt
            | Slot::SessionExpiresAt => self.session.map_or(Value::Absent, |session| of_session(session, slot)),
            Slot::SessionCurrent => Value::Bool(self.is_current),
            Slot::RetryAfter => Value::span(self.retry_after.map(i64::from)),
            Slot::Field => Value::text(self.one_error().map(|error| error.field.as_str())),
            Slot::FieldName => Value::text(self.one_error().map(|error| messages::last_name(&error.field))),
            Slot::FieldPointer => {
                self.one_error().map_or(Value::Absent, |error| Value::Text(messages::pointer(&error.field).into()))
            }
            Slot::Label => {
                self.one_error().map_or(Value::Absent, |error| Value::Text(messages::label(&error.field).into()))
            }
            Slot::Message => {
                Value::text(self.message.or_else(|| self.one_error()?.messages.first().map(String::as_str)))
            }
            Slot::Code => Value::text(self.code.or_else(|| self.one_error()?.codes.first().map(String::as_str))),
            Slot::Messages => Value::texts(self.one_error().map(|error| &error.messages)),
            Slot::RoleId => Value::int(self.role.map(|role| role.id)),
            Slot::RoleName => Value::text(self.role.map(|role| role.name.as_str())),
            Slot::RolePermissions => Value::texts(self.role.map(|role| &role.permissions)),
            Slot::Alg => Value::text(Some(self.alg)),
            Slot::Kid => Value::text(Some(self.kid)),
            Slot::Errors | Slot::Codes | Slot::UserRoles | Slot::Sessions | Slot::Words => Value::Absent,
            Slot::UserId
            | Slot::UserEmail
            | Slot::UserUsername
            | Slot::UserFirstName
            | Slot::UserMiddleName
            | Slot::UserLastName
            | Slot::UserPhoto
            | Slot::UserStatus
            | Slot::UserMustChangePassword
            | Slot::UserCreatedAt
            | Slot::UserUpdatedAt
            | Slot::UserRoleId
            | Slot::UserRoleName
            | Slot::UserRolePermissions
            | Slot::UserAttributes
            | Slot::UserAttribute => self.user.map_or(Value::Absent, |user| of_user(user, slot, attribute)),
        }
    }

    /// The scopes of a list's entries, in order.
    pub(crate) fn entries(self, list: List) -> impl Iterator<Item = Self> {
        let (mut errors, mut coded, mut one): (&[FieldErrors], &[FieldErrors], _) = (&[], &[], None);
        let (mut roles, mut sessions): (&[Role], &[Listed]) = (&[], &[]);
        match list {
            List::Errors => errors = self.errors,
            List::Codes => coded = self.errors,
            List::Messages => one = self.one_error(),
            List::Roles => roles = self.user.map_or(&[], |user| &user.roles),
            List::Sessions => sessions = self.sessions,
        }
        let errors = errors.iter().map(move |error| Self { error: Some(error), message: None, code: None, ..self });
        let said = move |(error, message, code): (&'a FieldErrors, &'a String, &'a String)| Self {
            error: Some(error),
            message: Some(message),
            code: Some(code),
            ..self
        };
        let firsts = all_said(coded).enumerate().filter(|(at, (.., code))| {
            // So that a map keyed by code has no member twice.
            !all_said(coded).take(*at).any(|(.., earlier)| earlier == *code)
        });
        let messages = one.into_iter().flat_map(|error| all_said(std::slice::from_ref(error)));
        let roles = roles.iter().map(move |role| Self { role: Some(role), ..self });
        let sessions = sessions.iter().map(move |Listed { session, is_current }| Self {
            session: Some(session),
            is_current: *is_current,
            ..self
        });
        errors.chain(firsts.map(|(_, said)| said).chain(messages).map(said)).chain(roles).chain(sessions)
    }
}

/// Every message of these fields with its code.
fn all_said(errors: &[FieldErrors]) -> impl Iterator<Item = (&FieldErrors, &String, &String)> {
    errors
        .iter()
        .flat_map(|error| error.messages.iter().zip(&error.codes).map(move |(message, code)| (error, message, code)))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller lists every slot; the rest is not the user's")]
fn of_user<'a>(user: &'a User, slot: Slot, attribute: &str) -> Value<'a> {
    let role = user.roles.first();
    match slot {
        Slot::UserId => Value::Int(user.id.0),
        Slot::UserEmail => Value::text(user.email.as_deref()),
        Slot::UserUsername => Value::text(user.username.as_deref()),
        Slot::UserFirstName => Value::text(user.first_name.as_deref()),
        Slot::UserMiddleName => Value::text(user.middle_name.as_deref()),
        Slot::UserLastName => Value::text(user.last_name.as_deref()),
        Slot::UserPhoto => Value::text(user.photo.as_deref()),
        Slot::UserStatus => Value::text(Some(user.status.name())),
        Slot::UserMustChangePassword => Value::Bool(user.must_change_password),
        Slot::UserCreatedAt => Value::Time(user.created_at),
        Slot::UserUpdatedAt => Value::Time(user.updated_at),
        Slot::UserRoleId => Value::int(role.map(|role| role.id)),
        Slot::UserRoleName => Value::text(role.map(|role| role.name.as_str())),
        Slot::UserRolePermissions => Value::texts(role.map(|role| &role.permissions)),
        Slot::UserAttributes => Value::Json(attributes(user, None).unwrap_or(Cow::Borrowed("{}"))),
        Slot::UserAttribute => attributes(user, Some(attribute)).map_or(Value::Absent, Value::Json),
        _ => Value::Absent,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller lists every slot; the rest is not the session's")]
fn of_session(session: &Session, slot: Slot) -> Value<'_> {
    match slot {
        Slot::SessionId => Value::Text(session.id.handle.to_string().into()),
        Slot::SessionDevice => Value::text(session.device.as_deref()),
        Slot::SessionDialect => Value::text(Some(&session.dialect)),
        Slot::SessionAddress => Value::text(session.client_address.as_deref()),
        Slot::SessionAgent => Value::text(session.client_agent.as_deref()),
        Slot::SessionCreatedAt => Value::Time(session.created_at),
        Slot::SessionUsedAt => Value::Time(session.used_at),
        Slot::SessionExpiresAt => Value::Time(session.idle_expires_at),
        _ => Value::Absent,
    }
}

/// The user's attributes, or one of them. Read anew each time: what is written into a response is JSON whatever the
/// database holds. `null` is the same as absent.
fn attributes<'a>(user: &'a User, name: Option<&str>) -> Option<Cow<'a, str>> {
    let whole = json::parse(&user.attributes, &json::ATTRIBUTES).ok()?;
    let Node::Object(members) = &whole.node else {
        return None;
    };
    let value = name.map_or(Some(&whole), |name| json::member(members, name))?;
    if matches!(value.node, Node::Null) {
        return None;
    }
    user.attributes.get(value.span.clone()).map(Cow::Borrowed)
}
