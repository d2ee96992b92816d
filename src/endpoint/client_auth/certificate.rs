//! Client certificates at the mTLS host, and the tokens that are bound to them (RFC 8705 §3, §4).

use crate::client::certificate::Certificate;
use crate::client::{Authentication, Client};
use crate::endpoint::error::Error;
use crate::endpoint::http::Request;
use crate::endpoint::server::{Context, Server};
use crate::token::confirmation::Confirmation;

impl<P> Server<P> {
    /// Returns whether a request came to the mTLS host. Certificates are requested and believed only there.
    pub(crate) fn is_mtls(&self, request: &Request) -> bool {
        let mtls = self.settings.mtls.as_ref();
        mtls.is_some_and(|mtls| mtls.host() == request.host && mtls.is_secure() == request.secure)
    }
}

impl<'a, P> Context<'a, P> {
    /// Returns the client certificate, if the request came to the mTLS host with one.
    pub(crate) fn certificate(&self) -> Option<&'a Certificate> {
        self.request.certificate.as_ref().filter(|_| self.server.is_mtls(self.request))
    }
}

/// Returns the binding of an access token for `client`: to the certificate of this request if the client's
/// tokens must be bound to one, or else to nothing.
///
/// # Errors
///
/// [`Error::NoCertificate`] if the tokens must be bound, but the request has no certificate. RFC 8705 §3.4
/// lets the server decide; this server refuses, because the client was not registered for tokens that anybody
/// can use.
pub(crate) fn confirmation<P>(context: Context<'_, P>, client: &Client) -> Result<Confirmation, Error> {
    if !is_bound(client) {
        return Ok(Confirmation::default());
    }
    let certificate = context.certificate().ok_or(Error::NoCertificate)?;
    Ok(Confirmation { x5t_s256: Some(certificate.sha256.clone()), ..Confirmation::default() })
}

fn is_bound(client: &Client) -> bool {
    let by_method = match client.authentication {
        Authentication::TlsClientAuth { .. } | Authentication::SelfSignedTlsClientAuth => true,
        Authentication::None | Authentication::Secret { .. } | Authentication::PrivateKeyJwt => false,
    };
    by_method || client.tokens.tls_client_certificate_bound_access_tokens
}

/// Returns what the refresh tokens of `client` are bound to: for a public client, the same as its access
/// tokens (RFC 8705 §4). Any other client authenticates for every refresh (§7.1), so it can renew its
/// certificate.
pub(crate) fn of_refresh_tokens(client: &Client, access: &Confirmation) -> Confirmation {
    match client.authentication {
        Authentication::None => access.clone(),
        Authentication::Secret { .. }
        | Authentication::PrivateKeyJwt
        | Authentication::TlsClientAuth { .. }
        | Authentication::SelfSignedTlsClientAuth => Confirmation::default(),
    }
}

/// Returns the SHA-256 of the certificate that came with the request, base64url.
pub(crate) fn shown<P>(context: Context<'_, P>) -> Option<String> {
    context.certificate().map(|certificate| certificate.sha256.clone())
}

/// Returns whether the request came with the certificate that `cnf` requires, if any (RFC 8705 §3, §4).
pub(crate) fn is_shown<P>(context: Context<'_, P>, cnf: &Confirmation) -> bool {
    cnf.x5t_s256.is_none() || cnf.x5t_s256 == shown(context)
}
