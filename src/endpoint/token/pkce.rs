//! PKCE at the device and token endpoints, as Keycloak does it (RFC 7636).

use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::grant::pkce::{METHOD, Verifier, is_challenge};

/// The challenge of a device authorization request.
///
/// # Errors
///
/// It is no S256 challenge. One without a method would be `plain` (RFC 7636 §4.3), which is not taken.
pub(crate) fn challenge(form: &Form) -> Result<Option<String>, Error> {
    match (form.get("code_challenge"), form.get("code_challenge_method")) {
        (None, None) => Ok(None),
        (Some(challenge), Some(METHOD)) if is_challenge(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some(METHOD)) => Err(Error::Malformed("code_challenge")),
        (None, Some(_)) => Err(Error::Missing("code_challenge")),
        (Some(_), Some(_) | None) => Err(Error::Malformed("code_challenge_method")),
    }
}

/// The verifier of a token request.
///
/// # Errors
///
/// It cannot be one (RFC 7636 §4.1).
pub(crate) fn verifier(form: &Form) -> Result<Option<Verifier>, Error> {
    let read = |text| Verifier::parse(text).ok_or(Error::Malformed("code_verifier"));
    form.get("code_verifier").map(read).transpose()
}
