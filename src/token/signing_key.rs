//! Signing keys: their algorithms and their public halves.

use serde::{Deserialize, Serialize};

/// Name of `EdDSA` with this curve in RFC 9864 §2.2. Some clients use the new name, some the old one.
const ED25519: &str = "Ed25519";

/// A supported JWS algorithm (RFC 7518 §3.1).
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
    /// Every supported algorithm.
    pub const ALL: [Self; 6] = [Self::Es256, Self::Rs256, Self::Ps256, Self::Ps384, Self::Ps512, Self::EdDsa];
    /// Algorithms that have a key from the start; the others get one when a client uses them.
    pub const FIRST: [Self; 2] = [Self::Es256, Self::Rs256];

    /// Every name that [`Algorithm::named`] accepts for the signatures of clients.
    pub const NAMES: [&str; 7] = {
        let [es256, rs256, ps256, ps384, ps512, eddsa] = Self::ALL;
        [es256.name(), rs256.name(), ps256.name(), ps384.name(), ps512.name(), eddsa.name(), ED25519]
    };

    /// Returns the name that tokens and metadata use.
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

    /// Finds the algorithm of a client's signature or key by its name there.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == ED25519 {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// Returns whether the algorithm uses keys of this type.
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

/// A public key as `/jwks.json` shows it (RFC 7517 §4).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Written")]
pub struct PublicKey {
    /// JWK thumbprint of the key (RFC 7638).
    pub kid: String,
    /// The only algorithm that the key is used with.
    pub alg: Algorithm,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key itself.
    #[serde(flatten)]
    pub material: Material,
}

/// The parameters of a public key (RFC 7518 §6).
#[expect(missing_docs, reason = "the members are named after the parameters of RFC 7518 §6 and RFC 8037 §2")]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kty")]
pub enum Material {
    /// RFC 7518 §6.2.
    #[serde(rename = "EC")]
    Ec {
        /// Always `P-256`.
        crv: String,
        x: String,
        y: String,
    },
    /// RFC 7518 §6.3: exponent and modulus.
    #[serde(rename = "RSA")]
    Rsa { e: String, n: String },
    /// RFC 8037 §2.
    #[serde(rename = "OKP")]
    Okp {
        /// Always `Ed25519`.
        crv: String,
        x: String,
    },
}

/// A [`PublicKey`] as it is read: flat. What serde derives for flattened fields and for enums with a tag reads from copies
/// of all members.
#[derive(Deserialize)]
struct Written {
    kid: String,
    alg: Algorithm,
    #[serde(rename = "use")]
    usage: String,
    kty: Kty,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    e: Option<String>,
    n: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kty {
    Ec,
    Rsa,
    Okp,
}

impl Written {
    fn key(self) -> Option<PublicKey> {
        let Self { kid, alg, usage, kty, crv, x, y, e, n } = self;
        let material = match kty {
            Kty::Ec => Material::Ec { crv: crv?, x: x?, y: y? },
            Kty::Rsa => Material::Rsa { e: e?, n: n? },
            Kty::Okp => Material::Okp { crv: crv?, x: x? },
        };
        Some(PublicKey { kid, alg, usage, material })
    }
}

impl TryFrom<Written> for PublicKey {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        written.key().ok_or("a key lacks a parameter")
    }
}

impl PublicKey {
    /// Names the key by its thumbprint.
    #[must_use]
    pub fn new(alg: Algorithm, material: Material) -> Self {
        Self { kid: thumbprint(&material), alg, usage: "sig".to_owned(), material }
    }

    /// Returns whether a signature has the length that this key's signatures have (RFC 7518 §3.3–3.5, RFC 8037
    /// §3.1). WebCrypto throws for any other length, which would look like a fault of this server.
    #[must_use]
    pub fn fits(&self, signature: &[u8]) -> bool {
        let length = match &self.material {
            Material::Ec { .. } | Material::Okp { .. } => Some(64),
            Material::Rsa { n, .. } => crate::secret::decode(n).map(|modulus| modulus.len()),
        };
        length == Some(signature.len())
    }
}

/// Returns the SHA-256 of the required members in lexicographic order, without white space (RFC 7638 §3).
fn thumbprint(material: &Material) -> String {
    let canonical = match material {
        Material::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
        Material::Rsa { e, n } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        Material::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
    };
    crate::secret::encode(crate::secret::Digest::of(canonical.as_bytes()).bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_accepted_and_every_algorithm_has_one() {
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
