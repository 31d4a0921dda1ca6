//! The corpus of hostile tokens, JT-01 to JT-12: each row is a token an attacker could send and how it is refused. Every
//! table is run beside a good token, so that a ring that refuses everything does not pass.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;

use super::{NOW, STRICT, b64, fresh, full_ring, good_claims, good_token, header, key, ring, token, unb64};
use crate::key::{PublicMaterial, der_element};
use crate::stored::StoredKey;
use crate::{Algorithm, Expiry, KeyRing, Rejected, Rules, SigningKey, jwks};

fn outcome(ring: &KeyRing, token: &str) -> Option<Rejected> {
    ring.verify(token, NOW, &STRICT).err()
}

/// Signs good claims under another header.
fn with_header(algorithm: Algorithm, header: &str) -> String {
    token(&key(algorithm), header, &good_claims())
}

fn with_claims(algorithm: Algorithm, claims: &str) -> String {
    token(&key(algorithm), &header(&key(algorithm)), claims)
}

fn segments(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

#[test]
fn good_tokens_pass() {
    for algorithm in Algorithm::ALL {
        let claims = ring(algorithm).verify(&good_token(algorithm), NOW, &STRICT).unwrap();
        assert_eq!(claims.text("sub"), Some("7"));
        assert_eq!((claims.iat(), claims.exp(), claims.nbf()), (Some(NOW), Some(NOW + 60), None));
        assert!(claims.exp().is_some());
        let names: Vec<_> = claims.members().keys().map(String::as_str).collect();
        assert_eq!(names, ["sub", "iat", "exp"]);
        assert_eq!(outcome(&full_ring(), &good_token(algorithm)), None);
        let bare = with_header(algorithm, &format!(r#"{{"alg":"{}"}}"#, algorithm.name()));
        assert_eq!(outcome(&full_ring(), &bare), None, "no kid");
    }
}

#[test]
fn jt_01_no_algorithm_or_signature() {
    let ring = full_ring();
    for name in ["none", "None", "NONE", "nOnE", "", " ", "hs256", "HS256 ", "HS256\\u0000", "Rs256", "EDDSA", "PS256"]
    {
        for kid in ["", &format!(r#","kid":"{}""#, key(Algorithm::Hs256).kid())] {
            let header = format!(r#"{{"alg":"{name}"{kid}}}"#);
            let signed = with_header(Algorithm::Hs256, &header);
            assert_eq!(outcome(&ring, &signed), Some(Rejected::BadHeader), "{header}");
            let [header, claims, _] = segments(&signed);
            assert_eq!(outcome(&ring, &format!("{header}.{claims}.")), Some(Rejected::Malformed));
            assert_eq!(outcome(&ring, &format!("{header}.{claims}.AA")), Some(Rejected::BadHeader));
        }
    }
    for header in [r#"{"typ":"JWT"}"#, r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"alg":1}"#, "{}"] {
        assert_eq!(outcome(&ring, &with_header(Algorithm::Hs256, header)), Some(Rejected::BadHeader), "{header}");
    }
    for algorithm in Algorithm::ALL {
        let [header, claims, signature] = segments(&good_token(algorithm));
        assert_eq!(outcome(&ring, &format!("{header}.{claims}.")), Some(Rejected::Malformed));
        assert_eq!(outcome(&ring, &format!("{header}.{claims}")), Some(Rejected::Malformed));
        let cut = b64(&unb64(&signature)[..unb64(&signature).len() / 2]);
        assert_eq!(outcome(&ring, &format!("{header}.{claims}.{cut}")), Some(Rejected::BadSignature));
        let zeros = b64(vec![0; unb64(&signature).len()]);
        assert_eq!(outcome(&ring, &format!("{header}.{claims}.{zeros}")), Some(Rejected::BadSignature));
    }
}

/// Every form in which our public key may have reached an attacker.
fn public_forms(key: &SigningKey) -> Vec<Vec<u8>> {
    let jwk = serde_json::to_value(key.verifying().jwk().unwrap()).unwrap();
    let number = |name: &str| unb64(jwk[name].as_str().unwrap());
    let (raw, spki) = match jwk["kty"].as_str().unwrap() {
        "RSA" => {
            let numbers = aws_lc_rs::signature::RsaPublicKeyComponents { n: number("n"), e: number("e") };
            let parsed = numbers.to_parsed_public_key(&{ RSA_PKCS1_2048_8192_SHA256 }).ok();
            (number("n"), parsed.map(|key| key.as_der().unwrap().as_ref().to_vec()))
        }
        "EC" => {
            let point = [vec![4], number("x"), number("y")].concat();
            let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).unwrap();
            (point, Some(parsed.as_der().unwrap().as_ref().to_vec()))
        }
        _ => {
            let parsed = ParsedPublicKey::new(&ED25519, number("x")).unwrap();
            (number("x"), Some(parsed.as_der().unwrap().as_ref().to_vec()))
        }
    };
    let spki = spki.unwrap();
    let body = BASE64_STANDARD.encode(&spki);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
    let mut forms: Vec<Vec<u8>> = vec![raw, spki, jwk.to_string().into_bytes(), jwks([key.verifying()]).into_bytes()];
    forms.push(key.kid().as_bytes().to_vec());
    for text in [pem.clone(), format!("{pem}\n"), format!(" {pem}"), format!("\n{pem}\n"), pem.replace('\n', "\r\n")] {
        forms.push(text.into_bytes());
    }
    forms
}

#[test]
fn jt_02_public_key_as_secret() {
    let hmacs = [
        ("HS256", hmac::HMAC_SHA256, Algorithm::Hs256),
        ("HS384", hmac::HMAC_SHA384, Algorithm::Hs384),
        ("HS512", hmac::HMAC_SHA512, Algorithm::Hs512),
    ];
    for victim in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = key(victim);
        for form in public_forms(&key) {
            for (name, algorithm, own) in hmacs {
                let forge = |kid: &str| {
                    let message = format!("{}.{}", b64(format!(r#"{{"alg":"{name}"{kid}}}"#)), b64(good_claims()));
                    let mac = hmac::sign(&hmac::Key::new(algorithm, &form), message.as_bytes());
                    format!("{message}.{}", b64(mac.as_ref()))
                };
                let kid = format!(r#","kid":"{}""#, key.kid());
                assert_eq!(outcome(&ring(victim), &forge(&kid)), Some(Rejected::BadHeader));
                assert_eq!(outcome(&ring(victim), &forge("")), Some(Rejected::UnknownKey));
                assert_eq!(outcome(&full_ring(), &forge(&kid)), Some(Rejected::BadHeader));
                assert_eq!(outcome(&full_ring(), &forge("")), Some(Rejected::BadSignature));
                // JT-13: nor can such a form become our secret, where it is recognizable.
                let text = String::from_utf8_lossy(&form);
                let refused = SigningKey::from_secret(own, &form).is_err();
                assert!(refused || !text.contains("-----BEGIN"));
            }
        }
    }
}

#[test]
fn jt_03_every_key_under_every_algorithm() {
    for signer in Algorithm::ALL {
        for named in Algorithm::ALL {
            for holder in Algorithm::ALL {
                let with_kid = format!(r#"{{"alg":"{}","kid":"{}"}}"#, named.name(), key(holder).kid());
                let expected = match (named == holder, signer == holder) {
                    (true, true) => None,
                    (true, false) => Some(Rejected::BadSignature),
                    (false, _) => Some(Rejected::BadHeader),
                };
                let token = with_header(signer, &with_kid);
                assert_eq!(outcome(&full_ring(), &token), expected, "{signer:?} {named:?} {holder:?}");
            }
            let bare = with_header(signer, &format!(r#"{{"alg":"{}"}}"#, named.name()));
            let expected = (signer != named).then_some(Rejected::BadSignature);
            assert_eq!(outcome(&full_ring(), &bare), expected, "{signer:?} {named:?}");
            let expected = (signer != named).then_some(Rejected::UnknownKey);
            assert_eq!(outcome(&ring(signer), &bare), expected, "{signer:?} {named:?}");
        }
    }
}

#[test]
fn jt_04_embedded_keys() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let attacker = fresh(algorithm);
        let jwk = serde_json::to_value(attacker.verifying().jwk().unwrap()).unwrap();
        let members = [
            ("jwk", jwk),
            ("jku", json!("https://attacker.example/jwks.json")),
            ("x5u", json!("https://attacker.example/cert.pem")),
            ("x5c", json!(["MIIB"])),
        ];
        for (name, value) in members {
            for kid in [attacker.kid(), key(algorithm).kid()] {
                let header = json!({"alg": algorithm.name(), "kid": kid, name: value}).to_string();
                let forged = token(&attacker, &header, &good_claims());
                assert_eq!(outcome(&full_ring(), &forged), Some(Rejected::BadHeader), "{name}");
                // Even signed by us, such a header is none of ours.
                assert_eq!(outcome(&full_ring(), &with_header(algorithm, &header)), Some(Rejected::BadHeader));
            }
        }
        let plain = token(&attacker, &header(&attacker), &good_claims());
        assert_eq!(outcome(&full_ring(), &plain), Some(Rejected::UnknownKey));
    }
}

#[test]
fn jt_05_key_ids() {
    let long = "k".repeat(129);
    let longest = "k".repeat(128);
    let rows = [
        ("\"../../dev/null\"", Rejected::UnknownKey),
        ("\"/dev/null\"", Rejected::UnknownKey),
        (r#""' OR 1=1 --""#, Rejected::UnknownKey),
        (r#""x' UNION SELECT 'secret';--""#, Rejected::UnknownKey),
        ("\"\"", Rejected::UnknownKey),
        (r#""\u0000""#, Rejected::UnknownKey),
        ("\"https://attacker.example/key\"", Rejected::UnknownKey),
        (&format!("\"{longest}\""), Rejected::UnknownKey),
        (&format!("\"{long}\""), Rejected::BadHeader),
        ("null", Rejected::BadHeader),
        ("1", Rejected::BadHeader),
        ("[\"a\"]", Rejected::BadHeader),
        ("{}", Rejected::BadHeader),
        (&format!("\"{} \"", key(Algorithm::Hs256).kid()), Rejected::UnknownKey),
    ];
    for (kid, expected) in rows {
        let header = format!(r#"{{"alg":"HS256","kid":{kid}}}"#);
        assert_eq!(outcome(&full_ring(), &with_header(Algorithm::Hs256, &header)), Some(expected), "{kid}");
    }
    let huge = b64(format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(1024 * 1024)));
    assert_eq!(outcome(&full_ring(), &format!("{huge}.{}.AA", b64(good_claims()))), Some(Rejected::Malformed));
}

#[test]
fn jt_06_headers_that_change_the_rules() {
    let extra = [
        r#""crit":["exp"]"#,
        r#""crit":["unknown"],"unknown":1"#,
        r#""crit":[]"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""enc":"A256GCM""#,
        r#""typ":1"#,
        r#""cty":{}"#,
    ];
    for member in extra {
        let header = format!(r#"{{"alg":"HS256",{member}}}"#);
        assert_eq!(
            outcome(&full_ring(), &with_header(Algorithm::Hs256, &header)),
            Some(Rejected::BadHeader),
            "{member}"
        );
    }
    let harmless = with_header(Algorithm::Hs256, r#"{"typ":"at+jwt","alg":"HS256","cty":"JWT","unknown":[1]}"#);
    assert_eq!(outcome(&full_ring(), &harmless), None);
}

#[test]
fn jt_07_malformed_times() {
    let values = [
        "\"1900000000\"",
        "\"\"",
        "1900000000.0",
        "1900000000.5",
        "1.9e9",
        "-1",
        "-0",
        "-1900000000",
        "1e400",
        "-1e400",
        "null",
        "[]",
        "[1900000000]",
        "{}",
        "true",
        "false",
        "9223372036854775808",
        "18446744073709551616",
        "NaN",
        "Infinity",
        "01",
        "0x1",
        "+1",
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in values {
            let token = with_claims(Algorithm::Hs256, &format!(r#"{{"sub":"7","{name}":{value}}}"#));
            assert_eq!(outcome(&full_ring(), &token), Some(Rejected::BadClaims), "{name} {value}");
            let ignoring = Rules { leeway_seconds: 60, expiry: Expiry::Ignore };
            let rejected = full_ring().verify(&token, NOW, &ignoring).err();
            assert_eq!(rejected, Some(Rejected::BadClaims), "{name} {value}");
        }
    }
    let absent = full_ring().verify(&with_claims(Algorithm::Hs256, r#"{"sub":"7"}"#), NOW, &STRICT).unwrap();
    assert!(absent.exp().is_none());
    for claims in ["", "null", "[]", "\"x\"", "7", "{", "\u{feff}{}"] {
        let token = with_claims(Algorithm::Hs256, claims);
        let expected = if claims.is_empty() { Rejected::Malformed } else { Rejected::BadClaims };
        assert_eq!(outcome(&full_ring(), &token), Some(expected), "{claims}");
    }
}

#[test]
fn jt_08_edges_of_time() {
    let (enforce, ignore) = (Expiry::Enforce, Expiry::Ignore);
    let rows: &[(&str, i64, u32, Expiry, Option<Rejected>)] = &[
        ("exp", NOW - 1, 0, enforce, Some(Rejected::Expired)),
        ("exp", NOW, 0, enforce, Some(Rejected::Expired)),
        ("exp", NOW + 1, 0, enforce, None),
        ("exp", NOW - 4, 5, enforce, None),
        ("exp", NOW - 5, 5, enforce, Some(Rejected::Expired)),
        ("exp", 0, 0, enforce, Some(Rejected::Expired)),
        ("exp", i64::MAX, 60, enforce, None),
        // A leeway beyond the largest counts as the largest.
        ("exp", NOW - 60, 3600, enforce, Some(Rejected::Expired)),
        ("exp", NOW - 59, 3600, enforce, None),
        ("exp", NOW - 1, 0, ignore, None),
        ("exp", 0, 0, ignore, None),
        ("nbf", NOW, 0, enforce, None),
        ("nbf", NOW + 1, 0, enforce, Some(Rejected::NotYetValid)),
        ("nbf", NOW + 5, 5, enforce, None),
        ("nbf", NOW + 6, 5, ignore, Some(Rejected::NotYetValid)),
        ("iat", NOW, 0, enforce, None),
        ("iat", NOW + 1, 0, enforce, Some(Rejected::NotYetValid)),
        ("iat", NOW + 5, 5, enforce, None),
        ("iat", NOW + 6, 5, enforce, Some(Rejected::NotYetValid)),
        ("iat", i64::MAX, 5, ignore, Some(Rejected::NotYetValid)),
    ];
    for (name, seconds, leeway_seconds, expiry, expected) in rows {
        let token = with_claims(Algorithm::EdDsa, &format!(r#"{{"{name}":{seconds}}}"#));
        let rules = Rules { leeway_seconds: *leeway_seconds, expiry: *expiry };
        let rejected = full_ring().verify(&token, NOW, &rules).err();
        assert_eq!(rejected, *expected, "{name} {seconds} {leeway_seconds} {expiry:?}");
    }
}

// An expired token for a refresh must still carry our signature.
#[test]
fn jt_08_ignored_expiry_ignores_nothing_else() {
    let ignoring = Rules { leeway_seconds: 0, expiry: Expiry::Ignore };
    let expired = format!(r#"{{"exp":{}}}"#, NOW - 1000);
    let own = with_claims(Algorithm::Hs256, &expired);
    assert!(full_ring().verify(&own, NOW, &ignoring).is_ok());
    let attacker = fresh(Algorithm::Hs256);
    let forged = token(&attacker, &header(&key(Algorithm::Hs256)), &expired);
    assert_eq!(full_ring().verify(&forged, NOW, &ignoring).err(), Some(Rejected::BadSignature));
}

// JT-09, JT-10: rings of dialects and uses, N×N, each with its own key.
#[test]
fn jt_09_jt_10_rings_do_not_mix() {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256, Algorithm::EdDsa] {
        let rings: Vec<KeyRing> = (0..4).map(|_| KeyRing::new(fresh(algorithm).into(), Vec::new()).unwrap()).collect();
        for (from, issuer) in rings.iter().enumerate() {
            let bare = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
            for header in [header(issuer.signing()), bare] {
                let token = token(issuer.signing(), &header, &good_claims());
                for (to, reader) in rings.iter().enumerate() {
                    assert_eq!(outcome(reader, &token).is_none(), from == to, "{algorithm:?} {from} {to}");
                }
            }
        }
    }
}

#[test]
fn jt_11_duplicate_members() {
    let kid = key(Algorithm::Hs256).kid().to_owned();
    let headers = [
        r#"{"alg":"HS256","alg":"HS256"}"#.to_owned(),
        r#"{"alg":"none","alg":"HS256"}"#.to_owned(),
        r#"{"alg":"HS256","\u0061lg":"none"}"#.to_owned(),
        format!(r#"{{"alg":"HS256","kid":"{kid}","kid":"{kid}"}}"#),
        r#"{"alg":"HS256","x":{"a":1,"a":2}}"#.to_owned(),
    ];
    for header in headers {
        assert_eq!(
            outcome(&full_ring(), &with_header(Algorithm::Hs256, &header)),
            Some(Rejected::BadHeader),
            "{header}"
        );
    }
    let exp = NOW + 60;
    let claims = [
        format!(r#"{{"sub":"1","sub":"2","exp":{exp}}}"#),
        format!(r#"{{"exp":{exp},"exp":{exp}}}"#),
        format!(r#"{{"exp":{exp},"e\u0078p":1}}"#),
        format!(r#"{{"exp":{exp},"user":{{"id":1,"id":2}}}}"#),
        format!(r#"{{"exp":{exp},"roles":[{{"id":1,"id":1}}]}}"#),
    ];
    for claims in claims {
        let token = with_claims(Algorithm::Hs256, &claims);
        assert_eq!(outcome(&full_ring(), &token), Some(Rejected::BadClaims), "{claims}");
    }
}

#[test]
fn jt_11_segments_and_encoding() {
    let good = good_token(Algorithm::EdDsa);
    let [header, claims, signature] = segments(&good);
    // 64 bytes leave four bits in the last character: the next one in the alphabet decodes to the same bytes.
    let last = signature.chars().last().unwrap();
    let loose = format!("{}{}", &signature[..signature.len() - 1], char::from_u32(u32::from(last) + 1).unwrap());
    let rows = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.clone(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}."),
        format!(".{header}.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}.a.b"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}=.{claims}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{header}.{claims}.\t{signature}"),
        format!("{header}.{claims}.{loose}"),
        good.replace(&header, &format!("{header}é")),
        format!("{header}.{claims}.{signature}\0"),
        format!("{header}.{claims}.+/{}", &signature[2..]),
        format!("Bearer {good}"),
    ];
    for row in rows {
        assert_eq!(outcome(&full_ring(), &row), Some(Rejected::Malformed), "{row:?}");
    }
    assert_eq!(outcome(&full_ring(), &good), None);
}

#[test]
fn jt_11_size() {
    let key = key(Algorithm::Hs256);
    let claims = |length: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(length));
    let longest = (0..8192).rev().find(|length| key.sign(br#"{"alg":"HS256"}"#, claims(*length).as_bytes()).is_ok());
    let token = token(&key, r#"{"alg":"HS256"}"#, &claims(longest.unwrap()));
    assert!((8188..=8192).contains(&token.len()), "{}", token.len());
    assert_eq!(outcome(&full_ring(), &token), None);
    // Longer ones we do not even sign; somebody else's are refused before they are decoded.
    assert_eq!(key.sign(b"{}", &[b' '; 8192]), Err(crate::SignError::TooLong));
    assert_eq!(
        outcome(&full_ring(), &format!("{}.{}.AAAA", b64(r#"{"alg":"HS256"}"#), "A".repeat(8192))),
        Some(Rejected::Malformed)
    );
}

#[test]
fn every_flipped_bit_is_refused() {
    for algorithm in Algorithm::ALL {
        let [header, claims, signature] = segments(&good_token(algorithm));
        for part in 0..3 {
            let bytes = [unb64(&header), unb64(&claims), unb64(&signature)];
            for bit in (0..bytes[part].len() * 8).step_by(7) {
                let mut changed = bytes.clone();
                changed[part][bit / 8] ^= 1 << (bit % 8);
                let token = changed.map(b64).join(".");
                assert!(outcome(&full_ring(), &token).is_some(), "{algorithm:?} segment {part} bit {bit}");
            }
        }
    }
}

/// The order of P-256, big-endian (FIPS 186-4 D.1.2.3).
const P256_ORDER: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";

// JT-12: after Project Wycheproof's cases for ECDSA in P1363 form.
#[test]
fn jt_12_es256_signatures() {
    let [header, claims, signature] = segments(&good_token(Algorithm::Es256));
    let good = unb64(&signature);
    let (zero, order, one) = (vec![0; 32], unb64(P256_ORDER), [vec![0; 31], vec![1]].concat());
    let (r, s) = (good[..32].to_vec(), good[32..].to_vec());
    let integer = |bytes: &[u8]| {
        let padded = if bytes[0] > 127 { [&[0], bytes].concat() } else { bytes.to_vec() };
        [vec![2, u8::try_from(padded.len()).unwrap()], padded].concat()
    };
    let body = [integer(&r), integer(&s)].concat();
    let der = [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat();
    let rows = [
        [zero.clone(), zero.clone()].concat(),
        [zero.clone(), s.clone()].concat(),
        [r.clone(), zero.clone()].concat(),
        [zero.clone(), one.clone()].concat(),
        [one.clone(), zero].concat(),
        [one.clone(), one.clone()].concat(),
        [order.clone(), s.clone()].concat(),
        [r.clone(), order.clone()].concat(),
        [order.clone(), order].concat(),
        [s.clone(), r.clone()].concat(),
        vec![0xff; 64],
        der,
        good[..63].to_vec(),
        [good.clone(), vec![0]].concat(),
        [vec![0], good.clone()].concat(),
        [vec![0], r, vec![0], s].concat(),
    ];
    for row in rows {
        let token = format!("{header}.{claims}.{}", b64(&row));
        assert_eq!(outcome(&full_ring(), &token), Some(Rejected::BadSignature), "{row:?}");
    }
}

/// The order of Ed25519's base point, little-endian (RFC 8032 §5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

// JT-12: S + L proves the same equation; RFC 8032 §5.1.7 demands S < L.
#[test]
fn jt_12_eddsa_signatures() {
    let [header, claims, signature] = segments(&good_token(Algorithm::EdDsa));
    let good = unb64(&signature);
    let mut malleable = good.clone();
    let mut carry = 0_u16;
    for (at, order) in ED25519_ORDER.iter().enumerate() {
        let sum = u16::from(malleable[32 + at]) + u16::from(*order) + carry;
        malleable[32 + at] = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let identity = [vec![1], vec![0; 63]].concat();
    let rows = [
        malleable,
        identity,
        vec![0; 64],
        vec![0xff; 64],
        [&good[32..], &good[..32]].concat(),
        good[..63].to_vec(),
        [good.clone(), vec![0]].concat(),
        good[..32].to_vec(),
    ];
    for row in rows {
        let token = format!("{header}.{claims}.{}", b64(&row));
        assert_eq!(outcome(&full_ring(), &token), Some(Rejected::BadSignature), "{row:?}");
    }
}

#[test]
fn jt_12_rs256_signatures() {
    let [header, claims, signature] = segments(&good_token(Algorithm::Rs256));
    let good = unb64(&signature);
    let rows = [
        vec![0; 256],
        [vec![0; 255], vec![1]].concat(),
        vec![0xff; 256],
        good[..255].to_vec(),
        [vec![0], good.clone()].concat(),
        [good.clone(), vec![0]].concat(),
    ];
    for row in rows {
        let token = format!("{header}.{claims}.{}", b64(&row));
        assert_eq!(outcome(&full_ring(), &token), Some(Rejected::BadSignature), "{} bytes", row.len());
    }
}

// KY-08: neither keys nor claims nor refusals print what they hold.
#[test]
fn nothing_secret_is_printed() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let stored: StoredKey = key.to_stored(NOW).unwrap();
        let claims = ring(algorithm).verify(&good_token(algorithm), NOW, &STRICT).unwrap();
        let printed = format!("{key:?} {:?} {stored:?} {claims:?} {:?}", key.verifying(), ring(algorithm));
        assert!(printed.contains("***") && printed.len() < 300, "{printed}");
    }
}

#[test]
fn der_reader_is_strict() {
    let rows: [&[u8]; 9] = [
        &[],
        &[0x30],
        &[0x30, 1],
        &[0x31, 0],
        &[0x30, 0x80],
        &[0x30, 0x81],
        &[0x30, 0x82, 1],
        &[0x30, 0x83, 0, 0, 0],
        &[0x30, 0x82, 1, 0, 0],
    ];
    for row in rows {
        assert!(der_element(0x30, row).is_none(), "{row:?}");
    }
    assert_eq!(der_element(0x30, &[0x30, 1, 7, 9]), Some((&[7][..], &[9][..])));
    assert!(PublicMaterial::from_rsa_der(&[0x30, 6, 2, 1, 5, 2, 1, 3]).is_some());
    assert!(PublicMaterial::from_rsa_der(&[0x30, 6, 2, 1, 5, 2, 1, 3, 0]).is_none());
    assert!(PublicMaterial::from_rsa_der(&[0x30, 7, 2, 1, 5, 2, 1, 3, 0]).is_none());
}
