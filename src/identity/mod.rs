//! People: accounts, passwords, and the sessions of their browsers.

pub mod account;
pub mod acr;
pub mod demo;
pub mod group;
pub mod password;
pub mod session;
pub mod shard;
pub mod source;
