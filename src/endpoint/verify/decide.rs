//! The decision on the consent page: approve, refuse, or "I didn't start this".

use rand_core::CryptoRng;

use super::address::{go_to, go_to_kept};
use super::browser::HoldRef;
use super::code::{hold, hold_of, show, sign_in_again};
use super::notice::Notice;
use super::recent::Recent;
use super::request_page::settle;
use super::session::check;
use super::sign_in::read_transaction;
use super::view;
use super::view::Entry;
use crate::client::Client;
use crate::endpoint::device_authorization::live_codes::release;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::grant::command::{ConsentDecision, Decide, Decided, FindRequest, Settled, Standing};
use crate::grant::routing::Address;
use crate::grant::user_code::UserCode;
use crate::grant::{Approval, Denial, Outcome};
use crate::identity::account::Account;
use crate::identity::acr;
use crate::identity::command::NoteDecision;
use crate::identity::demand::{Demands, Lack};
use crate::identity::history::{PastDecision, Verdict};
use crate::identity::session::{Browser, Session};
use crate::policy;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::provenance::{ApprovalId, Stage};
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
    let page = match read(context, form, browser).await? {
        Ok(page) => page,
        Err(page) => return Ok(page),
    };
    let confirmed = form.get("confirm_device").is_some();
    match Choice::read(form) {
        None => page.ask_again(Problem::Undecided, rng).await,
        Some(Choice::Approve) if !confirmed => page.ask_again(Problem::Unconfirmed, rng).await,
        Some(Choice::Approve) => page.approve(rng).await,
        Some(Choice::Deny) => page.refuse(Choice::Deny, Denial::Denied, rng).await,
        Some(Choice::Report) => page.refuse(Choice::Report, Denial::Reported, rng).await,
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
        Ok(page) => page.show(200, None, "language", rng).await,
        Err(page) => Ok(page),
    }
}

/// Reads the page that was sent back. The error is the page to show instead.
async fn read<'a, P: Platform>(
    context: Context<'a, P>,
    form: &Form,
    browser: &'a Browser,
) -> Result<Result<Page<'a, P>, Response>, Unavailable> {
    let (transaction, code) = match read_transaction(context, form, browser) {
        Ok(read) => read,
        Err(stale) => {
            let page = view::stale(context, 403, browser, stale, form).await;
            return Ok(Err(page.noting(WHAT, None, "refused", "no_transaction")));
        }
    };
    let (Some(hold), Some((session, account))) = (transaction.hold, check(context, browser).await?) else {
        let typed = code.to_string();
        let page = view::enter(context, 403, browser, Entry::Typed(&typed), Some(Problem::SignedOut)).await;
        return Ok(Err(page.noting(WHAT, None, "refused", "no_session")));
    };
    Ok(Ok(Page { context, browser, session, account, code, hold }))
}

impl<P: Platform> Page<'_, P> {
    fn address(&self) -> Option<Address> {
        let keys = self.context.server.settings.keyring.named(self.hold.pair)?;
        Some(Address::of(&self.code, keys))
    }

    async fn sign_in_again(&self, (lack, demands): (Lack, &Demands), rng: &mut impl CryptoRng) -> Response {
        let Self { context, browser, account, code, hold, .. } = self;
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
        let Self { context, browser, account, code, .. } = self;
        match hold(*context, code, browser, account, rng).await? {
            Some((shown, hold)) => {
                let page =
                    show(*context, code, browser, account, (&shown, hold), (status, problem), rng).await?;
                Ok(page.noting(WHAT, Some(&shown.request.client_id), "asked_again", why))
            }
            None => Ok(go_to(*context, browser, &self.recent(), rng).noting(WHAT, None, "refused", "over")),
        }
    }

    /// Approves, unless the sign-in is not good enough. Judges it again, because the page may have been open for longer than
    /// a sign-in is good. Reads the client, and what its scopes demand, at their source.
    async fn approve(&self, rng: &mut impl CryptoRng) -> Result<Response, Unavailable> {
        let Some(address) = self.address() else { return Ok(self.over()) };
        let client = self.context.server.client_at_source(&self.hold.client_id).await?;
        let Some(client) = client else { return self.refused(address, rng).await };
        let demands = self.context.server.demands(&client, &self.hold.scope)?;
        if let Err(lack) = self.hold.judge(self.session.facts(), &demands, self.context.now) {
            return Ok(self.sign_in_again((lack, &demands), rng).await);
        }
        match self.approval(&client, rng) {
            Some(approval) => {
                let decision = ConsentDecision::Approve(Box::new(approval));
                self.decide(Choice::Approve, address, decision, rng).await
            }
            None => self.refused(address, rng).await,
        }
    }

    async fn refuse(
        &self,
        choice: Choice,
        denial: Denial,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let Some(address) = self.address() else { return Ok(self.over()) };
        self.decide(choice, address, ConsentDecision::Deny(denial), rng).await
    }

    async fn decide(
        &self,
        choice: Choice,
        address: Address,
        decision: ConsentDecision,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        match self.send(address, decision).await? {
            Decided::Done(settled) => Ok(self.done(choice, address, &settled, rng).await),
            Decided::Before(settled) if settled.outcome == choice.outcome().0 => {
                Ok(self.done(choice, address, &settled, rng).await)
            }
            Decided::Before(settled) => Ok(self.stands(&settled, rng).await),
            Decided::Elsewhere => {
                let page = view::notice(self.context, 409, Notice::Elsewhere);
                Ok(page.noting(WHAT, None, "refused", "elsewhere"))
            }
            Decided::Over => Ok(self.over()),
        }
    }

    /// Returns the approval, or `None` if policy does not allow it now.
    fn approval(&self, client: &Client, rng: &mut impl CryptoRng) -> Option<Approval> {
        let account = Some(&self.account);
        let facts = PolicyFacts { client: Some(client), account, scope: &self.hold.scope };
        match policy::decide(Point::Approval, facts) {
            PolicyDecision::Allow(scope) => Some(Approval {
                id: ApprovalId::draw(rng),
                account: self.account.key.clone(),
                sub: self.account.sub.clone(),
                scope,
                auth_time: self.session.auth_time,
                amr: self.session.amr.clone(),
                acr: acr::met(&self.session, &self.hold.acr_values),
                met_acr: self.session.acr.clone(),
                how: self.session.how.clone(),
                stage: Stage::of(&self.context.side().origin),
            }),
            PolicyDecision::Refuse(_) => None,
        }
    }

    async fn send(&self, address: Address, decision: ConsentDecision) -> Result<Decided, Unavailable> {
        let hold = hold_of(self.browser, &self.account, &self.hold.nonce);
        let person = Box::new(self.context.side());
        let decide = Decide { key: address.key, hold, person, decision };
        self.context.server.platform.grants(address.shard, decide).await
    }

    /// Leads to the result, so that it can be reloaded.
    async fn done(
        &self,
        choice: Choice,
        address: Address,
        settled: &Settled,
        rng: &mut impl CryptoRng,
    ) -> Response {
        match choice {
            Choice::Approve => {}
            Choice::Deny | Choice::Report => release(self.context, &settled.request, address).await,
        }
        let verdict = compare(&settled.request.side(), &self.context.side()).verdict;
        let recent = settle(self.context, self.recent(), settled).await;
        self.note(choice, settled, &recent).await;
        let page = go_to(self.context, self.browser, &recent, rng);
        let word = choice.outcome().1;
        page.noting(WHAT, Some(&settled.request.client_id), word, word).judging(verdict)
    }

    /// Adds the decision to the history of the account. Best effort: the decision is stored, and the ledger has it.
    async fn note(&self, choice: Choice, settled: &Settled, recent: &Recent) {
        let decision = PastDecision {
            id: self.hold.nonce.clone(),
            verdict: choice.verdict(),
            client_name: recent.client_name().unwrap_or(&self.hold.client_id).to_owned(),
            at: settled.at,
            started: Stage::of(&settled.request.origin),
        };
        let account = self.account.key.clone();
        let (shard, note) = (account.shard(), NoteDecision { account, decision: Box::new(decision) });
        let _: Result<(), Unavailable> = self.context.server.platform.accounts(shard, note).await;
    }

    /// Leads to what was decided before, with another button. The page says that nothing changed.
    async fn stands(&self, settled: &Settled, rng: &mut impl CryptoRng) -> Response {
        let recent = settle(self.context, self.recent(), settled).await;
        let page = go_to_kept(self.context, self.browser, &recent, rng);
        page.noting(WHAT, Some(&settled.request.client_id), "refused", "decided_before")
    }

    fn recent(&self) -> Recent {
        Recent::undecided(&self.code, self.hold.pair, &self.hold.nonce, self.context.now)
    }

    /// Says that policy no longer allows the approval, unless this page approved while it did.
    async fn refused(&self, address: Address, rng: &mut impl CryptoRng) -> Result<Response, Unavailable> {
        let hold = hold_of(self.browser, &self.account, &self.hold.nonce);
        let find = FindRequest { key: address.key, hold };
        if let Standing::Settled(settled) = self.context.server.platform.grants(address.shard, find).await? {
            return Ok(if settled.outcome == Outcome::Approved {
                self.done(Choice::Approve, address, &settled, rng).await
            } else {
                self.stands(&settled, rng).await
            });
        }
        let page = view::notice(self.context, 403, Notice::NotAllowed);
        Ok(page.noting(WHAT, Some(&self.hold.client_id), "refused", "policy"))
    }

    fn over(&self) -> Response {
        view::over(self.context).noting(WHAT, None, "refused", "over")
    }
}
