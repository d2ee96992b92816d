//! The key that a token is bound to (RFC 7800, RFC 9449 §6.1, RFC 8705 §3.1).

use serde::{Deserialize, Serialize};

/// The `cnf` claim: which keys a holder must prove having. Empty for a bearer token.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Confirmation {
    /// The JWK thumbprint of a DPoP key (RFC 9449 §6.1), base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The SHA-256 of a client certificate (RFC 8705 §3.1), base64url.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

impl Confirmation {
    /// Whether it asks for no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }
}
