//! The pages: Turnstile, and what scripts of other sites can read.

mod code_entry;
mod cross_origin;
mod languages;
mod links;
mod lost;
mod qr;
mod service;
mod started_by_a_page;
mod turnstile;
