//! Decides whether a step of a grant may happen at all. Every step asks, and the answer depends only on the
//! step and its facts.
//!
//! [`decide`] judges the client and the account. [`evaluation::decide`] judges everything else, by the
//! [policy](document::Policy) that an operator writes, its exceptions and the kill switches: see `docs/governance.md`.

pub mod access_request;
pub mod condition;
pub mod decision;
pub mod described;
pub mod difference;
pub mod document;
pub mod evaluation;
pub mod exception;
pub mod facts;
pub mod governance;
pub mod inventory;
pub mod judgment;
pub mod kill;
pub mod lock_out;
pub mod name;
pub mod network;
pub mod place;
pub mod recorded;
pub mod recording;
pub mod replay;
pub mod requirement;
pub mod rule;
#[cfg(test)]
mod sample;
pub mod shortfall;
pub mod warning;
pub mod window;
pub mod written;

use serde::{Deserialize, Serialize};

use crate::client::{Client, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::identity::account::{Account, Standing};
use crate::scope::Scope;

/// The step for which policy is asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// A device requests a code.
    DeviceAuthorization,
    /// A person signs in.
    SignIn,
    /// A person approves the grant.
    Approval,
    /// A device redeems its code for tokens.
    Redemption,
    /// A client uses a refresh token.
    Refresh,
}

impl Point {
    /// Returns the step as events state it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceAuthorization => "device_authorization",
            Self::SignIn => "sign_in",
            Self::Approval => "approval",
            Self::Redemption => "redemption",
            Self::Refresh => "refresh",
        }
    }
}

/// The facts that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFacts<'a> {
    /// The client as it is now; `None` at sign-in, because the code is not looked up yet.
    pub client: Option<&'a Client>,
    /// The account as it is now; `None` while it is unknown.
    pub account: Option<&'a Account>,
    /// The requested or granted scope.
    pub scope: &'a Scope,
}

/// The answer of policy for one step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PolicyDecision {
    /// The step may happen, with this scope.
    Allow(Scope),
    /// The step must not happen.
    Refuse(PolicyRefusal),
}

/// Why policy refuses a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyRefusal {
    /// The client is disabled.
    ClientDisabled,
    /// The client is not registered for the grant.
    GrantNotAllowed,
    /// The account is blocked.
    AccountBlocked,
    /// The account is deleted.
    AccountDeleted,
    /// None of the requested scopes is allowed.
    NoScopeLeft,
}

impl PolicyRefusal {
    /// Returns the refusal as the log states it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientDisabled => "client_disabled",
            Self::GrantNotAllowed => "grant_not_allowed",
            Self::AccountBlocked => "account_blocked",
            Self::AccountDeleted => "account_deleted",
            Self::NoScopeLeft => "no_scope_left",
        }
    }
}

/// Decides whether the step may happen. At present, policy allows whatever an enabled client is registered
/// for, unless the account is blocked or deleted.
#[must_use]
pub fn decide(point: Point, facts: PolicyFacts<'_>) -> PolicyDecision {
    if let Some(why) = facts.account.and_then(unusable) {
        return PolicyDecision::Refuse(why);
    }
    let Some(client) = facts.client else { return PolicyDecision::Allow(facts.scope.clone()) };
    if !client.enabled {
        return PolicyDecision::Refuse(PolicyRefusal::ClientDisabled);
    }
    if !client.may_use(grant_type(point)) {
        return PolicyDecision::Refuse(PolicyRefusal::GrantNotAllowed);
    }
    let scope = facts.scope.narrowed_to(&client.scope);
    if scope.is_empty() && !facts.scope.is_empty() {
        return PolicyDecision::Refuse(PolicyRefusal::NoScopeLeft);
    }
    PolicyDecision::Allow(scope)
}

/// Returns why an account may not be used; `None` if it may.
const fn unusable(account: &Account) -> Option<PolicyRefusal> {
    match account.standing {
        Standing::Active => None,
        Standing::Blocked { .. } => Some(PolicyRefusal::AccountBlocked),
        Standing::Deleted { .. } => Some(PolicyRefusal::AccountDeleted),
    }
}

const fn grant_type(point: Point) -> &'static str {
    match point {
        Point::DeviceAuthorization | Point::SignIn | Point::Approval | Point::Redemption => DEVICE_CODE_GRANT,
        Point::Refresh => REFRESH_TOKEN_GRANT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;
    use crate::identity::account::Authority;
    use crate::time::Timestamp;

    fn decide_for(client: &Client, scope: &str) -> PolicyDecision {
        let scope = Scope::parse(scope).unwrap();
        decide(Point::DeviceAuthorization, PolicyFacts { client: Some(client), account: None, scope: &scope })
    }

    #[test]
    fn scopes_are_narrowed_to_those_of_the_client() {
        let client = demo::clients().remove(0);

        assert_eq!(
            decide_for(&client, "openid admin"),
            PolicyDecision::Allow(Scope::parse("openid").unwrap())
        );
        assert_eq!(decide_for(&client, "admin"), PolicyDecision::Refuse(PolicyRefusal::NoScopeLeft));
    }

    #[test]
    fn the_device_grant_is_off_until_it_is_listed() {
        let client = Client { grant_types: Vec::new(), ..demo::clients().remove(0) };

        assert_eq!(decide_for(&client, "openid"), PolicyDecision::Refuse(PolicyRefusal::GrantNotAllowed));
    }

    #[test]
    fn a_disabled_client_and_an_account_that_is_blocked_or_deleted_are_refused() {
        let disabled = Client { enabled: false, ..demo::clients().remove(0) };
        assert_eq!(decide_for(&disabled, "openid"), PolicyDecision::Refuse(PolicyRefusal::ClientDisabled));

        let client = demo::clients().remove(0);
        let (at, by) = (Timestamp::default(), Authority::Administrator);
        let blocked = Standing::Blocked { at, by: by.clone(), why: None };
        for (standing, why) in [
            (blocked, PolicyRefusal::AccountBlocked),
            (Standing::Deleted { at, by }, PolicyRefusal::AccountDeleted),
        ] {
            let account = Account { standing, ..crate::identity::demo::accounts().remove(0) };
            let facts =
                PolicyFacts { client: Some(&client), account: Some(&account), scope: &Scope::default() };
            assert_eq!(decide(Point::Redemption, facts), PolicyDecision::Refuse(why));
        }
    }
}
