//! The `sub` of an account.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::secret;

/// The `sub` of an account in tokens: opaque, never used for another account (RFC 9700 §4.15), and the same whatever
/// keys the server has. Events name accounts by it, and it is the account's user handle in WebAuthn.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Sub(String);

impl Sub {
    /// Draws the `sub` of a new account: 128 random bits in base64url.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::random_id(rng))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Sub {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
