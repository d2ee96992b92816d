//! Asking for access: reads what a person writes, and sends it to the registry. The pages are that of a request
//! ([`verify`](super::verify)) and `/account/access` ([`page`]).

pub(super) mod page;
pub(super) mod send;
