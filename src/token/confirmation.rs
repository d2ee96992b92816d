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
    /// Whether whoever proved having the keys of `proven` has every key that this asks for.
    #[must_use]
    pub fn is_met_by(&self, proven: &Self) -> bool {
        let met = |asked: &Option<String>, proven| asked.is_none() || asked == proven;
        met(&self.jkt, &proven.jkt) && met(&self.x5t_s256, &proven.x5t_s256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_asked_for_must_be_there() {
        let of = |jkt: Option<&str>, x5t: Option<&str>| Confirmation {
            jkt: jkt.map(str::to_owned),
            x5t_s256: x5t.map(str::to_owned),
        };

        assert!(of(None, None).is_met_by(&of(Some("a"), Some("c"))));
        assert!(of(Some("a"), None).is_met_by(&of(Some("a"), Some("c"))));
        for proven in [of(None, None), of(Some("b"), Some("c")), of(Some("a"), None), of(None, Some("c"))] {
            assert!(!of(Some("a"), Some("c")).is_met_by(&proven), "{proven:?}");
        }
    }
}
