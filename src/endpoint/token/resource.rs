//! The parameter `resource` (RFC 8707 §2), and `audience`, which some clients send instead.

use crate::client::Client;
use crate::endpoint::error::{Error, shown};
use crate::endpoint::form::Form;
use crate::endpoint::server::Context;
use crate::scope::Scope;
use crate::token::resource::{BadTarget, Own, is_resource};

/// Returns every resource that a request names. `audience` counts as one more `resource`.
///
/// # Errors
///
/// [`Error::MalformedTarget`] if a resource is malformed. Endpoints find this before they look anything up.
pub(crate) fn asked(form: &Form) -> Result<Vec<&str>, Error> {
    let asked: Vec<&str> = form.resources().iter().map(String::as_str).chain(form.get("audience")).collect();
    match asked.iter().find(|resource| !is_resource(resource)) {
        Some(malformed) => Err(Error::MalformedTarget(shown(malformed))),
        None => Ok(asked),
    }
}

/// Returns the resources that a device is granted: see [`Own::granted`].
pub(crate) fn granted<P>(
    context: Context<'_, P>,
    client: &Client,
    asked: &[&str],
) -> Result<Vec<String>, Error> {
    Ok(Own::of(context.issuer.as_str()).granted(asked, &client.tokens.audience)?)
}

/// Returns the audience of this request's tokens: see [`Own::narrowed`].
pub(crate) fn narrowed<P>(
    context: Context<'_, P>,
    client: &Client,
    asked: &[&str],
    granted: &[String],
    scope: &Scope,
) -> Result<Vec<String>, Error> {
    Ok(Own::of(context.issuer.as_str()).narrowed(asked, granted, scope, &client.tokens.audience)?)
}

impl From<BadTarget> for Error {
    fn from(bad: BadTarget) -> Self {
        match bad {
            BadTarget::Malformed(resource) => Self::MalformedTarget(shown(&resource)),
            BadTarget::NotAllowed(resource) => Self::TargetNotAllowed(shown(&resource)),
            BadTarget::Lost => Self::TargetsLost,
        }
    }
}
