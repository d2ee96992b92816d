//! What the state of a grant means for the device that polls.

use crate::endpoint::client_auth::Caller;
use crate::endpoint::error::Error;
use crate::endpoint::server::Context;
use crate::grant::Denial;
use crate::grant::poll::{Poll, Ready};
use crate::token::confirmation::Confirmation;

/// Returns the approval that a poll found, or the error of the grant's state.
pub(super) fn approved(poll: Poll) -> Result<Ready, Error> {
    match poll {
        Poll::Ready(ready) => Ok(*ready),
        Poll::WithoutKey => Err(Error::WithoutKey),
        Poll::Pending(interval) => Err(Error::Pending(interval)),
        Poll::TooSoon(interval) => Err(Error::TooSoon(interval)),
        Poll::DigitsNeeded(interval) => Err(Error::DigitsNeeded(interval)),
        Poll::WrongDigits(left) => Err(Error::WrongDigits(left)),
        Poll::Denied(how) => Err(refusal(how)),
        Poll::Expired => Err(Error::Expired),
        Poll::Spent => Err(Error::SpentDeviceCode),
        Poll::Replayed => Err(Error::ReplayedDeviceCode),
        Poll::Unknown => Err(Error::UnknownDeviceCode),
    }
}

const fn refusal(how: Denial) -> Error {
    match how {
        Denial::Denied => Error::Denied,
        Denial::Reported => Error::Reported,
        Denial::Contested => Error::Contested,
        Denial::Elsewhere => Error::Elsewhere,
        Denial::Withdrawn => Error::Withdrawn,
        Denial::Ended => Error::Ended,
        Denial::Mistyped => Error::Mistyped,
        Denial::Misidentified => Error::Misidentified,
    }
}

/// Returns whether this caller may get a lost answer again. Having the code is not enough: the caller must
/// have authenticated, or hold the key that the code is bound to.
pub(super) fn may_reissue<P>(context: Context<'_, P>, caller: &Caller, code: Option<&Confirmation>) -> bool {
    let proved = caller.is_confidential() || code.is_some_and(|cnf| !cnf.is_empty());
    context.server.settings.reissue_lost_answers && proved
}
