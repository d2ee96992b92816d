//! PKCE (RFC 7636) at the device authorization and token endpoints, as in Keycloak.

use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::grant::pkce::{METHOD, Verifier, is_challenge};

/// Reads the challenge of a device authorization request.
///
/// # Errors
///
/// The challenge is not an S256 challenge. Without a method it would be `plain` (RFC 7636 §4.3), which this
/// server does not accept.
pub(crate) fn challenge(form: &Form) -> Result<Option<String>, Error> {
    match (form.get("code_challenge"), form.get("code_challenge_method")) {
        (None, None) => Ok(None),
        (Some(challenge), Some(METHOD)) if is_challenge(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some(METHOD)) => Err(Error::Malformed("code_challenge")),
        (None, Some(_)) => Err(Error::Missing("code_challenge")),
        (Some(_), Some(_) | None) => Err(Error::ChallengeMethod),
    }
}

/// Reads the verifier of a token request.
///
/// # Errors
///
/// The verifier is malformed (RFC 7636 §4.1).
pub(crate) fn verifier(form: &Form) -> Result<Option<Verifier>, Error> {
    let read = |text| Verifier::parse(text).ok_or(Error::Malformed("code_verifier"));
    form.get("code_verifier").map(read).transpose()
}
