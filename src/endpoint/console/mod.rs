//! The console under `/admin`: pages for administrators.
//!
//! Each page asks the [admin API](super::admin) for what it shows, in the same process, as the person who looks at it, and each
//! button sends what a call of the API would. So rules, bounds, errors and events are those of the API, and nothing is possible
//! only by clicking. See decision 69.

#![expect(
    clippy::indexing_slicing,
    reason = "an answer of the API gives `null` for a member that it does not have"
)]

mod access;
mod access_requests;
mod alerts;
mod api;
pub(super) mod block;
mod clients;
mod codes;
mod exceptions;
mod form;
mod gate;
mod invitations;
mod keys;
mod kill_switches;
mod ledger;
mod overview;
mod people;
mod policy;
mod policy_versions;
mod providers;
mod report;
mod route;
mod server;
mod usage;
mod value;
mod verification;
mod view;
mod what_if;

use rand_core::CryptoRng;

use super::admin::problem::Problem;
use super::boxed::boxed;
use super::form::Form;
use super::http::Response;
use super::own::sign_in::{self, Why};
use super::own::which::Own;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::identity::account::Account;
use crate::identity::session::{Browser, Session};
use crate::language::Language;
use api::Api;
use block::{Acted, Page};
use gate::{Bar, Visitor};
use route::{Found, Place};

/// The part of the style sheet that only the console needs.
pub(super) const STYLE: &str = include_str!("../../../templates/console/console.css");

/// What is said above the page of a form that was sent from a page of an earlier sign-in.
const STALE: &str = "Nothing has been done, because somebody has signed in or out in this browser since the page was opened. Try again.";

/// Shows the page at the address of the request to somebody who is signed in. A `status` other than 200 means that a form was
/// sent from a page of an earlier sign-in: it does nothing, and keeps what was written.
pub(super) async fn show<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    (session, account): (&Session, &Account),
    (status, form): (u16, &Form),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let context = in_english(context);
    let caller = match gate::opens(context, session, account) {
        Ok(caller) => caller,
        Err(bar) => return Ok(barred(context, browser, account, bar, rng).await),
    };
    let visitor = Visitor { browser, account, caller, opened: gate::opened(context, browser) };
    let page = match route::find(context) {
        Some(found) => page(&mut Api::new(context, &visitor, rng), &found).await,
        None => Err(Problem::NotFound),
    };
    if status == 200 {
        return Ok(view::answer(context, &visitor, page));
    }
    let page = page.map(|page| page.refilled(form.get("step").unwrap_or_default(), form));
    Ok(view::refused(context, &visitor, status, STALE.to_owned(), page))
}

/// Does what a form asks for, and shows what came of it.
pub(super) async fn changed<P: Platform>(
    context: Context<'_, P>,
    (step, form): (&str, &Form),
    browser: &Browser,
    (session, account): (&Session, &Account),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let context = in_english(context);
    let caller = match gate::lets_act(context, (browser, form), session, account) {
        Ok(caller) => caller,
        Err(bar) => return Ok(barred(context, browser, account, bar, rng).await),
    };
    let opened = gate::opened(context, browser);
    let mut visitor = Visitor { browser, account, caller, opened };
    let Some(found) = route::find(context) else {
        return Ok(view::answer(context, &visitor, Err(Problem::NotFound)));
    };
    let mut api = Api::new(context, &visitor, rng);
    let acted = act(&mut api, &found, (step, form)).await;
    let unconfirmed = core::mem::take(&mut api.unconfirmed);
    // What was refused can be sent again, and a next step goes on with what was written. Anything else needs another sign-in.
    if matches!(acted, Ok(Acted::Done(_))) && !gate::is_fresh(context.now, session) {
        visitor.opened.clear();
    }
    let mut api = Api::new(context, &visitor, rng);
    let response = match acted {
        Ok(Acted::Shown(page)) => view::answer(context, &visitor, Ok(page.naming(&unconfirmed))),
        Ok(Acted::Done(said)) => {
            let page = page(&mut api, &found).await;
            view::answer(context, &visitor, page.map(|page| page.saying(said).naming(&unconfirmed)))
        }
        Err(problem) => {
            let page = page(&mut api, &found).await.map(|page| page.refilled(step, form));
            let response = view::refused(context, &visitor, problem.status(), view::said(&problem), page);
            response.noting(Own::Console.what(), None, "refused", problem.name())
        }
    };
    Ok(response)
}

/// The console has the language of the API and of the documents, whatever the browser prefers.
fn in_english<P>(context: Context<'_, P>) -> Context<'_, P> {
    Context { language: Some(Language::English), ..context }
}

/// Answers somebody who must not get in, or not yet.
async fn barred<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
    bar: Bar,
    rng: &mut impl CryptoRng,
) -> Response {
    match bar {
        Bar::TooOld => {
            let page = sign_in::page(context, Own::Console, browser, Why::TooOld, (200, None), rng).await;
            page.noting(Own::Console.what(), None, "sign_in_again", "max_age")
        }
        Bar::NotAdministrator | Bar::NotStrong => view::barred(context, browser, account, bar),
    }
}

/// Builds the page at an address.
async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>, found: &Found) -> Result<Page, Problem> {
    match found.place {
        Place::Overview => boxed(overview::page(api)).await,
        Place::Alerts => boxed(alerts::page(api)).await,
        Place::KillSwitches => boxed(kill_switches::page(api)).await,
        Place::AccessRequests => boxed(access_requests::page(api)).await,
        Place::AccessRequest => boxed(access_requests::one(api, found.name())).await,
        Place::Exceptions => boxed(exceptions::page(api)).await,
        Place::Exception => boxed(exceptions::one(api, found.name())).await,
        Place::Policy => boxed(policy::page(api)).await,
        Place::Draft => boxed(policy::draft(api)).await,
        Place::WhatIf => Ok(what_if::page()),
        Place::Versions => boxed(policy_versions::page(api)).await,
        Place::Version => boxed(policy_versions::one(api, found.name())).await,
        Place::Report => boxed(report::page(api)).await,
        Place::Clients => boxed(clients::page(api)).await,
        Place::Client => boxed(clients::one(api, found.name())).await,
        Place::People => boxed(people::page(api)).await,
        Place::Person => boxed(people::one(api, found.name())).await,
        Place::Invitations => boxed(invitations::page(api)).await,
        Place::Codes => boxed(codes::page(api)).await,
        Place::Devices => boxed(access::devices(api)).await,
        Place::Sessions => boxed(access::sessions(api)).await,
        Place::Ledger => boxed(ledger::page(api)).await,
        Place::Event => boxed(ledger::event(api)).await,
        Place::Verification => boxed(verification::page(api)).await,
        Place::Keys => boxed(keys::page(api)).await,
        Place::Providers => boxed(providers::page(api)).await,
        Place::Provider => boxed(providers::one(api, found.name())).await,
        Place::Settings => boxed(server::page(api)).await,
    }
}

/// Does what a form on the page at an address asks for.
async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    found: &Found,
    (step, form): (&str, &Form),
) -> Result<Acted, Problem> {
    match found.place {
        Place::Overview
        | Place::AccessRequests
        | Place::Policy
        | Place::Versions
        | Place::Report
        | Place::Ledger
        | Place::Event
        | Place::Verification => Err(form::unknown(step)),
        Place::Alerts => boxed(alerts::act(api, (step, form))).await,
        Place::KillSwitches => boxed(kill_switches::act(api, (step, form))).await,
        Place::AccessRequest => boxed(access_requests::act_one(api, found.name(), (step, form))).await,
        Place::Exceptions => boxed(exceptions::act(api, (step, form))).await,
        Place::Exception => boxed(exceptions::act_one(api, found.name(), (step, form))).await,
        Place::Draft => boxed(policy::act_draft(api, (step, form))).await,
        Place::WhatIf => boxed(what_if::act(api, (step, form))).await,
        Place::Version => boxed(policy_versions::act_one(api, found.name(), (step, form))).await,
        Place::Clients => boxed(clients::act(api, (step, form))).await,
        Place::Client => boxed(clients::act_one(api, found.name(), (step, form))).await,
        Place::People => boxed(people::act(api, (step, form))).await,
        Place::Person => boxed(people::act_one(api, found.name(), (step, form))).await,
        Place::Invitations => boxed(invitations::act(api, (step, form))).await,
        Place::Codes => boxed(codes::act(api, (step, form))).await,
        Place::Devices => boxed(access::act_devices(api, (step, form))).await,
        Place::Sessions => boxed(access::act_sessions(api, (step, form))).await,
        Place::Keys => boxed(keys::act(api, (step, form))).await,
        Place::Providers => boxed(providers::act(api, (step, form))).await,
        Place::Provider => boxed(providers::act_one(api, found.name(), (step, form))).await,
        Place::Settings => boxed(server::act(api, (step, form))).await,
    }
}
