//! Events of people who sign in, or who are refused.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::policy_record::PolicyRecord;
use crate::format::Format;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::verdict::Spot;

/// A sign-in to an account that exists. It has no name or password that anybody typed.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignInEvent {
    pub format: Format<2>,
    pub what: SignInKind,
    pub outcome: Outcome,
    pub at: Timestamp,
    pub account: Sub,
    /// The way in which the person signed in, such as `passkey`; `None` for a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// Why the person was refused, as the log says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the person is.
    pub person: Spot,
    /// What policy decided about somebody who signs in to answer a device; `None` if it was not asked, or if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// A kind of event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInKind {
    /// A person signed in.
    SignedIn,
    /// A sign-in was refused: the password was wrong, or the account must not be used.
    SignInRefused,
}

impl SignInEvent {
    /// Builds the event of a person who signed in.
    #[must_use]
    pub fn signed_in(account: Sub, how: &str, person: Spot, at: Timestamp) -> Self {
        let (what, outcome, how) = (SignInKind::SignedIn, Outcome::Granted, Some(how.to_owned()));
        Self { format: Format, what, outcome, at, account, how, reason: None, person, policy: None }
    }

    /// Builds the event of a person who was refused.
    #[must_use]
    pub fn refused(account: Sub, reason: &str, person: Spot, at: Timestamp) -> Self {
        let (what, outcome, reason) = (SignInKind::SignInRefused, Outcome::Refused, Some(reason.to_owned()));
        Self { format: Format, what, outcome, at, account, how: None, reason, person, policy: None }
    }
}
