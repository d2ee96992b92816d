//! What is issued, refreshed, introspected and revoked.

mod audience;
mod issued;
mod refresh;
mod rfc9396;
mod rfc9700;
mod terms;
