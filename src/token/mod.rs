//! Tokens: what they contain, how they are signed, and how they are verified.

pub mod access;
pub mod claims;
pub mod confirmation;
pub mod dpop;
pub mod jwk;
pub mod jws;
pub mod mapping;
pub mod numeric_date;
pub mod opaque;
pub mod private_jwk;
pub mod resource;
pub mod signing_input;
pub mod signing_key;
