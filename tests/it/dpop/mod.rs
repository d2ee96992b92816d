//! Tokens that are bound to a key (RFC 9449).

mod proofs;
