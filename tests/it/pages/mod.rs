//! The pages: Turnstile, and what scripts of other sites can read.

mod cross_origin;
mod turnstile;
