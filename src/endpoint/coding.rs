//! Refuses a body with a content coding, such as `gzip` (RFC 9110 §15.5.16). No route reads one, so one place refuses it
//! for all of them, each in the form of its other errors.

use super::admin::problem::Problem;
use super::error::{Error, shown};
use super::http::{Request, Response};
use super::platform::Platform;
use super::route::Route;
use super::server::Context;
use super::upstream::events;
use super::verify::notice::Notice;
use super::verify::view;
use super::{registration, scim};
use crate::scim::Refusal;

/// The `what` of log lines.
const WHAT: &str = "body";

/// Returns the refusal of a body with a content coding; `None` for all other requests.
pub(super) fn refuse<P: Platform>(route: Route, context: Context<'_, P>) -> Option<Response> {
    let coding = coding(context.request)?;
    let error = Error::ContentCoding(coding.clone());
    let response = match route {
        Route::Verify
        | Route::Account
        | Route::Passkeys
        | Route::AccessRequests
        | Route::Console
        | Route::Invitation
        | Route::Authorize
        | Route::Callback => view::notice(context, error.status(), Notice::NotAForm),
        Route::Admin => Problem::ContentCoding(coding).response(context.issuer),
        Route::Scim => scim::refuse(&Refusal::Coding(coding)),
        Route::Registration => registration::refuse(Problem::ContentCoding(coding)),
        Route::SecurityEvents => events::refuse_event(error.status(), &error.description()),
        Route::DeviceAuthorization
        | Route::Token
        | Route::Instant
        | Route::Introspection
        | Route::Revocation
        | Route::UserInfo
        | Route::BackchannelLogout
        | Route::Qr
        | Route::Logo
        | Route::Metadata
        | Route::ProtectedResource
        | Route::Keys
        | Route::LedgerRoots
        | Route::Metrics
        | Route::Health => error.response(),
    };
    Some(Response { decisions: Vec::new(), ..response }.noting(WHAT, None, "refused", error.reason()))
}

/// Returns the content coding of the body, as a response may repeat it. `identity` is none (RFC 9110 §8.4.1), and a
/// request with another method has no body that counts.
fn coding(request: &Request) -> Option<String> {
    let has_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    let coding = request.content_coding.as_deref().filter(|_| has_body)?.trim();
    let is_none = coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    (!is_none).then(|| shown(coding))
}
