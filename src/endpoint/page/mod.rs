//! The verification pages (RFC 8628 §3.3), one struct per page in `templates/`.
//!
//! The structs only render, and decide nothing. Askama escapes everything that varies, every form posts to
//! `action`, and apart from the Turnstile widget no page needs a script or any other resource.

pub mod account;
pub mod asking;
pub mod consent;
pub mod enter;
pub(super) mod frame;
pub mod invitation;
pub mod outcome;
pub mod passkeys;
pub mod problem;
pub mod sign_in;

use crate::settings::{Accent, Service};

/// The script of pages that use passkeys.
const PASSKEY: &str = include_str!("../../../templates/passkey.js");
const STYLE: &str = include_str!("../../../templates/style.css");

/// Returns the text of the only `<style>` element: ours, and the operator's accent color if there is one.
pub(super) fn style(service: &Service) -> String {
    let accent = service.accent.map(|Accent { light, dark }| {
        format!(
            ":root {{ --accent: {light}; --accent-strong: color-mix(in srgb, {light} 80%, black); }}
@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --accent-strong: color-mix(in srgb, {dark} 75%, white); --on-accent: #172029; }} }}
"
        )
    });
    STYLE.to_owned() + &accent.unwrap_or_default()
}

/// The form of the language menu on a page without a form that can be sent again. It names the page.
#[derive(Clone, Copy, Debug)]
pub struct MenuForm<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Names and values of its hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}
