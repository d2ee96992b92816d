//! The native tests. They are one binary, so that their shared support code compiles only once.

mod client_auth;
mod console;
mod documents;
mod dpop;
mod pages;
mod passkeys;
mod policy;
mod properties;
mod registry;
mod rfc8628;
mod stories;
mod support;
mod tokens;
mod upstream;
