//! `GET /device/qr`: `verification_uri_complete` as a QR code, for devices that cannot draw one themselves.
//!
//! Only a link of this server is drawn, and only until its code expires, so nobody can use the server to draw anything
//! else. See `docs/decisions/0044-a-request-has-an-address.md`.

use core::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use super::form::Form;
use super::http::Response;
use super::server::Context;
use crate::grant::link;
use crate::grant::user_code::UserCode;

/// Width of the white margin, in modules (ISO/IEC 18004).
const MARGIN: usize = 4;

pub(super) fn answer<P>(context: Context<'_, P>) -> Response {
    let query = Form::of_link(&context.request.query);
    let settings = &context.server.settings;
    let code = query.get("user_code").and_then(|text| UserCode::parse_either(text, &settings.user_code));
    let (Some(code), Some(proof)) = (code, query.get(link::PARAMETER)) else { return not_ours() };
    match link::end(&code, proof, &settings.keyring) {
        None => not_ours(),
        Some(end) if end <= context.now => Response::text(410, "The code in this link has expired."),
        Some(_) => drawn(context, &code, proof),
    }
}

fn not_ours() -> Response {
    Response::text(404, "Only a verification_uri_complete of this server is drawn, with its whole query.")
}

fn drawn<P>(context: Context<'_, P>, code: &UserCode, proof: &str) -> Response {
    let uri = link::complete_uri(context.issuer.as_str(), code, proof);
    let Ok(qr) = QrCode::with_error_correction_level(&uri, EcLevel::M) else { return not_ours() };
    let title = format!("QR code that opens {}/device with the code {code}", context.issuer.as_str());
    Response::new(200, "image/svg+xml", svg(&qr, &title))
        .with("cache-control", "no-store".to_owned())
        .with("content-security-policy", "default-src 'none'".to_owned())
        .with("cross-origin-resource-policy", "cross-origin".to_owned())
}

/// Draws each row as one line per run of dark modules. `title` has neither `<` nor `&`, because issuers and codes do
/// not.
fn svg(qr: &QrCode, title: &str) -> String {
    let (width, colors) = (qr.width(), qr.to_colors());
    let side = width + 2 * MARGIN;
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            if run.first() == Some(&Color::Dark) {
                let _ = write!(path, "M{} {}h{}v1h-{}z", x + MARGIN, y + MARGIN, run.len(), run.len());
            }
            x += run.len();
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         shape-rendering=\"crispEdges\"><title>{title}</title><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path d=\"{path}\"/></svg>"
    )
}
