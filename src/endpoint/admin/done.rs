//! The result of an admin request.

use crate::endpoint::http::Response;
use crate::sharding::Replica;

/// The response to a request that succeeded, and what to log about it.
pub(crate) struct Done {
    pub(crate) response: Response,
    /// The registered client that the request concerned.
    pub(crate) client: Option<String>,
    /// Such as `client_created`.
    pub(crate) outcome: &'static str,
    /// The replicas of the registry that have not confirmed the change. Their leases have ended.
    pub(crate) unconfirmed: Vec<Replica>,
}

impl Done {
    /// Returns the result of a request that only read something.
    pub(crate) fn read(response: Response) -> Self {
        Self { response, client: None, outcome: "read", unconfirmed: Vec::new() }
    }
}
