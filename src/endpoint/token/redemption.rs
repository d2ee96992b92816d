//! Redeems a device code once the grant is approved.
//!
//! A redemption takes two hops to the shard. The first judges the code and spends nothing. Everything that
//! can fail happens between the hops. The second hop spends the approval; only the attempt that wins it
//! answers with tokens.

use core::time::Duration;
use std::rc::Rc;

use rand_core::CryptoRng;

use super::mint::{Subject, Tokens, good_until, may_refresh, mint};
use super::resource;
use super::state::{approved, may_reissue};
use crate::client::Client;
use crate::endpoint::client_auth::{Caller, certificate};
use crate::endpoint::dpop::Proven;
use crate::endpoint::error::Error;
use crate::endpoint::platform::Platform;
use crate::endpoint::policy::ask::Permit;
use crate::endpoint::policy::facts::{AtToken, Marks};
use crate::endpoint::policy::tokens::{ask_for_tokens, check_binding, untold};
use crate::endpoint::server::Context;
use crate::family::id::{AttemptId, FamilyId, SessionId};
use crate::family::renewal::Renewal;
use crate::family::{Current, Family};
use crate::format::Format;
use crate::grant::command::{Miss, Redeem, RefuseElsewhere};
use crate::grant::device_code::DeviceCode;
use crate::grant::poll::Ready;
use crate::grant::redemption::Redemption;
use crate::grant::verification::{Digits, Match};
use crate::identity::account::Account;
use crate::identity::command::{EnterDevice, Entered};
use crate::identity::device::{Device, DeviceId, State};
use crate::identity::latest_kill::Edition;
use crate::place::{Journey, Place};
use crate::policy::Point;
use crate::policy::governance::Governance;
use crate::policy::shortfall::Shortfall;
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// How often the groups of an account can change while its device is entered.
const ROUNDS: u32 = 3;

/// An approved grant, with everything that its redemption needs.
pub(super) struct Approved<'a, P> {
    context: Context<'a, P>,
    caller: &'a Caller,
    proven: &'a Proven,
    code: &'a DeviceCode,
    /// What the user of the device has typed.
    digits: Option<Digits>,
    ready: Ready,
    resources: &'a [&'a str],
    provenance: Provenance,
    client: Client,
    governance: Rc<Governance>,
    edition: Edition,
    marks: Marks,
    permit: Permit,
    audience: Vec<String>,
    cnf: Confirmation,
}

impl<'a, P: Platform> Approved<'a, P> {
    /// Checks the client and the policy again, as they are now. The account follows when its device is
    /// [entered](Self::enter); until then, its groups are those at the approval.
    pub(super) async fn check(
        context: Context<'a, P>,
        caller: &'a Caller,
        (proven, code, digits): (&'a Proven, &'a DeviceCode, Option<Digits>),
        ready: Ready,
        resources: &'a [&'a str],
    ) -> Result<Self, Error> {
        let client = caller.as_it_is_now(context, code.address.shard).await?;
        let client = client.ok_or(Error::RedemptionRefused("client_refused"))?;
        let governance = context.server.governance_at_source()?;
        let edition = context.server.governance_edition()?;
        let cnf = proven.confirmation(context, &client)?;
        let mut approved = Self {
            provenance: ready.approval.provenance(code.address.key, &ready.request),
            marks: context.marks(&governance),
            permit: Permit::default(),
            audience: Vec::new(),
            context,
            caller,
            proven,
            code,
            digits,
            ready,
            resources,
            client,
            governance,
            edition,
            cnf,
        };
        approved.judge()?;
        Ok(approved)
    }

    /// Asks policy with the groups that are known, and cuts what is not allowed.
    fn judge(&mut self) -> Result<(), Error> {
        let Ready { request, approval, .. } = &self.ready;
        let mut permit = ask_for_tokens(&self.governance, (&self.client, None), self.step())?;
        // The client, its scopes and the rules may demand more than when the person approved. What counts is how old the
        // sign-in was then.
        let (lack, sign_in, at) = (Shortfall::SignIn.name(), approval.facts(), approval.stage.at);
        let demands = self.context.server.demands(&self.client, &approval.scope)?;
        demands.judge(sign_in, at).map_err(|_| Error::RedemptionRefused(lack))?;
        if permit.requirements.demand().judge(sign_in, at).is_err() {
            return Err(untold(Point::Redemption, lack, permit.record));
        }
        check_binding(&mut permit, &self.cnf)?;
        let asked = (self.resources, request.resource.as_slice());
        self.audience = resource::narrowed(self.context, &self.client, asked.0, asked.1, &permit.scope)?;
        self.permit = permit;
        Ok(())
    }

    fn step(&self) -> AtToken<'_> {
        let approval = &self.ready.approval;
        AtToken {
            point: Point::Redemption,
            now: self.context.now,
            client_id: &self.client.client_id,
            scope: &approval.scope,
            account: &approval.account,
            groups: &approval.groups,
            auth_time: approval.auth_time,
            amr: &approval.amr,
            recorded: &approval.recorded,
            provenance: &self.provenance,
            is_verified: self.ready.digits.is_some(),
            place: &self.context.request.place,
            marks: &self.marks,
        }
    }

    /// Returns where the grant was started, and where this poll comes from.
    fn places(&self) -> (&Place, &Place) {
        (&self.ready.request.origin.place, &self.context.request.place)
    }

    pub(super) fn is_allowed_here(&self) -> bool {
        let (start, here) = self.places();
        self.client.codes.redemption_place.allows(start, here)
    }

    /// Ends the grant, because its code came from where the client may not redeem it. Returns the error to answer
    /// with, also if the grant was redeemed or denied in the meantime.
    pub(super) async fn refuse(self) -> Result<Error, Error> {
        let (context, address) = (self.context, self.code.address);
        let (start, here) = self.places();
        let (key, secret, journey) = (address.key, self.code.secret, Journey::between(start, here));
        self.proven.burn(context).await?;
        let ask = RefuseElsewhere { key, secret, journey };
        let refused = approved(context.server.platform.grants(address.shard, ask).await?);
        Ok(refused.err().unwrap_or(Error::Elsewhere))
    }

    /// Marks the proof as used if digits were compared, before anything depends on whether they are right. Otherwise, a proof
    /// that was used before would stop wrong digits at once, and right ones only after tokens were made: how long the error
    /// takes would tell which they are, and no try would be spent.
    pub(super) async fn burn_before_digits(&self) -> Result<(), Error> {
        if self.ready.digits.is_some() { self.proven.burn(self.context).await } else { Ok(()) }
    }

    /// Returns what the user of the device has typed, if it is wrong.
    pub(super) fn wrong_digits(&self) -> Option<Digits> {
        self.digits.clone().filter(|_| self.ready.digits == Some(Match::Wrong))
    }

    /// Spends a try at the digits. Returns the error to answer with.
    pub(super) async fn miss(self, digits: Digits) -> Result<Error, Error> {
        let (context, address) = (self.context, self.code.address);
        let ask = Miss { key: address.key, secret: self.code.secret, digits };
        let missed = approved(context.server.platform.grants(address.shard, ask).await?);
        Ok(missed.err().unwrap_or(Error::Unavailable))
    }

    /// Enters the device, makes the tokens and spends the approval. Nothing may fail after the second hop to the shard.
    pub(super) async fn redeem(mut self, rng: &mut impl CryptoRng) -> Result<Tokens, Error> {
        let context = self.context;
        let session = SessionId { shard: self.code.address.shard, family: FamilyId::draw(rng) };
        let attempt = AttemptId::draw(rng);
        let account = self.enter(session).await?;
        let until = self.refreshable_until();
        let subject = self.subject(&account, &attempt, session);
        let mut tokens = mint(context, &subject, rng).await?;
        let refresh = self.may_refresh().then(|| tokens.add_refresh_token(context, &subject, until, rng));
        let ends_at = tokens.ends_at(refresh.as_ref(), context.now);
        let family = self.family(&subject, refresh, ends_at);
        if self.ready.digits.is_none() {
            self.proven.burn(context).await?;
        }
        self.spend(attempt.clone(), session.family, family).await?;
        Ok(tokens)
    }

    /// Returns when refreshing ends, no matter how often the client refreshes (RFC 9700 §4.14.2).
    fn refreshable_until(&self) -> Timestamp {
        let lifetime = self.client.tokens.refresh_token_lifetime;
        let lifetime = lifetime.unwrap_or(self.context.server.settings.refresh_token);
        let until = self.context.now + Duration::from_secs(lifetime);
        self.permit.limits.refreshable_until(until, self.ready.approval.stage.at)
    }

    fn may_refresh(&self) -> bool {
        may_refresh(&self.client, &self.permit.scope, &self.permit.limits)
            && self.context.now < self.refreshable_until()
    }

    /// Enters the device at its account, which decides from then on whether its tokens are good. If the account has other
    /// groups by now, policy is asked again before anything is entered. Returns the account as it is now.
    async fn enter(&mut self, session: SessionId) -> Result<Account, Error> {
        for _ in 0..ROUNDS {
            match self.try_to_enter(session).await? {
                Entered::Entered(account) => return Ok(*account),
                Entered::OtherGroups(groups) => self.ready.approval.groups = groups,
                // The next poll asks the registry.
                Entered::Outdated => return Err(Error::Unavailable),
                Entered::Refused => return Err(Error::RedemptionRefused("account_refused")),
            }
            self.judge()?;
        }
        Err(Error::Unavailable)
    }

    async fn try_to_enter(&self, session: SessionId) -> Result<Entered, Error> {
        let (now, key) = (self.context.now, self.ready.approval.account.clone());
        let shard = key.shard();
        let until = self.refreshable_until();
        let last_issued =
            if self.may_refresh() { good_until(self.context, &self.client, until) } else { now };
        let device = Box::new(Device {
            format: Format,
            account: key,
            client_id: self.client.client_id.clone(),
            client_name: self.client.client_name.clone(),
            label: None,
            scope: self.permit.scope.clone(),
            provenance: self.provenance.clone(),
            network: self.ready.request.network.clone(),
            first_used_at: now,
            last_used_at: now,
            ends_at: Device::end_with(last_issued),
            state: State::Pending,
        });
        let groups = self.ready.approval.groups.clone();
        let (id, judged_by) = (DeviceId::from(session.to_string()), self.edition);
        let enter = EnterDevice { id, device, groups, judged_by };
        Ok(self.context.server.platform.accounts(shard, enter).await?)
    }

    fn subject<'s>(
        &'s self,
        account: &'s Account,
        attempt: &'s AttemptId,
        session: SessionId,
    ) -> Subject<'s> {
        let approval = &self.ready.approval;
        Subject {
            client: &self.client,
            account,
            provenance: &self.provenance,
            scope: &self.permit.scope,
            limits: &self.permit.limits,
            auth_time: approval.auth_time,
            amr: &approval.amr,
            acr: approval.acr.as_deref(),
            audience: &self.audience,
            cnf: &self.cnf,
            nonce: self.ready.request.nonce.as_deref(),
            attempt,
            session,
        }
    }

    /// Spends the approval and stores the family: the second hop.
    async fn spend(&self, attempt: AttemptId, id: FamilyId, family: Family) -> Result<(), Error> {
        let (start, here) = self.places();
        let ask = Redeem {
            key: self.code.address.key,
            secret: self.code.secret,
            attempt,
            id,
            family: Box::new(family),
            reissue: may_reissue(self.context, self.caller, Some(&self.ready.request.cnf)),
            journey: Journey::elsewhere(start, here),
            policy: self.permit.record.clone(),
            digits: self.digits.clone(),
        };
        match self.context.server.platform.grants(self.code.address.shard, ask).await? {
            Redemption::Won | Redemption::Again => Ok(()),
            Redemption::Lost => Err(Error::SpentDeviceCode),
        }
    }

    /// Builds the family that the redemption starts.
    fn family(&self, subject: &Subject<'_>, refresh: Option<Current>, ends_at: Timestamp) -> Family {
        let cnf = certificate::of_refresh_tokens(subject.client, subject.cnf);
        Family {
            format: Format,
            client_id: subject.client.client_id.clone(),
            account: subject.account.key.clone(),
            sub: subject.account.sub.clone(),
            provenance: subject.provenance.clone(),
            scope: subject.scope.clone(),
            auth_time: subject.auth_time,
            amr: subject.amr.to_vec(),
            ends_at,
            cnf: if refresh.is_some() { cnf } else { Confirmation::default() },
            refresh,
            ended: None,
            resource: self.ready.request.resource.clone(),
            acr: subject.acr.map(str::to_owned),
            refreshable_until: self.refreshable_until(),
            renewal: Renewal::default(),
            recorded: self.ready.approval.recorded.clone(),
        }
    }
}
