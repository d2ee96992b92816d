//! The keys that a token is bound to (RFC 7800, RFC 9449 §6.1, RFC 8705 §3.1).

use serde::{Deserialize, Serialize};

/// The `cnf` claim: the keys whose possession a holder must prove. Empty for a bearer token.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Confirmation {
    /// JWK thumbprint of a DPoP key (RFC 9449 §6.1), base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// SHA-256 of a client certificate (RFC 8705 §3.1), base64url.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

impl Confirmation {
    /// Returns whether no key is required.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }
    /// Returns whether `proven` contains every required key.
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
    fn every_required_key_must_be_proven() {
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
