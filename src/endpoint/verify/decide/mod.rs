//! The decision on the consent page: approve, refuse, or "I didn't start this".

mod approval;
mod settled;

use futures_util::future::{OptionFuture, join};
use rand_core::CryptoRng;

use super::address::go_to;
use super::browser::{HoldRef, Stale, Transaction};
use super::code::{hold, show, sign_in_again};
use super::judge::{Judged, judge};
use super::recent::Recent;
use super::session::{Person, find};
use super::sign_in::read_transaction;
use super::view;
use super::view::Entry;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::grant::routing::Address;
use crate::grant::user_code::UserCode;
use crate::grant::{Denial, Outcome};
use crate::identity::demand::{Demands, Lack};
use crate::identity::history::Verdict;
use crate::identity::session::Browser;
use crate::sharding::Shard;

const WHAT: &str = "decision";

/// The button that the person pressed.
#[derive(Clone, Copy)]
enum Choice {
    Approve,
    Deny,
    Report,
}

impl Choice {
    fn read(form: &Form) -> Option<Self> {
        match form.get("decision")? {
            "approve" => Some(Self::Approve),
            "deny" => Some(Self::Deny),
            "report" => Some(Self::Report),
            _ => None,
        }
    }

    const fn verdict(self) -> Verdict {
        match self {
            Self::Approve => Verdict::Approved,
            Self::Deny => Verdict::Refused,
            Self::Report => Verdict::Reported,
        }
    }

    const fn outcome(self) -> (Outcome, &'static str) {
        match self {
            Self::Approve => (Outcome::Approved, "approved"),
            Self::Deny => (Outcome::Denied, "denied"),
            Self::Report => (Outcome::Reported, "reported"),
        }
    }
}

/// A consent page that was sent back by the person who is signed in at this browser.
struct Page<'a, P> {
    context: Context<'a, P>,
    browser: &'a Browser,
    person: Person,
    code: UserCode,
    hold: HoldRef,
    asked: Asked,
    /// What the person typed as the end of the device's identifier.
    typed: String,
}

pub(super) async fn submitted<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let sealed = read_transaction(context, form, browser);
    let confirmed = form.get("confirm_device").is_some();
    let choice = Choice::read(form);
    // An approval needs the session and the client, whichever answers first.
    let approves = matches!(choice, Some(Choice::Approve)) && confirmed;
    let asked = sealed.as_ref().ok().filter(|_| approves).and_then(|sealed| asked(context, sealed));
    let client = asked.as_ref().map(|(client_id, shard)| context.server.client_now(client_id, *shard));
    let client = OptionFuture::from(client);
    let (page, client) = join(read(context, form, browser, sealed), client).await;
    let page = match page? {
        Ok(page) => page,
        Err(page) => return Ok(page),
    };
    match choice {
        None => page.ask_again(Problem::Undecided, rng).await,
        Some(Choice::Approve) if !confirmed => page.ask_again(Problem::Unconfirmed, rng).await,
        Some(Choice::Approve) => page.approve(client.transpose()?.flatten(), rng).await,
        Some(Choice::Deny) => page.refuse(Choice::Deny, Denial::Denied, rng).await,
        Some(Choice::Report) => page.refuse(Choice::Report, Denial::Reported, rng).await,
    }
}

/// Returns the client that a page asks about, and the shard of its grant.
fn asked<P>(
    context: Context<'_, P>,
    (transaction, code): &(Transaction, UserCode),
) -> Option<(String, Shard)> {
    let hold = transaction.hold.as_ref()?;
    Some((hold.client_id.clone(), hold.address(context, code)?.shard))
}

/// Shows the consent page again, because the person chose another language.
pub(super) async fn shown_again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    match read(context, form, browser, read_transaction(context, form, browser)).await? {
        Ok(page) => page.show(200, None, "language", rng).await,
        Err(page) => Ok(page),
    }
}

/// Reads the page that was sent back. The error is the page to show instead.
async fn read<'a, P: Platform>(
    context: Context<'a, P>,
    form: &Form,
    browser: &'a Browser,
    sealed: Result<(Transaction, UserCode), Stale>,
) -> Result<Result<Page<'a, P>, Response>, Unavailable> {
    let (transaction, code) = match sealed {
        Ok(read) => read,
        Err(stale) => {
            let page = view::stale(context, 403, browser, stale, form).await;
            return Ok(Err(page.noting(WHAT, None, "refused", "no_transaction")));
        }
    };
    let request = transaction.hold.zip(transaction.asked);
    let (Some((hold, asked)), Some(person)) = (request, find(context, browser).await?) else {
        let typed = code.to_string();
        let page = view::enter(context, 403, browser, Entry::Typed(&typed), Some(Problem::SignedOut)).await;
        return Ok(Err(page.noting(WHAT, None, "refused", "no_session")));
    };
    let typed = form.get("identifier_end").unwrap_or_default().to_owned();
    Ok(Ok(Page { context, browser, person, code, hold, asked, typed }))
}

impl<P: Platform> Page<'_, P> {
    fn address(&self) -> Option<Address> {
        self.hold.address(self.context, &self.code)
    }

    async fn sign_in_again(&self, (lack, demands): (Lack, &Demands), rng: &mut impl CryptoRng) -> Response {
        let Self { context, browser, person: Person { account, .. }, code, hold, .. } = self;
        let page = sign_in_again(*context, code, browser, account, (hold.clone(), lack, demands), rng).await;
        page.noting(WHAT, Some(&hold.client_id), "sign_in_again", lack.name())
    }

    /// Shows the page again, because nothing was decided.
    async fn ask_again(
        &self,
        problem: Problem<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        self.show(400, Some(problem), "incomplete", rng).await
    }

    /// Shows the page again with a new hold.
    async fn show(
        &self,
        status: u16,
        problem: Option<Problem<'_>>,
        why: &'static str,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let Self { context, browser, person, code, .. } = self;
        let Some((shown, hold)) = hold(*context, code, browser, &person.account, rng).await? else {
            return Ok(go_to(*context, browser, &self.recent(), rng).noting(WHAT, None, "refused", "over"));
        };
        let client = shown.request.client_id.clone();
        let permit = match judge(*context, person, &Asked::of(&shown.request), (code, &hold)).await? {
            Judged::Allowed(permit) => permit,
            Judged::Lacking(lack, demands) => return Ok(self.sign_in_again((lack, &demands), rng).await),
            Judged::Refused(denial) => return Ok(denial.page(*context, WHAT, &client)),
        };
        let of = (&shown, hold, &*permit);
        let page = show(*context, code, browser, &person.account, of, (status, problem), rng).await?;
        Ok(page.noting(WHAT, Some(&client), "asked_again", why))
    }

    fn recent(&self) -> Recent {
        Recent::undecided(&self.code, self.hold.pair, &self.hold.nonce, self.context.now)
    }

    fn over(&self) -> Response {
        view::over(self.context).noting(WHAT, None, "refused", "over")
    }
}
