//! `/account/access`: what the person who is signed in has asked for, and the form to ask without a code, for those whose
//! device got none.

use core::time::Duration;

use futures_util::future::{OptionFuture, join};
use rand_core::CryptoRng;

use super::send::{LONGEST_REASON, Wanted, own, send, typed};
use crate::client::Client;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::own::which::{Own, Wish};
use crate::endpoint::page::asking::{AccessPage, AskForm, RequestLine};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::ask;
use crate::endpoint::policy::facts::of_sign_in;
use crate::endpoint::server::Context;
use crate::endpoint::verify::{browser, view};
use crate::identity::account::Account;
use crate::identity::session::{Browser, Session};
use crate::order;
use crate::policy::Point;
use crate::policy::access_request::{AccessRequest, Grant, PATIENCE, Places, State};
use crate::policy::facts::{Facts, Groups, SideFacts};
use crate::policy::governance::Governance;
use crate::policy::name::Name;
use crate::policy::rule::{self, Effect};
use crate::policy::window::Span;
use crate::scope::Scope;
use crate::verdict::Spot;

/// What can be done about a wish.
enum Prospect {
    /// The person may ask for this client. Carries its identifier and name, and the rules that deny.
    Askable(Answerable),
    /// The rules do not stop the person from using the client with this name.
    NotNeeded(String),
    /// Nothing that a person may ask for helps, or there is no such client.
    Hopeless,
}

struct Answerable {
    client_id: String,
    client_name: String,
    denied_by: Vec<Name>,
}

/// Shows the requests of the person, and the form if they came to ask and it can help.
pub(crate) async fn show<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    (session, account): (&Session, &Account),
    (status, problem): (u16, Option<Problem<'_>>),
) -> Result<Response, Unavailable> {
    let prospect = Wish::read(context).map(|wish| prospect(context, (session, account), wish));
    let (requests, prospect) = join(own(context, account), OptionFuture::from(prospect)).await;
    let (requests, prospect) = (requests?, prospect.transpose()?);
    let is_open = |client_id: &str| {
        requests.iter().any(|request| request.client_id == client_id && request.is_open(context.now))
    };
    let (text, action, csrf) =
        (context.text(), Own::Asking.address(context), browser::csrf(context, browser));
    let (mut ask_form, mut note) = (None, None);
    match &prospect {
        Some(Prospect::Askable(wanted)) if !is_open(&wanted.client_id) => {
            ask_form = Some(AskForm {
                action: &action,
                csrf: &csrf,
                request: None,
                lead: text.access_lead(&wanted.client_name),
                reason: typed(form),
                longest: LONGEST_REASON,
                problem,
            });
        }
        Some(Prospect::NotNeeded(client_name)) => note = Some(text.access_not_needed(client_name)),
        Some(Prospect::Hopeless) => note = Some(text.access_hopeless()),
        Some(Prospect::Askable(_)) | None => {}
    }
    let page = AccessPage {
        text,
        action: &action,
        csrf: &csrf,
        signed_in_as: &account.name,
        form: ask_form,
        note,
        requests: requests.iter().map(|request| line(context, text, request)).collect(),
        enter: &view::action(context),
        account: &Own::Account.path(context),
        problem,
    };
    Ok(view::html(text.language, status, &page))
}

/// Asks for access with the reason in the form, and shows the page; `None` if the form asks for nothing else.
pub(crate) async fn changed<P: Platform>(
    context: Context<'_, P>,
    (step, form): (&str, &Form),
    browser: &Browser,
    (session, account): (&Session, &Account),
    rng: &mut impl CryptoRng,
) -> Result<Option<Response>, Unavailable> {
    let (person, what) = ((session, account), Own::Asking.what());
    let Some(wish) = Wish::read(context).filter(|_| step == "ask") else { return Ok(None) };
    let Prospect::Askable(Answerable { client_id, client_name, denied_by }) =
        prospect(context, person, wish).await?
    else {
        let page = show(context, form, browser, person, (409, None)).await?;
        return Ok(Some(page.noting(what, None, "refused", "not_needed")));
    };
    let wanted = Wanted {
        account,
        client_id: &client_id,
        client_name: &client_name,
        scope: Scope::default(),
        denied_by,
        places: Places::Person(Spot::of(&context.side().origin)),
    };
    Ok(Some(match send(context, form, wanted, rng).await? {
        // A redirect, so that loading the page again does not send the form again.
        Ok(_) => Response::empty_redirect(Own::Asking.path(context)).noting(
            what,
            Some(&client_id),
            "asked",
            "asked",
        ),
        Err((status, problem, why)) => {
            let page = show(context, form, browser, person, (status, Some(problem))).await?;
            page.noting(what, Some(&client_id), "refused", why)
        }
    }))
}

/// Judges what the person wishes for, by all that is known without a device.
async fn prospect<P: Platform>(
    context: Context<'_, P>,
    (session, account): (&Session, &Account),
    wish: Wish,
) -> Result<Prospect, Unavailable> {
    let Some(client) = context.server.client(&wish.client_id, context.now).await? else {
        return Ok(Prospect::Hopeless);
    };
    let governance = context.server.governance(context.now).await?;
    let longest = Duration::from_secs(context.server.longest_code_lifetime(context.now).await);
    let (marks, here) = (context.marks(&governance), context.side());
    let strong = session.how.resists_phishing();
    let (acr, amr) = (session.acr.as_deref(), session.amr.as_slice());
    let facts = Facts {
        client: Some(&client.client_id),
        account: Some(&account.key),
        groups: Some(Groups::exactly(&account.groups)),
        sign_in: Some(of_sign_in(session.auth_time, context.now, acr, amr, strong)),
        person: Some(SideFacts::of(
            &here.origin.place,
            here.origin.device.into(),
            &marks.networks,
            marks.managed,
        )),
        ..Facts::unknown(Point::SignIn, Span { from: context.now, until: context.now + longest })
    };
    Ok(judged(&governance, (&client, account), &facts, wish.rule))
}

fn judged(
    governance: &Governance,
    (client, account): (&Client, &Account),
    facts: &Facts<'_>,
    named: Option<Name>,
) -> Prospect {
    let named = named.filter(|id| could_deny(governance, id, facts));
    let mut denied_by = match ask(governance, (Some(client), Some(account)), facts) {
        Err(refusal) => match refusal.remedy {
            Some(denied_by) => denied_by,
            None => return Prospect::Hopeless,
        },
        Ok(_) if named.is_none() => return Prospect::NotNeeded(client.client_name.clone()),
        Ok(_) if !governance.policy.access_requests => return Prospect::Hopeless,
        Ok(_) => Vec::new(),
    };
    denied_by.extend(named.filter(|id| !denied_by.contains(id)));
    order::sort(&mut denied_by);
    let (client_id, client_name) = (client.client_id.clone(), client.client_name.clone());
    Prospect::Askable(Answerable { client_id, client_name, denied_by })
}

/// Returns whether this is a rule that denies, and could apply to the person at another device or place.
fn could_deny(governance: &Governance, id: &Name, facts: &Facts<'_>) -> bool {
    governance.policy.rule(id).is_some_and(|rule| {
        rule.effect == Effect::Deny
            && rule.state == rule::State::Enforced
            && rule.applies(facts) != Some(false)
    })
}

fn line<P: Platform>(context: Context<'_, P>, text: Messages<'_>, request: &AccessRequest) -> RequestLine {
    let message = match &request.state {
        State::Refused(refusal) => refusal.message.as_deref().map(Html::isolated),
        State::Open | State::Granted(_) | State::Lapsed { .. } => None,
    };
    RequestLine {
        client: Html::isolated(&request.client_name),
        asked: text.access_asked(&text.moment(request.asked_at)),
        state: state(context, text, request),
        message,
    }
}

fn state<P: Platform>(context: Context<'_, P>, text: Messages<'_>, request: &AccessRequest) -> Html {
    let until = |grant: &Grant| text.time_and_clock(&text.day(grant.until), &text.clock(grant.until));
    match &request.state {
        State::Open if request.is_open(context.now) => {
            text.access_open(&text.day(request.asked_at + PATIENCE))
        }
        State::Granted(grant) if context.now < grant.until => text.access_granted(&until(grant)),
        State::Granted(grant) => text.access_over(&until(grant)),
        State::Refused(_) => text.access_refused(),
        State::Open | State::Lapsed { .. } => text.access_lapsed(),
    }
}
