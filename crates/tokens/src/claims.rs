//! The claims of a verified token: the members in their order and the three times, read strictly. It never holds
//! claims of a token whose signature did not hold, and judges no claim but `exp`, `nbf` and `iat`.

use std::fmt;

use serde_json::{Map, Value};

use crate::json;
use crate::verify::{Expiry, Rejected, Rules};

/// What a verified token says (RFC 7519 §4). Times are seconds since 1970.
pub struct Claims {
    members: Map<String, Value>,
    exp: Option<i64>,
    nbf: Option<i64>,
    iat: Option<i64>,
}

impl fmt::Debug for Claims {
    /// Claims say who somebody is; a log line must not.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Claims(***)")
    }
}

impl Claims {
    /// When the token ends, in seconds; at that second it is over (RFC 7519 §4.1.4).
    #[must_use]
    pub fn exp(&self) -> Option<i64> {
        self.exp
    }

    /// Before which second it does not count (RFC 7519 §4.1.5).
    #[must_use]
    pub fn nbf(&self) -> Option<i64> {
        self.nbf
    }

    /// In which second it was made (RFC 7519 §4.1.6).
    #[must_use]
    pub fn iat(&self) -> Option<i64> {
        self.iat
    }

    /// The claim called `name`.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The claim called `name`, if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// All claims in the order of the token.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// All claims in the order of the token, taken out.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// Reads claims and judges their times at `now_unix_seconds`.
    pub(crate) fn parse(bytes: &[u8], now_unix_seconds: i64, rules: &Rules) -> Result<Self, Rejected> {
        let members = json::parse_object(bytes).ok_or(Rejected::BadClaims)?;
        let claims =
            Self { exp: time(&members, "exp")?, nbf: time(&members, "nbf")?, iat: time(&members, "iat")?, members };
        claims.judge_times(now_unix_seconds, rules)?;
        Ok(claims)
    }

    fn judge_times(&self, now: i64, rules: &Rules) -> Result<(), Rejected> {
        let leeway = i64::from(rules.leeway_seconds.min(Rules::LEEWAY_SECONDS_MAX));
        let expired = self.exp.is_some_and(|exp| exp.saturating_add(leeway) <= now);
        match rules.expiry {
            Expiry::Enforce if expired => return Err(Rejected::Expired),
            Expiry::Enforce | Expiry::Ignore => {}
        }
        let latest = now.saturating_add(leeway);
        if self.nbf.is_some_and(|nbf| nbf > latest) || self.iat.is_some_and(|iat| iat > latest) {
            return Err(Rejected::NotYetValid);
        }
        Ok(())
    }
}

/// A time must be a whole number of seconds from 0 on. A string or a float that is skipped instead of refused makes a
/// token eternal (JT-07).
fn time(members: &Map<String, Value>, name: &str) -> Result<Option<i64>, Rejected> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    value.as_i64().filter(|seconds| *seconds >= 0).map(Some).ok_or(Rejected::BadClaims)
}
