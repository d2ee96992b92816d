//! Clients that authenticate with certificates or assertions.

mod certificates;
mod client_assertions;
