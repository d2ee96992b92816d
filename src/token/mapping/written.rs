//! The JSON form of rules, and its validation.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::{
    BadRule, Change, Filter, LONGEST_NAME, LONGEST_VALUE, MOST_VALUES, RESERVED, Rule, Rules, Source, Target,
    When,
};
use crate::fault::Fault;
use crate::format::given;

/// Reads the rules in the member `name` of a document.
///
/// # Errors
///
/// One fault for each faulty rule, or one for the whole list.
pub fn read(name: &str, rules: Value) -> Result<Rules, Vec<Fault>> {
    let Value::Array(rules) = rules else {
        return Err(vec![Fault::at(name, format!("{name} must be a list of rules"))]);
    };
    let (mut sound, mut faults) = (Vec::new(), Vec::new());
    for (index, rule) in rules.into_iter().enumerate() {
        match written_as_object(rule).and_then(serde_json::from_value) {
            Ok(rule) => sound.push(rule),
            Err(error) => faults.push(Fault::at_item(name, index, error.to_string())),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Rules::try_from(sound).map_err(|bad| vec![Fault::at(name, bad.to_string())])
}

/// Refuses lists: derived deserializers accept a list of values in place of an object, but nobody means that.
fn written_as_object(rule: Value) -> Result<Value, serde_json::Error> {
    let is_list = rule.is_array() || rule.get("when").is_some_and(Value::is_array);
    if is_list { Err(de::Error::custom("a rule and its when must be objects")) } else { Ok(rule) }
}

/// A rule in its JSON form, before validation. `null` is not a way to leave out a member.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    into: Option<Vec<Target>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    when: Option<When>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    claim: Option<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    from: Option<Source>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(rename = "as", deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    drop: Option<String>,
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Written::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::from(self.clone()).serialize(serializer)
    }
}

impl TryFrom<Written> for Rule {
    type Error = BadRule;

    fn try_from(written: Written) -> Result<Self, BadRule> {
        let Written { into, when, claim, from, only, prefix, value, name, drop } = written;
        let filter = Filter { only, prefix };
        filter.check(from)?;
        let change = match (claim, from, value, name, drop) {
            (Some(claim), Some(from), None, None, None) => Change::Copy { claim, from, filter },
            (Some(claim), None, Some(value), None, None) if !value.is_null() => Change::Set { claim, value },
            (Some(claim), None, None, Some(name), None) => Change::Rename { claim, name },
            (None, None, None, None, Some(claim)) => Change::Drop { claim },
            _ => return Err(BadRule::Form),
        };
        change.check()?;
        if into.as_ref().is_some_and(|into| into.is_empty() || has_twice(into)) {
            return Err(BadRule::Into);
        }
        if when.as_ref().is_some_and(|when| !when.is_sound()) {
            return Err(BadRule::When);
        }
        Ok(Self { into, when, change })
    }
}

fn has_twice(targets: &[Target]) -> bool {
    targets.iter().enumerate().any(|(at, target)| targets.iter().take(at).any(|other| other == target))
}

/// Returns whether a text has 1 to [`LONGEST_NAME`] characters.
fn is_sized(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.chars().count())
}

impl When {
    fn is_sound(&self) -> bool {
        (self.scope.is_some() || self.group.is_some()) && self.scope.as_deref().is_none_or(is_sized)
    }
}

impl Filter {
    fn check(&self, from: Option<Source>) -> Result<(), BadRule> {
        let only = self.only.as_ref().is_none_or(|only| {
            (1..=MOST_VALUES).contains(&only.len()) && only.iter().all(|text| is_sized(text))
        });
        let fits = self.is_empty() || from.is_some_and(Source::is_text);
        if fits && only && self.prefix.as_deref().is_none_or(is_sized) {
            Ok(())
        } else {
            Err(BadRule::Filter)
        }
    }
}

impl Change {
    fn check(&self) -> Result<(), BadRule> {
        match self {
            Self::Copy { claim, .. } | Self::Drop { claim } => free(claim),
            Self::Set { claim, value } => {
                free(claim)?;
                if value.to_string().len() <= LONGEST_VALUE { Ok(()) } else { Err(BadRule::Value) }
            }
            Self::Rename { claim, name } => free(claim).and_then(|()| free(name)),
        }
    }
}

/// Checks that rules may touch a claim with this name.
fn free(claim: &str) -> Result<(), BadRule> {
    let plain = claim.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if RESERVED.contains(&claim) {
        Err(BadRule::Reserved(claim.to_owned()))
    } else if plain && (1..=LONGEST_NAME).contains(&claim.len()) {
        Ok(())
    } else {
        Err(BadRule::Name)
    }
}

impl From<Rule> for Written {
    fn from(Rule { into, when, change }: Rule) -> Self {
        let common = Self { into, when, ..Self::default() };
        match change {
            Change::Copy { claim, from, filter: Filter { only, prefix } } => {
                Self { claim: Some(claim), from: Some(from), only, prefix, ..common }
            }
            Change::Set { claim, value } => Self { claim: Some(claim), value: Some(value), ..common },
            Change::Rename { claim, name } => Self { claim: Some(claim), name: Some(name), ..common },
            Change::Drop { claim } => Self { drop: Some(claim), ..common },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::mapping::{LIST, MOST_RULES};
    use serde_json::json;

    #[test]
    fn a_faulty_rule_is_refused_and_says_why() {
        let long = "x".repeat(LONGEST_NAME + 1);
        for (rule, why) in [
            (json!({}), "a rule must have claim"),
            (json!({ "claim": "x" }), "a rule must have claim"),
            (json!({ "claim": "x", "value": null }), "a rule must have claim"),
            (json!({ "claim": "x", "value": 1, "from": "groups" }), "a rule must have claim"),
            (json!({ "claim": "x", "as": "y", "drop": "z" }), "a rule must have claim"),
            (json!({ "drop": "x", "value": 1 }), "a rule must have claim"),
            (json!({ "claim": "x", "from": "account.password" }), "unknown variant"),
            (json!({ "claim": "x", "value": 1, "iff": true }), "unknown field"),
            (json!({ "claim": "sub", "value": 1 }), "sub is reserved"),
            (json!({ "claim": "name", "as": "cnf" }), "cnf is reserved"),
            (json!({ "claim": "acr", "as": "x" }), "acr is reserved"),
            (json!({ "drop": "exp" }), "exp is reserved"),
            (json!({ "claim": "", "value": 1 }), "name must have"),
            (json!({ "claim": "a b", "value": 1 }), "name must have"),
            (json!({ "claim": long, "value": 1 }), "name must have"),
            (json!({ "claim": "x", "value": "y".repeat(LONGEST_VALUE) }), "value must not be longer"),
            (json!({ "claim": "x", "value": 1, "prefix": "y" }), "filter"),
            (json!({ "claim": "x", "from": "account.email_verified", "prefix": "t" }), "filter"),
            (json!({ "claim": "x", "from": "groups", "only": [] }), "filter"),
            (json!({ "claim": "x", "from": "groups", "only": ["a", ""] }), "filter"),
            (json!({ "claim": "x", "from": "groups", "prefix": long }), "filter"),
            (json!({ "claim": "x", "value": 1, "into": [] }), "into must name"),
            (json!({ "claim": "x", "value": 1, "into": ["userinfo", "userinfo"] }), "into must name"),
            (json!({ "claim": "x", "value": 1, "into": ["refresh_token"] }), "unknown variant"),
            (json!({ "claim": "x", "value": 1, "when": {} }), "when must have"),
            (json!({ "claim": "x", "value": 1, "when": { "scope": "" } }), "when must have"),
            (json!({ "claim": "x", "as": "y", "drop": null }), "null"),
            (json!({ "drop": "x", "value": null }), "a rule must have claim"),
            (json!({ "drop": "x", "when": { "scope": "a", "group": null } }), "null"),
            (json!({ "drop": "x", "when": null }), "null"),
            (json!({ "drop": "x", "when": { "group": "staff" } }), "such as local:staff"),
        ] {
            let error = serde_json::from_value::<Rule>(rule.clone()).unwrap_err().to_string();
            assert!(error.contains(why), "{rule}: {error}");
        }
        let faults = read("claims", json!([{ "drop": "name" }, { "drop": "sub" }, 7])).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/claims/1", "/claims/2"]);
        assert_eq!(read("claims", json!({})).unwrap_err()[0].pointer, "/claims");
        let listed = json!([[null, null, null, null, null, null, null, null, "name"], { "drop": "name", "when": ["email"] }]);
        assert_eq!(read("claims", listed).unwrap_err().len(), 2);
        let many = vec![json!({ "drop": "name" }); MOST_RULES + 1];
        assert!(
            serde_json::from_value::<Rules>(many.clone().into())
                .unwrap_err()
                .to_string()
                .contains("at most 50")
        );
        assert!(serde_json::from_value::<Rules>(many[1..].into()).is_ok());
    }

    #[test]
    fn a_rule_that_copies_a_list_weighs_more() {
        let allowance = |rule: Value| {
            let rules: Rules = serde_json::from_value(json!([rule])).unwrap();
            rules.weight() - serde_json::to_string(&rules).unwrap().len()
        };
        let copying = |from: &str| allowance(json!({ "claim": "x", "from": from }));

        for list in ["account.groups", "request.scope", "request.resource"] {
            assert_eq!(copying(list), LIST, "{list}");
        }
        assert_eq!((copying("account.name"), allowance(json!({ "drop": "name" }))), (0, 0));
    }

    #[test]
    fn a_rule_serializes_to_the_json_it_was_read_from() {
        for rule in [
            json!({ "into": ["id_token"], "claim": "x", "from": "account.groups", "only": ["a"], "prefix": "b" }),
            json!({ "when": { "scope": "email" }, "claim": "x", "value": { "y": null } }),
            json!({ "claim": "email", "as": "mail" }),
            json!({ "drop": "name" }),
        ] {
            let parsed: Rule = serde_json::from_value(rule.clone()).unwrap();
            assert_eq!(serde_json::to_value(parsed).unwrap(), rule);
        }
    }
}
