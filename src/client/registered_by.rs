//! Who registered a client, and how long a client that nobody vouches for stays.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a client from open registration stays without being used.
pub const UNUSED: Duration = Duration::from_secs(30 * 86_400);
/// How long a client from open registration that was never used keeps its place when others need one. Longer than any
/// code is good, so a client that starts a grant when it has registered is not deleted before it redeems the code.
pub const KEPT_UNUSED: Duration = Duration::from_secs(3_600);
/// The shortest time between two stamps of a client's use. It keeps a client that refreshes every few minutes
/// from causing a write each time.
pub(super) const STAMPED: Duration = Duration::from_secs(86_400);

/// Who registered a client.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisteredBy {
    /// An operator, through the admin API.
    #[default]
    Operator,
    /// The client itself, with an initial access token (RFC 7591 §3).
    InitialAccessToken,
    /// The client itself, without any token: open registration. Nobody has checked its name.
    Anyone,
    /// Nobody: a document on the web describes the client, and an operator has let its URL or host in. Such a client is
    /// never stored.
    Document,
}

impl RegisteredBy {
    /// Returns whether an operator registered the client.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        matches!(self, Self::Operator)
    }

    /// Returns whether the client describes itself. An initial access token lets its holder register, but nobody has
    /// checked the name of the client either.
    #[must_use]
    pub const fn is_itself(self) -> bool {
        !self.is_operator()
    }

    /// Returns whether the client came through open registration.
    #[must_use]
    pub const fn is_anyone(self) -> bool {
        match self {
            Self::Anyone => true,
            Self::Operator | Self::InitialAccessToken | Self::Document => false,
        }
    }
}
