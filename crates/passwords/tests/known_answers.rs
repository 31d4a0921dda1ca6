//! Hashes made by the original software, verified through the public door. A vector that does not parse is a failure.

use myna_passwords::{Backend, Hasher, PasswordHash, Verdict};

/// `(password, stored)` of every vector in a file; the callers know how many there must be.
fn vectors(file: &str) -> Vec<(String, String)> {
    let table: toml::Table = file.parse().unwrap_or_default();
    let list = table.get("vector").and_then(toml::Value::as_array);
    let text = |vector: &toml::Value, key| vector.get(key)?.as_str().map(str::to_owned);
    let pair = |vector| Some((text(vector, "password")?, text(vector, "stored")?));
    list.into_iter().flatten().filter_map(pair).collect()
}

#[test]
fn argon2id_of_other_software_verifies_on_both_backends() {
    // PW-07 included: two of the passwords hold a NUL.
    let vectors = vectors(include_str!("../vectors/argon2id.toml"));
    assert_eq!(vectors.len(), 35);
    for backend in [Backend::Fast, Backend::Portable] {
        let mut hasher = Hasher::new(backend);
        for (password, stored) in &vectors {
            let hash = PasswordHash::parse(stored).unwrap_or_else(|error| panic!("{stored}: {error}"));
            assert_eq!(hash.format(), "argon2id");
            assert_eq!(hash.verify(password.as_bytes(), &mut hasher), Ok(Verdict::Match), "{backend} {stored}");
            // PW-04: nothing but the exact bytes.
            for wrong in others(password) {
                let verdict = hash.verify(wrong.as_bytes(), &mut hasher);
                assert_eq!(verdict, Ok(Verdict::Mismatch), "{backend} {stored} against {wrong:?}");
            }
        }
    }
}

#[test]
fn bcrypt_of_other_software_verifies() {
    let vectors = vectors(include_str!("../vectors/bcrypt.toml"));
    assert_eq!(vectors.len(), 129);
    let mut hasher = Hasher::new(Backend::Fast);
    for (password, stored) in &vectors {
        let hash = PasswordHash::parse(stored).unwrap_or_else(|error| panic!("{stored}: {error}"));
        assert_eq!(hash.format(), "bcrypt");
        assert_eq!(hash.verify(password.as_bytes(), &mut hasher), Ok(Verdict::Match), "{stored}");
        let wrong = format!("-{password}");
        assert_eq!(hash.verify(wrong.as_bytes(), &mut hasher), Ok(Verdict::Mismatch), "{stored}");
    }
}

#[test]
fn bcrypt_ignores_what_follows_byte_72_and_nothing_else() {
    // PW-06: the rule of the software that made the hash, on vectors of 71 bytes and more.
    let mut hasher = Hasher::new(Backend::Fast);
    let mut seen = [false; 3];
    for (password, stored) in vectors(include_str!("../vectors/bcrypt.toml")) {
        let len = password.len();
        let hash = PasswordHash::parse(&stored).unwrap();
        let cut = if len < 72 { Verdict::Mismatch } else { Verdict::Match };
        assert_eq!(hash.verify(format!("{password}c").as_bytes(), &mut hasher), Ok(cut), "{len} bytes: {stored}");
        // The bytes before the cut all count, also when the cut is within a character.
        let mut first = password.as_bytes()[..len.min(72)].to_vec();
        assert_eq!(hash.verify(&first, &mut hasher), Ok(Verdict::Match), "{stored}");
        if let Some(last) = first.last_mut() {
            *last ^= 1;
            assert_eq!(hash.verify(&first, &mut hasher), Ok(Verdict::Mismatch), "{stored}");
        }
        if let Some(slot) = len.checked_sub(71).and_then(|over| seen.get_mut(over)) {
            *slot = true;
        }
    }
    assert_eq!(seen, [true; 3], "vectors of 71, 72 and 73 bytes are in the file");
}

/// Passwords that a sloppy reader of bytes would take for this one.
fn others(password: &str) -> Vec<String> {
    let mut others = vec![format!("{password} "), format!("{password}\0"), format!(" {password}")];
    others.extend([password.trim().to_owned(), password.to_uppercase(), password.replace("e\u{301}", "\u{e9}")]);
    others.extend(password.split_once('\0').map(|(before, _)| before.to_owned()));
    others.extend(password.chars().nth(72).map(|_| password.chars().take(72).collect()));
    others.retain(|other| other != password);
    others
}
