//! Verifies passwords (Argon2id). This runs in the Worker, never in a Durable Object, because it would block
//! a shard for 50 ms.

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use rand_core::CryptoRng;

use crate::secret;

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

/// Hashes a new password, of at most [`LONGEST`] bytes. Returns a PHC string.
#[must_use]
pub fn hash(password: &str, rng: &mut impl CryptoRng) -> String {
    let salt = secret::random::<16>(rng);
    let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.expect("the password is not too long, and the salt is long enough").to_string()
}

/// A hash that no password matches, with the same parameters as every other hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

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
    fn a_new_hash_is_salted_and_has_the_parameters_of_every_other() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let (one, other) = (hash("lantern quietly", &mut rng), hash("lantern quietly", &mut rng));

        assert_ne!(one, other);
        assert!(verify("lantern quietly", Some(&one)) && !verify("lantern quietl", Some(&one)));
        assert_eq!(one.rsplitn(3, '$').last(), NOBODY.rsplitn(3, '$').last());
    }

    #[test]
    fn the_hash_of_nobody_is_well_formed_and_as_costly_as_any_other() {
        let cost = |phc: &str| phc.split('$').nth(3).map(str::to_owned);

        assert_eq!(cost(NOBODY), cost(&demo::accounts().remove(0).password.unwrap()));
        assert!(argon2::PasswordHash::new(NOBODY).is_ok());
    }
}
