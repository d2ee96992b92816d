//! Applies rules to claims.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Change, Filter, Rule, Rules, Source, Target, When};
use crate::identity::account::Account;
use crate::identity::group::Group;
use crate::scope::Scope;

/// The facts that rules can copy and depend on.
#[derive(Clone, Copy, Debug)]
pub struct MappingFacts<'a> {
    /// The account that the tokens are about.
    pub account: &'a Account,
    /// The client that the tokens are for.
    pub client_id: &'a str,
    /// The granted scope.
    pub scope: &'a Scope,
    /// The audience of the access token.
    pub resource: &'a [String],
}

/// Applies every rule for `target` to `claims`: first those of the granted scopes, in alphabetical order of
/// the scopes, then those of the client. No rule touches a claim that is [`RESERVED`](super::RESERVED).
#[must_use]
pub fn map(
    scopes: &BTreeMap<String, Rules>,
    client: &Rules,
    target: Target,
    facts: MappingFacts<'_>,
    mut claims: Map<String, Value>,
) -> Map<String, Value> {
    let by_scope = facts.scope.iter().filter_map(|scope| scopes.get(scope));
    for rule in by_scope.chain([client]).flat_map(|rules| &rules.0) {
        if rule.applies(target, facts) {
            rule.change.apply(facts, &mut claims);
        }
    }
    claims
}

impl Rule {
    fn applies(&self, target: Target, facts: MappingFacts<'_>) -> bool {
        let Some(When { scope, group }) = &self.when else { return self.goes_into(target) };
        let scope = scope.as_ref().is_none_or(|scope| facts.scope.has(scope));
        let group = group.as_ref().is_none_or(|group| facts.account.groups.contains(group));
        self.goes_into(target) && scope && group
    }

    fn goes_into(&self, target: Target) -> bool {
        self.into.as_ref().is_none_or(|into| into.contains(&target))
    }
}

impl Change {
    /// Applies the change. If there is no value to set, the claim stays as it is.
    fn apply(&self, facts: MappingFacts<'_>, claims: &mut Map<String, Value>) {
        let (name, value) = match self {
            Self::Copy { claim, from, filter } => {
                (claim, from.value(facts).and_then(|value| filter.pass(value)))
            }
            Self::Set { claim, value } => (claim, Some(value.clone())),
            Self::Rename { claim, name } => (name, claims.remove(claim)),
            Self::Drop { claim } => {
                claims.remove(claim);
                return;
            }
        };
        if let Some(value) = value {
            claims.insert(name.clone(), value);
        }
    }
}

impl Source {
    fn value(self, facts: MappingFacts<'_>) -> Option<Value> {
        let MappingFacts { account, client_id, scope, resource } = facts;
        match self {
            Self::Sub => Some(account.sub.as_str().into()),
            Self::Username => Some(account.username.as_str().into()),
            Self::Name => Some(account.name.as_str().into()),
            Self::Email => account.email.as_deref().map(Value::from),
            Self::EmailVerified => account.email.as_ref().map(|_| account.email_verified.into()),
            Self::Groups => Some(account.groups.iter().map(Group::as_str).collect()),
            Self::ClientId => Some(client_id.into()),
            Self::Scope => Some(scope.iter().collect()),
            Self::Resource => Some(resource.into()),
        }
    }
}

impl Filter {
    /// Returns the part of a value that passes: of a list, the values that match, even if that leaves it
    /// empty; a single value only if it matches.
    fn pass(&self, value: Value) -> Option<Value> {
        match value {
            Value::Array(values) => Some(values.into_iter().filter(|value| self.lets(value)).collect()),
            one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                self.lets(&one).then_some(one)
            }
        }
    }

    fn lets(&self, value: &Value) -> bool {
        let Some(text) = value.as_str() else { return self.is_empty() };
        let listed = self.only.as_ref().is_none_or(|only| only.iter().any(|one| one == text));
        listed && self.prefix.as_ref().is_none_or(|prefix| text.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::demo;
    use serde_json::json;

    fn rules(rules: Value) -> Rules {
        serde_json::from_value(rules).unwrap()
    }

    /// Maps `{"name":"Alice Liddell","email":"…"}` with the rules `written`, for an ID token about alice.
    fn mapped(written: Value) -> Value {
        let account = Account {
            groups: ["corp:tv-admins", "corp:staff"].map(|group| Group::parse(group).unwrap()).to_vec(),
            ..demo::accounts().remove(0)
        };
        let scope = Scope::parse("openid email").unwrap();
        let resource = ["https://api.example.com".to_owned()];
        let facts =
            MappingFacts { account: &account, client_id: "demo-tv", scope: &scope, resource: &resource };
        let claims = json!({ "name": "Alice Liddell", "email": "alice@example.com" });
        let Value::Object(claims) = claims else { unreachable!("braces make an object") };
        map(&BTreeMap::new(), &rules(written), Target::IdToken, facts, claims).into()
    }

    #[test]
    fn a_claim_comes_from_the_account_its_groups_or_the_request() {
        for (rule, claim) in [
            (json!({ "claim": "x", "from": "account.username" }), json!("alice")),
            (json!({ "claim": "x", "from": "account.email_verified" }), json!(true)),
            (json!({ "claim": "x", "from": "groups" }), json!(["corp:tv-admins", "corp:staff"])),
            (
                json!({ "claim": "x", "from": "account.groups", "prefix": "corp:tv-" }),
                json!(["corp:tv-admins"]),
            ),
            (
                json!({ "claim": "x", "from": "groups", "only": ["corp:staff", "staff"] }),
                json!(["corp:staff"]),
            ),
            (json!({ "claim": "x", "from": "groups", "only": ["other"] }), json!([])),
            (json!({ "claim": "x", "from": "account.email", "prefix": "bob" }), Value::Null),
            (json!({ "claim": "x", "from": "request.client_id" }), json!("demo-tv")),
            (json!({ "claim": "x", "from": "request.scope" }), json!(["email", "openid"])),
            (json!({ "claim": "x", "from": "request.resource" }), json!(["https://api.example.com"])),
            (json!({ "claim": "x", "value": { "any": [1] } }), json!({ "any": [1] })),
        ] {
            assert_eq!(mapped(json!([rule])).get("x").unwrap_or(&Value::Null), &claim, "{rule}");
        }
    }

    #[test]
    fn claims_are_renamed_and_dropped_in_the_order_of_the_rules() {
        let renamed =
            json!([{ "claim": "email", "as": "mail" }, { "drop": "name" }, { "claim": "none", "as": "x" }]);
        assert_eq!(mapped(renamed), json!({ "mail": "alice@example.com" }));

        let twice =
            json!([{ "claim": "a", "value": 1 }, { "claim": "a", "value": 2 }, { "claim": "a", "as": "b" }]);
        assert_eq!(mapped(twice).get("b"), Some(&json!(2)));
    }

    #[test]
    fn a_rule_applies_where_and_when_it_says() {
        let set = |more: Value| {
            let mut rule = json!({ "claim": "x", "value": 1 });
            rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            mapped(json!([rule])).get("x").is_some()
        };

        assert!(
            set(json!({ "into": ["id_token", "userinfo"] })) && !set(json!({ "into": ["access_token"] }))
        );
        assert!(
            set(json!({ "when": { "scope": "email" } })) && !set(json!({ "when": { "scope": "profile" } }))
        );
        assert!(
            set(json!({ "when": { "group": "corp:staff" } }))
                && !set(json!({ "when": { "group": "local:staff" } }))
        );
        assert!(!set(json!({ "when": { "scope": "email", "group": "local:staff" } })), "both must hold");
    }

    #[test]
    fn the_rules_of_a_granted_scope_come_before_the_clients() {
        let account = demo::accounts().remove(0);
        let scope = Scope::parse("openid").unwrap();
        let facts = MappingFacts { account: &account, client_id: "demo-tv", scope: &scope, resource: &[] };
        let scopes = BTreeMap::from([
            ("openid".to_owned(), rules(json!([{ "claim": "a", "value": 1 }, { "claim": "b", "value": 1 }]))),
            ("profile".to_owned(), rules(json!([{ "claim": "c", "value": 1 }]))),
        ]);
        let client = rules(json!([{ "claim": "b", "value": 2 }]));

        let claims = map(&scopes, &client, Target::AccessToken, facts, Map::new());

        assert_eq!(Value::from(claims), json!({ "a": 1, "b": 2 }));
    }
}
