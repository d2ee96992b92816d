//! The rows of the shard in memory, and records for them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use device_grant::audit::Event;
use device_grant::audit::outbox::Outbox;
use device_grant::family;
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::family::renewal::Renewal;
use device_grant::family::{Current, Family};
use device_grant::format::Format;
use device_grant::grant::live_codes::LiveCodes;
use device_grant::grant::routing::RowKey;
use device_grant::grant::shard::Rows;
use device_grant::grant::{Approval, Grant, Hold, Request, State};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::sign_in::How;
use device_grant::network::Prefix;
use device_grant::policy::recorded::Recorded;
use device_grant::provenance::{ApprovalId, Provenance, Stage};
use device_grant::registry::key_schedule::NEVER;
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::sub::Sub;
use device_grant::time::{Timestamp, span};
use device_grant::token::confirmation::Confirmation;

pub(super) const GRACE: Duration = span(60);

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stored {
    pub(super) grants: BTreeMap<RowKey, Grant>,
    pub(super) codes_of: BTreeMap<String, LiveCodes>,
    pub(super) codes: LiveCodes,
    pub(super) families: BTreeMap<FamilyId, Family>,
    pub(super) events: Vec<Event>,
}

#[derive(Default)]
pub(super) struct InMemory(pub(super) RefCell<Stored>);

impl Outbox for InMemory {
    type Error = Infallible;

    fn tell(&self, event: &Event) -> Result<(), Infallible> {
        self.0.borrow_mut().events.push(event.clone());
        Ok(())
    }
}

impl family::rows::Rows for InMemory {
    fn family(&self, id: FamilyId) -> Result<Option<Family>, Infallible> {
        Ok(self.0.borrow().families.get(&id).cloned())
    }

    fn put_family(&self, id: FamilyId, family: &Family) -> Result<(), Infallible> {
        self.0.borrow_mut().families.insert(id, family.clone());
        Ok(())
    }
}

impl Rows for InMemory {
    fn grant(&self, key: RowKey) -> Result<Option<Grant>, Infallible> {
        Ok(self.0.borrow().grants.get(&key).cloned())
    }

    fn put_grant(&self, key: RowKey, grant: &Grant, _: Timestamp) -> Result<(), Infallible> {
        self.0.borrow_mut().grants.insert(key, grant.clone());
        Ok(())
    }

    fn codes_of(&self, widest: &Prefix) -> Result<LiveCodes, Infallible> {
        Ok(self.0.borrow().codes_of.get(&widest.to_string()).cloned().unwrap_or_default())
    }

    fn put_codes_of(&self, widest: &Prefix, codes: &LiveCodes) -> Result<(), Infallible> {
        self.0.borrow_mut().codes_of.insert(widest.to_string(), codes.clone());
        Ok(())
    }

    fn codes(&self) -> Result<LiveCodes, Infallible> {
        Ok(self.0.borrow().codes.clone())
    }

    fn put_codes(&self, codes: LiveCodes) {
        self.0.borrow_mut().codes = codes;
    }

    fn each(
        &self,
        after: Option<RowKey>,
        most: u32,
        now: Timestamp,
        mut see: impl FnMut(RowKey, Option<Grant>) -> bool,
    ) -> Result<(), Infallible> {
        let grants = &self.0.borrow().grants;
        let shown = grants.iter().filter(|(key, _)| after.is_none_or(|after| **key > after));
        shown
            .take(most as usize)
            .all(|(key, grant)| see(*key, Some(grant.clone()).filter(|grant| grant.live_until(now) > now)));
        Ok(())
    }
}

pub(super) fn grant(secret: Digest, cnf: Confirmation, expires_at: Timestamp) -> Grant {
    Grant {
        format: Format,
        secret,
        request: Request { client_id: "demo-tv".to_owned(), cnf, ..Request::default() },
        expires_at,
        grace: GRACE.as_secs(),
        interval: 5,
        state: State::Pending { hold: None },
        decision: None,
        without_key: false,
        misidentified: 0,
    }
}

pub(super) fn hold(account: u8, browser: u8, page: u32) -> Hold {
    let (session, browser) = (Digest::of(&[account, browser]), Digest::of(&[browser]));
    let (key, sub) = (AccountKey::local(&account.to_string()), Sub::from(account.to_string().as_str()));
    Hold { account: key, sub, session, browser, nonce: page.to_string() }
}

pub(super) fn approval(at: Timestamp) -> Approval {
    let (account, scope) = (AccountKey::local("alice"), Scope::parse("openid").expect("a scope"));
    let sub = Sub::from("acct-a");
    let (id, stage) = (ApprovalId::from("approval"), Stage { at, ..Stage::default() });
    Approval {
        id,
        account,
        sub,
        scope,
        auth_time: at,
        amr: vec!["pwd".to_owned()],
        acr: None,
        met_acr: None,
        how: How::Password,
        groups: Vec::new(),
        recorded: Recorded::default(),
        stage,
    }
}

pub(super) fn current(secret: &str, attempt: &str) -> Current {
    Current { digest: Digest::of(secret.as_bytes()), attempt: AttemptId::of_jti(attempt), good_until: NEVER }
}

pub(super) fn family(id: FamilyId, attempt: u8, cnf: Confirmation, now: Timestamp) -> Family {
    let Approval { account, sub, scope, auth_time, amr, acr, .. } = approval(now);
    Family {
        format: Format,
        client_id: "demo-tv".to_owned(),
        account,
        sub,
        provenance: Provenance::default(),
        scope,
        auth_time,
        amr,
        ends_at: now + span(86_400),
        refresh: Some(current(&format!("{id}/0"), &attempt.to_string())),
        ended: None,
        resource: Vec::new(),
        cnf,
        acr,
        refreshable_until: now + span(86_400),
        renewal: Renewal::default(),
        recorded: Recorded::default(),
    }
}
