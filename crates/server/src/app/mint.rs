//! Tokens for an outcome: what the dialect's response shows is signed, nothing else. Everything that can fail happens
//! here, before the commit.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use myna_core::change::Change;
use myna_core::outcome::{Grant, Outcome};
use myna_core::session::{AccessDigest, Challenge, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_dialect::{AccessProfile, Dialect, MintView, Minted, OpaqueProfile, RefreshProfile, Tokens};
use myna_tokens::KeyRing;
use myna_tokens::access::AccessToken;
use myna_tokens::crypto::digest;
use myna_tokens::opaque::{Alphabet, OpaqueFormat, hex};
use myna_tokens::refresh::RefreshToken;

use super::{App, Call, Fault};
use crate::keyring::Use;

/// What the tokens of one answer are about.
struct About<'a> {
    user: &'a User,
    session: &'a Session,
    issued_at: Timestamp,
    access_expires_at: Timestamp,
    access_id: String,
}

impl About<'_> {
    fn view<'v>(&'v self, ring: &'v KeyRing, opaque: Option<&'v str>) -> MintView<'v> {
        MintView {
            user: self.user,
            session: self.session,
            alg: ring.signing().algorithm().name(),
            kid: ring.signing().kid(),
            access_id: &self.access_id,
            issued_at: self.issued_at,
            access_expires_at: self.access_expires_at,
            refresh_expires_at: self.session.idle_expires_at,
            opaque,
        }
    }
}

impl App {
    pub(super) fn mint(&self, call: &Call, outcome: &Outcome) -> Result<Tokens, Fault> {
        let (Some(user), Some(Grant { session })) = (&outcome.user, &outcome.grant) else {
            return Ok(Tokens::default());
        };
        let dialect = &call.dialect;
        let wants = dialect.wants_tokens(call.endpoint, outcome.kind);
        // Counted from the session's last use, not from now: the retry of a refresh gets the same tokens again.
        let issued_at = session.used_at;
        let lifetime = dialect.access().map(AccessProfile::lifetime).unwrap_or_default();
        let about =
            About { user, session, issued_at, access_expires_at: issued_at + lifetime, access_id: access_id(session) };
        let access = if wants.access { Some(self.mint_access(dialect, &about)?) } else { None };
        let refresh = if wants.refresh { Some(self.mint_refresh(dialect, &about)?) } else { None };
        Ok(Tokens { access, refresh })
    }

    fn mint_access(&self, dialect: &Dialect, about: &About<'_>) -> Result<Minted, Fault> {
        let session = about.session;
        let text = match dialect.access().ok_or(Fault::NoKey)? {
            AccessProfile::Opaque(profile) => {
                let expires_at = about.access_expires_at.0;
                let token = AccessToken { user: session.id.user.0, handle: session.id.handle.0, expires_at };
                opaque_format(profile).encode(&self.keys.access().mint(&token, &session.salt, dialect.name()))
            }
            AccessProfile::Jwt(profile) => {
                let ring = self.keys.ring(dialect.name(), Use::Access, profile.algorithm()).ok_or(Fault::NoKey)?;
                let view = about.view(&ring, None);
                ring.signing().sign(&profile.header(&view), &profile.claims(&view))?
            }
        };
        Ok(Minted {
            text,
            id: about.access_id.clone(),
            issued_at: about.issued_at,
            expires_at: about.access_expires_at,
        })
    }

    fn mint_refresh(&self, dialect: &Dialect, about: &About<'_>) -> Result<Minted, Fault> {
        let session = about.session;
        let token = RefreshToken {
            user: session.id.user.0,
            handle: session.id.handle.0,
            generation: session.generation.unsigned_abs(),
        };
        let bytes = self.keys.refresh().mint(&token, &session.salt, dialect.name().as_bytes());
        let text = match dialect.refresh().ok_or(Fault::NoKey)? {
            RefreshProfile::Opaque(profile) => opaque_format(profile).encode(&bytes),
            RefreshProfile::Jwt(profile) => {
                let ring = self.keys.ring(dialect.name(), Use::Refresh, profile.algorithm()).ok_or(Fault::NoKey)?;
                let opaque = BASE64_URL_SAFE_NO_PAD.encode(bytes);
                let view = about.view(&ring, Some(&opaque));
                ring.signing().sign(&profile.header(&view), &profile.claims(&view))?
            }
        };
        let (issued_at, expires_at) = (about.issued_at, session.idle_expires_at);
        Ok(Minted { text, id: String::new(), issued_at, expires_at })
    }

    /// The token of a reset link. It is derived when the mail is sent; the database never holds it (RF-06).
    pub(crate) fn reset_token(&self, challenge: &Challenge) -> String {
        let token = RefreshToken { user: challenge.id.user.0, handle: challenge.id.handle.0, generation: 0 };
        reset_format().encode(&self.keys.reset().mint(&token, &challenge.salt, b"reset"))
    }
}

/// What is to be stored of a minted access token: its digest, if it does not name its session and the session does not know
/// it yet. The retry of a refresh has the same claims, so its session knows them.
pub(super) fn access_noted(dialect: &Dialect, outcome: &Outcome, tokens: &Tokens) -> Option<Change> {
    let (Some(AccessProfile::Jwt(profile)), Some(Grant { session }), Some(minted)) =
        (dialect.access(), &outcome.grant, &tokens.access)
    else {
        return None;
    };
    let token = access_digest(&minted.text);
    let known = profile.names_session() || session.access.newest == Some(token);
    (!known).then_some(Change::NoteAccess { id: session.id, token })
}

/// Of a token that is a JWT: of its claims alone, since header and signature may differ for the same claims.
pub(super) fn access_digest(token: &str) -> AccessDigest {
    let claims = token.split('.').nth(1).unwrap_or_default();
    let whole = digest(claims.as_bytes());
    AccessDigest(std::array::from_fn(|at| whole[at]))
}

/// Differs for every token of a session and is the same for a repeated answer.
fn access_id(session: &Session) -> String {
    let mut named = session.id.handle.0.to_vec();
    named.extend(session.salt);
    named.extend(session.generation.to_be_bytes());
    named.extend(session.used_at.0.to_be_bytes());
    hex(&digest(&named)[..16])
}

pub(super) fn opaque_format(profile: &OpaqueProfile) -> OpaqueFormat {
    let alphabet = match profile.alphabet() {
        myna_dialect::Alphabet::Hex => Alphabet::Hex,
        myna_dialect::Alphabet::Base64Url => Alphabet::Base64Url,
        myna_dialect::Alphabet::Base32 => Alphabet::Base32,
    };
    OpaqueFormat::new(profile.prefix(), alphabet)
}

/// Base64url without prefix: fits into a link as it is.
pub(super) fn reset_format() -> OpaqueFormat {
    OpaqueFormat::new("", Alphabet::Base64Url)
}
