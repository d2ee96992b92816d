//! People: accounts, passwords, passkeys, the sessions of their browsers, and the devices that they let in.

pub mod account;
pub mod account_key;
pub mod acr;
pub mod command;
pub mod credential_id;
pub mod demand;
pub mod demo;
pub mod device;
mod devices;
pub mod group;
mod histories;
pub mod history;
pub mod latest_kill;
pub mod passkey;
pub mod password;
pub mod password_choice;
pub mod pointer;
pub mod recheck;
pub mod rows;
pub mod session;
pub mod shard;
pub mod sign_in;
pub mod source;
pub mod walk;
