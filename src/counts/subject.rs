//! Whom an alert is about.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A client, an account, a network, or several of them. It can select what to end.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct Subject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The `sub` of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The AS number of a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
}

/// Writes the subject as the key of its rows.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, account, asn } = self;
        let asn = asn.map(|asn| asn.to_string()).unwrap_or_default();
        let [client_id, account] = [client_id, account].map(|text| text.as_deref().unwrap_or_default());
        write!(f, "{asn} {account} {client_id}")
    }
}
