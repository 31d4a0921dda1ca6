//! `[token.access]` and `[token.refresh]`: what tokens hold, and the proof that what is written can be read back.

use serde_json::Value;

use super::Compiler;
use super::emit::Use;
use crate::diagnostic::did_you_mean;
use crate::file::{Table, Text};
use crate::insecure::Insecure;
use crate::slot::{Place, Slot};
use crate::template::{Absent, Case, Form};
use crate::token::{
    AccessJwt, AccessProfile, Alphabet, Claim, End, Expected, Jwt, JwtProfile, OpaqueProfile, RefreshProfile,
};
use crate::tree::{self, Entry, Placeholder, Tree, literal};

const ALGORITHMS: [&str; 6] = ["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"];
/// So long a prefix tells whose token it is; more only costs.
const PREFIX_BYTES_MAX: usize = 32;
/// The alphabets of opaque tokens.
const ALPHABETS: [(&str, Alphabet); 3] =
    [("hex", Alphabet::Hex), ("base64url", Alphabet::Base64Url), ("base32", Alphabet::Base32)];

/// Header members that would change how or with what key a token is verified.
const REFUSED_MEMBERS: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"];

impl Compiler {
    pub(super) fn token_profiles(&mut self, root: &Table<'_>) -> (Option<AccessProfile>, Option<RefreshProfile>) {
        let Some(table) = root.table("token", &mut self.faults) else {
            return (None, None);
        };
        table.only(&["access", "refresh"], &mut self.faults);
        // Known before anything is compiled: responses and claims may use what is described here.
        self.tokens = (table.has("access"), table.has("refresh"));
        let access_table = table.table("access", &mut self.faults);
        let access = access_table.as_ref().and_then(|table| self.access_profile(table));
        let refresh = table.table("refresh", &mut self.faults).and_then(|table| self.refresh_profile(&table));
        let Some(mut access) = access else {
            return (None, refresh);
        };
        if let (AccessProfile::Jwt(access), Some(RefreshProfile::Jwt(profile)), Some(table)) =
            (&mut access, &refresh, access_table)
        {
            // JT-09: a refresh token must never pass for an access token. Either a member with a fixed value tells them
            // apart, which both readings demand, or only refresh tokens have the member that holds their letters.
            if !access.jwt.differs_from(&profile.jwt) {
                if access.jwt.members.iter().any(|(name, _)| *name == profile.opaque) {
                    let message =
                        format!("access tokens have the claim `{}`, too, which tells refresh tokens", profile.opaque);
                    let help = r#"a fixed claim can tell them instead: "type": "access" here, "type": "refresh" there"#;
                    self.faults.add_with(table.place("claims"), message, help.to_owned());
                }
                access.foreign = Some(profile.opaque.clone());
            }
        }
        (Some(access), refresh)
    }

    fn access_profile(&mut self, table: &Table<'_>) -> Option<AccessProfile> {
        match self.format(table)? {
            Format::Opaque => self.opaque_profile(table).map(AccessProfile::Opaque),
            Format::Jwt => self.access_jwt(table).map(AccessProfile::Jwt),
        }
    }

    fn access_jwt(&mut self, table: &Table<'_>) -> Option<AccessJwt> {
        table.only(&["format", "algorithm", "header", "claims", "lifetime"], &mut self.faults);
        let lifetime = self.lifetime(table);
        let (jwt, claims) = self.jwt(table, Place::AccessClaims)?;
        let mut names = Vec::new();
        naming(&jwt.0.members, &mut names);
        let exp = jwt.1.iter().find(|entry| literal(&entry.key) == Some("exp"));
        let end = self.end(exp, &claims, &jwt.1);
        if !names.iter().any(|claim| *claim != Claim::Session) {
            let message = if names.is_empty() {
                "the claims name nobody: an access token could not be read back"
            } else {
                "`{session.id}` alone names nobody: sessions are found by their user"
            };
            let help = "one claim must be `{user.id}`, `{user.email}` or `{user.username}`".to_owned();
            self.faults.add_with(claims.span, message, help);
        }
        let names_session = names.contains(&Claim::Session) && names.contains(&Claim::User);
        Some(AccessJwt { jwt: jwt.0, lifetime: lifetime?, foreign: None, end, names_session })
    }

    /// What ends the tokens, and the proof that something does.
    fn end(&mut self, exp: Option<&Entry>, claims: &Text, entries: &[Entry]) -> End {
        if exp.is_none() && self.insecure.has(Insecure::NoExpiry) {
            self.loosen(Insecure::NoExpiry, claims.span.clone(), "");
            // The text of a token that was ended must not be that of a later one.
            if uses(entries, Slot::SessionId) + uses(entries, Slot::AccessId) == 0 {
                let help = "put `{session.id}` or `{access.id}` into a claim".to_owned();
                let message = "a token without `exp` has to differ from all others: nothing but its session ends it";
                self.faults.add_with(claims.span.clone(), message, help);
            }
            return End::Session;
        }
        if !exp.is_some_and(|entry| is_plain(&entry.value, Slot::AccessExpiresAt)) {
            let span = exp.map_or(claims.span.clone(), |entry| entry.key_span.clone());
            let mut help = r#""exp": "{access.expires_at}", a member of the claims themselves"#.to_owned();
            if exp.is_none() {
                help += "; or say it out loud: insecure = [\"no_expiry\"]";
            }
            self.faults.add_with(span, "access tokens must expire (RFC 7519 §4.1.4)", help);
        }
        End::Expiry
    }

    fn refresh_profile(&mut self, table: &Table<'_>) -> Option<RefreshProfile> {
        if !table.has("format") {
            self.faults.add(table.span.clone(), "`format` is missing");
            return None;
        }
        match self.format(table)? {
            Format::Opaque => self.opaque_profile(table).map(RefreshProfile::Opaque),
            Format::Jwt => self.jwt_profile(table),
        }
    }

    /// What tokens look like; without a word they are JWTs.
    fn format(&mut self, table: &Table<'_>) -> Option<Format> {
        if !table.has("format") {
            return Some(Format::Jwt);
        }
        let text = table.text("format", &mut self.faults)?;
        match text.value.as_str() {
            "opaque" => Some(Format::Opaque),
            "jwt" => Some(Format::Jwt),
            other => {
                let help = did_you_mean(other, ["opaque", "jwt"]);
                self.faults.add_with(text.span, "`format` is \"opaque\" or \"jwt\"", help);
                None
            }
        }
    }

    fn opaque_profile(&mut self, table: &Table<'_>) -> Option<OpaqueProfile> {
        table.only(&["format", "prefix", "alphabet", "lifetime"], &mut self.faults);
        let prefix = table.text("prefix", &mut self.faults);
        let lawful = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let bad = |prefix: &&Text| prefix.value.len() > PREFIX_BYTES_MAX || !prefix.value.bytes().all(lawful);
        if let Some(prefix) = prefix.as_ref().filter(bad) {
            let message = format!("a prefix is of letters, digits and `-._~`, at most {PREFIX_BYTES_MAX}");
            self.faults.add(prefix.span.clone(), message);
        }
        let alphabet = table.text("alphabet", &mut self.faults).and_then(|text| {
            let found = ALPHABETS.iter().find(|(name, _)| *name == text.value);
            if found.is_none() {
                let help = did_you_mean(&text.value, ALPHABETS.map(|(name, _)| name));
                let message = "`alphabet` is \"hex\", \"base64url\" or \"base32\"";
                self.faults.add_with(text.span, message, help);
            }
            found.map(|(_, alphabet)| *alphabet)
        });
        let alphabet = alphabet.unwrap_or(Alphabet::Base64Url);
        let prefix = prefix.map(|text| text.value).unwrap_or_default();
        let lifetime = self.lifetime(table)?;
        Some(OpaqueProfile { prefix, alphabet, lifetime })
    }

    fn jwt_profile(&mut self, table: &Table<'_>) -> Option<RefreshProfile> {
        table.only(&["format", "algorithm", "header", "claims", "lifetime"], &mut self.faults);
        let lifetime = self.lifetime(table);
        let ((jwt, entries), claims) = self.jwt(table, Place::RefreshClaims)?;
        let mut found = entries.iter().filter(|entry| is_plain(&entry.value, Slot::RefreshOpaque));
        let opaque = found.next().and_then(|entry| literal(&entry.key)).map(str::to_owned);
        if opaque.is_none() || found.next().is_some() || uses(&entries, Slot::RefreshOpaque) != 1 {
            let help = r#""jti": "{refresh.opaque}": it is what makes the token a refresh token"#.to_owned();
            let message = "the claims must hold `{refresh.opaque}` exactly once, as a member of their own";
            self.faults.add_with(claims.span, message, help);
        }
        Some(RefreshProfile::Jwt(JwtProfile { jwt, lifetime: lifetime?, opaque: opaque? }))
    }

    fn lifetime(&mut self, table: &Table<'_>) -> Option<std::time::Duration> {
        if !table.has("lifetime") {
            self.faults.add(table.span.clone(), "`lifetime` is missing");
        }
        let lifetime = self.span(table, "lifetime")?;
        if lifetime.is_zero() {
            self.faults.add(table.place("lifetime"), "a token without lifetime is none");
        }
        Some(lifetime)
    }

    /// Algorithm, header and claims, with the claims as written.
    fn jwt(&mut self, table: &Table<'_>, place: Place) -> Option<((Jwt, Vec<Entry>), Text)> {
        let algorithm = table.needed("algorithm", &mut self.faults);
        if let Some(text) = algorithm.as_ref().filter(|text| !ALGORITHMS.contains(&text.value.as_str())) {
            let list = || format!("algorithms are: {}", ALGORITHMS.join(", "));
            let help = did_you_mean(&text.value, ALGORITHMS).unwrap_or_else(list);
            self.faults.add_with(text.span.clone(), format!("there is no algorithm `{}`", text.value), help);
        }
        let header = table.needed("header", &mut self.faults);
        let claims = table.needed("claims", &mut self.faults);
        let header = header.and_then(|text| {
            let (tree, entries) = self.object(&text)?;
            let alg = entries.iter().find(|entry| literal(&entry.key) == Some("alg"));
            if !alg.is_some_and(|entry| is_plain(&entry.value, Slot::Alg)) {
                let span = alg.map_or(text.span, |entry| entry.key_span.clone());
                let help = r#""alg": "{alg}""#.to_owned();
                self.faults.add_with(span, "a token's header tells its algorithm (RFC 7515 §4.1.1)", help);
            }
            // JT-04, JT-06: no reader may obey them, and we refuse them when they come back.
            let steers = |entry: &&Entry| literal(&entry.key).is_some_and(|name| REFUSED_MEMBERS.contains(&name));
            for entry in entries.iter().filter(steers) {
                self.faults.add(
                    entry.key_span.clone(),
                    "a token's header says nothing of how it is to be verified but `alg` and `kid`",
                );
            }
            Some(self.json(&tree, Use::token(Place::Header)))
        });
        let claims = claims.and_then(|text| {
            let (tree, entries) = self.object(&text)?;
            Some((self.json(&tree, Use::token(place)), entries, text))
        });
        let (claims, entries, text) = claims?;
        let members = expected(&entries);
        Some(((Jwt { algorithm: algorithm?.value, header: header?, claims, members }, entries), text))
    }

    /// The tree of a JSON object, and its members.
    fn object(&mut self, text: &Text) -> Option<(Tree, Vec<Entry>)> {
        let tree = tree::tree(text, &self.names, &mut self.faults)?;
        match &tree {
            Tree::Object(entries) => Some((tree.clone(), entries.clone())),
            Tree::Literal(json) if json.starts_with('{') => Some((tree.clone(), Vec::new())),
            Tree::Literal(_)
            | Tree::Text(_)
            | Tree::Whole(_)
            | Tree::Shape(..)
            | Tree::Array(_)
            | Tree::EachElement(..)
            | Tree::EachMember(..) => {
                self.faults.add(text.span.clone(), "a token's parts are JSON objects (RFC 7519 §3)");
                None
            }
        }
    }
}

/// What tokens look like.
enum Format {
    Opaque,
    Jwt,
}

/// Whether the leaf is the slot and nothing else.
fn is_plain(tree: &Tree, slot: Slot) -> bool {
    matches!(tree, Tree::Whole(placeholder) if placeholder.show.slot == slot
        && placeholder.show.form == Form::Plain && !placeholder.show.as_text)
}

fn uses(entries: &[Entry], slot: Slot) -> usize {
    entries.iter().map(|entry| used(&entry.value, slot)).sum()
}

fn used(tree: &Tree, slot: Slot) -> usize {
    match tree {
        Tree::Literal(_) | Tree::Shape(..) => 0,
        Tree::Whole(placeholder) => usize::from(placeholder.show.slot == slot),
        Tree::Text(parts) => {
            let is =
                |part: &&tree::Part| matches!(part, tree::Part::Slot(placeholder) if placeholder.show.slot == slot);
            parts.iter().filter(is).count()
        }
        Tree::Array(all) => all.iter().map(|tree| used(tree, slot)).sum(),
        Tree::Object(entries) | Tree::EachMember(_, _, entries) => uses(entries, slot),
        Tree::EachElement(_, _, element) => used(element, slot),
    }
}

/// What reading expects of claims that were written like this.
fn expected(entries: &[Entry]) -> Vec<(String, Expected)> {
    let member = |entry: &Entry| {
        let expected = match &entry.value {
            Tree::Literal(json) => serde_json::from_str::<Value>(json).map_or(Expected::Anything, Expected::Literal),
            Tree::Whole(placeholder) => named(placeholder).map_or(Expected::Anything, Expected::Name),
            Tree::Object(entries) => Expected::Object(expected(entries)),
            Tree::Text(_) | Tree::Shape(..) | Tree::Array(_) => Expected::Anything,
            Tree::EachElement(..) | Tree::EachMember(..) => Expected::Anything,
        };
        (literal(&entry.key).unwrap_or_default().to_owned(), expected)
    };
    entries.iter().map(member).collect()
}

/// What of the bearer the leaf names, if it can be read back.
fn named(placeholder: &Placeholder) -> Option<Claim> {
    // A text in place of a name that is absent would name somebody else.
    let sure = matches!(placeholder.show.absent, Absent::Never | Absent::Null);
    if !sure || placeholder.show.case != Case::AsIs || placeholder.show.form != Form::Plain {
        return None;
    }
    let claims = [
        (Slot::SessionId, Claim::Session),
        (Slot::UserId, Claim::User),
        (Slot::UserEmail, Claim::Identifier),
        (Slot::UserUsername, Claim::Identifier),
    ];
    claims.into_iter().find(|(slot, _)| *slot == placeholder.show.slot).map(|(_, claim)| claim)
}

fn naming(members: &[(String, Expected)], names: &mut Vec<Claim>) {
    for (_, expected) in members {
        match expected {
            Expected::Name(claim) => names.push(*claim),
            Expected::Object(members) => naming(members, names),
            Expected::Literal(_) | Expected::Anything => {}
        }
    }
}
