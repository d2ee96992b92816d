//! A policy of 200 rules, each with most conditions, and 50 exceptions; and a login to decide. For the measurements of
//! `bench/policy.rs` and of the probe in `src/cloudflare/probe.rs`.

use core::time::Duration;

use device_grant::audit::change::Actor;
use device_grant::device_kind::DeviceClass;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::group::Group;
use device_grant::network::Network;
use device_grant::policy::Point;
use device_grant::policy::document::Policy;
use device_grant::policy::exception::Exception;
use device_grant::policy::facts::{Facts, FirstTimes, Groups, Nearness, SideFacts, SignInFacts, Start};
use device_grant::policy::governance::Governance;
use device_grant::policy::name::Name;
use device_grant::policy::place::Country;
use device_grant::policy::window::Span;
use device_grant::policy::written;
use device_grant::policy::written::exception::Reading;
use device_grant::scope::Scope;
use device_grant::time::Timestamp;
use serde_json::{Map, Value, json};

fn now() -> Timestamp {
    Timestamp::parse("2027-01-15T12:00:00Z").expect("an instant")
}

/// A quarter of the rules of each effect. Most conditions are true of the login, and the last one is false in three of four
/// rules, so that nearly all conditions of all rules are judged.
pub(crate) fn governance() -> Governance {
    let rules: Vec<Value> = (0..200).map(rule).collect();
    let policy = written::parse(members(json!({ "default": "enforced", "rules": rules })), now());
    let policy = policy.unwrap_or_else(|faults| panic!("{faults:?}"));
    let exceptions = (0..50).map(|number| exception(number, &policy)).collect();
    Governance { policy, exceptions, ..Governance::without_document(false) }
}

fn rule(number: usize) -> Value {
    let others = |prefix: &str, count: usize, last: &str| {
        let others = (0..count).map(|other| format!("{prefix}{other}"));
        others.chain([last.to_owned()]).collect::<Vec<_>>()
    };
    let (clients, groups) = (others("client-", 9, "cli"), others("corp:group-", 19, "local:staff"));
    let hours = if number.is_multiple_of(4) { "00:00-24:00" } else { "20:00-21:00" };
    let (effect, require, limit) = match number % 4 {
        0 => ("allow", None, None),
        1 => ("deny", None, None),
        2 => ("require", Some(json!({ "max_age": 60 + number, "near": true })), None),
        _ => ("limit", None, Some(json!({ "scope": "deploy openid", "access_token_lifetime": 60 + number }))),
    };
    json!({
        "id": format!("rule-{number}"), "description": "for a measurement", "effect": effect,
        "state": if number.is_multiple_of(8) { "report_only" } else { "enforced" },
        "require": require, "limit": limit,
        "when": {
            "clients": clients,
            "scopes": ["other", "deploy"],
            "groups": groups,
            "verdict": ["near", "far"],
            "device": { "countries": ["FR", "CH", "DE"], "hosting": false, "kinds": ["command_line"] },
            "person": { "asns": ["AS1", "AS2", "AS3320"] },
            "sign_in": { "amr": ["mfa", "pwd"], "max_age": 900 },
            "time": { "days": ["mon", "tue", "wed", "thu", "fri"], "hours": hours, "offset": "+01:00" }
        }
    })
}

fn exception(number: usize, policy: &Policy) -> Exception {
    let document = json!({
        "id": format!("exception-{number}"), "when": { "clients": ["cli"], "accounts": [format!("local:person-{number}")] },
        "lifts": ["rule-1"], "owner": "alice", "reason": "a measurement", "ticket": "1", "expires_at": "2027-02-01T00:00:00Z"
    });
    let reading = Reading { policy, before: None, by: Actor::Registration, now: now() };
    written::exception::parse(members(document), &reading).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn members(document: Value) -> Map<String, Value> {
    if let Value::Object(members) = document { members } else { Map::new() }
}

/// What is known about a login, for facts to borrow.
pub(crate) struct Login {
    scope: Scope,
    account: AccountKey,
    groups: Vec<Group>,
    amr: Vec<String>,
    networks: Vec<Name>,
    network: Network,
}

impl Login {
    pub(crate) fn new() -> Self {
        let groups = (0..19).map(|number| format!("local:group-{number}")).chain(["local:staff".to_owned()]);
        Self {
            scope: Scope::parse("openid profile deploy").expect("a scope"),
            account: AccountKey::local("bob"),
            groups: groups.filter_map(|group| Group::parse(&group)).collect(),
            amr: vec!["pwd".to_owned()],
            networks: Vec::new(),
            network: Network::default(),
        }
    }

    pub(crate) fn facts(&self, point: Point) -> Facts<'_> {
        let (country, asn) = (Country::of(Some("DE")), Some(3_320));
        let (networks, class) = (self.networks.as_slice(), DeviceClass::CommandLine);
        let side = SideFacts {
            country,
            region: Some("Berlin"),
            asn,
            networks,
            hosting: false,
            class,
            managed: true,
        };
        let early = Facts {
            client: Some("cli"),
            scope: Some(&self.scope),
            device: Some(side),
            web_page: Some(false),
            can_verify: Some(false),
            is_bound: Some(false),
            start: Some(Start { at: now(), country, asn, network: &self.network }),
            ..Facts::unknown(point, Span { from: now(), until: now() + Duration::from_secs(600) })
        };
        if point == Point::DeviceAuthorization {
            return early;
        }
        Facts {
            account: Some(&self.account),
            groups: Some(Groups::exactly(&self.groups)),
            sign_in: Some(SignInFacts {
                age: Duration::ZERO,
                acr: None,
                amr: &self.amr,
                resists_phishing: false,
            }),
            person: Some(side),
            nearness: Some(Nearness::Far),
            same_device: Some(false),
            first: Some(FirstTimes::default()),
            time: Span::at(now()),
            ..early
        }
    }
}
