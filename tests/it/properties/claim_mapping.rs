//! What holds for any claim mapping rules.

use std::collections::BTreeMap;

use device_grant::scope::Scope;
use device_grant::token::mapping::apply::{MappingFacts, map};
use device_grant::token::mapping::{RESERVED, Rule, Rules, Target};
use proptest::prelude::*;

/// A rule as somebody might write it, valid or not.
fn rule() -> impl Strategy<Value = serde_json::Value> {
    let name = || prop_oneof![proptest::sample::select(&RESERVED[..]).prop_map(str::to_owned), "[a-z]{1,6}"];
    let target = proptest::sample::select(vec!["access_token", "id_token", "userinfo"]);
    let source = proptest::sample::select(vec![
        "account.sub",
        "account.email",
        "account.groups",
        "account.email_verified",
        "request.client_id",
        "request.scope",
    ]);
    let change = prop_oneof![
        (name(), source).prop_map(|(claim, from)| serde_json::json!({ "claim": claim, "from": from })),
        (name(), "[a-z]{0,8}")
            .prop_map(|(claim, value)| serde_json::json!({ "claim": claim, "value": value })),
        (name(), name()).prop_map(|(claim, to)| serde_json::json!({ "claim": claim, "as": to })),
        name().prop_map(|claim| serde_json::json!({ "drop": claim })),
    ];
    (change, proptest::option::of(target)).prop_map(|(mut rule, into)| {
        if let (Some(into), Some(members)) = (into, rule.as_object_mut()) {
            members.insert("into".to_owned(), serde_json::json!([into]));
        }
        rule
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_set_of_rules_changes_a_reserved_claim(
        written in proptest::collection::vec(rule(), 0..20),
        by_scope in proptest::collection::vec(rule(), 0..20),
    ) {
        // Invalid rules are refused when they are saved, so only valid ones reach a token.
        let valid = |rules: Vec<serde_json::Value>| {
            let rules: Vec<Rule> = rules.into_iter().filter_map(|rule| serde_json::from_value(rule).ok()).collect();
            Rules::try_from(rules).expect("not too many")
        };
        let (client, scopes) = (valid(written), BTreeMap::from([("openid".to_owned(), valid(by_scope))]));
        let account = device_grant::identity::demo::accounts().remove(0);
        let scope = Scope::parse("openid").expect("a scope");
        let facts = MappingFacts { account: &account, client_id: "demo-tv", scope: &scope, resource: &[] };
        let before = serde_json::json!({ "name": "Alice", "email": "alice@example.com" });
        for target in [Target::AccessToken, Target::IdToken, Target::Userinfo] {
            let claims = before.as_object().expect("claims").clone();
            let after = map(&scopes, &client, target, facts, claims);
            prop_assert!(after.keys().all(|claim| !RESERVED.contains(&claim.as_str())), "{after:?}");
        }
    }

    #[test]
    fn a_parsed_rule_survives_serialization(written in rule()) {
        if let Ok(rule) = serde_json::from_value::<Rule>(written) {
            let again = serde_json::to_value(&rule).expect("it serializes");
            prop_assert_eq!(serde_json::from_value::<Rule>(again).expect("it parses"), rule);
        }
    }
}
