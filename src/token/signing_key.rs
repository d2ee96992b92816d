//! Signing keys: their algorithms, their public halves, and how they are stored.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::format::{Format, is_false};
use crate::time::Timestamp;

/// What RFC 9864 §2.2 calls `EdDSA` on this curve; some clients know the one, some the other.
const ED25519: &str = "Ed25519";

/// A JWS algorithm (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256. The default for access tokens.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256. RFC 9068 §2.1 and OpenID Connect Core §15.1 require it.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// Ed25519 (RFC 8037 §3.1).
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 6] = [Self::Es256, Self::Rs256, Self::Ps256, Self::Ps384, Self::Ps512, Self::EdDsa];
    /// Those that there is a key for from the start; the others get one when a client uses them.
    pub const FIRST: [Self; 2] = [Self::Es256, Self::Rs256];

    /// What somebody else's signature may be made with, by every name that [`Algorithm::named`] reads.
    pub const NAMES: [&str; 7] = {
        let [es256, rs256, ps256, ps384, ps512, eddsa] = Self::ALL;
        [es256.name(), rs256.name(), ps256.name(), ps384.name(), ps512.name(), eddsa.name(), ED25519]
    };

    /// The registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of somebody else's signature, by the name in its header or its key.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == ED25519 {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// Whether keys of this kind are used with it.
    #[must_use]
    pub const fn fits(self, material: &Material) -> bool {
        match (self, material) {
            (Self::Es256, Material::Ec { .. })
            | (Self::Rs256 | Self::Ps256 | Self::Ps384 | Self::Ps512, Material::Rsa { .. })
            | (Self::EdDsa, Material::Okp { .. }) => true,
            (Self::Es256, Material::Rsa { .. } | Material::Okp { .. })
            | (
                Self::Rs256 | Self::Ps256 | Self::Ps384 | Self::Ps512,
                Material::Ec { .. } | Material::Okp { .. },
            )
            | (Self::EdDsa, Material::Ec { .. } | Material::Rsa { .. }) => false,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key as `/jwks.json` shows it (RFC 7517 §4).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PublicKey {
    /// The key's JWK thumbprint (RFC 7638).
    pub kid: String,
    /// Its one use.
    pub alg: Algorithm,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key itself.
    #[serde(flatten)]
    pub material: Material,
}

/// The numbers of a public key (RFC 7518 §6).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kty")]
pub enum Material {
    /// RFC 7518 §6.2.
    #[serde(rename = "EC")]
    Ec {
        /// Always `P-256`.
        crv: String,
        /// Base64url.
        x: String,
        /// Base64url.
        y: String,
    },
    /// RFC 7518 §6.3.
    #[serde(rename = "RSA")]
    Rsa {
        /// The exponent, base64url.
        e: String,
        /// The modulus, base64url.
        n: String,
    },
    /// RFC 8037 §2.
    #[serde(rename = "OKP")]
    Okp {
        /// Always `Ed25519`.
        crv: String,
        /// Base64url.
        x: String,
    },
}

impl PublicKey {
    /// The key with its thumbprint for a name.
    #[must_use]
    pub fn new(alg: Algorithm, material: Material) -> Self {
        Self { kid: thumbprint(&material), alg, usage: "sig".to_owned(), material }
    }
}

/// RFC 7638 §3: SHA-256 over the required members, in lexicographic order, without white space.
fn thumbprint(material: &Material) -> String {
    let canonical = match material {
        Material::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
        Material::Rsa { e, n } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        Material::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
    };
    crate::secret::encode(crate::secret::Digest::of(canonical.as_bytes()).bytes())
}

/// A signing key at rest.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct StoredKey {
    /// Of this record.
    pub format: Format<1>,
    /// The public half.
    pub public: PublicKey,
    /// The private half, PKCS #8, sealed with a key derived from `MASTER_KEY`; base64url. Empty once it is retired.
    pub wrapped: String,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// When it begins to sign, or began to; since it was made, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<Timestamp>,
    /// When an operator took it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// Whether an operator brought it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub imported: bool,
}

impl StoredKey {
    /// When it begins to sign, or began to.
    #[must_use]
    pub fn signs_from(&self) -> Timestamp {
        self.signs_from.unwrap_or(self.created_at)
    }
}

/// Not the private half, wrapped though it is.
impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_each_algorithm_has_one() {
        assert!(Algorithm::NAMES.iter().all(|name| Algorithm::named(name).is_some()));
        for alg in Algorithm::ALL {
            assert!(Algorithm::NAMES.contains(&alg.name()) && Algorithm::named(alg.name()) == Some(alg));
        }
        assert_eq!(Algorithm::named("Ed25519"), Some(Algorithm::EdDsa));
        assert_eq!(Algorithm::named("none"), None);
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // RFC 7638 §3.1, the example key.
        let n = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF",
            "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9",
            "c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1",
            "jF44-csFCur-kEgU8awapJzKnqDKgw"
        );
        let key = PublicKey::new(Algorithm::Rs256, Material::Rsa { e: "AQAB".to_owned(), n: n.to_owned() });

        assert_eq!(key.kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_public_key_is_a_jwk() {
        let material = Material::Ec { crv: "P-256".to_owned(), x: "eA".to_owned(), y: "eQ".to_owned() };
        let json = serde_json::to_value(PublicKey::new(Algorithm::Es256, material)).unwrap();

        assert_eq!(json["kty"], "EC");
        assert_eq!(json["alg"], "ES256");
        assert_eq!(json["use"], "sig");
    }
}
