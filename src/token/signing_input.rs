//! Builds the signing input of a token separately from signing it.
//!
//! `jwt-compact` signs synchronously, but asymmetric signatures are made by WebCrypto, which is asynchronous.
//! So an [`Algorithm`](jwt_compact::Algorithm) that signs nothing records the signing input, and the
//! signature is appended later.

use std::borrow::Cow;
use std::cell::RefCell;

use jwt_compact::{AlgorithmExt as _, AlgorithmSignature, Claims, Header};
use serde::Serialize;

use super::signing_key::PublicKey;
use crate::secret;

/// The encoded header and claims, joined by a dot: the text that a signature covers (RFC 7515 §5.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SigningInput(String);

impl SigningInput {
    /// Encodes `claims` with a header that names `key` and the token type `typ`.
    ///
    /// `None` only if the claims cannot be serialized, which does not happen with those of
    /// [`claims`](super::claims).
    #[must_use]
    pub fn new<T: Serialize>(typ: &str, key: &PublicKey, claims: &Claims<T>) -> Option<Self> {
        let header = Header::empty().with_key_id(key.kid.as_str()).with_token_type(typ);
        let taken = RefCell::new(Vec::new());
        TakeDown(key.alg.name()).token(&header, claims, &taken).ok()?;
        String::from_utf8(taken.into_inner()).ok().map(Self)
    }

    /// Returns the bytes to sign.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Appends the signature and returns the token (RFC 7515 §3.1).
    #[must_use]
    pub fn signed(self, signature: &[u8]) -> String {
        format!("{}.{}", self.0, secret::encode(signature))
    }
}

struct TakeDown(&'static str);

struct NoSignature;

impl AlgorithmSignature for NoSignature {
    fn try_from_slice(_: &[u8]) -> anyhow::Result<Self> {
        Ok(Self)
    }

    fn as_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }
}

impl jwt_compact::Algorithm for TakeDown {
    type SigningKey = RefCell<Vec<u8>>;
    type VerifyingKey = ();
    type Signature = NoSignature;

    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.0)
    }

    fn sign(&self, taken: &Self::SigningKey, message: &[u8]) -> NoSignature {
        taken.replace(message.to_vec());
        NoSignature
    }

    /// Always false, because nothing was signed.
    fn verify_signature(&self, _: &NoSignature, (): &(), _: &[u8]) -> bool {
        false
    }
}
