//! The language menu of pages that have no form to send again: results, and notices. Its form has no decision.

use super::address::address_of;
use super::denied::DENIED;
use super::notice::{NOTICE, Notice};
use super::recent::{KEPT, REQUEST};
use super::{denied, view};
use crate::endpoint::choice;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::language::Language;

/// Returns the language that the menu asks for; `None` if another form was sent.
pub(super) fn asked(form: &Form) -> Option<Language> {
    let is_menu = form.get("step") == Some("language");
    form.get("language").filter(|_| is_menu).and_then(Language::parse)
}

/// Shows the same page in the language, and remembers the choice. Needs neither cookie nor session, because the page
/// can be that of a browser without either, and says nothing about anybody.
pub(super) async fn answer<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    language: Language,
) -> Response {
    let context = Context { language: Some(language), ..context };
    let notice = form.get(NOTICE).and_then(Notice::named);
    if let Some(name) = form.get(DENIED) {
        let page = match context.server.governance(context.now).await {
            Ok(governance) => denied::denied(context, &governance, name),
            Err(Unavailable) => view::unavailable(context),
        };
        return choice::remember(page, context.issuer, language);
    }
    let page = match (form.get(REQUEST).filter(|nonce| is_nonce(nonce)), notice) {
        (Some(nonce), _) => Response::empty_redirect(address_of(context, nonce, form.get(KEPT).is_some())),
        (None, Some(notice)) => view::notice(context, notice.status(), notice),
        (None, None) => Response::empty_redirect(view::action(context)),
    };
    choice::remember(page, context.issuer, language)
}

/// Returns whether a text has only characters of base64url, so that it can stand in an address.
fn is_nonce(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
