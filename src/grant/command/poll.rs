//! Commands for token requests that do not redeem the grant.

use serde::{Deserialize, Serialize};

use crate::format::is_false;
use crate::grant::verification::Digits;
use crate::place::Journey;
use crate::row_key::RowKey;
use crate::secret::Digest;
use crate::token::confirmation::Confirmation;

/// Judges a token request without redeeming the grant.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct PollCode {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    /// Whether the caller may get new tokens if the first response was lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue: bool,
    /// Like `reissue`, but only if the code is bound to a key. The caller has then proven that key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue_bound: bool,
    /// The keys whose possession the caller has proven.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
    /// Whether the request had an `Authorization` header. Polls with and without it are paced apart.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_header: bool,
    /// What the user of the device has typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<Digits>,
}

/// Ends an approved grant whose code came from where its client may not redeem it. If the grant is in another state by
/// now, the command is a poll that gets no lost answer again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct RefuseElsewhere {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    pub journey: Journey,
}

/// Spends a try at the digits of a grant that is to be verified, because these are wrong. If the grant is in another state by
/// now, the command is a poll that gets no lost answer again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Miss {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    pub digits: Digits,
}
