//! The page for a person who may not approve: why, and whom to ask.

use super::notice::Notice;
use super::view::{action, html, notice};
use crate::endpoint::http::Response;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::page::MenuForm;
use crate::endpoint::page::outcome::DeniedPage;
use crate::endpoint::platform::Platform;
use crate::endpoint::policy::ask::{Refusal, Why};
use crate::endpoint::server::Context;
use crate::policy::PolicyRefusal;
use crate::policy::governance::Governance;
use crate::policy::name::Name;

/// The field of the language menu with the name of the reason.
pub(super) const DENIED: &str = "denied";
/// What comes before a rule in such a name.
const RULE: &str = "rule-";
const NEAR: &str = "near";

/// Builds the page.
pub(super) fn page<P: Platform>(
    context: Context<'_, P>,
    governance: &Governance,
    refusal: &Refusal,
) -> Response {
    match &refusal.why {
        Why::Registered(PolicyRefusal::AccountBlocked | PolicyRefusal::AccountDeleted) => {
            notice(context, 403, Notice::AccountRefused)
        }
        Why::Registered(
            PolicyRefusal::ClientDisabled | PolicyRefusal::GrantNotAllowed | PolicyRefusal::NoScopeLeft,
        ) => notice(context, 403, Notice::NotAllowed),
        Why::Rule(id) => denied(context, governance, &format!("{RULE}{id}")),
        Why::NotNear => denied(context, governance, NEAR),
        Why::NotAllowed => denied(context, governance, "other"),
    }
}

/// Builds the page for a reason by its name. Anybody can write one, and so read the message of a rule that they can name:
/// such messages are for everybody who is refused.
pub(super) fn denied<P: Platform>(context: Context<'_, P>, governance: &Governance, name: &str) -> Response {
    let (text, action, policy) = (context.text(), action(context), &governance.policy);
    let rule = name.strip_prefix(RULE).and_then(Name::parse);
    let message = rule.and_then(|id| policy.rule(&id)?.message.as_deref());
    let service = &context.server.settings.service;
    let page = DeniedPage {
        text,
        explanation: if name == NEAR { text.denied_near() } else { text.denied_text() },
        message: message.map(Html::isolated),
        ask: whom_to_ask(text, policy.contact.as_deref()),
        help: policy.help_uri.as_deref().or(service.support_url.as_deref()),
        back: &action,
        menu: MenuForm { action: &action, fields: &[(DENIED, name)] },
    };
    html(text.language, 403, &page)
}

fn whom_to_ask(text: Messages<'_>, contact: Option<&str>) -> Html {
    contact.map_or_else(|| text.denied_ask(), |contact| text.denied_contact(contact))
}
