//! The compact serialization of a JWS (RFC 7515 §3.1). Parsing verifies nothing.

use crate::secret;

/// A compact JWS whose parts are decoded from base64url, but neither parsed nor verified.
#[expect(missing_docs, reason = "the fields are named after the parts of RFC 7515 §3.1")]
pub struct Compact<'a> {
    /// The JOSE header, which should be JSON.
    pub header: Vec<u8>,
    pub payload: Vec<u8>,
    /// The text that the signature covers: the first two parts as they were sent.
    pub input: &'a str,
    pub signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Splits a text; `None` unless it has three parts of base64url without padding.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (input, signature) = text.rsplit_once('.')?;
        let (header, payload) = input.split_once('.')?;
        Some(Self {
            header: secret::decode(header)?,
            payload: secret::decode(payload)?,
            input,
            signature: secret::decode(signature)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jws_has_three_parts() {
        let jws = Compact::parse("e30.YQ.AA").unwrap();

        assert_eq!((jws.header, jws.payload, jws.signature), (b"{}".to_vec(), b"a".to_vec(), vec![0]));
        assert_eq!(jws.input, "e30.YQ");
        for bad in ["", ".", "e30.YQ", "e30.YQ.AA.AA", "e30=.YQ.AA", "e30.Y+.AA", "e30.YQ.A", " e30.YQ.AA"] {
            assert!(Compact::parse(bad).is_none(), "{bad:?}");
        }
    }
}
