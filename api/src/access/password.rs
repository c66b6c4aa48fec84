//! Passwords: argon2id with the parameters that OWASP advises (19 MiB, 2 passes).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// Fewest characters of a password (NIST SP 800-63B asks for 8, and for 15 where nothing else is
/// asked for).
const N_CHARS_MIN: usize = 10;
/// Most bytes of a password: hashing must stay cheap for whoever guesses too.
const N_BYTES_MAX: usize = 1_024;

/// In the place of a hash, where there is none: of a random password that nobody knows.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    c29tZXNhbHRzb21lc2FsdA$0MzhTbZ1fR1tN3yTyOxCqkE3GnUxvLmhlXHDIZvGJjU";

/// Why a password cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too easily guessed.
    #[error("the password is shorter than {N_CHARS_MIN} characters")]
    Short,
    /// Beyond what anybody types.
    #[error("the password is longer than {N_BYTES_MAX} bytes")]
    Long,
    /// The hash could not be computed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// The PHC string of `password` with a new salt. Takes tens of milliseconds and 19 MiB.
pub(crate) fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < N_CHARS_MIN {
        return Err(PasswordError::Short);
    }
    if N_BYTES_MAX < password.len() {
        return Err(PasswordError::Long);
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| PasswordError::Hash(error.to_string()))?.to_string())
}

/// Whether `password` is the one that `hash` was made from.
///
/// Without a `hash` the same work is done and the answer is no, so that the time taken does not
/// tell which users exist.
pub(crate) fn is_right(password: &str, hash: Option<&str>) -> bool {
    if N_BYTES_MAX < password.len() {
        return false;
    }
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let is_right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    is_right && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash("correct horse battery").unwrap(), "salts differ");
        assert!(is_right("correct horse battery", Some(&kept)));
        assert!(!is_right("correct horse", Some(&kept)));
        assert!(!is_right("correct horse battery", None));
        assert!(!is_right("correct horse battery", Some("no hash")));
    }

    #[test]
    fn somebody_unknown_costs_as_much_work_as_somebody_known() {
        let cost = |hash: &str| {
            let parsed = PasswordHash::new(hash).unwrap();
            (parsed.algorithm.to_string(), parsed.params.to_string(), parsed.hash.unwrap().len())
        };
        assert_eq!(cost(NOBODY), cost(&hash("correct horse battery").unwrap()));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(matches!(hash("short"), Err(PasswordError::Short)));
        assert!(matches!(hash(&"x".repeat(2_000)), Err(PasswordError::Long)));
    }
}
