//! Refresh tokens: who (user), where (session handle), which (generation) and a MAC. The MAC's key lives outside the
//! database and its salt inside the session row, so that neither a dump nor the key alone makes a token (RF-06). It
//! never stores anything and never decides whether a generation is the current one.

use std::fmt;

use aws_lc_rs::hmac;

use crate::crypto;

/// The length of a refresh token in its binary form: version, user, handle, generation, MAC.
pub const REFRESH_TOKEN_BYTES: usize = 1 + 8 + 16 + 8 + MAC_BYTES;

const MAC_BYTES: usize = 32;

/// The first byte; another layout gets another number.
const VERSION: u8 = 1;

/// Names this use of the derivation key (KY-05). Changing it ends every session.
const MAC_LABEL: &str = "myna refresh token mac v1";

/// What a refresh token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The user's id.
    pub user: i64,
    /// The session's handle, 128 random bits.
    pub handle: [u8; 16],
    /// How often the session was rotated; each token is good for one.
    pub generation: u64,
}

/// The bytes are no refresh token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct MalformedRefreshToken;

/// A refresh token as somebody presented it: what it names, not yet proven. Load the session it names, then ask
/// [`RefreshKey::verify`] with that session's salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    token: RefreshToken,
    mac: [u8; MAC_BYTES],
}

impl fmt::Debug for Presented {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Presented(***)")
    }
}

impl Presented {
    /// Takes the binary form apart.
    ///
    /// # Errors
    /// [`MalformedRefreshToken`] for another length or version.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedRefreshToken> {
        let parsed = || {
            let (&[version], rest) = bytes.split_first_chunk()?;
            let (user, rest) = rest.split_first_chunk()?;
            let (handle, rest) = rest.split_first_chunk()?;
            let (generation, rest) = rest.split_first_chunk()?;
            let mac = rest.try_into().ok()?;
            let (user, generation) = (i64::from_be_bytes(*user), u64::from_be_bytes(*generation));
            (version == VERSION).then_some(Self { token: RefreshToken { user, handle: *handle, generation }, mac })
        };
        parsed().ok_or(MalformedRefreshToken)
    }

    /// What it claims to name.
    #[must_use]
    pub fn token(&self) -> &RefreshToken {
        &self.token
    }
}

/// The key that makes and proves refresh tokens.
pub struct RefreshKey {
    key: hmac::Key,
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RefreshKey(***)")
    }
}

impl RefreshKey {
    /// From the 256-bit derivation key, which must be random and kept outside the database.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, crypto::derive(bytes, MAC_LABEL).as_slice()) }
    }

    /// The MAC of `token` under the session's `salt`. `binding` is the dialect's name: a token of one dialect is none in
    /// another (RF-10). The same input gives the same MAC, so an honest retry gets the same successor (RF-02).
    #[must_use]
    pub fn mac(&self, token: &RefreshToken, salt: &[u8; 16], binding: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        // All but the last part have a fixed length: no two inputs give the same bytes.
        context.update(&[VERSION]);
        context.update(salt);
        context.update(&token.user.to_be_bytes());
        context.update(&token.handle);
        context.update(&token.generation.to_be_bytes());
        context.update(binding);
        crypto::first_32(context.sign().as_ref())
    }

    /// The binary form: version ‖ user ‖ handle ‖ generation ‖ MAC, numbers big-endian.
    #[must_use]
    pub fn mint(&self, token: &RefreshToken, salt: &[u8; 16], binding: &[u8]) -> [u8; REFRESH_TOKEN_BYTES] {
        let RefreshToken { user, handle, generation } = token;
        let (user, generation, mac) = (user.to_be_bytes(), generation.to_be_bytes(), self.mac(token, salt, binding));
        let parts = [VERSION].into_iter().chain(user).chain(*handle).chain(generation).chain(mac);
        let mut bytes = [0; REFRESH_TOKEN_BYTES];
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// Whether `presented` was minted by this key with this `salt` and `binding`; compared in constant time.
    #[must_use]
    pub fn verify(&self, presented: &Presented, salt: &[u8; 16], binding: &[u8]) -> bool {
        crypto::equal(&self.mac(&presented.token, salt, binding), &presented.mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: RefreshToken =
        RefreshToken { user: 0x0102_0304_0506_0708, handle: [0xaa; 16], generation: 0x1112_1314_1516_1718 };
    const SALT: [u8; 16] = [7; 16];

    fn key() -> RefreshKey {
        RefreshKey::from_bytes(&[42; 32])
    }

    #[test]
    fn layout_and_round_trip() {
        let bytes = key().mint(&TOKEN, &SALT, b"portal");
        assert_eq!(bytes.len(), 65);
        assert_eq!(bytes[..9], [1, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(bytes[9..25], [0xaa; 16]);
        assert_eq!(bytes[25..33], [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]);
        assert_eq!(bytes[33..], key().mac(&TOKEN, &SALT, b"portal"));
        let presented = Presented::parse(&bytes).unwrap();
        assert_eq!(presented.token(), &TOKEN);
        assert!(key().verify(&presented, &SALT, b"portal"));
    }

    // RF-02: the successor is derivable, and differs.
    #[test]
    fn successor_is_derivable() {
        let next = RefreshToken { generation: TOKEN.generation + 1, ..TOKEN };
        assert_eq!(key().mint(&next, &SALT, b"portal"), key().mint(&next, &SALT, b"portal"));
        assert_ne!(key().mac(&next, &SALT, b"portal"), key().mac(&TOKEN, &SALT, b"portal"));
    }

    // RF-06, RF-10: another key, salt or dialect proves nothing.
    #[test]
    fn everything_is_bound() {
        let presented = Presented::parse(&key().mint(&TOKEN, &SALT, b"portal")).unwrap();
        assert!(!key().verify(&presented, &[8; 16], b"portal"));
        assert!(!key().verify(&presented, &SALT, b"spring"));
        assert!(!key().verify(&presented, &SALT, b""));
        assert!(!RefreshKey::from_bytes(&[43; 32]).verify(&presented, &SALT, b"portal"));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = key().mint(&TOKEN, &SALT, b"portal");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            let accepted = Presented::parse(&changed).is_ok_and(|p| key().verify(&p, &SALT, b"portal"));
            assert!(!accepted, "bit {bit}");
        }
    }

    #[test]
    fn other_lengths_and_versions_are_refused() {
        let bytes = key().mint(&TOKEN, &SALT, b"portal");
        let long = [bytes.as_slice(), &[0]].concat();
        let mut version = bytes;
        version[0] = 2;
        for bad in [&bytes[..64], &bytes[..33], &[], &long, &version] {
            assert_eq!(Presented::parse(bad), Err(MalformedRefreshToken));
        }
    }

    // KY-05: the MAC's key is not the derivation key itself; KY-08: nothing in debug output.
    #[test]
    fn key_is_derived_and_silent() {
        let plain = RefreshKey { key: hmac::Key::new(hmac::HMAC_SHA256, &[42; 32]) };
        assert_ne!(plain.mac(&TOKEN, &SALT, b""), key().mac(&TOKEN, &SALT, b""));
        assert_eq!(format!("{:?}", key()), "RefreshKey(***)");
    }
}
