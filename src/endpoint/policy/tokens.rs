//! Asks policy when a device asks for tokens: at the redemption, and at every refresh.

use super::ask::{Permit, Refusal, Why, ask};
use super::facts::AtToken;
use super::refused::Refused;
use crate::audit::policy_record::PolicyRecord;
use crate::client::Client;
use crate::endpoint::error::Error;
use crate::identity::account::Account;
use crate::policy::Point;
use crate::policy::governance::Governance;
use crate::token::confirmation::Confirmation;

/// Asks about a redemption or a refresh. `account` is `None` until the device is entered there.
pub(crate) fn ask_for_tokens(
    governance: &Governance,
    (client, account): (&Client, Option<&Account>),
    step: AtToken<'_>,
) -> Result<Permit, Error> {
    ask(governance, (Some(client), account), &step.facts()).map_err(|Refusal { why, record, .. }| match why {
        Why::Registered(why) if record.is_none() => registered(step.point, why.name()),
        Why::Registered(_)
        | Why::Rule(_)
        | Why::NotNear
        | Why::Unverified
        | Why::Unbound
        | Why::NotAllowed => untold(step.point, why.reason(), record),
    })
}

/// Returns the error for a step that the rules do not allow. The device is not told why.
pub(crate) fn untold(point: Point, reason: &'static str, record: Option<Box<PolicyRecord>>) -> Error {
    Error::Policy(point, Box::new(Refused { reason, description: String::new(), uri: None, record }))
}

/// Returns the error for a change to the client or the account.
const fn registered(point: Point, why: &'static str) -> Error {
    match point {
        Point::Refresh => Error::RefreshRefused(why),
        Point::DeviceAuthorization | Point::SignIn | Point::Approval | Point::Redemption => {
            Error::RedemptionRefused(why)
        }
    }
}

/// Checks that tokens are bound to a key if they must be, and notes if they would have to be.
pub(crate) fn check_binding(permit: &mut Permit, cnf: &Confirmation) -> Result<(), Error> {
    permit.check_binding(!cnf.is_empty())
}
