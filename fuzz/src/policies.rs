//! Policies, as operators write them.

use std::time::Duration;

use device_grant::device_kind::DeviceClass;
use device_grant::identity::account_key::AccountKey;
use device_grant::policy::Point;
use device_grant::policy::document::{Fallback, Policy};
use device_grant::policy::evaluation::decide;
use device_grant::policy::facts::{Facts, Groups, Nearness, SideFacts, SignInFacts};
use device_grant::policy::governance::Governance;
use device_grant::policy::place::Country;
use device_grant::policy::rule::State;
use device_grant::policy::warning::warnings;
use device_grant::policy::window::Span;
use device_grant::policy::written;
use device_grant::scope::Scope;
use device_grant::time::Timestamp;
use serde_json::{Map, Value};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A policy that is read is written as JSON that is read as the same policy; a refusal names every fault. No order of the
/// rules and no rule that only reports changes a decision.
pub fn policies(input: &[u8]) {
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(input) else { return };
    match written::parse(members, NOW) {
        Ok(policy) => {
            let Ok(Value::Object(again)) = serde_json::to_value(&policy) else {
                panic!("a policy is an object")
            };
            assert_eq!(written::parse(again, NOW).as_ref(), Ok(&policy));
            let _ = warnings(&policy, NOW);
            judge(policy);
        }
        Err(faults) => {
            assert!(!faults.is_empty() && faults.iter().all(|fault| fault.pointer.starts_with('/')));
            assert!(faults.iter().all(|fault| fault.detail.len() < 4_096));
        }
    }
}

fn judge(policy: Policy) {
    let mut reversed = policy.clone();
    reversed.rules.reverse();
    let mut plain = policy.clone();
    plain.rules.retain(|rule| rule.state == State::Enforced);
    if plain.default == Fallback::ReportOnly {
        plain.default = Fallback::Allow;
    }
    let of = |policy| Governance { policy, ..Governance::without_document(false) };
    let (policy, reversed, plain) = (of(policy), of(reversed), of(plain));
    let (scope, account) = (Scope::parse("openid a").expect("a scope"), AccountKey::local("a"));
    let amr = ["pwd".to_owned()];
    let side = |country| SideFacts {
        country: Country::of(Some(country)),
        region: Some("R"),
        asn: Some(1),
        networks: &[],
        hosting: false,
        class: DeviceClass::CommandLine,
        managed: false,
    };
    let until = NOW + Duration::from_secs(600);
    for point in
        [Point::DeviceAuthorization, Point::SignIn, Point::Approval, Point::Redemption, Point::Refresh]
    {
        let nothing = Facts::unknown(point, Span { from: NOW, until });
        let device = Facts { client: Some("a"), scope: Some(&scope), device: Some(side("DE")), ..nothing };
        let all = Facts {
            account: Some(&account),
            groups: Some(Groups::exactly(&[])),
            sign_in: Some(SignInFacts { age: Duration::ZERO, acr: None, amr: &amr, resists_phishing: false }),
            person: Some(side("XX")),
            nearness: Some(Nearness::Far),
            time: Span::at(NOW),
            ..device
        };
        for facts in [nothing, device, all] {
            let decision = decide(&policy, &facts);
            assert_eq!(decide(&reversed, &facts), decision);
            assert_eq!(decide(&plain, &facts).ruling, decision.ruling);
        }
    }
}
