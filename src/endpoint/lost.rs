//! Paths without an endpoint. A person who lands there gets a page, or the page for codes if that is what they meant; a
//! program gets a line of text.

use super::form::decode;
use super::http::{Request, Response};
use super::platform::Platform;
use super::server::Context;
use super::verify;

/// Paths that lead to the page for codes, in lower case: what people type instead of `/device`.
const MEANT: [&str; 4] = ["", "device", "activate", "link"];

pub(super) fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    if !is_person(context.request) {
        return Response::text(404, "There is nothing here.");
    }
    if is_meant(context) { verify::go_to_entry(context) } else { verify::nothing_here(context) }
}

/// Returns whether a browser asks for a page.
fn is_person(request: &Request) -> bool {
    let reads = ["GET", "HEAD"].contains(&request.method.as_str());
    reads && request.accept.as_deref().is_some_and(|accept| accept.contains("text/html"))
}

/// Returns whether the path is one of [`MEANT`], whatever its case and whatever punctuation surrounds it.
fn is_meant<P>(context: Context<'_, P>) -> bool {
    let path = context.request.path.strip_prefix(context.issuer.path()).and_then(decode);
    path.is_some_and(|path| {
        let word = path.trim_matches(|symbol: char| !symbol.is_alphanumeric()).to_lowercase();
        MEANT.contains(&word.as_str())
    })
}
