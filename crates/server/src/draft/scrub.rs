//! The last look at a draft: what the exchanges hold under the name of a secret, or in a path as the token of a link, and
//! no placeholder took, is in nothing that is written or said.

use super::answer::REPLACED;
use super::known::{is_password, is_token_like, is_uuid, plain, texts};
use super::paste::{Body, Message, Pasted, form};

/// Shorter ones are words of an API, and a password that short is recognised where it stands.
const SECRET_BYTES_MIN: usize = 6;
/// A segment of a path that is so long and looks like a token is one, whatever stands before it.
const SEGMENT_BYTES_MIN: usize = 24;

/// Replaces the secrets; whether there were any.
pub(super) fn scrub(exchanges: &[Pasted], texts: &mut [&mut String]) -> bool {
    let mut secrets: Vec<String> = exchanges.iter().flat_map(secrets).collect();
    // The longest first: none is left half.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    let mut found = false;
    for text in texts {
        for secret in secrets.iter().filter(|secret| !REPLACED.contains(secret.as_str())) {
            if text.contains(secret.as_str()) {
                found = true;
                **text = text.replace(secret.as_str(), REPLACED);
            }
        }
    }
    found
}

fn secrets(pasted: &Pasted) -> Vec<String> {
    let mut named: Vec<(String, String)> = pasted.query.as_deref().map(form).unwrap_or_default();
    named.extend(members(&pasted.request).into_iter().chain(members(&pasted.answer)));
    let named = named.into_iter().filter(|(name, text)| is_secret(name, text)).map(|(_, text)| text);
    named.chain(of_path(&pasted.path)).collect()
}

fn members(message: &Message) -> Vec<(String, String)> {
    match &message.body {
        Body::Json(value) => texts(value),
        Body::Form(pairs) => pairs.clone(),
        Body::Empty | Body::Text(_) => Vec::new(),
    }
}

/// A `tokenType` is none, and neither is a sentence about passwords.
fn is_secret(name: &str, text: &str) -> bool {
    let name = plain(name);
    let about = ["type", "prefix", "header", "expir", "lifetime", "ttl", "url"].iter().any(|word| name.contains(word));
    let words = ["token", "secret", "apikey", "otp", "csrf", "xsrf", "captcha", "passcode", "totp", "signature"];
    let named = is_password(&name) || words.iter().any(|word| name.contains(word));
    let could = text.len() >= SECRET_BYTES_MIN && !text.contains(' ') && text.bytes().any(|byte| byte.is_ascii_digit());
    named && !about && could
}

fn of_path(path: &str) -> Vec<String> {
    let before = std::iter::once("").chain(path.split('/'));
    let hides = |(before, part): (&str, &str)| {
        let before = plain(before);
        let link = ["reset", "confirm", "verif", "activat", "invit", "token", "password", "magic"];
        let linked = link.iter().any(|word| before.contains(word));
        let token = is_token_like(part) && (linked || (part.len() >= SEGMENT_BYTES_MIN && !is_uuid(part)));
        token.then(|| part.to_owned())
    };
    before.zip(path.split('/')).filter_map(hides).collect()
}
