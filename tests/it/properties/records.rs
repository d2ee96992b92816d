//! Records for the tests that pin stored formats and messages.

use device_grant::audit::policy_record::PolicyRecord;
use device_grant::device_kind::DeviceKind;
use device_grant::family::id::AttemptId;
use device_grant::family::renewal::Renewal;
use device_grant::family::{Current, Family};
use device_grant::format::Format;
use device_grant::grant::{Approval, Grant, Hold, Request, State};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::device::{self, Device};
use device_grant::identity::history::{PastDecision, Verdict};
use device_grant::identity::sign_in::How;
use device_grant::network::Network;
use device_grant::place::{Journey, Origin, Place};
use device_grant::policy::facts::Nearness;
use device_grant::policy::recorded::Recorded;
use device_grant::provenance::{ApprovalId, Provenance, Stage};
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::sub::Sub;
use device_grant::time::Timestamp;
use device_grant::token::confirmation::Confirmation;

pub(super) const AT: Timestamp = Timestamp::from_millis(1_763_733_780_123);

pub(super) fn network() -> Network {
    serde_json::from_str("\"24.abc/32.def\"").expect("a network")
}

pub(super) fn request() -> Request {
    Request {
        client_id: "demo-tv".to_owned(),
        scope: Scope::parse("openid email").expect("a scope"),
        nonce: Some("n".to_owned()),
        origin: Origin {
            place: Place { country: Some("FR".to_owned()), asn: Some(64500), ..Place::default() },
            device: DeviceKind::Product("Apple TV"),
            at: AT,
            page: None,
        },
        network: network(),
        ..Request::default()
    }
}

/// Returns the way from the place of [`request`] to an unknown one.
pub(super) fn journey() -> Journey {
    Journey::between(&request().origin.place, &Place::default())
}

pub(super) fn bound() -> Confirmation {
    Confirmation { jkt: Some("thumbprint".to_owned()), ..Confirmation::default() }
}

pub(super) fn provenance() -> Provenance {
    let approved = Stage { at: AT, ..Stage::default() };
    let approval_id = ApprovalId::from("approval");
    Provenance { approval_id, started: Stage::of(&request().origin), approved, ..Provenance::default() }
}

pub(super) fn device() -> Device {
    Device {
        format: Format,
        account: AccountKey::local("alice"),
        client_id: "demo-tv".to_owned(),
        client_name: "Demo TV".to_owned(),
        label: None,
        scope: Scope::parse("openid").expect("a scope"),
        provenance: provenance(),
        network: network(),
        first_used_at: AT,
        last_used_at: AT,
        ends_at: AT,
        state: device::State::Pending,
    }
}

pub(super) fn recorded() -> Recorded {
    Recorded { nearness: Nearness::Near, network: network(), ..Recorded::default() }
}

pub(super) fn approval() -> Approval {
    Approval {
        id: ApprovalId::from("approval"),
        account: AccountKey::local("alice"),
        sub: Sub::from("acct-a"),
        scope: Scope::parse("openid").expect("a scope"),
        auth_time: AT,
        amr: vec!["pwd".to_owned()],
        acr: None,
        met_acr: None,
        how: How::Password,
        groups: Vec::new(),
        recorded: recorded(),
        stage: Stage { at: AT, ..Stage::default() },
    }
}

pub(super) fn hold() -> Hold {
    Hold {
        account: AccountKey::local("alice"),
        sub: Sub::from("acct-a"),
        session: Digest::of(b"session"),
        browser: Digest::of(b"browser"),
        nonce: "nonce".to_owned(),
    }
}

pub(super) fn grant(state: State) -> Grant {
    Grant {
        format: Format,
        secret: Digest::of(b"secret"),
        request: request(),
        expires_at: AT,
        grace: 60,
        interval: 5,
        state,
        decision: None,
        without_key: false,
        misidentified: 0,
    }
}

pub(super) fn family() -> Family {
    Family {
        format: Format,
        client_id: "demo-tv".to_owned(),
        account: AccountKey::local("alice"),
        sub: Sub::from("acct-a"),
        provenance: provenance(),
        scope: Scope::parse("openid").expect("a scope"),
        auth_time: AT,
        amr: vec!["pwd".to_owned()],
        ends_at: AT,
        refresh: Some(Current {
            digest: Digest::of(b"refresh"),
            attempt: AttemptId::of_jti("attempt"),
            good_until: AT,
        }),
        ended: None,
        resource: Vec::new(),
        cnf: Confirmation::default(),
        acr: None,
        refreshable_until: AT,
        renewal: Renewal::default(),
        recorded: recorded(),
    }
}

pub(super) fn decision() -> PastDecision {
    PastDecision {
        id: "page".to_owned(),
        verdict: Verdict::Approved,
        client_name: "Demo TV".to_owned(),
        at: AT,
        started: device().provenance.started,
    }
}

pub(super) fn policy_record() -> PolicyRecord {
    PolicyRecord {
        version: 3,
        revision: 7,
        point: "redemption".to_owned(),
        outcome: "allow".to_owned(),
        decided_by: "rule staff-cli".to_owned(),
        matched: vec!["staff-cli".to_owned()],
        would: None,
        facts: None,
    }
}
