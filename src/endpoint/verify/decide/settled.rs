//! What follows a decision: the page with the result, and the history of the account.

use rand_core::CryptoRng;

use super::{Choice, Page, WHAT};
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::verify::address::{go_to, go_to_kept};
use crate::endpoint::verify::code::hold_of;
use crate::endpoint::verify::recent::Recent;
use crate::endpoint::verify::request_page::settle;
use crate::grant::Outcome;
use crate::grant::command::{FindRequest, Settled, Standing};
use crate::grant::routing::Address;
use crate::identity::command::NoteDecision;
use crate::identity::history::PastDecision;
use crate::provenance::Stage;
use crate::verdict::compare;

impl<P: Platform> Page<'_, P> {
    /// Leads to the result, so that it can be reloaded.
    pub(super) async fn done(&self, choice: Choice, settled: &Settled, rng: &mut impl CryptoRng) -> Response {
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
        let account = self.person.account.key.clone();
        let (shard, note) = (account.shard(), NoteDecision { account, decision: Box::new(decision) });
        let _: Result<(), Unavailable> = self.context.server.platform.accounts(shard, note).await;
    }

    /// Leads to what was decided before, with another button. The page says that nothing changed.
    pub(super) async fn stands(&self, settled: &Settled, rng: &mut impl CryptoRng) -> Response {
        let recent = settle(self.context, self.recent(), settled).await;
        let page = go_to_kept(self.context, self.browser, &recent, rng);
        page.noting(WHAT, Some(&settled.request.client_id), "refused", "decided_before")
    }

    /// Shows that the approval is not allowed now, unless this page approved while it was.
    pub(super) async fn refused(
        &self,
        address: Address,
        page: Response,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let hold = hold_of(self.browser, &self.person.account, &self.hold.nonce);
        let find = FindRequest { key: address.key, hold };
        if let Standing::Settled(settled) = self.context.server.platform.grants(address.shard, find).await? {
            return Ok(if settled.outcome == Outcome::Approved {
                self.done(Choice::Approve, &settled, rng).await
            } else {
                self.stands(&settled, rng).await
            });
        }
        Ok(page)
    }
}
