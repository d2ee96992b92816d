//! The pages, and what other sites can do to them.

mod cross_origin;
mod turnstile;
