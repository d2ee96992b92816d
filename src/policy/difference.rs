//! What differs between two versions of the policy.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::Policy;

/// A member that differs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// The way to the member, with a rule by its identifier: `/rules/staff-cli/require/max_age`.
    pub at: String,
    /// `None` if the member is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// `None` if the member is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Returns every member that differs, in the order of the ways to them. The order of the rules makes no difference.
#[must_use]
pub fn differences(before: &Policy, after: &Policy) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(&by_name(before)), Some(&by_name(after)), &mut found);
    found
}

/// Returns the policy as JSON, with the rules by their identifiers.
fn by_name(policy: &Policy) -> Value {
    let mut members = match serde_json::to_value(policy) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    };
    let rules: Map<String, Value> = policy
        .rules
        .iter()
        .filter_map(|rule| Some((rule.id.as_str().to_owned(), serde_json::to_value(rule).ok()?)))
        .collect();
    members.insert("rules".to_owned(), rules.into());
    Value::Object(members)
}

fn compare(at: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else {
        found.push(Difference { at: at.to_owned(), before: before.cloned(), after: after.cloned() });
        return;
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        compare(&format!("{at}/{name}"), old.get(name), new.get(name), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::sample::{policy, rule};

    #[test]
    fn a_difference_leads_to_the_member_and_has_both_values() {
        let staff = |age: u64| rule("staff", "allow", json!({ "require": { "max_age": age } }));
        let night = || rule("night", "deny", json!({}));
        let found = differences(
            &policy(&json!([staff(900), night()])),
            &policy(&json!([rule("day", "deny", json!({})), staff(60)])),
        );

        let told: Vec<_> =
            found.iter().map(|one| (one.at.as_str(), one.before.is_some(), one.after.is_some())).collect();
        assert_eq!(
            told,
            [
                ("/rules/day", false, true),
                ("/rules/night", true, false),
                ("/rules/staff/require/max_age", true, true)
            ]
        );
        assert_eq!((found[2].before.clone(), found[2].after.clone()), (Some(json!(900)), Some(json!(60))));
    }

    #[test]
    fn the_order_of_the_rules_is_no_difference() {
        let rules = |ids: [&str; 2]| policy(&json!(ids.map(|id| rule(id, "deny", json!({})))));

        assert_eq!(differences(&rules(["a", "b"]), &rules(["b", "a"])), []);
    }
}
