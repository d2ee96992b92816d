//! `/account`: what has access to the account of the person who is signed in, and how that ends.
//!
//! Nothing here needs a recent sign-in: whoever finds an open browser can only end access.

mod change;
mod page;
mod parts;

pub(super) use change::changed;
pub(super) use page::show;
