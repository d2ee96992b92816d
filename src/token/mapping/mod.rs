//! Claim mapping: rules that add, rename, filter, hard-code and drop claims.
//!
//! A parsed rule is valid: it names neither a reserved claim nor an unknown source, and it cannot fail when a
//! token is issued. Rules see only claims that are not reserved; the reserved ones are added afterwards.

pub mod apply;
pub mod written;

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::format::given;
use crate::identity::group::Group;

/// Claims that no rule may set, rename or drop: those that decide whether a token is accepted (RFC 7519 §4.1,
/// RFC 9068 §2.2, OpenID Connect Core §2), those that introspection responses use (RFC 7662
/// §2.2), and those that tell [how access came about](crate::provenance).
pub const RESERVED: [&str; 29] = [
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
    "grant",
    "approval_id",
    "started",
    "approved",
];

/// Limit on the rules of one client or one scope.
const MOST_RULES: usize = 50;
/// Limit on the values in `only`.
const MOST_VALUES: usize = 64;
/// Longest claim name, filter value or condition, in characters.
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
        let written = serde_json::to_string(self).expect("rules contain only strings and JSON values").len();
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
///     r#"{"claim":"roles","from":"account.groups","prefix":"local:tv-","into":["access_token"]}"#,
///     r#"{"claim":"tier","value":"gold","when":{"group":"local:customers"}}"#,
///     r#"{"claim":"email","as":"mail"}"#,
///     r#"{"drop":"name"}"#,
/// ] {
///     assert!(serde_json::from_str::<Rule>(rule).is_ok(), "{rule}");
/// }
/// assert!(serde_json::from_str::<Rule>(r#"{"claim":"sub","value":"root"}"#).is_err());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// The documents that the rule applies to; `None` for all of them.
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
                 {MOST_VALUES} values, and each value and prefix 1 to {LONGEST_NAME} characters"
            ),
            Self::Into => {
                f.write_str("into must name one or more of access_token, id_token and userinfo, each once")
            }
            Self::When => {
                write!(f, "when must have a scope of 1 to {LONGEST_NAME} characters, a group, or both")
            }
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
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The account is in this group.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
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

/// Which values are copied. Each value of a list passes or fails on its own; a single value passes or fails
/// as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Filter {
    only: Option<Vec<String>>,
    prefix: Option<String>,
}

impl Change {
    const fn copies_a_list(&self) -> bool {
        match self {
            Self::Copy { from, .. } => from.is_list(),
            Self::Set { .. } | Self::Rename { .. } | Self::Drop { .. } => false,
        }
    }
}

impl Source {
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

    const fn is_list(self) -> bool {
        match self {
            Self::Groups | Self::Scope | Self::Resource => true,
            Self::Sub | Self::Username | Self::Name | Self::Email | Self::EmailVerified | Self::ClientId => {
                false
            }
        }
    }
}

impl Filter {
    const fn is_empty(&self) -> bool {
        self.only.is_none() && self.prefix.is_none()
    }
}
