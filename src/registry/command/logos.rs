//! Commands about logos.

use serde::{Deserialize, Serialize};

use crate::logo::Logo;

/// Reads a logo, by the last part of its address. The reply is `None` if there is none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindLogo {
    pub name: String,
}

/// Keeps the logo of the service, which a Worker has fetched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type of the other field says what it is")]
pub struct KeepLogo {
    /// The last part of its address.
    pub name: String,
    pub logo: Logo,
}
