//! The facts by which policy judged an approval, as its event has them, so that the approval can be judged again by another
//! policy.

use serde::{Deserialize, Serialize};

use crate::format::is_false;

/// The facts that the event of an approval does not have elsewhere. Client, account, both places, both kinds of devices and
/// the verdict about the distance are members of the event itself.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct FactsRecord {
    /// The scopes that were asked for and that the client is registered for, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The groups of the person, by full name, such as `local:staff`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether the person was in other groups, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more_groups: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignInRecord>,
    /// What happened for the first time: `person`, `client`, `place`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
    /// Whether device and person seemed to be the same machine.
    #[serde(default, skip_serializing_if = "is_false")]
    pub same_device: bool,
    /// Whether a web page requested the code.
    #[serde(default, skip_serializing_if = "is_false")]
    pub web_page: bool,
    /// Whether the device could ask its user for digits.
    #[serde(default, skip_serializing_if = "is_false")]
    pub can_verify: bool,
    /// Whether the device said what it is called, and was assigned to the person if a rule demanded that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub identified: bool,
    #[serde(default, skip_serializing_if = "SideRecord::is_empty")]
    pub device: SideRecord,
    #[serde(default, skip_serializing_if = "SideRecord::is_empty")]
    pub person: SideRecord,
}

/// How the person had signed in.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct SignInRecord {
    /// Seconds from the sign-in to the approval, rounded up.
    pub age: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub phishing_resistant: bool,
}

/// What is known of a machine besides its place and kind.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct SideRecord {
    /// The networks of the policy that its request came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Whether a verified certificate says that it is managed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub managed: bool,
}

impl SideRecord {
    /// Returns whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.managed
    }
}
