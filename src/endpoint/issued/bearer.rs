//! Reads the access token of a request, and challenges a request without a valid one (RFC 6750, RFC 9449 §7).

use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::server::Context;
use crate::token::signing_key::Algorithm;

/// The authentication scheme that an access token is presented under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    /// RFC 6750 §2.
    Bearer,
    /// RFC 9449 §7.1.
    DPoP,
}

impl Scheme {
    /// Reads the scheme of an `Authorization` header, which is case-insensitive (RFC 9110 §11.1).
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Bearer, Self::DPoP].into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::DPoP => "DPoP",
        }
    }

    /// Returns the `algs` parameter of the challenge (RFC 9449 §7.1), with a leading comma. Empty for
    /// `Bearer`.
    pub(crate) fn algorithms(self) -> String {
        match self {
            Self::Bearer => String::new(),
            Self::DPoP => format!(", algs=\"{}\"", Algorithm::NAMES.join(" ")),
        }
    }
}

/// Reads the access token from the header or from the form of a POST, but not from the query (RFC 6750 §2.1,
/// §2.2, RFC 9449 §7.1). A token in both is an error.
pub(crate) fn presented<P>(context: Context<'_, P>) -> Result<Option<(Scheme, String)>, Error> {
    let header = context.request.authorization.as_deref().and_then(|header| header.split_once(' '));
    let by_header =
        header.and_then(|(scheme, token)| Some((Scheme::named(scheme)?, token.trim().to_owned())));
    let by_form = if context.request.is_form() {
        Form::of(context.request)?.get("access_token").map(|token| (Scheme::Bearer, token.to_owned()))
    } else {
        None
    };
    match (by_header, by_form) {
        (Some(_), Some(_)) => Err(Error::TwoMethods),
        (token, None) | (None, token) => Ok(token),
    }
}

/// Builds a challenge (RFC 6750 §3, RFC 9449 §7.1), with the URL of the resource's metadata (RFC 9728 §5.1).
pub(crate) fn challenge<P>(
    context: Context<'_, P>,
    status: u16,
    scheme: Scheme,
    error: Option<&'static str>,
) -> Response {
    let detail = error.map(|error| format!(", error=\"{error}\"")).unwrap_or_default();
    let (origin, path) = (context.issuer.origin(), context.issuer.path());
    let metadata = format!("{origin}/.well-known/oauth-protected-resource{path}/userinfo");
    let (scheme, algs) = (scheme.name(), scheme.algorithms());
    let value = format!("{scheme} realm=\"device-grant\"{detail}{algs}, resource_metadata=\"{metadata}\"");
    let body = serde_json::json!({ "error": error.unwrap_or("invalid_token") });
    Response::json(status, &body).with("www-authenticate", value)
}
