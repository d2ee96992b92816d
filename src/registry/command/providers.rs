//! Commands about OpenID Providers.

use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::client::history::Expected;
use crate::format::is_false;
use crate::upstream::provider::{Provider, ProviderId, Source};

/// The most OpenID Providers.
pub const MOST_PROVIDERS: usize = 50;

/// Lists every provider, in the order of the identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListProviders {}

/// Reads a provider at the source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindProvider {
    pub id: ProviderId,
}

/// Adds a provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct CreateProvider {
    pub provider: Box<Provider>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Replaces the provider with the same identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct ReplaceProvider {
    pub provider: Box<Provider>,
    /// The version that the provider must still have.
    pub expected: Expected,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Deletes a provider. Its identifier stays reserved for its source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct DeleteProvider {
    pub id: ProviderId,
    /// The version that the provider must still have.
    pub expected: Expected,
    pub by: Actor,
}

/// Why a change of providers is refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderRefusal {
    /// There is no such provider.
    Missing,
    /// A provider with this identifier exists already.
    Exists,
    /// The provider does not have the expected version.
    Stale,
    /// There is no room for another provider.
    Full,
    /// The identifier stands for this other source, now or before its provider was deleted.
    Taken(Source),
    /// This other provider has the same SCIM token, which says which provider speaks.
    SameToken(ProviderId),
}
