//! The proven types of single settings that the standard library lacks: networks, the base of a link, keys. Nothing here
//! knows where a value was written.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use myna_core::secret::Secret;
use myna_tokens::seal::SealingKey;
use zeroize::Zeroizing;

/// A block of addresses, as "10.0.0.0/8"; a single address is a block of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads an address or a CIDR block (RFC 4632, section 3.1).
    ///
    /// # Errors
    /// What is wrong, in words: not a block, or an address inside a block instead of its first.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let malformed = || format!("`{text}` is not an address or a block of addresses such as 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        if address.to_canonical() != address {
            return Err(format!("`{text}` is IPv4 written as IPv6; write it as IPv4"));
        }
        let bits = bits(address);
        let prefix = match prefix {
            None => bits,
            Some(digits) if !digits.bytes().all(|byte| byte.is_ascii_digit()) => return Err(malformed()),
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= bits).ok_or_else(malformed)?,
        };
        let first = masked(address, prefix);
        if first != address {
            return Err(format!("`{text}` is inside a block; the block is written {first}/{prefix}"));
        }
        Ok(Self { address, prefix })
    }

    /// Whether `address` lies in this block. An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`, what a dual-stack
    /// listener sees) counts as the IPv4 address it is.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits(address) == bits(self.address) && masked(address, self.prefix) == self.address
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The first address of the block of `prefix` bits around `address`.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

/// The absolute URL that reset links start with. It comes from the configuration alone, so that no request header can
/// choose where a mail's link leads (RS-01).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Link(String);

impl Link {
    /// Reads an absolute http or https URL without user, query, blanks or control characters.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // Checked by hand as well: `Uri` drops a fragment unread, and the whole text goes into a mail.
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || "<>\"\\".contains(letter)) {
            return Err(format!("`{text}` has characters that no URL has"));
        }
        if text.contains('?') {
            return Err(format!("`{text}` has a query; the server adds the query itself"));
        }
        let uri: http::Uri = text.parse().map_err(|_| format!("`{text}` is not a URL"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if !["http", "https"].contains(&scheme) || authority.is_empty() {
            return Err(format!("`{text}` is not an http or https URL"));
        }
        if authority.contains('@') {
            return Err(format!("`{text}` has a user name before its host"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key-encryption key; while it is changed also the one before.
#[derive(Clone, Debug)]
pub(crate) struct KeyEncryption(Arc<[SealingKey]>);

impl KeyEncryption {
    /// What is changed is at most one key.
    const KEYS_MAX: usize = 2;

    /// Reads 64 hexadecimal digits, or twice as many with a comma or blanks between.
    ///
    /// # Errors
    /// What is wrong, in words that tell nothing of the key.
    pub(crate) fn parse(text: &Secret<String>) -> Result<Self, String> {
        let written = text.expose().split([',', ' ', '\t', '\r', '\n']).filter(|key| !key.is_empty());
        let mut keys = Vec::new();
        for digits in written {
            let bytes =
                hex_key(digits.as_bytes()).ok_or("expected 64 hexadecimal digits; make them: openssl rand -hex 32")?;
            // A key of one byte all over is an example out of some document (KY-01).
            if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
                return Err("the key is an example that everybody can guess; make one: openssl rand -hex 32".to_owned());
            }
            keys.push(SealingKey::from_bytes(&bytes).map_err(|error| error.to_string())?);
        }
        match keys.len() {
            0 => Err("the value is empty".to_owned()),
            1..=Self::KEYS_MAX => Ok(Self(keys.into())),
            _ => Err("more than two keys: the new one and the old one are enough".to_owned()),
        }
    }

    /// The one that is to be used; after it the one that may have been used before.
    pub(crate) fn keys(&self) -> &[SealingKey] {
        &self.0
    }
}

/// 32 bytes from 64 hexadecimal digits.
pub(crate) fn hex_key(digits: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}
