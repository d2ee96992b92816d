//! The address of a request, `/device?request=…`, to which a right code and every decision lead.

use rand_core::CryptoRng;

use super::recent::Recent;
use super::{recent, view};
use crate::endpoint::http::Response;
use crate::endpoint::server::Context;
use crate::identity::session::Browser;

/// The parameter with the nonce of the request.
pub(super) const REQUEST: &str = "request";
/// The parameter with which the page says that the button that was pressed changed nothing.
pub(super) const KEPT: &str = "kept";

/// Sends the browser to the page of a request, which it remembers from now on (RFC 9110 §15.4.4).
pub(super) fn go_to<P>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    rng: &mut impl CryptoRng,
) -> Response {
    let response = Response::empty_redirect(address(context, recent));
    recent::remember(context, response, browser, recent, rng)
}

/// Does what [`go_to`] does. The page says that the button that was pressed changed nothing.
pub(super) fn go_to_kept<P>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    rng: &mut impl CryptoRng,
) -> Response {
    let response = Response::empty_redirect(format!("{}&{KEPT}=yes", address(context, recent)));
    recent::remember(context, response, browser, recent, rng)
}

fn address<P>(context: Context<'_, P>, recent: &Recent) -> String {
    format!("{}?{REQUEST}={}", view::action(context), recent.nonce)
}
