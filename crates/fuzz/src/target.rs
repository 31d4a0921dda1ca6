//! What is fuzzed: a name, a function that panics when it finds something, and inputs to begin with.

use std::sync::{Arc, LazyLock};

use myna_passwords::{Argon2Params, Password, PasswordHash};
use myna_tokens::opaque::{Alphabet, OpaqueFormat};
use myna_tokens::refresh::Presented;
use myna_tokens::{Algorithm, Expiry, KeyRing, Rules, SigningKey, StoredKey, VerifyingKey};

use crate::exchange::Served;
use crate::{compile, files};

/// One reader of foreign input.
pub struct Target {
    /// As it is named on the command line.
    pub name: &'static str,
    /// Panics when the input shows a fault.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that mean something there.
    pub words: &'static [&'static str],
}

/// Every target.
pub fn all() -> [Target; 4] {
    [
        Target { name: "dialect_compile", run: compile::run, seeds: dialect_files, words: &DIALECT_WORDS },
        Target { name: "dialect_decode", run: decode, seeds: choices, words: &[] },
        Target { name: "passwords_parse", run: passwords, seeds: hashes, words: &HASH_WORDS },
        Target { name: "tokens_verify", run: tokens, seeds: signed, words: &TOKEN_WORDS },
    ]
}

/// Runs the target of that name; nothing without one.
pub fn run(name: &str, bytes: &[u8]) {
    if let Some(target) = all().iter().find(|target| target.name == name) {
        (target.run)(bytes);
    }
}

const DIALECT_WORDS: [&str; 37] = [
    "[[endpoint]]\n",
    "[endpoint.on.error]\n",
    "[on.error]\n",
    "[[on.signed_in.cookie]]\n",
    "[shape]\n",
    "{shape.a}",
    "{each errors}",
    "{each messages}",
    "{each user.roles}",
    "{each sessions}",
    "{user.password}",
    "{user.email??}",
    "{user.attributes.a?}",
    "{access.token}",
    "{refresh.opaque}",
    "{request.id}",
    "|or ''",
    "|iso8601",
    "|date '[year]'",
    "'''",
    "\"\"\"",
    "\\u202e",
    "\\u0000",
    "\r\n",
    "99999999999999999999",
    "insecure = [\"enumeration\"]\n",
    "when = { \"query a\" = true }\n",
    "languages = [\"en\", \"de\"]\n",
    "from = { access_token = [\"bearer\", \"cookie a\"] }\n",
    "encoding = [\"json\", \"form\", \"multipart\"]\n",
    "operation = \"login\"\n",
    "route = \"GET /{a}/{b}\"\n",
    "status = 204\n",
    "max_age = 0\n",
    "extra = [\"a\"]\n",
    "{{",
    "}}",
];
const HASH_WORDS: [&str; 14] = [
    "$argon2id$v=19$m=19456,t=2,p=1$",
    "$2b$31$",
    "$2y$",
    "$",
    "m=",
    "t=",
    "p=",
    ",",
    "4294967296",
    "-1",
    "0",
    "=",
    "{SSHA}",
    "\0",
];
const TOKEN_WORDS: [&str; 12] = [
    ".",
    "..",
    "=",
    "e30",
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiIsImNyaXQiOltdfQ",
    "A",
    "_",
    "-",
    "\0",
    "é",
];

fn dialect_files() -> Vec<Vec<u8>> {
    let lawful = files::dialects().into_iter().map(|(_, text)| text);
    lawful.chain(files::refused()).map(String::into_bytes).collect()
}

static SERVED: LazyLock<Vec<Served>> =
    LazyLock::new(|| files::dialects().iter().filter_map(|(name, text)| Served::new(name, text)).collect());

fn choices() -> Vec<Vec<u8>> {
    (0..=255).map(|byte| vec![byte, byte, 0, 0, 0, 0, 0, 0]).collect()
}

/// Two bytes choose dialect and endpoint, the rest is the request.
fn decode(bytes: &[u8]) {
    let [dialect, endpoint, choices @ ..] = bytes else { return };
    if let Some(served) = SERVED.get(usize::from(*dialect) % SERVED.len().max(1)) {
        served.exchange(usize::from(*endpoint) % served.endpoints().max(1), choices);
    }
}

fn hashes() -> Vec<Vec<u8>> {
    let own = PasswordHash::decoy(&Argon2Params::default());
    let bcrypt = "$2b$10$abcdefghijklmnopqrstuuJ0.A6FA0f3mFQ5gQ3dFQx3P1x3D1S3K";
    vec![own.stored_text().as_bytes().to_vec(), bcrypt.as_bytes().to_vec()]
}

fn passwords(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(hash) = PasswordHash::parse(&text) {
        assert_eq!(hash.stored_text(), text, "a hash is kept as it was");
        assert!(!format!("{hash:?}").contains(text.as_ref()), "a hash in a log");
        let _ = hash.needs_rehash(&Argon2Params::default());
    }
    if let Ok(password) = Password::parse(&text) {
        assert!(password.as_bytes().len() <= myna_passwords::PASSWORD_BYTES_MAX, "a password that is too long");
    }
}

/// A ring and the only token that was ever signed with it.
static SIGNED: LazyLock<Option<(KeyRing, String)>> = LazyLock::new(|| {
    let key = SigningKey::from_secret(Algorithm::Hs256, b"a secret of thirty-two bytes, yes").ok()?;
    let token = key.sign(br#"{"alg":"HS256"}"#, br#"{"sub":"7","exp":4102444800}"#).ok()?;
    Some((KeyRing::new(Arc::new(key), Vec::new()).ok()?, token))
});

fn signed() -> Vec<Vec<u8>> {
    SIGNED.iter().map(|(_, token)| token.clone().into_bytes()).collect()
}

fn tokens(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some((ring, token)) = &*SIGNED {
        let rules = Rules { leeway_seconds: 0, expiry: Expiry::Ignore };
        // No other text stands for the one token, not even one that decodes to the same bytes.
        assert!(ring.verify(&text, 1_767_225_600, &rules).is_err() || text == *token, "a forged token is taken");
    }
    for alphabet in [Alphabet::Hex, Alphabet::Base64Url] {
        let format = OpaqueFormat::new("x", alphabet);
        if let Some(inner) = format.decode(&text) {
            assert_eq!(format.encode(&inner), text, "two texts for one token");
            let _ = Presented::parse(&inner);
        }
    }
    let _ = Presented::parse(bytes);
    let _ = VerifyingKey::from_public_jwk(&text);
    let _ = StoredKey::parse(bytes);
}
