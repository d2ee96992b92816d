//! Sends the decision to the shard of the grant, if the sign-in and policy allow it.

use rand_core::CryptoRng;

use super::{Choice, Page, WHAT};
use crate::audit::policy_record::PolicyRecord;
use crate::client::Client;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::{Permit, Refusal, ask};
use crate::endpoint::verify::address::go_to;
use crate::endpoint::verify::binding::{is_assigned, note_unassigned};
use crate::endpoint::verify::browser::csrf;
use crate::endpoint::verify::code::hold_of;
use crate::endpoint::verify::denied::Asking;
use crate::endpoint::verify::judge::{at_approval, note_refused};
use crate::endpoint::verify::notice::Notice;
use crate::endpoint::verify::request_page::settle;
use crate::endpoint::verify::session::Person;
use crate::endpoint::verify::{denied, view};
use crate::grant::command::{ConsentDecision, Decide, Decided, Misidentified, Misidentify};
use crate::grant::routing::Address;
use crate::grant::verification::Digits;
use crate::grant::{Approval, Denial};
use crate::identity::acr;
use crate::policy::governance::Governance;
use crate::policy::inventory::Identifier;
use crate::policy::recorded::Recorded;
use crate::provenance::{ApprovalId, Stage};
use crate::scope::Scope;

impl<P: Platform> Page<'_, P> {
    /// Approves, unless policy does not allow it or the sign-in is not good enough. Judges both again, because the page may
    /// have been open for longer than a sign-in is good. `client` was just read as it is now, with what its scopes demand and
    /// the policy.
    pub(super) async fn approve(
        &self,
        client: Option<Client>,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let Some(address) = self.address() else { return Ok(self.over()) };
        let Some(client) = client else {
            let page = view::notice(self.context, 403, Notice::NotAllowed);
            let page = page.noting(WHAT, Some(&self.hold.client_id), "refused", "no_client");
            return self.refused(address, page, rng).await;
        };
        let governance = self.context.server.governance_at_source()?;
        let (here, marks) = (self.context.side(), self.context.marks(&governance));
        let step = at_approval(&self.person, &self.asked, (Some(address.key), &self.hold), (&here, &marks));
        match ask(&governance, (Some(&client), Some(&self.person.account)), &step.facts()) {
            Ok(mut permit)
                if is_assigned(self.context, &permit, &self.asked, &self.person.account).await? =>
            {
                note_unassigned(self.context, &mut permit, &self.asked, &self.person.account).await;
                self.approve_on(address, &client, permit, step.recorded(), rng).await
            }
            Ok(Permit { record, .. }) => {
                let refusal = Refusal::unassigned(record);
                self.refused(address, self.denied(&governance, &refusal, &client), rng).await
            }
            Err(refusal) => self.refused(address, self.denied(&governance, &refusal, &client), rng).await,
        }
    }

    /// Builds the page that says why the person may not approve, and leaves the event to write.
    fn denied(&self, governance: &Governance, refusal: &Refusal, client: &Client) -> Response {
        let page = self.denial(governance, refusal, client);
        let note = note_refused(self.context, &self.code, &self.hold, refusal);
        refusal.note(page, WHAT, Some(&client.client_id)).leaving(note)
    }

    /// Builds that page, with the form to ask for access where that can help.
    fn denial(&self, governance: &Governance, refusal: &Refusal, client: &Client) -> Response {
        if refusal.remedy.is_none() {
            return denied::page(self.context, governance, refusal);
        }
        let asking = Asking {
            csrf: &csrf(self.context, self.browser),
            request: &self.hold.nonce,
            client_name: &client.client_name,
            answer: None,
            reason: String::new(),
            outcome: (403, None),
        };
        denied::with_form(self.context, governance, refusal, asking)
    }

    /// Approves on these terms, if the sign-in meets what the client, its scopes and the rules demand.
    async fn approve_on(
        &self,
        address: Address,
        client: &Client,
        permit: Permit,
        recorded: Recorded,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let demands = self.context.server.demands(client, &self.hold.scope)?;
        let demands = demands.and(permit.requirements.demand());
        if let Err(lack) = self.hold.judge(self.person.session.facts(), &demands, self.context.now) {
            return Ok(self.sign_in_again((lack, &demands), rng).await);
        }
        let bound = permit.requirements.out_of_band_binding;
        if bound && !Identifier::is_end(&self.typed) {
            return self.ask_again(Problem::IdentifierMissing, rng).await;
        }
        // Everything else is right by now, so that no other mistake costs a try.
        if bound && !self.asked.identifier.as_ref().is_some_and(|identifier| identifier.ends_in(&self.typed))
        {
            return self.misidentify(address, rng).await;
        }
        let approval = Box::new(self.approval(permit.scope, Recorded { bound, ..recorded }, rng));
        let decision = if permit.requirements.initiation_verification {
            ConsentDecision::Verify(approval, Digits::draw(rng))
        } else {
            ConsentDecision::Approve(approval)
        };
        self.decide(Choice::Approve, address, (decision, permit.record), rng).await
    }

    /// Spends a try at the identifier of the device.
    async fn misidentify(&self, address: Address, rng: &mut impl CryptoRng) -> Result<Response, Unavailable> {
        let hold = hold_of(self.browser, &self.person.account, &self.hold.nonce);
        let ask = Misidentify { key: address.key, hold, person: Box::new(self.context.side()) };
        match self.context.server.platform.grants(address.shard, ask).await? {
            Misidentified::Left(_) => self.ask_again(Problem::WrongIdentifier, rng).await,
            Misidentified::Denied(settled) => {
                let recent = settle(self.context, self.recent(), &settled).await;
                let page = go_to(self.context, self.browser, &recent, rng);
                Ok(page.noting(WHAT, Some(&self.hold.client_id), "refused", "misidentified"))
            }
            Misidentified::Over => Ok(self.over()),
        }
    }

    pub(super) async fn refuse(
        &self,
        choice: Choice,
        denial: Denial,
        rng: &mut impl CryptoRng,
    ) -> Result<Response, Unavailable> {
        let Some(address) = self.address() else { return Ok(self.over()) };
        self.decide(choice, address, (ConsentDecision::Deny(denial), None), rng).await
    }

    async fn decide(
        &self,
        choice: Choice,
        address: Address,
        decision: (ConsentDecision, Option<Box<PolicyRecord>>),
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

    fn approval(&self, scope: Scope, recorded: Recorded, rng: &mut impl CryptoRng) -> Approval {
        let Person { session, account, .. } = &self.person;
        Approval {
            id: ApprovalId::draw(rng),
            account: account.key.clone(),
            sub: account.sub.clone(),
            scope,
            auth_time: session.auth_time,
            amr: session.amr.clone(),
            acr: acr::met(session, &self.hold.acr_values),
            met_acr: session.acr.clone(),
            how: session.how.clone(),
            groups: account.groups.clone(),
            recorded,
            stage: Stage::of(&self.context.side().origin),
        }
    }

    async fn send(
        &self,
        address: Address,
        (decision, policy): (ConsentDecision, Option<Box<PolicyRecord>>),
    ) -> Result<Decided, Unavailable> {
        let hold = hold_of(self.browser, &self.person.account, &self.hold.nonce);
        let person = Box::new(self.context.side());
        let decide = Decide { key: address.key, hold, person, decision, policy };
        self.context.server.platform.grants(address.shard, decide).await
    }
}
