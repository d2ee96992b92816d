//! Counts refused requests for codes.

use crate::endpoint::form::Form;
use crate::endpoint::http::{Afterwards, LogLine, Response};
use crate::endpoint::refused_starts::Refusal;
use crate::endpoint::server::Context;
use crate::visible;

/// Why a request is refused that is counted: because of the client, or by policy.
const REASONS: [&str; 4] = ["policy", "grant_not_allowed", "unknown_client", "document_not_allowed"];
/// Longest name of a client that nobody registered, in characters.
const LONGEST: usize = 64;

/// Counts the request if it was refused because of its client, or by policy. A report that is due follows the response.
pub(super) fn counted<P>(context: Context<'_, P>, response: Response) -> Response {
    let refusal = response.decisions.last().and_then(|line| refusal(context, line));
    let report = refusal.and_then(|refusal| context.server.cache.refused_starts.note(refusal, context.now));
    response.leaving(report.map(Afterwards::NoteRefusedStarts))
}

fn refusal<P>(context: Context<'_, P>, line: &LogLine) -> Option<Refusal> {
    if !REASONS.contains(&line.reason) {
        return None;
    }
    let by_policy = line.policy.as_ref().map(|policy| policy.decided_by.clone());
    let place = &context.request.place;
    Some(Refusal {
        client_id: line.client.clone().or_else(|| named(context))?,
        is_registered: line.client.is_some(),
        decided_by: by_policy.unwrap_or_else(|| line.reason.to_owned()),
        country: place.country.clone(),
        asn: place.asn,
    })
}

/// Returns how a client calls itself that nobody registered, as a text that is safe to show.
fn named<P>(context: Context<'_, P>) -> Option<String> {
    let form = Form::of(context.request).ok()?;
    visible::cleaned(form.get("client_id")?, LONGEST)
}
