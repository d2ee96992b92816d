//! Ceremonies of passkeys: begun when a page is shown, and ended by the form that it sends.

pub(super) mod begun;
pub(super) mod forms;
pub(super) mod note;
mod party;
pub(super) mod prove;
pub(super) mod register;
