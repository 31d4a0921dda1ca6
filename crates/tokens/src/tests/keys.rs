//! The life of keys: made, written to a key file, read back, imported from PEM and JWK, shown as a JWKS, put in rings.

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::{NOW, STRICT, b64, fresh, good_claims, header, key, token, unb64};
use crate::key::der_element;
use crate::{Algorithm, KeyError, KeyRing, SigningKey, StoredKey, VerifyingKey, WeakSecret, jwks};

const CREATED_AT: i64 = NOW * 1_000_000;

fn stored_member(key: &SigningKey, name: &str) -> String {
    let text = key.to_stored(CREATED_AT).unwrap().to_json().unwrap();
    let value: Value = serde_json::from_slice(&text).unwrap();
    value[name].as_str().unwrap().to_owned()
}

fn pkcs8(key: &SigningKey) -> Vec<u8> {
    BASE64_STANDARD.decode(stored_member(key, "pkcs8")).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The `RSAPrivateKey` inside a PKCS#8 document: version, algorithm, octets.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    let (body, _) = der_element(0x30, pkcs8).unwrap();
    let (_, rest) = der_element(0x02, body).unwrap();
    let (_, rest) = der_element(0x30, rest).unwrap();
    der_element(0x04, rest).unwrap().0.to_vec()
}

fn rsa_private_jwk(key: &SigningKey) -> Value {
    let der = pkcs1(&pkcs8(key));
    let (mut rest, _) = der_element(0x30, &der).unwrap();
    let mut jwk = json!({"kty": "RSA"});
    for name in ["version", "n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let (number, more) = der_element(0x02, rest).unwrap();
        jwk[name] = b64(number.strip_prefix(&[0]).unwrap_or(number)).into();
        rest = more;
    }
    jwk
}

/// Both are one key: what the first signs, the second verifies, under the same id.
fn assert_same(first: &SigningKey, second: SigningKey) {
    let token = token(first, &header(first), &good_claims());
    let ring = KeyRing::new(second.into(), Vec::new()).unwrap();
    assert_eq!(first.kid(), ring.signing().kid());
    assert!(ring.verify(&token, NOW, &STRICT).is_ok(), "{:?}", first.algorithm());
}

#[test]
fn names_of_algorithms() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
        assert!(algorithm.name().to_lowercase().parse::<Algorithm>().is_err());
    }
    assert!("none".parse::<Algorithm>().is_err());
}

#[test]
fn stored_form_round_trip() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let text = key.to_stored(CREATED_AT).unwrap().to_json().unwrap();
        let stored = StoredKey::parse(&text).unwrap();
        assert_eq!((stored.kid(), stored.created_at()), (key.kid(), CREATED_AT));
        assert_same(&key, SigningKey::from_stored(&stored).unwrap());
    }
}

#[test]
fn broken_stored_forms() {
    let ed = stored_member(&key(Algorithm::EdDsa), "pkcs8");
    let hs = stored_member(&key(Algorithm::Hs256), "secret");
    let rows = [
        json!({"kid": "a", "alg": "EdDSA", "created_at": 1}),
        json!({"kid": "a", "alg": "EdDSA", "created_at": 1, "pkcs8": ed, "secret": hs}),
        json!({"kid": "a", "alg": "ES256", "created_at": 1, "pkcs8": ed}),
        json!({"kid": "a", "alg": "HS256", "created_at": 1, "pkcs8": ed}),
        json!({"kid": "a", "alg": "EdDSA", "created_at": 1, "secret": hs}),
        json!({"kid": "a", "alg": "HS512", "created_at": 1, "secret": hs}),
        json!({"kid": "a", "alg": "HS256", "created_at": 1, "secret": b64("short")}),
        json!({"kid": "a", "alg": "none", "created_at": 1, "secret": hs}),
        json!({"kid": "", "alg": "EdDSA", "created_at": 1, "pkcs8": ed}),
        json!({"kid": "a", "alg": "EdDSA", "created_at": 1, "pkcs8": "***"}),
        json!({"kid": "a", "alg": "EdDSA", "created_at": 1, "pkcs8": "AAAA"}),
        json!({"kid": "a", "alg": "EdDSA", "created_at": 1, "pkcs8": ed, "more": 1}),
        json!({"kid": "a", "alg": "EdDSA", "pkcs8": ed}),
        json!([]),
    ];
    for row in rows {
        let result = StoredKey::parse(row.to_string().as_bytes()).and_then(|stored| SigningKey::from_stored(&stored));
        let message = result.err().map(|error| error.to_string()).unwrap();
        assert!(!message.contains(&ed) && !message.contains(&hs), "{message}");
    }
    let good = json!({"kid": "a", "alg": "EdDSA", "created_at": 1, "pkcs8": ed}).to_string();
    assert!(SigningKey::from_stored(&StoredKey::parse(good.as_bytes()).unwrap()).is_ok());
}

#[test]
fn pem_kinds() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = key(algorithm);
        let text = pem("PRIVATE KEY", &pkcs8(&key));
        assert_same(&key, SigningKey::from_pem(&text).unwrap());
        assert_same(&key, SigningKey::from_pem(&format!("a comment\r\n{}", text.replace('\n', "\r\n"))).unwrap());
    }
    let rsa = key(Algorithm::Rs256);
    assert_same(&rsa, SigningKey::from_pem(&pem("RSA PRIVATE KEY", &pkcs1(&pkcs8(&rsa)))).unwrap());
    let ec = key(Algorithm::Es256);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8(&ec)).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let text = pem("EC PRIVATE KEY", sec1.as_ref());
    assert_same(&ec, SigningKey::from_pem(&text).unwrap());
    let parameters = pem("EC PARAMETERS", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    assert_same(&ec, SigningKey::from_pem(&format!("{parameters}{text}")).unwrap());
}

#[test]
fn refused_pem() {
    let ed = pem("PRIVATE KEY", &pkcs8(&key(Algorithm::EdDsa)));
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    let rows = [
        (String::new(), KeyError::BadPem),
        ("secret".to_owned(), KeyError::BadPem),
        (ed.replace("-----END", "-----FIN"), KeyError::BadPem),
        (ed.replace("END PRIVATE", "END PUBLIC"), KeyError::BadPem),
        (ed.replace("MC", "M*"), KeyError::BadPem),
        (format!("{ed}{ed}"), KeyError::SeveralKeys),
        (pem("ENCRYPTED PRIVATE KEY", b"x"), KeyError::Encrypted),
        (old.to_owned(), KeyError::Encrypted),
        (pem("PUBLIC KEY", b"x"), KeyError::PublicOnly),
        (pem("CERTIFICATE", b"x"), KeyError::PublicOnly),
        (pem("OPENSSH PRIVATE KEY", b"x"), KeyError::Unsupported),
        (pem("PRIVATE KEY", b"x"), KeyError::Unsupported),
        (pem("PRIVATE KEY", p384.as_ref()), KeyError::Unsupported),
        (pem("RSA PRIVATE KEY", b"x"), KeyError::Rsa),
        (" ".repeat(70_000) + &ed, KeyError::BadPem),
    ];
    for (text, expected) in rows {
        assert_eq!(SigningKey::from_pem(&text).err(), Some(expected), "{}", text.len());
    }
}

// JT-12, KY-06
#[test]
fn weak_rsa_numbers() {
    let strong = rsa_private_jwk(&key(Algorithm::Rs256));
    let n = unb64(strong["n"].as_str().unwrap());
    let mut even = n.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let rows = [
        (n.clone(), vec![1, 0, 1], None),
        (n.clone(), vec![3], Some(KeyError::RsaExponent)),
        (n.clone(), vec![1], Some(KeyError::RsaExponent)),
        (n.clone(), vec![17], Some(KeyError::RsaExponent)),
        (n.clone(), vec![], Some(KeyError::RsaExponent)),
        (n.clone(), vec![1, 0, 0], Some(KeyError::RsaExponent)),
        (n.clone(), vec![0, 1, 0, 1], Some(KeyError::RsaExponent)),
        (n.clone(), vec![1, 0, 0, 0, 1], Some(KeyError::RsaExponent)),
        (n[..128].to_vec(), vec![1, 0, 1], Some(KeyError::Rsa)),
        ([vec![0x7f | 1], n[1..].to_vec()].concat(), vec![1, 0, 1], Some(KeyError::Rsa)),
        ([vec![0], n.clone()].concat(), vec![1, 0, 1], Some(KeyError::Rsa)),
        (even, vec![1, 0, 1], Some(KeyError::Rsa)),
        (vec![0xff; 1025], vec![1, 0, 1], Some(KeyError::Rsa)),
        (vec![], vec![1, 0, 1], Some(KeyError::Rsa)),
    ];
    for (n, e, expected) in rows {
        let jwk = json!({"kty": "RSA", "n": b64(&n), "e": b64(&e)}).to_string();
        assert_eq!(VerifyingKey::from_public_jwk(&jwk).err(), expected, "{} bytes, e {e:?}", n.len());
    }
}

fn private_jwks() -> Vec<(std::sync::Arc<SigningKey>, Value)> {
    let (ec, ed, hs, rsa) = (Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs512, Algorithm::Rs256);
    let public = |algorithm| serde_json::to_value(key(algorithm).verifying().jwk().unwrap()).unwrap();
    let mut ec_jwk = public(ec);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8(&key(ec))).unwrap();
    let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let (body, _) = der_element(0x30, der.as_ref()).unwrap();
    ec_jwk["d"] = b64(der_element(0x04, der_element(0x02, body).unwrap().1).unwrap().0).into();
    let mut ed_jwk = public(ed);
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(&pkcs8(&key(ed))).unwrap();
    let seed: aws_lc_rs::encoding::Curve25519SeedBin<'_> = {
        use aws_lc_rs::encoding::AsBigEndian as _;
        pair.seed().unwrap().as_be_bytes().unwrap()
    };
    ed_jwk["d"] = b64(seed.as_ref()).into();
    let hs_jwk = json!({"kty": "oct", "alg": "HS512", "k": stored_member(&key(hs), "secret")});
    vec![(key(ec), ec_jwk), (key(ed), ed_jwk), (key(hs), hs_jwk), (key(rsa), rsa_private_jwk(&key(rsa)))]
}

#[test]
fn private_jwk_import() {
    for (key, jwk) in private_jwks() {
        assert_same(&key, SigningKey::from_jwk(&jwk.to_string()).unwrap());
        let mut named = jwk.clone();
        named["kid"] = "2026-11".into();
        assert_eq!(SigningKey::from_jwk(&named.to_string()).unwrap().kid(), "2026-11");
        let refused: [(&str, Value); 9] = [
            ("kid", "".into()),
            ("kid", "a b".into()),
            ("kid", "k".repeat(129).into()),
            ("kid", 1.into()),
            ("use", "enc".into()),
            ("key_ops", json!(["encrypt"])),
            ("alg", "none".into()),
            ("alg", "PS256".into()),
            ("kty", "XYZ".into()),
        ];
        for (name, value) in refused {
            let mut changed = jwk.clone();
            changed[name] = value.clone();
            assert!(SigningKey::from_jwk(&changed.to_string()).is_err(), "{name} {value}");
        }
        let private = if jwk["kty"] == "oct" { "k" } else { "d" };
        for value in [Value::Null, "".into(), "AAAA".into(), "A=".into(), b64([7; 32]).into()] {
            let mut changed = jwk.clone();
            changed[private] = value.clone();
            let error = SigningKey::from_jwk(&changed.to_string()).err();
            assert!(error.is_some(), "{} {value}", jwk["kty"]);
        }
        let twice = jwk.to_string().replacen('{', r#"{"kty":"oct","#, 1);
        assert!(SigningKey::from_jwk(&twice).is_err());
        assert!(VerifyingKey::from_public_jwk(&jwk.to_string()).is_err(), "private among public ones");
    }
}

#[test]
fn rsa_jwk_needs_everything() {
    let jwk = rsa_private_jwk(&key(Algorithm::Rs256));
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let mut changed = jwk.clone();
        changed.as_object_mut().unwrap().remove(name);
        assert!(SigningKey::from_jwk(&changed.to_string()).is_err(), "{name}");
    }
    let mut several = jwk.clone();
    several["oth"] = json!([]);
    assert!(SigningKey::from_jwk(&several.to_string()).is_err());
}

// JT-13 at the door; the table of reasons is beside the rule.
#[test]
fn secrets() {
    let short = KeyError::WeakSecret(WeakSecret::TooShort { bytes: 6, needed: 64 });
    assert_eq!(SigningKey::from_secret(Algorithm::Hs512, b"secret").err(), Some(short));
    assert_eq!(SigningKey::from_secret(Algorithm::Rs256, &[1; 64]).err(), Some(KeyError::AlgorithmMismatch));
    let jwk = json!({"kty": "oct", "alg": "HS256", "k": b64("changemechangemechangemechangeme")}).to_string();
    assert_eq!(SigningKey::from_jwk(&jwk).err(), Some(KeyError::WeakSecret(WeakSecret::Famous)));
    let jwk = json!({"kty": "oct", "k": stored_member(&key(Algorithm::Hs512), "secret")}).to_string();
    assert!(matches!(SigningKey::from_jwk(&jwk), Err(KeyError::BadJwk(_))));
    // The key id names the secret, the same each time, and shows nothing of it.
    let secret = b"q7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3ue";
    let first = SigningKey::from_secret(Algorithm::Hs256, secret).unwrap();
    assert_same(&first, SigningKey::from_secret(Algorithm::Hs256, secret).unwrap());
    assert_eq!(unb64(first.kid()).len(), 16);
}

// KY-02
#[test]
fn jwks_is_public() {
    let all: Vec<_> = Algorithm::ALL.into_iter().map(key).collect();
    let text = jwks(all.iter().chain(all.iter()).map(|key| key.verifying()));
    let set: Value = serde_json::from_str(&text).unwrap();
    let shown: Vec<(Vec<&str>, &str, &str)> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|jwk| {
            let names = jwk.as_object().unwrap().keys().map(String::as_str).collect();
            (names, jwk["alg"].as_str().unwrap(), jwk["kid"].as_str().unwrap())
        })
        .collect();
    let kid = |algorithm| key(algorithm).kid().to_owned();
    let (rsa, ec, ed) = (kid(Algorithm::Rs256), kid(Algorithm::Es256), kid(Algorithm::EdDsa));
    assert_eq!(
        shown,
        [
            (vec!["kty", "n", "e", "kid", "alg", "use"], "RS256", rsa.as_str()),
            (vec!["kty", "crv", "x", "y", "kid", "alg", "use"], "ES256", ec.as_str()),
            (vec!["kty", "crv", "x", "kid", "alg", "use"], "EdDSA", ed.as_str()),
        ]
    );
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        assert!(key(algorithm).verifying().jwk().is_none());
        assert!(!text.contains(key(algorithm).kid()));
        assert!(!text.contains(&stored_member(&key(algorithm), "secret")));
    }
    assert_eq!(jwks([]), r#"{"keys":[]}"#);
    for jwk in set["keys"].as_array().unwrap() {
        let read = VerifyingKey::from_public_jwk(&jwk.to_string()).unwrap();
        assert_eq!(serde_json::to_value(read.jwk().unwrap()).unwrap(), *jwk);
    }
}

#[test]
fn rotation_keeps_old_tokens_until_the_old_key_leaves() {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
        let (old, new) = (key(algorithm), std::sync::Arc::new(fresh(algorithm)));
        let bare = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
        let tokens = [token(&old, &header(&old), &good_claims()), token(&old, &bare, &good_claims())];
        let rotated = KeyRing::new(new.clone(), vec![old.verifying().clone(), new.verifying().clone()]).unwrap();
        assert_eq!(rotated.keys().count(), 2);
        assert_eq!(rotated.signing().kid(), new.kid());
        let left = KeyRing::new(new, Vec::new()).unwrap();
        for token in tokens {
            assert!(rotated.verify(&token, NOW, &STRICT).is_ok());
            // KY-03
            assert!(left.verify(&token, NOW, &STRICT).is_err());
        }
    }
}

#[test]
fn one_id_for_two_keys_is_refused() {
    let named = |secret: &[u8]| {
        SigningKey::from_jwk(&json!({"kty": "oct", "alg": "HS256", "kid": "1", "k": b64(secret)}).to_string()).unwrap()
    };
    let (a, b) = (named(b"q7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3ue"), named(b"w7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3ue"));
    let (a_key, b_key) = (a.verifying().clone(), b.verifying().clone());
    assert_eq!(KeyRing::new(a.into(), vec![a_key.clone(), b_key]).err(), Some(KeyError::DuplicateKid));
    assert!(KeyRing::new(b.into(), vec![key(Algorithm::EdDsa).verifying().clone()]).is_ok());
    drop(a_key);
}
