//! OpenID Providers that people sign in with: this server is their relying party.

pub mod access;
pub mod authorization;
pub mod authorization_response;
pub mod discovery;
pub mod event;
pub mod failure;
pub mod id_token;
pub mod jwt;
pub mod posture;
pub mod profile;
pub mod provider;
pub mod reach;
pub mod token_response;
pub mod userinfo;
