//! What a dialect says about its tokens: algorithm, header, claims, lifetimes, and how claims are read back. Signing and
//! verifying are others' work; here are only shapes.

use std::time::Duration;

use myna_core::id::{Handle, SessionId, UserId};
use myna_core::identifier::Canonical;
use myna_core::session::{AccessDigest, Bearer, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use serde_json::{Map, Value};

use crate::template::Template;
use crate::value::{Scope, Stamp};

/// What a token is made of.
#[derive(Clone, Copy)]
pub struct MintView<'a> {
    /// Whose token it is.
    pub user: &'a User,
    /// The session that it belongs to.
    pub session: &'a Session,
    /// The algorithm's JWA name.
    pub alg: &'a str,
    /// The signing key's id.
    pub kid: &'a str,
    /// Names this access token and no other.
    pub access_id: &'a str,
    /// When the tokens are issued.
    pub issued_at: Timestamp,
    /// When the access token expires.
    pub access_expires_at: Timestamp,
    /// When the refresh token expires.
    pub refresh_expires_at: Timestamp,
    /// What makes the token a refresh token; only for its claims.
    pub opaque: Option<&'a str>,
}

impl<'a> MintView<'a> {
    fn scope(&self) -> Scope<'a> {
        let stamp = |expires_at| Stamp { text: "", id: self.access_id, issued_at: self.issued_at, expires_at };
        Scope {
            now: self.issued_at,
            user: Some(self.user),
            session: Some(self.session),
            access: Some(stamp(self.access_expires_at)),
            refresh: Some(stamp(self.refresh_expires_at)),
            alg: self.alg,
            kid: self.kid,
            opaque: self.opaque,
            ..Scope::default()
        }
    }
}

/// How access tokens look.
#[derive(Debug)]
pub enum AccessProfile {
    /// Letters without a visible meaning; what they name is asked of the session.
    Opaque(OpaqueProfile),
    /// A JWT.
    Jwt(AccessJwt),
}

impl AccessProfile {
    /// How long a token is good for.
    pub const fn lifetime(&self) -> Duration {
        match self {
            Self::Opaque(profile) => profile.lifetime,
            Self::Jwt(profile) => profile.lifetime,
        }
    }

    /// The algorithm's JWA name; `None` for opaque tokens.
    pub fn algorithm(&self) -> Option<&str> {
        match self {
            Self::Opaque(_) => None,
            Self::Jwt(profile) => Some(profile.algorithm()),
        }
    }
}

/// How access tokens look that are JWTs.
#[derive(Debug)]
pub struct AccessJwt {
    pub(crate) jwt: Jwt,
    pub(crate) lifetime: Duration,
    /// The member that makes claims those of a refresh token: never in an access token (JT-09). `None` where a fixed claim
    /// tells them apart, and where refresh tokens are no JWTs.
    pub(crate) foreign: Option<String>,
    pub(crate) end: End,
    pub(crate) names_session: bool,
}

/// What ends an access token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Its claim `exp`: without one it is none of ours, though a key that others hold, too, may have signed it (JT-07).
    Expiry,
    /// Its session only, where the dialect's API knows no `exp`.
    Session,
}

impl AccessJwt {
    /// The algorithm's JWA name (RFC 7518 §3.1).
    pub fn algorithm(&self) -> &str {
        &self.jwt.algorithm
    }

    /// The header as JSON.
    pub fn header(&self, view: &MintView<'_>) -> Vec<u8> {
        self.jwt.header.render(&view.scope())
    }

    /// The claims as JSON.
    pub fn claims(&self, view: &MintView<'_>) -> Vec<u8> {
        self.jwt.claims.render(&view.scope())
    }

    /// Whether each token names its session. Where it does not, a session is to be told of its tokens.
    pub const fn names_session(&self) -> bool {
        self.names_session
    }

    /// Whom verified claims name, which are those of the token with this digest; `None` when they are not claims that this
    /// profile writes.
    pub fn read(&self, claims: &Map<String, Value>, token: AccessDigest) -> Option<Bearer> {
        if self.foreign.as_ref().is_some_and(|name| claims.contains_key(name)) {
            return None;
        }
        if self.end == End::Expiry && !claims.contains_key("exp") {
            return None;
        }
        let mut named = Named::default();
        named.read(&self.jwt.members, claims).then(|| named.bearer(token)).flatten()
    }
}

/// How refresh tokens look.
#[derive(Debug)]
pub enum RefreshProfile {
    /// Letters without a visible meaning.
    Opaque(OpaqueProfile),
    /// A JWT that holds the same letters in a claim.
    Jwt(JwtProfile),
}

impl RefreshProfile {
    /// For so long a session can be left alone.
    pub const fn lifetime(&self) -> Duration {
        match self {
            Self::Opaque(profile) => profile.lifetime,
            Self::Jwt(profile) => profile.lifetime,
        }
    }

    /// The algorithm's JWA name; `None` for opaque tokens.
    pub fn algorithm(&self) -> Option<&str> {
        match self {
            Self::Opaque(_) => None,
            Self::Jwt(profile) => Some(profile.algorithm()),
        }
    }
}

/// The letters of opaque tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alphabet {
    /// Lower-case hexadecimal.
    Hex,
    /// RFC 4648 §5 without padding.
    Base64Url,
    /// RFC 4648 §6 in small letters, without padding.
    Base32,
}

/// How opaque tokens look.
#[derive(Debug)]
pub struct OpaqueProfile {
    pub(crate) prefix: String,
    pub(crate) alphabet: Alphabet,
    pub(crate) lifetime: Duration,
}

impl OpaqueProfile {
    /// What every token begins with; ASCII.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The letters that follow.
    pub const fn alphabet(&self) -> Alphabet {
        self.alphabet
    }
}

/// How refresh tokens look that are JWTs.
#[derive(Debug)]
pub struct JwtProfile {
    pub(crate) jwt: Jwt,
    pub(crate) lifetime: Duration,
    /// The member that holds `{refresh.opaque}`.
    pub(crate) opaque: String,
}

impl JwtProfile {
    /// The algorithm's JWA name.
    pub fn algorithm(&self) -> &str {
        &self.jwt.algorithm
    }

    /// The header as JSON.
    pub fn header(&self, view: &MintView<'_>) -> Vec<u8> {
        self.jwt.header.render(&view.scope())
    }

    /// The claims as JSON.
    pub fn claims(&self, view: &MintView<'_>) -> Vec<u8> {
        self.jwt.claims.render(&view.scope())
    }

    /// What makes verified claims those of a refresh token; `None` when they are not claims that this profile writes.
    pub fn opaque_of<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a str> {
        let lawful = Named::default().read(&self.jwt.members, claims);
        lawful.then(|| claims.get(&self.opaque)?.as_str()).flatten()
    }
}

/// What both kinds of JWT have.
#[derive(Debug)]
pub(crate) struct Jwt {
    pub(crate) algorithm: String,
    pub(crate) header: Template,
    pub(crate) claims: Template,
    pub(crate) members: Vec<(String, Expected)>,
}

impl Jwt {
    /// Whether some claim is fixed in both and not the same: then no claims are lawful for both.
    pub(crate) fn differs_from(&self, other: &Self) -> bool {
        self.members.iter().any(|(name, mine)| match mine {
            Expected::Literal(mine) => {
                let fixed = |(_, theirs): &&(String, Expected)| matches!(theirs, Expected::Literal(_));
                let theirs = other.members.iter().filter(fixed).find(|(known, _)| known == name);
                theirs.is_some_and(|(_, theirs)| *theirs != Expected::Literal(mine.clone()))
            }
            Expected::Name(_) | Expected::Object(_) | Expected::Anything => false,
        })
    }
}

/// What reading expects of a claim.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    /// Exactly this.
    Literal(Value),
    /// Something that names the bearer.
    Name(Claim),
    /// An object of these.
    Object(Vec<(String, Self)>),
    /// Anything: it was signed by us, and nothing depends on it.
    Anything,
}

/// What a claim can name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Claim {
    Session,
    User,
    /// E-mail or username.
    Identifier,
}

/// What claims have told so far.
#[derive(Default)]
struct Named<'a> {
    session: Option<Handle>,
    user: Option<UserId>,
    identifier: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// Whether the members are there and as expected; what names the bearer is kept.
    fn read(&mut self, expected: &[(String, Expected)], claims: &'a Map<String, Value>) -> bool {
        expected.iter().all(|(name, expected)| match (expected, claims.get(name)) {
            (Expected::Anything, _) => true,
            (Expected::Literal(literal), Some(value)) => literal == value,
            (Expected::Object(members), Some(Value::Object(inner))) => self.read(members, inner),
            (Expected::Name(claim), Some(value)) => self.take(*claim, value),
            (Expected::Literal(_) | Expected::Object(_) | Expected::Name(_), _) => false,
        })
    }

    fn take(&mut self, claim: Claim, value: &'a Value) -> bool {
        match claim {
            Claim::Session => {
                self.session = value.as_str().and_then(Handle::from_hex);
                self.session.is_some()
            }
            Claim::User => {
                let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
                self.user = number.filter(|number| *number > 0).map(UserId);
                self.user.is_some()
            }
            Claim::Identifier => {
                // The first of two names counts; a user without an e-mail has `null` there.
                self.identifier = self.identifier.or(value.as_str());
                value.is_string() || value.is_null()
            }
        }
    }

    fn bearer(self, token: AccessDigest) -> Option<Bearer> {
        match (self.session, self.user, self.identifier) {
            (Some(handle), Some(user), _) => Some(Bearer::Session(SessionId { user, handle })),
            (_, Some(user), _) => Some(Bearer::User(user, token)),
            (_, None, Some(identifier)) => Some(Bearer::Named(Canonical::of(identifier)?, token)),
            (_, None, None) => None,
        }
    }
}
