//! Clients, scopes and signing keys, by the admin API and by registration.

mod admin;
mod admin_clients;
mod admin_unavailable;
mod client_metadata;
mod registration;
mod signing_keys;
