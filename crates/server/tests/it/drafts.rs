//! `myna dialect new --from`: what is drafted from exchanges is without faults, its cases hold, and no secret is in it.

use std::path::Path;

use super::{myna, text};

const EXCHANGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exchanges");

type Texts = &'static [&'static str];

/// The file, its cases, what the draft must say, and what must not be copied.
const DRAFTS: &[(&str, Texts, Texts, Texts)] = &[
    (
        "envelope.http",
        &["login-signed-in", "login-invalid-credentials", "userinfo-identified", "userinfo-missing-token"],
        &[
            r#"claims    = '{ "sub": "{user.email?}", "exp": "{access.expires_at}" }'"#,
            r#"lifetime  = "1h""#,
            r#""expirationTs": "{access.expires_at}""#,
            "expirationTs     equals exp of the access token",
            r#""status": "{user.status|upper}""#,
            r#""createdAt": "{user.created_at|iso8601}""#,
            r#""applicationRole": "{user.role.permissions}""#,
            r#""newsletter": "{user.attributes.newsletter?}""#,
        ],
        &["hunter2", "eyJ"],
    ),
    (
        "always-200.http",
        &["login-signed-in", "login-invalid-credentials"],
        &[
            r#""uid" = "{user.email?}""#,
            r#""expiry" = "{access.expires_at}""#,
            "not taken over: x-runtime",
            "[on.error]\nstatus = 200",
            "[endpoint.on.invalid_credentials]\nstatus = 200",
        ],
        &["hunter2", "Jk3_f9", "wrong-but-long"],
    ),
    (
        "lists.http",
        &[
            "login-signed-in",
            "login-invalid-credentials",
            "login-invalid",
            "refresh-refreshed",
            "register-registered",
            "request-password-reset-reset-requested",
            "reset-password-password-reset",
            "logout-signed-out",
        ],
        &[
            r#"prefix    = "def50200""#,
            r#"alphabet  = "hex""#,
            r#"lifetime  = "366d""#,
            r#""errors": { "{each errors}": { "{field}": ["{each messages}", "{message}"] } }"#,
            r#"{ field = "password", rule = "required", message = "The password field is required." }"#,
            r#"{ field = "password_confirmation", rule = "same", as = "password" }"#,
            "taken for constant: aud, scopes",
        ],
        &["-of-admin", "nanoseconds", "eyJ", "def502002", "9f86d081"],
    ),
    (
        "curl.http",
        &["login-signed-in", "userinfo-identified"],
        &[
            r#"encoding  = "form""#,
            r#""deviceId": "{device}""#,
            r#""expiresAt": "{access.expires_at|millis}""#,
            r#""ttl": "{access.expires_in|millis}""#,
            r#""serverTime": "{now|iso8601}""#,
            r#"["{each user.roles}", "{role.name}"]"#,
            r#""userId": "{user.id}""#,
            "looks like a secret",
        ],
        &["s3cret", "eyJ", "sk_live", "a1b2c3d4"],
    ),
    (
        "marked.case",
        &["login-signed-in", "refresh-invalid-refresh"],
        &[
            r#"format    = "jwt""#,
            r#""jti": "{refresh.opaque}""#,
            r#""access_token_expires_in": "{access.expires_in}""#,
            r#""refresh_token_expires_in": "{refresh.expires_in}""#,
            r#"from      = { access_token = "bearer" }"#,
            "no good answer was pasted",
        ],
        &["111111", "eyJ"],
    ),
    (
        "cookies.http",
        &["login-signed-in", "refresh-refreshed", "logout-signed-out"],
        &[
            r#"format    = "opaque""#,
            r#"prefix    = "rt_""#,
            r#"from      = { refresh_token = "cookie refresh_token" }"#,
            r#"value  = "{refresh.token}""#,
            r#"same_site = "strict""#,
            r#""id": "{user.id|uuid}""#,
            r#"lifetime  = "7d""#,
            r#""policies": "{role.permissions}""#,
            "cookie theme     is no token",
        ],
        &["engine-no-1", "Fh3yQ2pV", "Qm2Zk5Vw", "Zx81"],
    ),
];

#[test]
fn drafts_hold_and_tell_no_secret() {
    for (file, cases, says, secrets) in DRAFTS {
        let folder = tempfile::tempdir().unwrap();
        let made = myna(folder.path(), &["dialect", "new", "draft", "--from", &format!("{EXCHANGES}/{file}")]);
        let said = text(&made.stdout) + &text(&made.stderr);
        assert!(made.status.success(), "{file}: {said}");
        let draft = folder.path().join("draft");
        let dialect = std::fs::read_to_string(draft.join("dialect.toml")).unwrap();
        let mut found: Vec<String> = names(&draft.join("cases"));
        let mut expected: Vec<String> = cases.iter().map(|name| format!("{name}.case")).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{file}: {said}\n{dialect}");
        let tested = myna(folder.path(), &["dialect", "test", "draft"]);
        assert!(tested.status.success(), "{file}: {}{}", text(&tested.stdout), text(&tested.stderr));
        for part in *says {
            assert!(dialect.contains(part), "{file}: no {part}\n{dialect}");
        }
        let mut all = dialect;
        for case in found {
            all += &std::fs::read_to_string(draft.join("cases").join(case)).unwrap();
        }
        for secret in *secrets {
            assert!(std::fs::read_to_string(format!("{EXCHANGES}/{file}")).unwrap().contains(secret), "{secret}");
            assert!(!all.contains(secret) && !said.contains(secret), "{file}: {secret} was copied\n{all}");
        }
    }
}

// Secrets that no placeholder fits, wherever they stand: query, path, one-time codes, keys of another kind.
#[test]
fn what_is_named_like_a_secret_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let exchanges = "POST /api/login?api_key=quiet1key HTTP/1.1\nContent-Type: application/json\n\n\
        {\"email\":\"foo@gmail.com\",\"password\":\"hunter2\",\"otp\":\"904417\",\"captcha\":\"quiet2captcha\"}\n\n\
        HTTP/1.1 200 OK\nContent-Type: application/json\n\n\
        {\"jwt\":\"quiet3abcdefghijklmnopqrstuvwxyz0123456789\",\"csrf\":\"quiet4csrf\",\"tokenType\":\"Bearer2\"}\n\n\
        POST /reset/quiet5abcdefghijk HTTP/1.1\nContent-Type: application/json\n\n\
        {\"password\":\"hunter3\"}\n\nHTTP/1.1 204 No Content\n\n\
        GET /api/me?access_token=quiet6token HTTP/1.1\n\n\
        HTTP/1.1 200 OK\nContent-Type: application/json\n\n\
        {\"id\":7,\"email\":\"foo@gmail.com\",\"api_token\":\"quiet7token\"}\n";
    std::fs::write(folder.path().join("pasted.http"), exchanges).unwrap();
    let made = myna(folder.path(), &["dialect", "new", "draft", "--from", "pasted.http"]);
    let draft = folder.path().join("draft");
    let mut all = text(&made.stdout) + &text(&made.stderr);
    all += &std::fs::read_to_string(draft.join("dialect.toml")).unwrap();
    for case in names(&draft.join("cases")) {
        all += &std::fs::read_to_string(draft.join("cases").join(case)).unwrap();
    }
    assert!(all.contains("Bearer2") && all.contains("REPLACED"), "{all}");
    for secret in ["quiet", "hunter", "904417"] {
        assert!(!all.contains(secret), "{secret} was copied:\n{all}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn nonsense_is_refused_with_its_place() {
    let table: &[(&[u8], &str)] = &[
        (b"", "x.http:1:1"),
        (b"hello\nworld\n", "x.http:1:1"),
        (b"# only a comment\n", "expected a request"),
        (b"POST /login\n\n{}\n", "this request has no answer"),
        (b"GET /a\n\nHTTP/1.1 200 OK\n\n\nPOST /login HTTP/1.1\n", "x.http:6:1"),
        (b"HTTP/1.1 200 OK\n\n{}\n", "an answer without a request"),
        (b"POST /login\nthis is no header\n\n{}\n\nHTTP/1.1 200 OK\n", "x.http:2:1"),
        (b"POST /login\n\n{\"email\": oops}\n\nHTTP/1.1 200 OK\n\n{}", "x.http:3:11"),
        (b"POST /login\n\n{}\n\nHTTP/1.1 200 OK\n\n{\n  \"a\": 1,\n}", "x.http:9:1"),
        (b"> POST /login\n>\n> {}\n\n< maybe\n", "expected a status"),
        (b"DELETE /things/7\nX: y\n\nHTTP/1.1 200 OK\n\nPUT /things\n\nHTTP/1.1 200 OK\n", ""),
        (b"PUT /things\n\n{}\n\nHTTP/1.1 200 OK\n\n{}", "none of these exchanges"),
        (b"GET /a\n\nHTTP/1.1 200 OK\n\n\xff\xfe", "x.http:5: this is not UTF-8"),
    ];
    for (bytes, expected) in table {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.http"), bytes).unwrap();
        let made = myna(folder.path(), &["dialect", "new", "draft", "--from", "x.http"]);
        let said = text(&made.stderr);
        assert!(!said.contains("panicked"), "{said}");
        if !expected.is_empty() {
            assert!(!made.status.success() && said.contains(expected), "{}: {said}", String::from_utf8_lossy(bytes));
            assert!(!folder.path().join("draft").exists());
        }
    }
}
