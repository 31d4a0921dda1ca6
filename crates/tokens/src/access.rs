//! Opaque access tokens: who (user), which session (handle), until when, and a MAC that only a look at the session can
//! check: its salt is in the session's row. They are laid out like refresh tokens and are never taken for one: their key
//! and their binding are others (JT-09).

use std::fmt;

use crate::crypto;
use crate::refresh::{MalformedRefreshToken, Presented, REFRESH_TOKEN_BYTES, RefreshKey, RefreshToken};

/// Names this use of the derivation key (KY-05). Changing it makes every opaque access token worthless.
const KEY_LABEL: &str = "myna access token v1";

/// What an opaque access token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessToken {
    /// The user's id.
    pub user: i64,
    /// The session's handle.
    pub handle: [u8; 16],
    /// From then on it is worth nothing, in microseconds since 1970.
    pub expires_at: i64,
}

/// An opaque access token as somebody presented it: nothing of it is proven, not even its end, before
/// [`AccessKey::verify`] has seen the salt of the session that it names.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedAccess(Presented);

impl fmt::Debug for PresentedAccess {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PresentedAccess(***)")
    }
}

impl PresentedAccess {
    /// Takes the binary form apart; `None` for another length or version.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Presented::parse(bytes).map_err(|MalformedRefreshToken| ()).ok().map(Self)
    }

    /// What it claims to name.
    #[must_use]
    pub fn token(&self) -> AccessToken {
        let RefreshToken { user, handle, generation } = *self.0.token();
        AccessToken { user, handle, expires_at: generation.cast_signed() }
    }
}

/// The key that makes and proves opaque access tokens.
pub struct AccessKey(RefreshKey);

impl fmt::Debug for AccessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AccessKey(***)")
    }
}

impl AccessKey {
    /// From the 256-bit derivation key, which must be random and kept outside the database.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(RefreshKey::from_bytes(&crypto::derive(bytes, KEY_LABEL)))
    }

    /// The binary form, under the session's `salt`, good in `dialect` only (RF-10). Nothing in it but the MAC is secret.
    #[must_use]
    pub fn mint(&self, token: &AccessToken, salt: &[u8; 16], dialect: &str) -> [u8; REFRESH_TOKEN_BYTES] {
        self.0.mint(&laid_out(token), salt, &binding(dialect))
    }

    /// Whether `presented` was minted by this key with this `salt` for this `dialect`; compared in constant time.
    #[must_use]
    pub fn verify(&self, presented: &PresentedAccess, salt: &[u8; 16], dialect: &str) -> bool {
        self.0.verify(&presented.0, salt, &binding(dialect))
    }
}

fn laid_out(token: &AccessToken) -> RefreshToken {
    let AccessToken { user, handle, expires_at } = *token;
    RefreshToken { user, handle, generation: expires_at.cast_unsigned() }
}

/// No dialect's name holds a blank, so no refresh token has this binding.
fn binding(dialect: &str) -> Vec<u8> {
    [dialect.as_bytes(), b" access"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: AccessToken = AccessToken { user: 7, handle: [0xaa; 16], expires_at: 1_800_000_000_000_001 };
    const SALT: [u8; 16] = [7; 16];

    fn key() -> AccessKey {
        AccessKey::from_bytes(&[42; 32])
    }

    #[test]
    fn what_was_minted_is_read_and_proven() {
        for token in [TOKEN, AccessToken { expires_at: i64::MIN, ..TOKEN }, AccessToken { user: -1, ..TOKEN }] {
            let presented = PresentedAccess::parse(&key().mint(&token, &SALT, "portal")).unwrap();
            assert_eq!(presented.token(), token);
            assert!(key().verify(&presented, &SALT, "portal"));
        }
    }

    // RF-06, RF-10: another key, salt or dialect proves nothing, and no bit can be altered: not the end either.
    #[test]
    fn everything_is_bound() {
        let bytes = key().mint(&TOKEN, &SALT, "portal");
        let presented = PresentedAccess::parse(&bytes).unwrap();
        assert!(!key().verify(&presented, &[8; 16], "portal"));
        assert!(!key().verify(&presented, &SALT, "spring"));
        assert!(!AccessKey::from_bytes(&[43; 32]).verify(&presented, &SALT, "portal"));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            let accepted = PresentedAccess::parse(&changed).is_some_and(|p| key().verify(&p, &SALT, "portal"));
            assert!(!accepted, "bit {bit}");
        }
        assert_eq!(PresentedAccess::parse(&bytes[1..]), None);
    }

    // JT-09: neither passes for the other, even from one root key and with the same numbers in them.
    #[test]
    fn no_refresh_token_is_an_access_token() {
        let refresh = RefreshKey::from_bytes(&[42; 32]);
        let as_access = PresentedAccess::parse(&refresh.mint(&laid_out(&TOKEN), &SALT, b"portal")).unwrap();
        assert!(!key().verify(&as_access, &SALT, "portal"));
        let as_access = PresentedAccess::parse(&refresh.mint(&laid_out(&TOKEN), &SALT, b"portal access")).unwrap();
        assert!(!key().verify(&as_access, &SALT, "portal"));
        let as_refresh = Presented::parse(&key().mint(&TOKEN, &SALT, "portal")).unwrap();
        assert!(!refresh.verify(&as_refresh, &SALT, b"portal"));
        assert_eq!(format!("{:?} {:?}", key(), PresentedAccess(as_refresh)), "AccessKey(***) PresentedAccess(***)");
    }
}
