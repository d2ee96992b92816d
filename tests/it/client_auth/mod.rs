//! Clients that authenticate with certificates or assertions, and clients that nobody registered.

mod certificates;
mod client_assertions;
mod documents;
