//! The page of one request, at `/device?request=…`: the consent page while nobody has decided, and the result
//! afterwards. So it can be reloaded, and going back to it shows what stands.

use rand_core::CryptoRng;

use super::address::go_to;
use super::browser::HoldRef;
use super::code::{ask_to_sign_in, hold_of, show, sign_in_again};
use super::judge::{Judged, judge};
use super::notice::Notice;
use super::recent::{KEPT, REQUEST, Recent};
use super::session::{Person, check, find};
use super::{asking, browser, recent, source, view};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::own::which::Own;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::grant::command::{Decided, FindRequest, Settled, Shown, Standing, Withdraw};
use crate::grant::user_code::UserCode;
use crate::grant::verification::Digits;
use crate::identity::session::Browser;

const WHAT: &str = "request";

/// Shows the page. Changes nothing but cookies.
pub(super) async fn answer<P: Platform>(
    context: Context<'_, P>,
    query: &Form,
    rng: &mut impl CryptoRng,
) -> Response {
    let Some((browser, recent)) = remembered(context, query) else { return view::over(context) };
    let kept = query.get(KEPT).is_some();
    let page = match &recent.result {
        Some(seen) if !seen.verifying => Ok(result(context, &browser, &recent, (kept, None)).await),
        Some(_) | None => ask(context, &browser, recent, kept, rng).await,
    };
    page.unwrap_or_else(|Unavailable| {
        view::unavailable(context).noting(WHAT, None, "unavailable", "unavailable")
    })
}

async fn result<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    (kept, digits): (bool, Option<&Digits>),
) -> Response {
    let names = source::names(context, browser, recent).await;
    view::result(context, browser, recent, (kept, digits), names)
}

fn remembered<P>(context: Context<'_, P>, form: &Form) -> Option<(Browser, Recent)> {
    let browser = browser::read(context)?;
    let recent = recent::find(context, &browser, form.get(REQUEST)?)?;
    Some((browser, recent))
}

/// Asks the shard, because this browser knows of no decision, or only that the device waited for digits.
async fn ask<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: Recent,
    kept: bool,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let Some((code, address)) = recent.place(context) else { return Ok(view::over(context)) };
    let Some(person) = find(context, browser).await? else {
        if recent.is_verifying() {
            return Ok(result(context, browser, &recent, (kept, None)).await);
        }
        return Ok(ask_to_sign_in(context, &code, Some(context.now), browser.clone(), rng).await);
    };
    let hold = hold_of(browser, &person.account, &recent.nonce);
    let find = FindRequest { key: address.key, hold };
    match context.server.platform.grants(address.shard, find).await? {
        Standing::Open(shown) => open(context, &code, browser, &person, (&shown, recent.pair), rng).await,
        // The code has ended while the person waited for access: that request goes on.
        Standing::Expired(_) | Standing::Over if recent.asked => {
            Ok(Response::empty_redirect(Own::Asking.path(context)))
        }
        Standing::Settled(settled) => {
            let recent = settle(context, recent, &settled).await;
            let page = result(context, browser, &recent, (kept, settled.digits.as_ref())).await;
            Ok(recent::remember(context, page, browser, &recent, rng))
        }
        Standing::Expired(at) => Ok(view::notice(context, 409, Notice::Expired(at))),
        Standing::Elsewhere => Ok(view::notice(context, 409, Notice::Elsewhere)),
        Standing::Over if recent.is_verifying() => {
            let recent = if recent.ends_at <= context.now { recent.lapsed() } else { recent };
            Ok(result(context, browser, &recent, (kept, None)).await)
        }
        Standing::Over => Ok(view::over(context)),
    }
}

async fn open<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    browser: &Browser,
    person: &Person,
    (shown, pair): (&Shown, u16),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (hold, account) = (HoldRef::new(pair, shown), &person.account);
    let asked = Asked::of(&shown.request);
    let mut judged = judge(context, person, &asked, (code, &hold)).await?;
    if let Judged::Refused(denial) = &judged
        && denial.can_ask()
    {
        match asking::refused(context, browser, person, (shown, &hold), denial).await? {
            Some(page) => return Ok(page),
            None => judged = judge(context, person, &asked, (code, &hold)).await?,
        }
    }
    match judged {
        Judged::Allowed(permit) => {
            show(context, code, browser, account, (shown, hold, &permit), (200, None), rng).await
        }
        Judged::Lacking(lack, demands) => {
            Ok(sign_in_again(context, code, browser, account, (hold, lack, &demands), rng).await)
        }
        Judged::Refused(denial) if denial.can_ask() => {
            asking::denied(context, browser, (shown, &hold), &denial).await
        }
        Judged::Refused(denial) => Ok(denial.page(context, WHAT, &hold.client_id)),
    }
}

/// Adds the result to what the browser remembers. The decision is stored by now: if something cannot be reached, the
/// page only shows the `client_id` instead of the name.
pub(super) async fn settle<P: Platform>(
    context: Context<'_, P>,
    recent: Recent,
    settled: &Settled,
) -> Recent {
    let client_id = &settled.request.client_id;
    let client = context.server.client(client_id, context.now).await.ok().flatten();
    let name = client.as_ref().map_or(client_id.as_str(), |client| &client.client_name);
    recent.settled(settled, name, context.server.minutes_to_the_end(client.as_deref()))
}

/// Ends the access that was approved on this page, with everything that came of it.
pub(super) async fn withdraw<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let recent = form.get(REQUEST).and_then(|nonce| recent::find(context, browser, nonce));
    let found = recent.and_then(|recent| recent.place(context).map(|(_, address)| (recent, address)));
    let (Some((recent, address)), Some((_, account))) = (found, check(context, browser).await?) else {
        return Ok(view::over(context).noting("withdrawal", None, "refused", "no_session"));
    };
    let withdraw = Withdraw { key: address.key, hold: hold_of(browser, &account, &recent.nonce) };
    match context.server.platform.grants(address.shard, withdraw).await? {
        Decided::Done(settled) | Decided::Before(settled) => {
            let client_id = settled.request.client_id.clone();
            let recent = settle(context, recent, &settled).await;
            let page = go_to(context, browser, &recent, rng);
            Ok(page.noting("withdrawal", Some(&client_id), "withdrawn", "withdrawn"))
        }
        Decided::Elsewhere | Decided::Over => {
            Ok(view::over(context).noting("withdrawal", None, "refused", "over"))
        }
    }
}
