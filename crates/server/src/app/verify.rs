//! The CPU work between load and decide: passwords against credentials, tokens against keys. An unknown user costs what
//! a known one costs (LG-02).

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::ops::NewPassword;
use myna_core::ops::bearer::{Facts, is_as_claimed};
use myna_core::ops::refresh::Proof;
use myna_core::outcome::Kind;
use myna_core::policy::Verdict;
use myna_core::problem::{Field, ProblemKind};
use myna_core::secret::Secret;
use myna_core::session::{Bearer, Session};
use myna_core::time::Timestamp;
use myna_core::user;
use myna_dialect::{AccessJwt, AccessProfile, Dialect, RefreshProfile};
use myna_passwords::strength::{self, Weakness};
use myna_passwords::{HashError, PASSWORD_BYTES_MAX, Password, PasswordHash};
use myna_tokens::access::PresentedAccess;
use myna_tokens::crypto::random;
use myna_tokens::refresh::{Presented, RefreshKey};
use myna_tokens::{Claims, Expiry, KeyRing, Rejected, Rules};

use super::mint::access_digest;
use super::{App, Call, Fault};
use crate::hashing::{Asker, Overloaded};
use crate::keyring::Use;

impl App {
    /// Checks a password against what is stored, or against the decoy.
    ///
    /// # Errors
    /// The inner one when the pool is full; the outer when hashing is broken.
    pub(super) async fn verify_password(
        &self,
        asker: Asker,
        stored: Option<&user::Password>,
        typed: &Secret<String>,
    ) -> Result<Result<Verdict, Overloaded>, Fault> {
        // PW-05: costs nothing, whoever it is for.
        let Ok(password) = Password::parse(typed.expose()) else {
            return Ok(Ok(Verdict::Mismatch));
        };
        let hash = stored.map(|stored| PasswordHash::parse(stored.hash.expose()));
        if let Some(Err(error)) = &hash {
            tracing::error!(%error, "a stored password hash cannot be read; its user cannot sign in");
        }
        let (hash, decoy, cost) = (hash.and_then(Result::ok), self.passwords.decoy.clone(), self.passwords.cost);
        let salt = random()?;
        let done = self.hashing.run(asker, move |hasher| -> Result<Verdict, HashError> {
            let Some(hash) = hash else {
                let _ = decoy.verify(password.as_bytes(), hasher)?;
                return Ok(Verdict::Mismatch);
            };
            let legacy = hash.needs_rehash(&cost);
            match hash.verify(password.as_bytes(), hasher)? {
                myna_passwords::Verdict::Match if legacy => {
                    let fresh = hasher.hash(password.as_bytes(), &salt, &cost)?;
                    Ok(Verdict::Match { rehash: Some(Secret::new(fresh.stored_text().to_owned())) })
                }
                myna_passwords::Verdict::Match => Ok(Verdict::Match { rehash: None }),
                myna_passwords::Verdict::Mismatch if legacy => {
                    // What a success would have paid for the new hash.
                    let _ = decoy.verify(password.as_bytes(), hasher)?;
                    Ok(Verdict::Mismatch)
                }
                myna_passwords::Verdict::Mismatch => Ok(Verdict::Mismatch),
            }
        });
        settled(done.await)
    }

    /// Judges a new password and hashes it. `context`: the user's own names, which it must not be made of.
    ///
    /// # Errors
    /// The inner one when the pool is full; the outer when hashing is broken.
    pub(super) async fn hash_password(
        &self,
        asker: Asker,
        typed: &Secret<String>,
        context: Vec<String>,
        worth_it: bool,
    ) -> Result<Result<NewPassword, Overloaded>, Fault> {
        let Ok(password) = Password::parse(typed.expose()) else {
            let max = u32::try_from(PASSWORD_BYTES_MAX).unwrap_or(u32::MAX);
            return Ok(Ok(NewPassword::Refused(ProblemKind::TooLong { max })));
        };
        let (policy, cost, salt) = (self.passwords.strength, self.passwords.cost, random()?);
        let done = self.hashing.run(asker, move |hasher| -> Result<NewPassword, HashError> {
            let context: Vec<&str> = context.iter().map(String::as_str).collect();
            if let Err(weakness) = strength::check(&password, &context, &policy) {
                return Ok(NewPassword::Refused(problem(weakness)));
            }
            if !worth_it {
                return Ok(NewPassword::NotTried);
            }
            let hash = hasher.hash(password.as_bytes(), &salt, &cost)?;
            Ok(NewPassword::Hashed(Secret::new(hash.stored_text().to_owned())))
        });
        settled(done.await)
    }

    /// Whom the call's access token names.
    ///
    /// # Errors
    /// The inner one is the outcome that the client is to be told; the outer when the database fails.
    pub(super) async fn bearer(
        &self,
        call: &Call,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<Result<Bearer, Kind>, Fault> {
        Ok(match self.claimed(call, now, expiry).await {
            Err(kind) => Err(kind),
            Ok(Claimed::Proven(bearer)) => Ok(bearer),
            Ok(Claimed::Named(presented)) => {
                let facts = self.store.load_session(session_of(&presented)).await?;
                self.prove_access(call, now, expiry, &presented, facts.as_ref().map(|facts| &facts.session))
            }
        })
    }

    /// Whom the call's access token names, and what is known about them: one look for any kind of token.
    ///
    /// # Errors
    /// As [`bearer`](Self::bearer).
    pub(super) async fn known_bearer(
        &self,
        call: &Call,
        now: Timestamp,
    ) -> Result<Result<(Bearer, Option<Facts>), Kind>, Fault> {
        let known = match self.claimed(call, now, Expiry::Enforce).await {
            Err(kind) => Err(kind),
            Ok(Claimed::Proven(bearer)) => {
                let facts = self.store.load_bearer(&bearer, call.dialect.name()).await?;
                Ok((bearer, facts))
            }
            Ok(Claimed::Named(presented)) => {
                let bearer = Bearer::Session(session_of(&presented));
                let facts = self.store.load_bearer(&bearer, call.dialect.name()).await?;
                let session = facts.as_ref().map(|facts| &facts.session);
                self.prove_access(call, now, Expiry::Enforce, &presented, session).map(|bearer| (bearer, facts))
            }
        };
        let claimed = call.inputs.text(Field::UserId);
        Ok(known.and_then(|(bearer, facts)| match is_as_claimed(facts.as_ref(), claimed.as_deref()) {
            true => Ok((bearer, facts)),
            false => Err(Kind::OtherUser),
        }))
    }

    /// What the call's access token says before anything is loaded.
    async fn claimed(&self, call: &Call, now: Timestamp, expiry: Expiry) -> Result<Claimed, Kind> {
        let token = call.inputs.secret(Field::AccessToken).ok_or(Kind::MissingToken)?;
        match call.dialect.access().ok_or(Kind::InvalidToken)? {
            AccessProfile::Jwt(profile) => {
                self.signed_bearer(call, profile, token, now, expiry).await.map(Claimed::Proven)
            }
            AccessProfile::Opaque(profile) => {
                let bytes = super::mint::opaque_format(profile).decode(token.expose());
                let presented = bytes.and_then(|bytes| PresentedAccess::parse(&bytes));
                presented.map(Claimed::Named).ok_or(Kind::InvalidToken)
            }
        }
    }

    /// Of an opaque token nothing is concluded before its MAC is checked with the salt of the session that it names: not
    /// that it has expired either, which would tell a forger that its form is right.
    fn prove_access(
        &self,
        call: &Call,
        now: Timestamp,
        expiry: Expiry,
        presented: &PresentedAccess,
        session: Option<&Session>,
    ) -> Result<Bearer, Kind> {
        let id = session_of(presented);
        let session = session.filter(|session| session.id == id).ok_or(Kind::InvalidToken)?;
        if !self.keys.access().verify(presented, &session.salt, call.dialect.name()) {
            tracing::debug!("opaque access token refused");
            return Err(Kind::InvalidToken);
        }
        match expiry {
            Expiry::Enforce if now >= Timestamp(presented.token().expires_at) => Err(Kind::ExpiredToken),
            Expiry::Enforce | Expiry::Ignore => Ok(Bearer::Session(id)),
        }
    }

    async fn signed_bearer(
        &self,
        call: &Call,
        profile: &AccessJwt,
        token: &Secret<String>,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<Bearer, Kind> {
        let ring = || self.keys.ring(call.dialect.name(), Use::Access, profile.algorithm());
        let verified = self.verified(ring, token.expose(), now, expiry).await.ok_or(Kind::InvalidToken)?;
        let claims = verified.map_err(|rejected| {
            tracing::debug!(%rejected, "access token refused");
            if rejected == Rejected::Expired { Kind::ExpiredToken } else { Kind::InvalidToken }
        })?;
        profile.read(claims.members(), access_digest(token.expose())).ok_or(Kind::InvalidToken)
    }

    /// Verifies a JWT with the keys that we have, and if none of them has made it, with those that there are: another node
    /// may sign with one that it has just made (MN-03). `None` without any ring.
    async fn verified(
        &self,
        ring: impl Fn() -> Option<Arc<KeyRing>>,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Option<Result<Claims, Rejected>> {
        let rules = Rules { leeway_seconds: 0, expiry };
        let known = ring()?;
        match known.verify(token, now.seconds(), &rules) {
            // A token without a key id tells a key that we lack by its signature alone.
            Err(rejected @ (Rejected::UnknownKey | Rejected::BadSignature)) => {
                self.keys.look_for_unknown(now).await;
                let found = ring()?;
                let has_come = !Arc::ptr_eq(&known, &found);
                Some(if has_come { found.verify(token, now.seconds(), &rules) } else { Err(rejected) })
            }
            verified => Some(verified),
        }
    }

    /// What the call's refresh token names; nothing of it is proven but a JWT's signature.
    pub(super) async fn presented(&self, call: &Call, now: Timestamp) -> Option<Presented> {
        let token = call.inputs.secret(Field::RefreshToken)?.expose();
        let bytes = match call.dialect.refresh()? {
            RefreshProfile::Opaque(profile) => super::mint::opaque_format(profile).decode(token)?,
            RefreshProfile::Jwt(profile) => {
                let ring = || self.keys.ring(call.dialect.name(), Use::Refresh, profile.algorithm());
                let claims = self.verified(ring, token, now, Expiry::Enforce).await?.ok()?;
                BASE64_URL_SAFE_NO_PAD.decode(profile.opaque_of(claims.members())?).ok()?
            }
        };
        Presented::parse(&bytes).ok()
    }

    /// Whether a refresh token is ours.
    pub(super) fn prove(&self, dialect: &Dialect, presented: &Presented, salt: &[u8; 16]) -> Proof {
        proof(self.keys.refresh(), presented, salt, dialect.name().as_bytes())
    }
}

/// What an access token says by itself.
enum Claimed {
    /// Its signature is good.
    Proven(Bearer),
    /// It names a session that has to be asked.
    Named(PresentedAccess),
}

/// Work that was shed is an answer, work that failed is a fault.
fn settled<T>(done: Result<Result<T, HashError>, Overloaded>) -> Result<Result<T, Overloaded>, Fault> {
    match done {
        Ok(worked) => Ok(Ok(worked?)),
        Err(overloaded) => Ok(Err(overloaded)),
    }
}

/// Whether `key` made the token.
pub(super) fn proof(key: &RefreshKey, presented: &Presented, salt: &[u8; 16], binding: &[u8]) -> Proof {
    if key.verify(presented, salt, binding) { Proof::Genuine } else { Proof::Forged }
}

/// The row that an opaque access token names.
fn session_of(presented: &PresentedAccess) -> SessionId {
    let token = presented.token();
    SessionId { user: UserId(token.user), handle: Handle(token.handle) }
}

/// The row that a token names.
pub(super) fn named(presented: &Presented) -> SessionId {
    let token = presented.token();
    SessionId { user: UserId(token.user), handle: Handle(token.handle) }
}

const fn problem(weakness: Weakness) -> ProblemKind {
    match weakness {
        Weakness::TooShort { min } => ProblemKind::TooShort { min },
        Weakness::TooCommon | Weakness::ContainsContext => ProblemKind::TooCommon,
    }
}
