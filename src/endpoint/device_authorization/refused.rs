//! Counts refused requests for codes.

use crate::client::document::address::LONGEST;
use crate::endpoint::form::Form;
use crate::endpoint::http::{Afterwards, LogLine, Response};
use crate::endpoint::refused_starts::Refusal;
use crate::endpoint::server::Context;
use crate::policy::shortfall::Shortfall;
use crate::visible;

/// Why a request is refused because of its client.
const REASONS: [&str; 5] =
    ["grant_not_allowed", "unknown_client", "document_not_allowed", "document_address", "document_flawed"];

/// Counts the request if it was refused because of its client, or by policy. A report that is due follows the response.
pub(super) fn counted<P>(context: Context<'_, P>, response: Response) -> Response {
    let refusal = response.decisions.last().and_then(|line| refusal(context, line));
    let report = refusal.and_then(|refusal| context.server.cache.refused_starts.note(refusal, context.now));
    response.leaving(report.map(Afterwards::NoteRefusedStarts))
}

fn refusal<P>(context: Context<'_, P>, line: &LogLine) -> Option<Refusal> {
    if line.policy.is_none() && !REASONS.contains(&line.reason) {
        return None;
    }
    let denying = line.policy.as_ref().filter(|policy| !policy.allows());
    let decided_by = denying.map_or_else(|| cause(line.reason), |policy| &policy.decided_by);
    let place = &context.request.place;
    Some(Refusal {
        client_id: line.client.clone().or_else(|| named(context))?,
        is_registered: line.client.is_some(),
        decided_by: decided_by.to_owned(),
        is_by_policy: line.policy.is_some(),
        matched: line.policy.as_ref().map(|policy| policy.matched.clone()).unwrap_or_default(),
        country: place.country.clone(),
        asn: place.asn,
    })
}

/// Returns what a request lacks that the rules would allow, in the words of events, or what is wrong with its client.
fn cause(reason: &'static str) -> &'static str {
    match reason {
        "verification_unsupported" => Shortfall::Unverified.name(),
        "identifier_required" => Shortfall::Unbound.name(),
        "scope_not_allowed" => Shortfall::NoScopeLeft.name(),
        other => other,
    }
}

/// Returns how a client calls itself that nobody registered, as a text that is safe to show. It has room for every URL that the
/// allow list can have.
fn named<P>(context: Context<'_, P>) -> Option<String> {
    let form = Form::of(context.request).ok()?;
    visible::cleaned(form.get("client_id")?, LONGEST)
}
