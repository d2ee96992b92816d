//! Initiation verification at the device authorization and token endpoints: see `docs/verification.md`.

use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::grant::verification::Digits;

const SUPPORTED: &str = "initiation_verification_supported";
const CODE: &str = "initiation_verification_code";

/// Reads whether a device can ask its user for digits.
///
/// # Errors
///
/// The parameter is neither `true` nor `false`.
pub(crate) fn is_supported(form: &Form) -> Result<bool, Error> {
    match form.get(SUPPORTED) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::Malformed(SUPPORTED)),
    }
}

/// Reads what the user of a device has typed.
///
/// # Errors
///
/// They are not four digits. That costs no try.
pub(super) fn typed(form: &Form) -> Result<Option<Digits>, Error> {
    form.get(CODE).map(|text| Digits::parse(text).ok_or(Error::Malformed(CODE))).transpose()
}
