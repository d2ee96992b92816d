//! The pages: Turnstile, and what scripts of other sites can read.

mod cross_origin;
mod languages;
mod service;
mod started_by_a_page;
mod turnstile;
