//! What Cloudflare Access, in front of this server, says about the present request: the person, and the machine.

use super::documents::{Signature, Signed, check};
use crate::endpoint::platform::{Outgoing, Platform};
use crate::endpoint::server::Context;
use crate::upstream::access::{ALGORITHM, AccessFlaw, Assertion};
use crate::upstream::failure::{AttemptFlaw, Failure};
use crate::upstream::profile::Profile;

/// Returns whom Access vouches for in this request.
pub(crate) async fn identify<P: Platform>(context: Context<'_, P>) -> Result<Profile, Failure> {
    let application = context.server.settings.access.as_ref();
    let application = application.ok_or(Failure::Attempt(AttemptFlaw::NoProvider))?;
    let text = context.request.access_assertion.as_deref().ok_or(Failure::Access(AccessFlaw::Missing))?;
    let assertion = Assertion::parse(text).map_err(Failure::Access)?;
    match check(context, &application.keys_uri(), Signed::of(&assertion.jwt, ALGORITHM)).await? {
        Signature::Good => assertion.check(application, context.now).map_err(Failure::Access),
        Signature::Wrong => Err(Failure::Access(AccessFlaw::WrongSignature)),
        Signature::Unknown => Err(Failure::Access(AccessFlaw::UnknownKey)),
    }
}

/// Returns whether Access says that the machine of this request is managed: it passes the checks that the settings name. If
/// the settings name none, if the request did not come through Access, or if Access does not answer, it is not managed.
///
/// Asks Access once, with the assertion of the request, and only if the settings name checks.
pub(crate) async fn is_managed<P: Platform>(context: Context<'_, P>) -> bool {
    let application = context.server.settings.access.as_ref();
    let Some((application, posture)) =
        application.and_then(|application| Some((application, application.posture.as_ref()?)))
    else {
        return false;
    };
    let Ok(profile) = identify(context).await else { return false };
    let assertion = context.request.access_assertion.as_deref().unwrap_or_default();
    let (url, cookie) = (application.identity_uri(), format!("CF_Authorization={assertion}"));
    let request = Outgoing { url: &url, authorization: None, cookie: Some(&cookie), form: None };
    let answer = context.server.platform.exchange(request).await;
    answer.is_ok_and(|answer| posture.is_met(answer.status, &answer.body, &profile.subject))
}
