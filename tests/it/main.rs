//! The native tests: one binary, so that the world they share compiles once.

mod client_auth;
mod documents;
mod dpop;
mod pages;
mod properties;
mod registry;
mod rfc8628;
mod stories;
mod support;
mod tokens;
