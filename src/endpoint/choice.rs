//! The language that a person chose, which a cookie of its own remembers, and the one that the browser asks for.

use super::http::{Request, Response, cookie};
use crate::language::Language;
use crate::settings::issuer::Issuer;

/// Lifetime of the cookie in seconds: a year.
const COOKIE_SECONDS: u64 = 31_536_000;

/// Returns the language that the person chose, or else the best one that the browser accepts.
pub(super) fn language(request: &Request, issuer: &Issuer) -> Option<Language> {
    let chosen = cookie(request, cookie_name(issuer)).and_then(Language::parse);
    chosen.or_else(|| Language::accepted(request.accept_language.as_deref()?))
}

/// Remembers a choice. The cookie says nothing else, and nobody can be told apart by it.
pub(super) fn remember(response: Response, issuer: &Issuer, language: Language) -> Response {
    let (name, tag) = (cookie_name(issuer), language.tag());
    let secure = if issuer.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={tag}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    response.with("set-cookie", cookie)
}

/// Returns the name of the cookie: see [`super::verify`] for the prefix.
fn cookie_name(issuer: &Issuer) -> &'static str {
    if issuer.is_secure() { "__Host-device-grant-language" } else { "device-grant-language" }
}
