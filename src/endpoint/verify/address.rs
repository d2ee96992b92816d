//! The address of a request, `/device?request=…`, to which a right code and every decision lead.

use rand_core::CryptoRng;

use super::recent::{KEPT, REQUEST, Recent};
use super::{recent, view};
use crate::endpoint::http::Response;
use crate::endpoint::server::Context;
use crate::identity::session::Browser;

/// Sends the browser to the page of a request, which it remembers from now on (RFC 9110 §15.4.4).
pub(super) fn go_to<P>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    rng: &mut impl CryptoRng,
) -> Response {
    let response = Response::empty_redirect(address_of(context, &recent.nonce, false));
    recent::remember(context, response, browser, recent, rng)
}

/// Does what [`go_to`] does. The page says that the button that was pressed changed nothing.
pub(super) fn go_to_kept<P>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    rng: &mut impl CryptoRng,
) -> Response {
    let response = Response::empty_redirect(address_of(context, &recent.nonce, true));
    recent::remember(context, response, browser, recent, rng)
}

/// Returns the address of the page of a request. If `kept`, the page says that the button that was pressed changed
/// nothing.
pub(super) fn address_of<P>(context: Context<'_, P>, nonce: &str, kept: bool) -> String {
    let kept = if kept { format!("&{KEPT}=yes") } else { String::new() };
    format!("{}?{REQUEST}={nonce}{kept}", view::action(context))
}
