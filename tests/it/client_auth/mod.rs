//! Clients that authenticate with certificates and assertions.

mod certificates;
mod client_assertions;
