//! Known answers: RFC 7515 appendix A.1 to A.3, RFC 7638 section 3.1 and RFC 8037 appendix A.

use super::{STRICT, b64, unb64};
use crate::key::Kid;
use crate::{Algorithm, Expiry, KeyRing, Rejected, Rules, SigningKey, VerifyingKey};

/// RFC 7515's payload, the same in A.1 to A.3; it expires at 1300819380.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const EXP: i64 = 1_300_819_380;

const A1_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A1_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
const A1_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const A2_KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const A2_HEADER: &str = "eyJhbGciOiJSUzI1NiJ9";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const A3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const A3_HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";
const A3_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// A ring that signs with a key of its own and verifies with `other` too.
fn ring_with(other: VerifyingKey) -> KeyRing {
    KeyRing::new(SigningKey::generate(Algorithm::EdDsa).unwrap().into(), vec![other]).unwrap()
}

#[test]
fn rfc_7515_appendix_a() {
    let a1 = SigningKey::from_checked_secret(Algorithm::Hs256, &unb64(A1_KEY), Kid::Thumbprint).unwrap();
    let rows = [
        (a1.verifying().clone(), A1_HEADER, A1_SIGNATURE),
        (VerifyingKey::from_public_jwk(A2_KEY).unwrap(), A2_HEADER, A2_SIGNATURE),
        (VerifyingKey::from_public_jwk(A3_KEY).unwrap(), A3_HEADER, A3_SIGNATURE),
    ];
    for (key, header, signature) in rows {
        let ring = ring_with(key);
        let token = format!("{header}.{PAYLOAD}.{signature}");
        let claims = ring.verify(&token, EXP - 1, &STRICT).unwrap();
        assert_eq!(claims.text("iss"), Some("joe"));
        assert_eq!(claims.exp(), Some(EXP));
        assert_eq!(claims.claim("http://example.com/is_root").and_then(serde_json::Value::as_bool), Some(true));
        assert_eq!(ring.verify(&token, EXP, &STRICT).err(), Some(Rejected::Expired));
        let ignoring = Rules { leeway_seconds: 0, expiry: Expiry::Ignore };
        assert!(ring.verify(&token, EXP + 1000, &ignoring).is_ok());
        let other = format!("{header}.{}.{signature}", b64("{}"));
        assert_eq!(ring.verify(&other, EXP - 1, &STRICT).err(), Some(Rejected::BadSignature));
    }
    let signed = a1.sign(&unb64(A1_HEADER), &unb64(PAYLOAD)).unwrap();
    assert_eq!(signed, format!("{A1_HEADER}.{PAYLOAD}.{A1_SIGNATURE}"));
}

#[test]
fn rfc_8037_appendix_a() {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = SigningKey::from_jwk(jwk).unwrap();
    assert_eq!(key.algorithm(), Algorithm::EdDsa);
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let token = key.sign(br#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing").unwrap();
    assert_eq!(
        token,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn rfc_7638_thumbprint() {
    let jwk = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    let key = VerifyingKey::from_public_jwk(jwk).unwrap();
    assert_eq!(key.kid(), "2011-04-29");
    assert_eq!(key.jwk().unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

// The published example secret is nobody's secret (JT-13).
#[test]
fn rfc_7515_secret_is_famous() {
    assert!(SigningKey::from_secret(Algorithm::Hs256, &unb64(A1_KEY)).is_err());
    assert!(SigningKey::from_jwk(&format!(r#"{{"kty":"oct","alg":"HS256","k":"{A1_KEY}"}}"#)).is_err());
}
