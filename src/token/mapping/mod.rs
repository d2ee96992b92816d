//! Claim mapping: rules that add, rename, filter, hard-code and drop claims.
//!
//! A parsed rule is valid: it names neither a reserved claim nor an unknown source, and it cannot fail when a
//! token is issued. Rules see only claims that are not reserved; the reserved ones are added afterwards.

pub mod written;

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::identity::account::Account;
use crate::scope::Scope;

/// Claims that no rule may set, rename or drop: those that decide whether a token is accepted (RFC 7519 §4.1,
/// RFC 9068 §2.2, OpenID Connect Core §2), and those that introspection responses use (RFC 7662 §2.2).
pub const RESERVED: [&str; 25] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
    "cnf",
    "sid",
    "auth_time",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "s_hash",
    "nonce",
    "azp",
    "act",
    "may_act",
    "authorization_details",
    "active",
    "token_type",
    "username",
];

/// Limit on the rules of one client or one scope.
const MOST_RULES: usize = 50;
/// Limit on the values in `only`.
const MOST_VALUES: usize = 64;
/// Longest claim name, filter value or condition, in bytes.
const LONGEST_NAME: usize = 128;
/// Longest hard-coded value, in bytes of JSON.
const LONGEST_VALUE: usize = 1_024;
/// Assumed size of a list that is copied from the account or the request, in bytes.
const LIST: usize = 256;

/// The rules of a client or of a scope, in the order in which they apply.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<Rule>", into = "Vec<Rule>")]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Returns whether there are no rules.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Estimates how many bytes the rules may add to a token: their own JSON, plus an allowance for each list
    /// that they copy.
    #[must_use]
    pub fn weight(&self) -> usize {
        let written = serde_json::to_string(self).expect("rules are made of texts and JSON values").len();
        written + LIST * self.0.iter().filter(|rule| rule.change.copies_a_list()).count()
    }
}

impl TryFrom<Vec<Rule>> for Rules {
    type Error = BadRule;

    fn try_from(rules: Vec<Rule>) -> Result<Self, BadRule> {
        if rules.len() > MOST_RULES { Err(BadRule::TooMany) } else { Ok(Self(rules)) }
    }
}

impl From<Rules> for Vec<Rule> {
    fn from(Rules(rules): Rules) -> Self {
        rules
    }
}

/// One rule. Its JSON has one of these forms, each optionally with `into` and `when`:
///
/// ```
/// use device_grant::token::mapping::Rule;
///
/// for rule in [
///     r#"{"claim":"roles","from":"account.groups","prefix":"tv-","into":["access_token"]}"#,
///     r#"{"claim":"tier","value":"gold","when":{"group":"customers"}}"#,
///     r#"{"claim":"email","as":"mail"}"#,
///     r#"{"drop":"name"}"#,
/// ] {
///     assert!(serde_json::from_str::<Rule>(rule).is_ok(), "{rule}");
/// }
/// assert!(serde_json::from_str::<Rule>(r#"{"claim":"sub","value":"root"}"#).is_err());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Where the rule applies; `None` for everywhere.
    into: Option<Vec<Target>>,
    when: Option<When>,
    change: Change,
}

/// Why a rule is refused. Displays as one sentence for the author of the rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadRule {
    /// The rule has none of the forms, or more than one.
    Form,
    /// The claim is one of [`RESERVED`].
    Reserved(String),
    /// A claim name is empty, is too long, or has a character that is not allowed.
    Name,
    /// The value is too long.
    Value,
    /// There is nothing to filter, or the filter is empty or too long.
    Filter,
    /// `into` names no target, or one target twice.
    Into,
    /// `when` has no condition, or one that is empty or too long.
    When,
    /// There are too many rules.
    TooMany,
}

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "a rule must have claim with one of from, value and as, or else drop; \
                 into and when are optional",
            ),
            Self::Reserved(claim) => {
                write!(f, "the claim {claim} is reserved and cannot be set, renamed or dropped")
            }
            Self::Name => {
                write!(f, "a claim name must have 1 to {LONGEST_NAME} visible ASCII characters, no \" or \\")
            }
            Self::Value => write!(f, "a value must not be longer than {LONGEST_VALUE} bytes of JSON"),
            Self::Filter => write!(
                f,
                "only and prefix filter a string or a list copied with from; only must have 1 to \
                 {MOST_VALUES} values, and each value and prefix 1 to {LONGEST_NAME} bytes"
            ),
            Self::Into => {
                f.write_str("into must name one or more of access_token, id_token and userinfo, each once")
            }
            Self::When => write!(f, "when must have a scope, a group, or both, of 1 to {LONGEST_NAME} bytes"),
            Self::TooMany => write!(f, "at most {MOST_RULES} rules are allowed"),
        }
    }
}

/// A document that carries claims.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// RFC 9068; also the introspection response for the token.
    AccessToken,
    /// OpenID Connect Core §2.
    IdToken,
    /// OpenID Connect Core §5.3.
    Userinfo,
}

/// Conditions for a rule to apply; all that are given must hold.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct When {
    /// This scope is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The account is in this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Change {
    Copy { claim: String, from: Source, filter: Filter },
    Set { claim: String, value: Value },
    Rename { claim: String, name: String },
    Drop { claim: String },
}

/// Where a copied value comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Source {
    #[serde(rename = "account.sub")]
    Sub,
    #[serde(rename = "account.username")]
    Username,
    #[serde(rename = "account.name")]
    Name,
    #[serde(rename = "account.email")]
    Email,
    #[serde(rename = "account.email_verified")]
    EmailVerified,
    #[serde(rename = "account.groups", alias = "groups")]
    Groups,
    #[serde(rename = "request.client_id")]
    ClientId,
    #[serde(rename = "request.scope")]
    Scope,
    #[serde(rename = "request.resource")]
    Resource,
}

/// Which values are copied. In a list each value passes or not on its own; a single value passes as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Filter {
    only: Option<Vec<String>>,
    prefix: Option<String>,
}

/// What rules can copy from and depend on.
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
/// the scopes, then those of the client. No claim in the result is [`RESERVED`].
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
    const fn copies_a_list(&self) -> bool {
        match self {
            Self::Copy { from, .. } => from.is_list(),
            Self::Set { .. } | Self::Rename { .. } | Self::Drop { .. } => false,
        }
    }

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
            Self::Groups => Some(account.groups.clone().into()),
            Self::ClientId => Some(client_id.into()),
            Self::Scope => Some(scope.iter().collect()),
            Self::Resource => Some(resource.into()),
        }
    }

    const fn is_list(self) -> bool {
        match self {
            Self::Groups | Self::Scope | Self::Resource => true,
            Self::Sub | Self::Username | Self::Name | Self::Email | Self::EmailVerified | Self::ClientId => {
                false
            }
        }
    }

    /// Returns whether the value is a string or a list of strings, which filters can test.
    const fn is_text(self) -> bool {
        match self {
            Self::EmailVerified => false,
            Self::Sub
            | Self::Username
            | Self::Name
            | Self::Email
            | Self::Groups
            | Self::ClientId
            | Self::Scope
            | Self::Resource => true,
        }
    }
}

impl Filter {
    const fn is_empty(&self) -> bool {
        self.only.is_none() && self.prefix.is_none()
    }

    /// Returns what passes of a value: a list always, even if nothing is left in it; a single value only if
    /// it matches.
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
            groups: vec!["tv-admins".to_owned(), "staff".to_owned()],
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
            (json!({ "claim": "x", "from": "groups" }), json!(["tv-admins", "staff"])),
            (json!({ "claim": "x", "from": "account.groups", "prefix": "tv-" }), json!(["tv-admins"])),
            (json!({ "claim": "x", "from": "groups", "only": ["staff", "other"] }), json!(["staff"])),
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
        assert!(set(json!({ "when": { "group": "staff" } })) && !set(json!({ "when": { "group": "tv" } })));
        assert!(!set(json!({ "when": { "scope": "email", "group": "tv" } })), "both must hold");
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
