//! The proven types of single settings that the standard library lacks: networks and the base of a link. Nothing here
//! knows where a value was written.

use std::fmt;
use std::net::IpAddr;

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
