//! Commands about leaver checks, which ask a provider whether a person is still there.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::identity::account_key::AccountKey;
use crate::identity::recheck::Reply;
use crate::time::Timestamp;

/// Keeps the refresh token that a provider issued at a sign-in, in place of an earlier one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct KeepUpstreamToken {
    pub account: AccountKey,
    /// The token, sealed: base64url. `None` if the provider issued none: an earlier one stays, unless the provider has
    /// refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When the token can be deleted, unless a device of the account can refresh for longer.
    pub ends_at: Timestamp,
}

/// Begins a leaver check, if one is due.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct BeginRecheck {
    pub account: AccountKey,
    /// How often the provider is asked, at most.
    pub every: Duration,
}

/// Brings the provider's answer to a leaver check.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct EndRecheck {
    pub account: AccountKey,
    /// As in [`BeginRecheck`].
    pub every: Duration,
    /// The serial number of the token that was used.
    pub serial: u64,
    pub reply: Reply,
}
