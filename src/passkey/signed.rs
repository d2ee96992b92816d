//! What an authenticator signed, ready for WebCrypto.

use super::{Flaw, der};
use crate::secret::Digest;
use crate::token::signing_key::{Algorithm, PublicKey};

/// A signature that is not verified yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// The bytes that the signature covers.
    pub input: Vec<u8>,
    /// As WebCrypto reads it: that of ECDSA is two numbers of 32 bytes.
    pub signature: Vec<u8>,
}

impl Signed {
    /// Returns the signature of an authenticator over its data and the hash of the client data (WebAuthn §6.3.3).
    pub(super) fn new(
        key: &PublicKey,
        authenticator_data: &[u8],
        client_data: &[u8],
        signature: &[u8],
    ) -> Result<Self, Flaw> {
        let signature = match key.alg {
            Algorithm::Es256 => der::raw(signature).ok_or(Flaw::Signature)?,
            Algorithm::EdDsa | Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => {
                signature.to_vec()
            }
        };
        let input = [authenticator_data, Digest::of(client_data).bytes()].concat();
        if key.fits(&signature) { Ok(Self { input, signature }) } else { Err(Flaw::Signature) }
    }
}
