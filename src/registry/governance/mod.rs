//! Governance in the registry: the policy with its versions, its exceptions, requests for such, and the kill switches.

pub mod access_requests;
pub mod exceptions;
pub mod kills;
pub mod policies;
pub mod reminders;
pub mod taken;
pub mod version;

pub use self::policies::{
    FindPolicy, ListPolicies, PolicyChange, PolicyNow, PolicyRefusal, ReplacePolicy, RollBackPolicy,
};
pub use self::version::{Edit, PolicyVersion};
