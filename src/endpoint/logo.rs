//! `GET /logo/<hash>`: the image of `SERVICE_LOGO`, which the pages show.
//!
//! See `docs/decisions/0045-logos.md`.

use super::http::Response;
use super::route::LOGO_PREFIX;
use super::server::Context;

pub(super) fn answer<P>(context: Context<'_, P>) -> Response {
    let path = context.request.path.strip_prefix(context.issuer.path());
    let hash = path.and_then(|path| path.strip_prefix(LOGO_PREFIX));
    let logo = context.server.settings.service.logo.as_ref();
    match logo.filter(|logo| hash == Some(logo.hash())) {
        Some(logo) => Response::of_bytes(logo.media_type(), logo.bytes().to_vec())
            .with("cache-control", "public, max-age=31536000, immutable".to_owned())
            .with("content-security-policy", "default-src 'none'; sandbox".to_owned()),
        None => Response::text(404, "The logo of this service has another address."),
    }
}
