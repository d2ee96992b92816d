//! The page for a person who may not approve: why, and whom to ask.

use super::notice::Notice;
use super::recent::REQUEST;
use super::view::{action, html, notice};
use crate::endpoint::asking::send::LONGEST_REASON;
use crate::endpoint::http::Response;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::page::MenuForm;
use crate::endpoint::page::asking::AskForm;
use crate::endpoint::page::outcome::{DeniedPage, LastAnswer};
use crate::endpoint::page::problem::Problem;
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
const BINDING: &str = "binding";
const VERIFICATION: &str = "verification";

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
        Why::Unverified => denied(context, governance, VERIFICATION),
        Why::Unbound => denied(context, governance, BINDING),
        Why::NotAllowed => denied(context, governance, "other"),
    }
}

/// What a person finds on the page who may ask for access.
pub(super) struct Asking<'a> {
    pub csrf: &'a str,
    /// The nonce of the request, which names it in forms.
    pub request: &'a str,
    pub client_name: &'a str,
    /// What became of the last request for access.
    pub answer: Option<LastAnswer>,
    /// What the field for the reason contains.
    pub reason: String,
    /// The status of the page, and what went wrong when the form was last sent.
    pub outcome: (u16, Option<Problem<'a>>),
}

/// Builds the page with the form to ask for access.
pub(super) fn with_form<P: Platform>(
    context: Context<'_, P>,
    governance: &Governance,
    refusal: &Refusal,
    asking: Asking<'_>,
) -> Response {
    let (text, action) = (context.text(), action(context));
    let Asking { csrf, request, client_name, answer, reason, outcome: (status, problem) } = asking;
    let name = match &refusal.why {
        Why::Rule(id) => format!("{RULE}{id}"),
        Why::NotNear => NEAR.to_owned(),
        Why::Unverified => VERIFICATION.to_owned(),
        Why::Unbound => BINDING.to_owned(),
        Why::Registered(_) | Why::NotAllowed => "other".to_owned(),
    };
    let form = AskForm {
        action: &action,
        csrf,
        request: Some(request),
        lead: text.access_lead(client_name),
        reason,
        longest: LONGEST_REASON,
        problem,
    };
    let page = DeniedPage {
        answer,
        form: Some(form),
        form_problem: problem,
        menu: MenuForm { action: &action, fields: &[(REQUEST, request)] },
        ..plain(context, governance, &name, &action)
    };
    html(text.language, status, &page)
}

/// Builds the page for a reason by its name. Anybody can write one, and so read the message of a rule that they can name:
/// such messages are for everybody who is refused.
pub(super) fn denied<P: Platform>(context: Context<'_, P>, governance: &Governance, name: &str) -> Response {
    let action = action(context);
    let menu = MenuForm { action: &action, fields: &[(DENIED, name)] };
    html(context.text().language, 403, &DeniedPage { menu, ..plain(context, governance, name, &action) })
}

/// Returns the page without a form, and with an empty language menu.
fn plain<'a, P: Platform>(
    context: Context<'a, P>,
    governance: &'a Governance,
    name: &str,
    action: &'a str,
) -> DeniedPage<'a> {
    let (text, policy) = (context.text(), &governance.policy);
    let rule = name.strip_prefix(RULE).and_then(Name::parse);
    let message = rule.and_then(|id| policy.rule(&id)?.message.as_deref());
    let service = &context.server.settings.service;
    DeniedPage {
        text,
        explanation: match name {
            NEAR => text.denied_near(),
            VERIFICATION => text.denied_verification(),
            BINDING => text.denied_binding(),
            _ => text.denied_text(),
        },
        message: message.map(Html::isolated),
        ask: whom_to_ask(text, policy.contact.as_deref()),
        help: policy.help_uri.as_deref().or(service.support_url.as_deref()),
        answer: None,
        form: None,
        form_problem: None,
        back: action,
        menu: MenuForm { action, fields: &[] },
    }
}

fn whom_to_ask(text: Messages<'_>, contact: Option<&str>) -> Html {
    contact.map_or_else(|| text.denied_ask(), |contact| text.denied_contact(contact))
}
