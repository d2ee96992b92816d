//! OpenID Providers that people sign in with: this server is their relying party.

pub mod event;
pub mod provider;
