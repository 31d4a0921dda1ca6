//! Headers and claims as dialects write them, and what is read back out of them.

use std::time::Duration;

use myna_core::id::{Handle, SessionId, UserId};
use myna_core::identifier::Canonical;
use myna_core::policy::Rotation;
use myna_core::session::{AccessDigest, Bearer, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_dialect::{AccessJwt, AccessProfile, Alphabet, Dialect, MintView, RefreshProfile};
use serde_json::{Map, Value, json};

use crate::{LOGIN, dialect, session, user};

/// The digest of whatever token is read.
const TOKEN: AccessDigest = AccessDigest([9; 16]);
const ON: &str = "[on.signed_in]\n[on.error]\n";

fn view<'a>(user: &'a User, session: &'a Session) -> MintView<'a> {
    MintView {
        user,
        session,
        alg: "HS256",
        kid: "k1",
        access_id: "id1",
        issued_at: Timestamp::from_seconds(1_000),
        access_expires_at: Timestamp::from_seconds(4_600),
        refresh_expires_at: Timestamp::from_seconds(15_400),
        opaque: Some("OPAQUE"),
    }
}

fn with_claims(claims: &str) -> std::sync::Arc<Dialect> {
    let access = format!(
        "[token.access]\nalgorithm = \"HS256\"\nheader = '{{ \"typ\": \"JWT\", \"alg\": \"{{alg}}\", \"jti\": \"{{access.id}}\", \
         \"kid\": \"{{kid}}\" }}'\nclaims = '{claims}'\nlifetime = \"1h\"\n"
    );
    dialect(&[&access, ON, LOGIN])
}

fn access_jwt(dialect: &Dialect) -> &AccessJwt {
    match dialect.access() {
        Some(AccessProfile::Jwt(profile)) => profile,
        other => panic!("{other:?}"),
    }
}

fn members(bytes: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(bytes).expect("an object")
}

#[test]
fn claims_are_written_in_order_and_read_back_as_precisely_as_they_tell() {
    let (user, session) = (user(), session());
    let by_session = Bearer::Session(SessionId { user: UserId(7), handle: Handle([0xab; 16]) });
    let by_name = Bearer::Named(Canonical::of("foo@gmail.com").expect("name"), TOKEN);
    for (claims, written, bearer) in [
        (
            r#"{ "sub": "{user.email}", "exp": "{access.expires_at}" }"#,
            r#"{"sub":"foo@gmail.com","exp":4600}"#,
            by_name.clone(),
        ),
        (
            r#"{ "exp": "{access.expires_at}", "iss": "x", "u": { "id": "{user.id | text}", "k": [1] }, "iat": "{access.issued_at}" }"#,
            r#"{"exp":4600,"iss":"x","u":{"id":"7","k":[1]},"iat":1000}"#,
            Bearer::User(UserId(7), TOKEN),
        ),
        (
            r#"{ "id": "{user.id}", "sid": "{session.id}", "n": "{user.email?}", "exp": "{access.expires_at}", "r": "{user.role.permissions}" }"#,
            r#"{"id":7,"sid":"abababababababababababababababab","n":"foo@gmail.com","exp":4600,"r":["USER","READ"]}"#,
            by_session,
        ),
    ] {
        let dialect = with_claims(claims);
        let profile = access_jwt(&dialect);
        let bytes = profile.claims(&view(&user, &session));
        assert_eq!(str::from_utf8(&bytes), Ok(written));
        assert_eq!(profile.read(&members(&bytes), TOKEN), Some(bearer), "{claims}");
        let header = profile.header(&view(&user, &session));
        assert_eq!(str::from_utf8(&header), Ok(r#"{"typ":"JWT","alg":"HS256","jti":"id1","kid":"k1"}"#));
        let lifetime = dialect.access().map(AccessProfile::lifetime);
        assert_eq!((profile.algorithm(), lifetime), ("HS256", Some(Duration::from_secs(3600))));
    }
}

// JT-09, JT-10
#[test]
fn claims_of_another_shape_name_nobody() {
    let dialect =
        with_claims(r#"{ "iss": "me", "sub": "{user.id}", "sid": "{session.id}", "exp": "{access.expires_at}" }"#);
    let profile = access_jwt(&dialect);
    let sid = "abababababababababababababababab";
    assert!(
        profile
            .read(&members(json!({"iss": "me", "sub": 7, "sid": sid, "exp": 1}).to_string().as_bytes()), TOKEN)
            .is_some()
    );
    for wrong in [
        json!({"iss": "you", "sub": 7, "sid": sid}),
        json!({"sub": 7, "sid": sid}),
        json!({"iss": ["me"], "sub": 7, "sid": sid}),
        json!({"iss": "me", "sid": sid}),
        json!({"iss": "me", "sub": 7}),
        json!({"iss": "me", "sub": 7, "sid": 5}),
        json!({"iss": "me", "sub": 7, "sid": "ABABABABABABABABABABABABABABABAB"}),
        json!({"iss": "me", "sub": "x", "sid": sid}),
        json!({"iss": "me", "sub": -1, "sid": sid}),
        json!({"iss": "me", "sub": 7.5, "sid": sid}),
        json!({"iss": "me", "sub": null, "sid": sid}),
        json!({"iss": "me", "sub": [7], "sid": sid}),
    ] {
        assert_eq!(profile.read(&members(wrong.to_string().as_bytes()), TOKEN), None, "{wrong}");
    }
}

#[test]
fn a_user_without_the_name_in_the_claims_has_a_token_that_names_nobody() {
    let dialect = with_claims(r#"{ "sub": "{user.email}", "exp": "{access.expires_at}" }"#);
    let profile = access_jwt(&dialect);
    let mut user = user();
    user.email = None;
    let bytes = profile.claims(&view(&user, &session()));
    assert_eq!(str::from_utf8(&bytes), Ok(r#"{"sub":null,"exp":4600}"#));
    assert_eq!(profile.read(&members(&bytes), TOKEN), None);
}

// JT-09
#[test]
fn access_and_refresh_tokens_are_never_taken_for_each_other() {
    let tokens = r#"
[token.access]
algorithm = "HS512"
header    = '{ "alg": "{alg}" }'
claims    = '{ "sub": "{user.id}", "exp": "{access.expires_at}" }'
lifetime  = "1h"
[token.refresh]
format    = "jwt"
algorithm = "HS512"
header    = '{ "typ": "JWT", "alg": "{alg}" }'
claims    = '{ "sub": "{user.id}", "kind": "refresh", "exp": "{refresh.expires_at}", "jti": "{refresh.opaque}" }'
lifetime  = "4h"
"#;
    let dialect = dialect(&[tokens, ON, LOGIN]);
    let (user, session) = (user(), session());
    let access = access_jwt(&dialect);
    let Some(RefreshProfile::Jwt(refresh)) = dialect.refresh() else { panic!("refresh tokens") };
    let refresh_claims = refresh.claims(&view(&user, &session));
    assert_eq!(str::from_utf8(&refresh_claims), Ok(r#"{"sub":7,"kind":"refresh","exp":15400,"jti":"OPAQUE"}"#));
    let (refresh_claims, access_claims) = (members(&refresh_claims), members(&access.claims(&view(&user, &session))));
    assert_eq!(refresh.opaque_of(&refresh_claims), Some("OPAQUE"));
    assert_eq!(refresh.opaque_of(&access_claims), None);
    assert_eq!(access.read(&refresh_claims, TOKEN), None);
    assert_eq!(access.read(&access_claims, TOKEN), Some(Bearer::User(UserId(7), TOKEN)));
    let mut other = refresh_claims;
    other.insert("kind".to_owned(), json!("other"));
    assert_eq!(refresh.opaque_of(&other), None);
    assert_eq!(dialect.refresh().and_then(RefreshProfile::algorithm), Some("HS512"));
}

// JT-09: both have the claim that holds a refresh token's letters; a fixed one tells them apart.
#[test]
fn a_fixed_claim_tells_access_from_refresh_tokens() {
    let tokens = r#"
[token.access]
algorithm = "HS256"
header    = '{ "alg": "{alg}" }'
claims    = '{ "kind": "access", "sub": "{user.id}", "jti": "{access.id}", "exp": "{access.expires_at}" }'
lifetime  = "1h"
[token.refresh]
format    = "jwt"
algorithm = "HS256"
header    = '{ "alg": "{alg}" }'
claims    = '{ "kind": "refresh", "sub": "{user.id}", "jti": "{refresh.opaque}", "exp": "{refresh.expires_at}" }'
lifetime  = "4h"
"#;
    let dialect = dialect(&[tokens, ON, LOGIN]);
    let (user, session) = (user(), session());
    let access = access_jwt(&dialect);
    let Some(RefreshProfile::Jwt(refresh)) = dialect.refresh() else { panic!("refresh tokens") };
    let (access_claims, refresh_claims) =
        (members(&access.claims(&view(&user, &session))), members(&refresh.claims(&view(&user, &session))));
    assert_eq!(access.read(&access_claims, TOKEN), Some(Bearer::User(UserId(7), TOKEN)));
    assert_eq!(refresh.opaque_of(&refresh_claims), Some("OPAQUE"));
    assert_eq!(access.read(&refresh_claims, TOKEN), None);
    assert_eq!(refresh.opaque_of(&access_claims), None);
    // Without the claim they are nothing, in either reading.
    for mut claims in [access_claims, refresh_claims] {
        claims.remove("kind");
        assert_eq!((access.read(&claims, TOKEN), refresh.opaque_of(&claims)), (None, None));
    }
}

#[test]
fn terms_follow_from_lifetimes() {
    let day = 24 * 3600;
    let access = |lifetime: &str| {
        format!(
            "[token.access]\nalgorithm = \"HS256\"\nheader = '{{ \"alg\": \"{{alg}}\" }}'\nclaims = '{{ \"sub\": \"{{user.id}}\", \
             \"exp\": \"{{access.expires_at}}\" }}'\nlifetime = \"{lifetime}\"\n"
        )
    };
    let refresh =
        "[token.refresh]\nformat = \"opaque\"\nprefix = \"def50200\"\nalphabet = \"hex\"\nlifetime = \"4h\"\n";
    let session = |keys: &str| access("1h") + refresh + "[session]\nlifetime = \"8h\"\n" + keys;
    let replay = |grace| Rotation::Replay { grace: Duration::from_secs(grace) };
    for (parts, idle, absolute, rotation) in [
        ("".to_owned(), 30 * day, 30 * day, replay(10)),
        (access("1h"), 3600, 30 * day, replay(10)),
        (access("40d"), 40 * day, 40 * day, replay(10)),
        (access("40d") + refresh, 4 * 3600, 40 * day, replay(10)),
        (session("grace = \"60s\""), 4 * 3600, 8 * 3600, replay(60)),
        // No time for a retry is none.
        (session("grace = \"0s\""), 4 * 3600, 8 * 3600, Rotation::Strict),
        (session("rotation = \"replay\"\ngrace = \"0s\""), 4 * 3600, 8 * 3600, Rotation::Strict),
        (session("rotation = \"replay\""), 4 * 3600, 8 * 3600, replay(10)),
        (session("rotation = \"strict\""), 4 * 3600, 8 * 3600, Rotation::Strict),
        (session("rotation = \"until_used\""), 4 * 3600, 8 * 3600, Rotation::UntilUsed),
        (
            "insecure = [\"no_rotation\"]\n".to_owned() + &session("rotation = \"none\""),
            4 * 3600,
            8 * 3600,
            Rotation::Fixed,
        ),
    ] {
        let dialect = dialect(&[&parts, ON, LOGIN]);
        let terms = dialect.terms();
        let read = (terms.idle.as_secs(), terms.absolute.as_secs(), terms.rotation);
        assert_eq!(read, (idle, absolute, rotation), "{parts}");
        assert_eq!(terms.dialect, "d");
        if let Some(RefreshProfile::Opaque(profile)) = dialect.refresh() {
            assert_eq!((profile.prefix(), profile.alphabet()), ("def50200", Alphabet::Hex));
        }
    }
}

#[test]
fn access_tokens_can_be_opaque() {
    for (keys, prefix, alphabet) in [
        ("", "", Alphabet::Base64Url),
        ("prefix = \"shop_pat.\"\nalphabet = \"base32\"", "shop_pat.", Alphabet::Base32),
        ("alphabet = \"hex\"", "", Alphabet::Hex),
    ] {
        let access = format!("[token.access]\nformat = \"opaque\"\nlifetime = \"2h\"\n{keys}\n");
        let dialect = dialect(&[&access, ON, LOGIN]);
        let Some(AccessProfile::Opaque(profile)) = dialect.access() else { panic!("{:?}", dialect.access()) };
        assert_eq!((profile.prefix(), profile.alphabet()), (prefix, alphabet));
        assert_eq!(dialect.access().and_then(AccessProfile::algorithm), None);
        assert_eq!(dialect.terms().idle, Duration::from_secs(7200));
    }
}
