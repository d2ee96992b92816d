//! The client data: what the browser says about the page that asked (WebAuthn §5.8.1).

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::response::object;
use super::{Ceremony, Flaw};

/// The operation that a page asked for.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Create,
    Get,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientData {
    #[serde(rename = "type")]
    operation: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    /// Only in frames of another site (WebAuthn §5.8.1).
    top_origin: Option<IgnoredAny>,
}

impl ClientData {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Flaw> {
        object(json).ok_or(Flaw::Malformed)
    }

    /// Checks that the browser made this for `operation` in `ceremony` (WebAuthn §7.1 steps 7 to 10, §7.2 steps 11 to
    /// 14). Our pages forbid frames, so a response from inside a frame is never ours.
    pub(super) fn check(&self, operation: Operation, ceremony: Ceremony<'_>) -> Result<(), Flaw> {
        if self.operation != operation.name() {
            return Err(Flaw::Type);
        }
        if self.challenge != ceremony.challenge.as_str() {
            return Err(Flaw::Challenge);
        }
        if self.origin != ceremony.relying_party.origin {
            return Err(Flaw::Origin);
        }
        if self.cross_origin || self.top_origin.is_some() {
            return Err(Flaw::CrossOrigin);
        }
        Ok(())
    }
}
