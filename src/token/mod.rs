//! Tokens: what is in them, how they are signed, and the families they belong to.

pub mod access;
pub mod claims;
pub mod confirmation;
pub mod dpop;
pub mod jwk;
pub mod jws;
pub mod mapping;
pub mod opaque;
pub mod private_jwk;
pub mod resource;
pub mod signing_input;
pub mod signing_key;
