//! The decision on the consent page: approve, refuse, or "I didn't start this".

use rand_core::CryptoRng;

use super::browser::HoldRef;
use super::code::{hold, hold_of, show, sign_in_again};
use super::session::check;
use super::sign_in::read_transaction;
use super::view;
use super::view::Entry;
use crate::endpoint::device_authorization::live_codes::release;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::page::{Outcome, Problem};
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::grant::command::{ConsentDecision, Decide, Decided};
use crate::grant::routing::Address;
use crate::grant::user_code::UserCode;
use crate::grant::{Approval, Denial, Request};
use crate::identity::account::{Account, Sub};
use crate::identity::acr;
use crate::identity::session::{Browser, Session};
use crate::policy;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::verdict::compare;

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
    session: Session,
    account: Account,
    code: UserCode,
    hold: HoldRef,
}

pub(super) async fn submitted<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let Some(page) = read(context, form, browser).await? else {
        return Ok(too_old(context, browser).await);
    };
    let confirmed = form.get("confirm_device").is_some();
    match Choice::read(form) {
        None => page.ask_again(Problem::Undecided, rng).await,
        Some(Choice::Approve) if !confirmed => page.ask_again(Problem::Unconfirmed, rng).await,
        Some(Choice::Approve) if !page.is_recent() => Ok(page.sign_in_again(rng)),
        Some(choice) => page.decide(choice).await,
    }
}

/// Shows the consent page again, because the person chose another language.
pub(super) async fn shown_again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    match read(context, form, browser).await? {
        Some(page) => page.show(200, None, "language", rng).await,
        None => Ok(too_old(context, browser).await),
    }
}

/// Reads the page that was sent back. `None` if it is too old, or nobody is signed in any more.
async fn read<'a, P: Platform>(
    context: Context<'a, P>,
    form: &Form,
    browser: &'a Browser,
) -> Result<Option<Page<'a, P>>, Unavailable> {
    let transaction = read_transaction(context, form, browser);
    let opened = transaction.and_then(|(transaction, code)| Some((transaction.hold?, code)));
    let (Some((hold, code)), Some((session, account))) = (opened, check(context, browser).await?) else {
        return Ok(None);
    };
    Ok(Some(Page { context, browser, session, account, code, hold }))
}

async fn too_old<P: Platform>(context: Context<'_, P>, browser: &Browser) -> Response {
    let page = view::enter(context, 403, browser, Entry::Nothing, Some(Problem::SessionExpired)).await;
    page.noting(WHAT, None, "refused", "no_session")
}

impl<P: Platform> Page<'_, P> {
    fn address(&self) -> Option<Address> {
        let keys = self.context.server.settings.keyring.named(self.hold.pair)?;
        Some(Address::of(&self.code, keys))
    }

    /// Checks the sign-in again, because the page may have been open for longer than the `max_age` of the
    /// device.
    fn is_recent(&self) -> bool {
        self.hold.accepts(self.session.auth_time, self.context.now)
    }

    fn sign_in_again(&self, rng: &mut impl CryptoRng) -> Response {
        let Self { context, browser, account, code, hold, .. } = self;
        let page = sign_in_again(*context, code, browser, account, hold.clone(), rng);
        page.noting(WHAT, Some(&hold.client_id), "sign_in_again", "max_age")
    }

    /// Shows the page again, because nothing was decided.
    async fn ask_again(&self, problem: Problem, rng: &mut impl CryptoRng) -> Result<Response, Unavailable> {
        self.show(400, Some(problem), "incomplete", rng).await
    }

    /// Shows the page again with a new hold.
    async fn show(
        &self,
        status: u16,
        problem: Option<Problem>,
        why: &'static str,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let Self { context, browser, account, code, .. } = self;
        match hold(*context, code, browser, account, rng).await? {
            Some((shown, hold)) => {
                let page =
                    show(*context, code, browser, account, (&shown, hold), (status, problem), rng).await?;
                Ok(page.noting(WHAT, Some(&shown.request.client_id), "asked_again", why))
            }
            None => Ok(self.over()),
        }
    }

    async fn decide(&self, choice: Choice) -> Result<Response, Unavailable> {
        let Some(address) = self.address() else { return Ok(self.over()) };
        let decision = match choice {
            Choice::Approve => match self.approval().await? {
                Some(approval) => ConsentDecision::Approve(approval),
                None => return Ok(self.refused()),
            },
            Choice::Deny => ConsentDecision::Deny(Denial::Denied),
            Choice::Report => ConsentDecision::Deny(Denial::Reported),
        };
        match self.send(address, decision).await? {
            Decided::Done(request) => Ok(self.done(choice, address, &request).await),
            Decided::Elsewhere => {
                Ok(view::elsewhere(self.context, 409).noting(WHAT, None, "refused", "elsewhere"))
            }
            Decided::Over => Ok(self.over()),
        }
    }

    /// Returns the approval, or `None` if policy does not allow it now. Reads the client at its source.
    async fn approval(&self) -> Result<Option<Approval>, Unavailable> {
        let client = self.context.server.client_at_source(&self.hold.client_id).await?;
        let Some(client) = client else { return Ok(None) };
        let account = Some(&self.account);
        let facts = PolicyFacts { client: Some(&client), account, scope: &self.hold.scope };
        Ok(match policy::decide(Point::Approval, facts) {
            PolicyDecision::Allow(scope) => Some(Approval {
                account: self.account.key.clone(),
                sub: Sub::from(self.account.sub.as_str()),
                scope,
                auth_time: self.session.auth_time,
                amr: self.session.amr.clone(),
                acr: acr::met(&self.session, &self.hold.acr_values),
                at: self.context.now,
            }),
            PolicyDecision::Refuse(_) => None,
        })
    }

    async fn send(&self, address: Address, decision: ConsentDecision) -> Result<Decided, Unavailable> {
        let hold = hold_of(self.browser, &self.account, &self.hold.nonce);
        let person = Box::new(self.context.side());
        let decide = Decide { key: address.key, hold, person, decision };
        self.context.server.platform.grants(address.shard, decide).await
    }

    /// Shows the result. The decision is stored by now: if something cannot be reached, the page only shows
    /// the `client_id` instead of the name.
    async fn done(&self, choice: Choice, address: Address, request: &Request) -> Response {
        let client = self.context.server.client(&request.client_id, self.context.now).await.ok().flatten();
        let name = client.as_ref().map_or(request.client_id.as_str(), |client| &client.client_name);
        let (outcome, word) = choice.outcome();
        match choice {
            Choice::Approve => {}
            Choice::Deny | Choice::Report => release(self.context, request, address).await,
        }
        let verdict = compare(&request.side(), &self.context.side()).verdict;
        view::result(self.context.or_in(&request.ui_locales), outcome, name)
            .noting(WHAT, Some(&request.client_id), word, word)
            .judging(verdict)
    }

    fn refused(&self) -> Response {
        let text = self.context.text();
        let page = view::problem(self.context, 403, text.not_allowed_title(), text.not_allowed_text());
        page.noting(WHAT, Some(&self.hold.client_id), "refused", "policy")
    }

    fn over(&self) -> Response {
        let text = self.context.text();
        let page = view::problem(self.context, 409, text.over_title(), text.over_text());
        page.noting(WHAT, None, "refused", "over")
    }
}
