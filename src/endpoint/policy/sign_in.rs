//! Asks policy when a person signs in to answer a device. The code is looked up only afterwards, so the client is known
//! only to those who sign in again.

use core::time::Duration;
use std::rc::Rc;

use super::ask::{Permit, Refusal, ask};
use super::facts::of_sign_in;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::sign_in::SignIn;
use crate::policy::Point;
use crate::policy::facts::{Facts, Groups, SideFacts};
use crate::policy::governance::Governance;
use crate::policy::window::Span;
use crate::scope::Scope;

/// Asks whether the person could approve anything. `managed` is whether their machine is, and `known` is the request that they have opened before. The error is the
/// refusal, with the governance that refuses.
pub(crate) async fn ask_for_person<P: Platform>(
    context: Context<'_, P>,
    sign_in: &SignIn,
    managed: bool,
    known: Option<(&str, &Scope)>,
) -> Result<Result<Permit, (Rc<Governance>, Refusal)>, Unavailable> {
    let governance = context.server.governance(context.now).await?;
    let longest = Duration::from_secs(context.server.longest_code_lifetime(context.now).await);
    let (marks, here) = (context.marks(&governance), context.side());
    let (SignIn { account, auth_time, amr, acr, how }, kind) = (sign_in, here.origin.device.into());
    let strong = how.resists_phishing();
    let facts = Facts {
        client: known.map(|(client_id, _)| client_id),
        scope: known.map(|(_, scope)| scope),
        account: Some(&account.key),
        groups: Some(Groups::exactly(&account.groups)),
        sign_in: Some(of_sign_in(*auth_time, context.now, acr.as_deref(), amr, strong)),
        person: Some(SideFacts::of(&here.origin.place, kind, &marks.networks, marks.managed || managed)),
        ..Facts::unknown(Point::SignIn, Span { from: context.now, until: context.now + longest })
    };
    Ok(ask(&governance, (None, Some(account)), &facts).map_err(|refusal| (governance, refusal)))
}
