//! Commands about scopes.

use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::identity::demand::Demand;
use crate::token::mapping::Rules;

/// The most scopes besides the standard ones.
pub const MOST_SCOPES: usize = 500;

/// Lists every scope.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListScopes {}

/// A scope as the registry has it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ScopeNow {
    /// What the scope lets a client do, in words for the consent page.
    pub description: String,
    /// What it demands of the sign-in of a person who approves it.
    #[serde(default, skip_serializing_if = "Demand::is_empty")]
    pub sign_in: Demand,
}

/// Describes a scope, and adds the scope if it is new. The reply is `true` if it was new.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "TravelledDescription")]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct DescribeScope {
    pub name: String,
    /// Description and demand.
    #[serde(flatten)]
    pub now: ScopeNow,
    /// Who describes the scope.
    pub by: Actor,
}

/// A [`DescribeScope`] as it travels: flat. What serde derives for a flattened field reads from a copy of all members.
#[derive(Deserialize)]
struct TravelledDescription {
    name: String,
    description: String,
    #[serde(default)]
    sign_in: Demand,
    by: Actor,
}

impl From<TravelledDescription> for DescribeScope {
    fn from(travelled: TravelledDescription) -> Self {
        let TravelledDescription { name, description, sign_in, by } = travelled;
        Self { name, now: ScopeNow { description, sign_in }, by }
    }
}

/// Replaces the claim mapping of a scope. The reply is the new mapping.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct MapScope {
    pub name: String,
    /// The new rules. An empty list removes the mapping.
    pub claims: Rules,
    /// Who maps the scope.
    pub by: Actor,
}

/// Reads the claim mapping of a scope.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindMapping {
    pub name: String,
}

/// Removes a scope, unless a client is registered for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RemoveScope {
    pub name: String,
    pub by: Actor,
}
