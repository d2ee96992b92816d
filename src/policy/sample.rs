//! Policies and facts for unit tests.

use serde_json::{Value, json};

use super::Point;
use super::document::Policy;
use super::evaluation::decide;
use super::facts::{Facts, FirstTimes, Groups, Nearness, SideFacts, SignInFacts, Start};
use super::governance::Governance;
use super::name::Name;
use super::place::Country;
use super::window::Span;
use super::written;
use crate::device_kind::DeviceClass;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::network::Network;
use crate::scope::Scope;
use crate::time::Timestamp;

/// 2027-01-15, a Friday, at 08:00 UTC.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Returns the policy that denies by default, with these rules.
pub(super) fn policy(rules: &Value) -> Policy {
    let document =
        json!({ "default": "enforced", "networks": { "office": ["192.0.2.0/24"] }, "rules": rules });
    let Value::Object(members) = document else { unreachable!("it is an object") };
    written::parse(members, NOW).expect("the rules are sound")
}

/// Returns a rule. `members` are added to it.
pub(super) fn rule(id: &str, effect: &str, members: Value) -> Value {
    let mut rule = json!({ "id": id, "description": "for a test", "effect": effect });
    let Value::Object(members) = members else { unreachable!("it is an object") };
    rule.as_object_mut().expect("it is an object").extend(members);
    rule
}

pub(super) fn governance(rules: &Value) -> Governance {
    Governance { policy: policy(rules), ..Governance::without_document(false) }
}

/// What is known about a login, for facts to borrow.
pub(super) struct Login {
    scope: Scope,
    account: AccountKey,
    groups: Vec<Group>,
    amr: Vec<String>,
    networks: Vec<Name>,
    network: Network,
}

impl Login {
    /// Returns what is known about a login of Bob, who is staff: with a command line in the office in Berlin, far from his
    /// phone in Lagos, after a sign-in with a password ten minutes ago.
    pub(super) fn of_bob() -> Self {
        Self {
            scope: Scope::parse("openid deploy").expect("a scope"),
            account: AccountKey::local("bob"),
            groups: vec![Group::parse("local:staff").expect("a group")],
            amr: vec!["pwd".to_owned()],
            networks: vec![Name::parse("office").expect("a name")],
            network: Network::of(Some("192.0.2.7"), |prefix| prefix.replace(['.', '/'], "_")),
        }
    }

    /// Returns all facts, at the approval.
    pub(super) fn facts(&self) -> Facts<'_> {
        let asn = Some(64_500);
        let office = SideFacts {
            country: Country::of(Some("DE")),
            region: Some("Berlin"),
            asn,
            networks: &self.networks,
            hosting: false,
            class: DeviceClass::CommandLine,
            managed: true,
        };
        let phone = SideFacts {
            country: Country::of(Some("NG")),
            region: None,
            asn: Some(64_501),
            networks: &[],
            hosting: true,
            class: DeviceClass::PhoneOrTablet,
            managed: false,
        };
        let age = core::time::Duration::from_secs(600);
        Facts {
            point: Point::Approval,
            time: Span::at(NOW),
            client: Some("cli"),
            scope: Some(&self.scope),
            account: Some(&self.account),
            groups: Some(Groups::exactly(&self.groups)),
            sign_in: Some(SignInFacts { age, acr: Some("basic"), amr: &self.amr, resists_phishing: false }),
            device: Some(office),
            person: Some(phone),
            nearness: Some(Nearness::Far),
            same_device: Some(false),
            first: Some(FirstTimes { person: false, client: true, place: false }),
            web_page: Some(false),
            can_verify: Some(false),
            is_bound: Some(false),
            start: Some(Start { at: NOW, country: Country::of(Some("DE")), asn, network: &self.network }),
            approval: None,
            code: None,
        }
    }

    /// Returns what is known when the code is requested.
    pub(super) fn start(&self) -> Facts<'_> {
        let unknown = Facts::unknown(Point::DeviceAuthorization, Span::at(NOW));
        let Facts { client, scope, device, web_page, start, .. } = self.facts();
        Facts { client, scope, device, web_page, start, ..unknown }
    }
}

/// Returns whether Bob's login is allowed: at the start, and when he approves.
pub(super) fn allowed(governance: &Governance) -> (bool, bool) {
    let bob = Login::of_bob();
    (decide(governance, &bob.start()).is_allowed(), decide(governance, &bob.facts()).is_allowed())
}
