//! Opaque access tokens: the same claims as in a JWT, sealed so that only this server can read them.
//!
//! The server stores nothing for such a token. Its holder learns nothing from it; resource servers ask
//! `/introspect`.

use rand_core::CryptoRng;

use super::access::AccessToken;
use crate::derived_keys::{Keyring, Purpose};
use crate::json;
use crate::secret;

/// Distinguishes an opaque token from a JWT and from a refresh token.
pub const PREFIX: &str = "dgat_";

/// Seals the claims of a token.
pub fn seal(token: &AccessToken, keyring: &Keyring, rng: &mut impl CryptoRng) -> String {
    let plain = serde_json::to_vec(token).expect("every map in the claims has string keys");
    format!("{PREFIX}{}", secret::encode(&keyring.seal(Purpose::AccessToken, &plain, rng)))
}

/// Opens a token; `None` if it is not an opaque token of this server, or was altered. The caller still has to
/// check that the token is valid.
#[must_use]
pub fn open(text: &str, keyring: &Keyring) -> Option<AccessToken> {
    let sealed = secret::decode(text.strip_prefix(PREFIX)?)?;
    json::read_bytes(&keyring.open(Purpose::AccessToken, &sealed)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{Keys, MasterKey};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    use serde_json::{Value, json};

    fn keys(fill: u8) -> Keys {
        Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8)
    }

    fn ring(current: u8, previous: Option<u8>) -> Keyring {
        Keyring { current: keys(current), previous: previous.map(keys), retired: Vec::new() }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://a.example", "sub": "s", "aud": ["https://b.example", "https://c.example"], "client_id": "tv",
            "jti": "j", "scope": "openid", "auth_time": 1, "amr": ["pwd"], "sid": "sid", "roles": ["x"], "iat": 1,
            "exp": 2
        })
    }

    fn sealed() -> String {
        let token = serde_json::from_value(claims()).unwrap();
        seal(&token, &ring(1, None), &mut ChaCha20Rng::seed_from_u64(1))
    }

    #[test]
    fn opening_returns_the_sealed_claims_including_mapped_ones() {
        let token = open(&sealed(), &ring(1, None)).unwrap();

        assert_eq!(serde_json::to_value(token).unwrap(), claims());
        assert!(open(&sealed(), &ring(2, Some(1))).is_some(), "after a change of key");
        assert!(open(&sealed(), &ring(2, None)).is_none());
    }

    #[test]
    fn a_token_can_neither_be_read_nor_altered() {
        let text = sealed();
        let bytes = secret::decode(text.strip_prefix(PREFIX).unwrap()).unwrap();

        assert!(!String::from_utf8_lossy(&bytes).contains("example"));
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = format!("{PREFIX}{}", secret::encode(&altered));
            assert!(open(&altered, &ring(1, None)).is_none(), "byte {at}");
        }
        assert!(open(text.strip_prefix(PREFIX).unwrap(), &ring(1, None)).is_none(), "without its prefix");
        assert!(open(PREFIX, &ring(1, None)).is_none() && open("", &ring(1, None)).is_none());
    }
}
