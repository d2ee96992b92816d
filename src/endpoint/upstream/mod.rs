//! Talks to OpenID Providers, as their relying party.
//!
//! Every request has limits on time and size, and follows no redirect. The pages that lead to a provider and back are in
//! [`super::verify`].

pub(super) mod access;
pub(super) mod account;
pub(super) mod authentication;
pub(super) mod documents;
pub(super) mod events;
pub(super) mod leavers;
pub(super) mod recheck;
pub(super) mod sign_in;

use super::platform::Unavailable;
use crate::upstream::failure::Failure;

/// Why a sign-in at a provider stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// It failed, and the person hears why.
    Failed(Failure),
    /// A part of this server cannot be reached.
    Unavailable,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Unavailable> for Stop {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}
