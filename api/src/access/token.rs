//! Secrets that are made here: session tokens, CSRF tokens and keys, 256 random bits each.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;

/// What every key starts with, so that scanners of code find leaked ones.
pub(crate) const KEY_PREFIX: &str = "hbk_";

/// A new secret, 43 characters that may stand in a cookie, a header or a form.
pub(crate) fn new() -> String {
    let mut bytes = [0_u8; 32];
    // The thread's generator is a cryptographic one, seeded by the system.
    rand::rng().fill(&mut bytes[..]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A new key.
pub(crate) fn new_key() -> String {
    format!("{KEY_PREFIX}{}", new())
}

/// What the archive keeps of a secret.
pub(crate) fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
pub(crate) fn is_same(left: &str, right: &str) -> bool {
    // BLAKE3 hashes compare in constant time.
    blake3::hash(left.as_bytes()) == blake3::hash(right.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_different_and_plain() {
        let (one, other) = (new(), new());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
        assert!(one.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_'));
        assert!(is_same(&one, &one.clone()) && !is_same(&one, &other));
        assert!(new_key().starts_with(KEY_PREFIX));
    }
}
