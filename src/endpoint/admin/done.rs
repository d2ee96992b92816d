//! The result of an admin request.

use crate::endpoint::http::Response;

/// The response to a request that succeeded, and what to log about it.
pub(super) struct Done {
    pub(super) response: Response,
    /// The registered client that the request concerned.
    pub(super) client: Option<String>,
    /// Such as `client_created`.
    pub(super) outcome: &'static str,
}

impl Done {
    /// Returns the result of a request that only read something.
    pub(super) fn read(response: Response) -> Self {
        Self { response, client: None, outcome: "read" }
    }
}
