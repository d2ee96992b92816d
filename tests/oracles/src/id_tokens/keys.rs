//! The provider's key, and a second one that is not published.

use std::sync::OnceLock;

use device_grant::client::jwks::KeySet;
use device_grant::secret::encode;
use device_grant::token::signing_key::{Algorithm, Material, PublicKey};
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use rsa::pkcs1v15::{
    Signature as RsaSignature, SigningKey as RsaSigningKey, VerifyingKey as RsaVerifyingKey,
};
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding as _, Signer as _, Verifier as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};

type EsKey = <Es256 as jwt_compact::Algorithm>::SigningKey;

/// A pair of keys for one algorithm.
pub(super) enum Keys {
    Es256 { own: EsKey, other: EsKey },
    Rs256 { own: &'static RsaPrivateKey, other: &'static RsaPrivateKey },
}

impl Keys {
    pub(super) fn es256() -> Self {
        let key = |fill| EsKey::from_slice(&[fill; 32]).expect("it is a scalar");
        Self::Es256 { own: key(1), other: key(2) }
    }

    pub(super) fn rs256() -> Self {
        static KEYS: OnceLock<[RsaPrivateKey; 2]> = OnceLock::new();
        let [own, other] = KEYS.get_or_init(|| PRIMES.map(key_of));
        Self::Rs256 { own, other }
    }

    pub(super) fn alg(&self) -> Algorithm {
        match self {
            Self::Es256 { .. } => Algorithm::Es256,
            Self::Rs256 { .. } => Algorithm::Rs256,
        }
    }

    /// Signs with the published key, or with the other one.
    pub(super) fn sign(&self, input: &[u8], is_published: bool) -> Vec<u8> {
        match self {
            Self::Es256 { own, other } => {
                Es256.sign(if is_published { own } else { other }, input).as_bytes().into_owned()
            }
            Self::Rs256 { own, other } => {
                let key = if is_published { *own } else { *other };
                RsaSigningKey::<Sha256>::new(key.clone()).sign(input).to_vec()
            }
        }
    }

    /// Returns whether the published key made the signature.
    pub(super) fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256 { own, .. } => {
                let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(signature);
                signature
                    .is_ok_and(|signature| Es256.verify_signature(&signature, own.verifying_key(), input))
            }
            Self::Rs256 { own, .. } => {
                let signature = RsaSignature::try_from(signature);
                let key = RsaVerifyingKey::<Sha256>::new(own.to_public_key());
                signature.is_ok_and(|signature| key.verify(input, &signature).is_ok())
            }
        }
    }

    fn material(&self) -> Material {
        match self {
            Self::Es256 { own, .. } => {
                let point = own.verifying_key().to_encoded_point(false);
                let (x, y) = (point.x().expect("not compressed"), point.y().expect("not compressed"));
                Material::Ec { crv: "P-256".to_owned(), x: encode(x), y: encode(y) }
            }
            Self::Rs256 { own, .. } => {
                Material::Rsa { e: encode(&own.e().to_bytes_be()), n: encode(&own.n().to_bytes_be()) }
            }
        }
    }

    /// The published key set.
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [PublicKey::new(self.alg(), self.material())] })
    }

    pub(super) fn kid(&self) -> String {
        PublicKey::new(self.alg(), self.material()).kid
    }

    pub(super) fn key_set(&self) -> KeySet {
        KeySet::read(&self.jwks()).expect("it is a key set")
    }
}

/// The primes of two RSA keys of 2048 bits, in hexadecimal.
const PRIMES: [[&str; 2]; 2] = [
    [
        concat!(
            "dcde1865f9c75afaed0c16df55f45ed2260088f4f9396657a9c44845d346f25b60d2d49c72f7738a65a50b80fb37590a",
            "bce05896d758e8f74dab0fe1d9936dac26c5bde8e33bd8209cd7a507ac09b052a7b98a8fb1118908219cf6264fb4f817",
            "27b9b094e4c5c3b5862eac5bfe0f7f91aca81c8818c1a9197e054fac05b4ef49",
        ),
        concat!(
            "f5ddd151bad810ac46170c3ab478cf68c05955d91f996b4720ad94e8ba6522732ab62354c5a62cc2a357c6417c3a6b5c",
            "cf89309c3f4d8cb7c72c12c30e5de92630baf18ef0985e5b0404323f4bad769e3ede2fb9df5c1438fb13f28dabe8db70",
            "24917ec86a557d9fda3c1b83056e85cd9289e1dea8f4dda97a455d7ae42eba79",
        ),
    ],
    [
        concat!(
            "f447f417586ab459c2dbb3c08a026ca8d6d74ba85126a908b1753e15120198a4f862641cff4bde135cbf4a2002b73268",
            "46d4e74757a626b871d21fd8abc6fbb2203ceb64c4fc847d77a9b24c73545c98102d2603b68c52e5e300194b9042161e",
            "68d6db45c4845d3db0e9cc50f457cb5a3b38bd8958a1633eb1fc01466a929a87",
        ),
        concat!(
            "c8ac1762098d75326ee39f6b1e7639ee21cac4f20d101caba77e812ca5eb78fab5c37c772bc9d69505e0fcebc3147a48",
            "acae5eb95fe06fbcbe83dda96aebab45f289e75f20cc37cc8ec65af8fdf6b28a144ed085a88a4f9502ed1f603546bdd4",
            "f3cf014c7de357340c2887a2521f15c48b82a7c5ea0e2ecf23bed74b649a80e9",
        ),
    ],
];

fn key_of(primes: [&str; 2]) -> RsaPrivateKey {
    let [p, q] = primes.map(|prime| BigUint::parse_bytes(prime.as_bytes(), 16).expect("hexadecimal"));
    RsaPrivateKey::from_p_q(p, q, BigUint::from(65_537_u32)).expect("two primes make a key")
}
