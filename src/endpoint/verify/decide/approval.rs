//! Sends the decision to the shard of the grant, if the sign-in and policy allow it.

use rand_core::CryptoRng;

use super::{Choice, Page, WHAT};
use crate::client::Client;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::verify::code::hold_of;
use crate::endpoint::verify::notice::Notice;
use crate::endpoint::verify::view;
use crate::grant::command::{ConsentDecision, Decide, Decided};
use crate::grant::routing::Address;
use crate::grant::{Approval, Denial};
use crate::identity::acr;
use crate::policy;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::provenance::{ApprovalId, Stage};

impl<P: Platform> Page<'_, P> {
    /// Approves, unless the sign-in is not good enough. Judges it again, because the page may have been open for longer than
    /// a sign-in is good. `client` was just read as it is now, with what its scopes demand.
    pub(super) async fn approve(
        &self,
        client: Option<Client>,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let Some(address) = self.address() else { return Ok(self.over()) };
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

    pub(super) async fn refuse(
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
            Decided::Done(settled) => Ok(self.done(choice, &settled, rng).await),
            Decided::Before(settled) if settled.outcome == choice.outcome().0 => {
                Ok(self.done(choice, &settled, rng).await)
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
}
