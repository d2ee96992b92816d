//! What all JWTs of a provider have in common: header, signing input and audience.
//!
//! Parsing verifies nothing. Ring 2 verifies the signature, and each kind of token checks its own claims.

use core::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::json;
use crate::presence::is_present;
use crate::token::claims;
use crate::token::jws::Compact;
use crate::token::signing_key::Algorithm;

/// Tolerated difference between the provider's clock and the server's.
pub const SKEW: Duration = Duration::from_secs(60);

/// A parsed JWT whose signature is not verified and whose claims are not checked.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// From the header; `None` if any of the provider's keys may have signed.
    pub kid: Option<String>,
    payload: Vec<u8>,
    input: String,
    signature: Vec<u8>,
}

/// Why a JWT cannot be used, whatever kind of token it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JwtFlaw {
    /// The text is not a compact JWS with a JSON header and JSON claims, or a claim has the wrong type.
    Malformed,
    /// `alg` is not the provider's algorithm. So `none` and HMAC are refused, too.
    OtherAlgorithm,
    /// The header has a `crit`, or a `typ` of another kind of token.
    UnsuitableHeader,
}

#[derive(Deserialize)]
struct Header {
    alg: Value,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

impl Jwt {
    /// Parses a JWT of a provider that signs with `alg`. `is_type` judges the `typ`, in lower case and without
    /// `application/`; `None` if the header has no `typ`.
    ///
    /// # Errors
    ///
    /// The first flaw.
    pub fn parse(
        text: &str,
        alg: Algorithm,
        is_type: impl Fn(Option<&str>) -> bool,
    ) -> Result<Self, JwtFlaw> {
        let jws = Compact::parse(text).ok_or(JwtFlaw::Malformed)?;
        let header: Header = json::read_bytes(&jws.header).map_err(|_| JwtFlaw::Malformed)?;
        if header.alg.as_str().and_then(Algorithm::named) != Some(alg) {
            return Err(JwtFlaw::OtherAlgorithm);
        }
        let typ = header.typ.map(|typ| typ.to_ascii_lowercase());
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        // RFC 7515 §4.1.11: a critical extension that is not understood makes the JWS invalid.
        if header.crit || !is_type(typ) {
            return Err(JwtFlaw::UnsuitableHeader);
        }
        let (input, signature) = (jws.input.to_owned(), jws.signature);
        Ok(Self { kid: header.kid, payload: jws.payload, input, signature })
    }

    /// Reads the claims.
    ///
    /// # Errors
    ///
    /// [`JwtFlaw::Malformed`].
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C, JwtFlaw> {
        json::read_bytes(&self.payload).map_err(|_| JwtFlaw::Malformed)
    }

    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// Returns the decoded signature, which is not verified.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// The claim `aud` (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "claims::Audience")]
pub enum Audience {
    /// Text.
    One(String),
    /// A list.
    Several(Vec<String>),
}

impl From<claims::Audience> for Audience {
    fn from(audience: claims::Audience) -> Self {
        match audience {
            claims::Audience::One(one) => Self::One(one),
            claims::Audience::Many(many) => Self::Several(many),
        }
    }
}

impl Audience {
    /// Returns the audiences.
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(audience) => core::slice::from_ref(audience),
            Self::Several(audiences) => audiences,
        }
    }

    /// Returns whether there is an audience, and every one is `accepted`.
    #[must_use]
    pub fn is_only(&self, accepted: &[&str]) -> bool {
        let all = self.all();
        !all.is_empty() && all.iter().all(|audience| accepted.contains(&audience.as_str()))
    }
}
