//! Asking for access in front of a device's code: the form on the page that denies it, and the page while the person waits.

use rand_core::CryptoRng;

use super::address::{address_of, go_to};
use super::browser::{HoldRef, csrf};
use super::code::hold_of;
use super::denied::{Asking, with_form};
use super::judge::{Denial, Judged, judge};
use super::recent::{REQUEST, Recent};
use super::session::{Person, find};
use super::view::{action, html};
use super::{recent, view};
use crate::endpoint::asking::send::{NotAsked, WHAT, Wanted, own, send, typed};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::messages::Html;
use crate::endpoint::own::which::Own;
use crate::endpoint::page::MenuForm;
use crate::endpoint::page::asking::WaitingPage;
use crate::endpoint::page::outcome::LastAnswer;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::grant::command::{FindRequest, Shown, Standing};
use crate::identity::session::Browser;
use crate::policy::access_request::{AccessRequest, PATIENCE, Places, State};
use crate::verdict::compare;

/// Seconds after which the waiting page is loaded again.
const LOOK_AGAIN: u32 = 20;

/// Asks for access with the reason in the form, and leads to the page of the device's request.
pub(super) async fn submitted<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let recent = form.get(REQUEST).and_then(|nonce| recent::find(context, browser, nonce));
    let found = recent.and_then(|recent| recent.place(context).map(|place| (recent, place)));
    let (Some((recent, (code, address))), Some(person)) = (found, find(context, browser).await?) else {
        return Ok(view::over(context).noting(WHAT, None, "refused", "no_session"));
    };
    let hold = hold_of(browser, &person.account, &recent.nonce);
    let find = FindRequest { key: address.key, hold };
    let stands = || Response::empty_redirect(address_of(context, &recent.nonce, false));
    let Standing::Open(shown) = context.server.platform.grants(address.shard, find).await? else {
        return Ok(stands().noting(WHAT, None, "refused", "over"));
    };
    let hold = HoldRef::new(recent.pair, &shown);
    let denial = match judge(context, &person, &Asked::of(&shown.request), (&code, &hold)).await? {
        Judged::Allowed(_) | Judged::Lacking(..) => {
            return Ok(stands().noting(WHAT, Some(&hold.client_id), "refused", "not_needed"));
        }
        Judged::Refused(denial) => denial,
    };
    if !denial.can_ask() {
        return Ok(denial.page(context, WHAT, &hold.client_id));
    }
    match ask(context, form, &person, (&shown, &hold, &denial), rng).await? {
        Ok(()) => {
            let page = go_to(context, browser, &Recent { asked: true, ..recent }, rng);
            Ok(page.noting(WHAT, Some(&hold.client_id), "asked", "asked"))
        }
        Err((status, problem, why)) => {
            let said = Said { answer: None, reason: typed(form), outcome: (status, Some(problem)) };
            let page = form_page(context, browser, (&shown, &hold), &denial, said).await?;
            Ok(page.noting(WHAT, Some(&hold.client_id), "refused", why))
        }
    }
}

async fn ask<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    person: &Person,
    (shown, hold, denial): (&Shown, &HoldRef, &Denial),
    rng: &mut impl CryptoRng,
) -> Result<Result<(), NotAsked>, Unavailable> {
    let client_name = client_name(context, hold).await?;
    let wanted = Wanted {
        account: &person.account,
        client_id: &hold.client_id,
        client_name: &client_name,
        scope: hold.scope.clone(),
        denied_by: denial.refusal.remedy.clone().unwrap_or_default(),
        places: Places::Code(compare(&shown.request.side(), &context.side())),
    };
    Ok(send(context, form, wanted, rng).await?.map(drop))
}

async fn client_name<P: Platform>(context: Context<'_, P>, hold: &HoldRef) -> Result<String, Unavailable> {
    let client = context.server.client(&hold.client_id, context.now).await?;
    Ok(client.map_or_else(|| hold.client_id.clone(), |client| client.client_name.clone()))
}

/// Returns what a person sees who may not approve, but may ask for access: the page while they wait, or the form. `None` if
/// they were let through and this isolate has only now read the exception, so that the request must be judged again.
pub(super) async fn refused<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    person: &Person,
    (shown, hold): (&Shown, &HoldRef),
    denial: &Denial,
) -> Result<Option<Response>, Unavailable> {
    let own = own(context, &person.account).await?;
    let last = own.iter().find(|request| request.client_id == hold.client_id);
    if last.is_some_and(|request| request.live_grant(context.now).is_some()) {
        context.server.registered_client(&hold.client_id).await?;
        return Ok(None);
    }
    if let Some(request) = last.filter(|request| request.is_open(context.now)) {
        return Ok(Some(waiting(context, shown, request)));
    }
    let answer = last.and_then(|request| answer(context, request));
    let said = Said { answer, ..Said::default() };
    let page = form_page(context, browser, (shown, hold), denial, said).await?;
    Ok(Some(denial.refusal.note(page, "request", Some(&hold.client_id))))
}

/// Returns the page with the form, and nothing about earlier requests.
pub(super) async fn denied<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    (shown, hold): (&Shown, &HoldRef),
    denial: &Denial,
) -> Result<Response, Unavailable> {
    let page = form_page(context, browser, (shown, hold), denial, Said::default()).await?;
    Ok(denial.refusal.note(page, "request", Some(&hold.client_id)))
}

/// What the page with the form says besides the refusal, and its status.
struct Said<'a> {
    answer: Option<LastAnswer>,
    reason: String,
    outcome: (u16, Option<Problem<'a>>),
}

impl Default for Said<'_> {
    fn default() -> Self {
        Self { answer: None, reason: String::new(), outcome: (403, None) }
    }
}

async fn form_page<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    (shown, hold): (&Shown, &HoldRef),
    denial: &Denial,
    Said { answer, reason, outcome }: Said<'_>,
) -> Result<Response, Unavailable> {
    let client_name = client_name(context, hold).await?;
    let asking = Asking {
        csrf: &csrf(context, browser),
        request: &hold.nonce,
        client_name: &client_name,
        answer,
        reason,
        outcome,
    };
    let context = context.or_in(&shown.request.ui_locales);
    Ok(with_form(context, &denial.governance, &denial.refusal, asking))
}

/// Says what became of a request that did not let the person through, if that was lately.
fn answer<P: Platform>(context: Context<'_, P>, request: &AccessRequest) -> Option<LastAnswer> {
    let text = context.text();
    let is_late = |at| context.now < at + PATIENCE;
    match &request.state {
        State::Refused(refusal) if is_late(refusal.at) => Some(LastAnswer {
            words: text.access_was_refused(),
            message: refusal.message.as_deref().map(Html::isolated),
        }),
        State::Open | State::Lapsed { .. } if is_late(request.asked_at + PATIENCE) => {
            Some(LastAnswer { words: text.access_was_unanswered(), message: None })
        }
        State::Open | State::Granted(_) | State::Refused(_) | State::Lapsed { .. } => None,
    }
}

/// Builds the page of a person who waits. It is loaded again by a header: no script of ours is allowed here, and an element
/// in the page could not be told from one that moves people who are still reading.
fn waiting<P: Platform>(context: Context<'_, P>, shown: &Shown, request: &AccessRequest) -> Response {
    let context = context.or_in(&shown.request.ui_locales);
    let (text, action, address) = (context.text(), action(context), address_of(context, &shown.nonce, false));
    let page = WaitingPage {
        text,
        lead: text.access_waiting_lead(&request.client_name, &text.moment(request.asked_at)),
        reason: &request.reason,
        expires: text.expires(shown.expires_at.since(context.now).as_secs() / 60),
        address: &address,
        requests: Html::link(&Own::Asking.path(context), &text.access_requests_title()),
        menu: MenuForm { action: &action, fields: &[(REQUEST, &shown.nonce)] },
    };
    let page = html(text.language, 200, &page).with("refresh", LOOK_AGAIN.to_string());
    page.noting(WHAT, Some(&request.client_id), "waiting", "waiting")
}
