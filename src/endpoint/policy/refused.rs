//! What a client is told of a step that the rules refuse.

use crate::audit::policy_record::PolicyRecord;

/// A step that the rules refuse, as a client is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// For the log, and for the event.
    pub reason: &'static str,
    /// For the client's user, in ASCII.
    pub description: String,
    /// A page with what the user can do.
    pub uri: Option<String>,
    /// For the log.
    pub record: Option<Box<PolicyRecord>>,
}
