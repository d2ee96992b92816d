//! Verifies passwords (Argon2id). This runs in the Worker, never in a Durable Object, because it would block
//! a shard for 50 ms.

use argon2::{Argon2, PasswordVerifier as _};

/// Longest password that can be right, in bytes.
pub const LONGEST: usize = 1_024;

/// Returns whether `password` matches the hash `phc`. Without an account, `phc` is `None`: the work is the
/// same, so that the response time does not give that away, and the result is `false`.
#[must_use]
pub fn verify(password: &str, phc: Option<&str>) -> bool {
    let plausible = password.len() <= LONGEST;
    let attempt = if plausible { password } else { "" };
    let matches = Argon2::default().verify_password(attempt.as_bytes(), phc.unwrap_or(NOBODY)).is_ok();
    matches && plausible && phc.is_some()
}

/// A hash that no password matches, with the same parameters as every other hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::demo;

    #[test]
    fn only_the_right_password_verifies() {
        let alice = demo::accounts().remove(0);

        assert!(verify("wonderland-8787", alice.password.as_deref()));
        assert!(!verify("wonderland-8788", alice.password.as_deref()));
        assert!(!verify("", alice.password.as_deref()));
        assert!(!verify("wonderland-8787", None));
        assert!(!verify(&"x".repeat(LONGEST + 1), alice.password.as_deref()));
    }

    #[test]
    fn the_hash_of_nobody_is_well_formed_and_as_costly_as_any_other() {
        let cost = |phc: &str| phc.split('$').nth(3).map(str::to_owned);

        assert_eq!(cost(NOBODY), cost(&demo::accounts().remove(0).password.unwrap()));
        assert!(argon2::PasswordHash::new(NOBODY).is_ok());
    }
}
