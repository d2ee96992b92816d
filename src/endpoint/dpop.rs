//! DPoP (RFC 9449) at the token endpoint, the device authorization endpoint and `/userinfo`.

use super::client_auth::certificate;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::issued::bearer;
use super::issued::bearer::Scheme;
use super::once;
use super::platform::Platform;
use super::server::Context;
use crate::client::Client;
use crate::limiter::budgets::used_proof;
use crate::limiter::command::UseOnce;
use crate::token::confirmation::Confirmation;
use crate::token::dpop::{Flaw, Proof, Target, Unverified, is_thumbprint, nonce};

/// What a token request proved besides the identity of its client.
pub(super) struct Proven {
    /// The DPoP key and the client certificate that the sender proved to have.
    pub cnf: Confirmation,
    proof: Option<Proof>,
}

/// Verifies the DPoP proof of a token request, if there is one (RFC 9449 §5).
pub(super) async fn prove<P: Platform>(context: Context<'_, P>) -> Result<Proven, Error> {
    let proof = presented(context, None).await?;
    let jkt = proof.as_ref().map(|proof| proof.jkt.clone());
    Ok(Proven { cnf: Confirmation { jkt, x5t_s256: certificate::shown(context) }, proof })
}

impl Proven {
    /// Returns what an access token for `client` is bound to: the key of the DPoP proof and the client
    /// certificate.
    ///
    /// Called twice: first with the client as this isolate knows it, and then, before tokens are handed out,
    /// with the client at its source.
    ///
    /// # Errors
    ///
    /// [`Error::ProofRequired`] or [`Error::NoCertificate`] if the client's tokens must be bound, but the
    /// request has no proof or no certificate to bind them to.
    pub(super) fn confirmation<P>(
        &self,
        context: Context<'_, P>,
        client: &Client,
    ) -> Result<Confirmation, Error> {
        if client.tokens.dpop_bound_access_tokens && self.cnf.jkt.is_none() {
            return Err(Error::ProofRequired);
        }
        let certificate = certificate::confirmation(context, client)?;
        Ok(Confirmation { jkt: self.cnf.jkt.clone(), ..certificate })
    }

    /// Marks the proof as used. Called only when tokens are about to be handed out: replaying the proof of a
    /// pending poll gains nothing, and a poll should not cost one more call to a Durable Object.
    pub(super) async fn burn<P: Platform>(&self, context: Context<'_, P>) -> Result<(), Error> {
        match &self.proof {
            Some(proof) => burn(context, proof).await,
            None => Ok(()),
        }
    }
}

/// Returns what to bind the device code to: the key of the DPoP proof, the key that `dpop_jkt` names, or
/// nothing.
///
/// RFC 9449 §10 defines `dpop_jkt` for authorization requests only. Its use here is an extension: see
/// `docs/dpop.md`.
pub(super) async fn code_binding<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
) -> Result<Confirmation, Error> {
    let named = form.get("dpop_jkt");
    if named.is_some_and(|jkt| !is_thumbprint(jkt)) {
        return Err(Error::Malformed("dpop_jkt"));
    }
    let proven = presented(context, None).await?.map(|proof| proof.jkt);
    if proven.is_some() && named.is_some() && proven.as_deref() != named {
        return Err(Error::TwoKeys);
    }
    let jkt = proven.or_else(|| named.map(str::to_owned));
    Ok(Confirmation { jkt, ..Confirmation::default() })
}

/// Verifies the proof that came with the request, if there is one.
async fn presented<P: Platform>(
    context: Context<'_, P>,
    access_token: Option<&str>,
) -> Result<Option<Proof>, Error> {
    match &context.request.dpop {
        Some(header) => verified(context, header, access_token).await.map(Some),
        None => Ok(None),
    }
}

/// Verifies a proof (RFC 9449 §4.3). The signature comes last, because it costs the most.
async fn verified<P: Platform>(
    context: Context<'_, P>,
    header: &str,
    access_token: Option<&str>,
) -> Result<Proof, Error> {
    let settings = &context.server.settings;
    let proof = Unverified::parse(header).map_err(Error::BadProof)?;
    let uri = context.request.uri();
    let target = Target { method: &context.request.method, uri: &uri, access_token };
    proof.is_for(target).map_err(Error::BadProof)?;
    let fresh = proof.fresh_until(settings.dpop_nonces, &settings.keyring, context.now);
    let fresh = fresh.ok_or(Error::NonceNeeded)?;
    if !context.server.verifies(proof.key(), proof.input(), proof.signature()).await? {
        return Err(Error::BadProof(Flaw::Signature));
    }
    Ok(proof.proven(fresh))
}

async fn burn<P: Platform>(context: Context<'_, P>, proof: &Proof) -> Result<(), Error> {
    let name = UseOnce { key: used_proof(&proof.once), until: proof.fresh_until };
    if once::take(context, &name).await? { Ok(()) } else { Err(Error::BadProof(Flaw::Replayed)) }
}

/// Adds the nonce for the next proof, if the request came with a proof (RFC 9449 §8.2).
pub(super) fn with_nonce<P>(context: Context<'_, P>, response: Response) -> Response {
    if context.request.dpop.is_none() {
        return response;
    }
    let nonce = nonce::issue(&context.server.settings.keyring.current, context.now);
    response.with("dpop-nonce", nonce)
}

/// Checks that an access token was presented under the right scheme (RFC 9449 §7.1, §7.2): a token bound to a
/// key under `DPoP` with a proof of that key, and any other token under `Bearer`. Marks the proof as used.
pub(super) async fn held<P: Platform>(
    context: Context<'_, P>,
    scheme: Scheme,
    token: &str,
    cnf: Option<&Confirmation>,
) -> Result<(), Error> {
    let jkt = cnf.and_then(|cnf| cnf.jkt.as_deref());
    match (scheme, jkt) {
        (Scheme::Bearer, None) => Ok(()),
        (Scheme::Bearer, Some(_)) | (Scheme::DPoP, None) => Err(Error::TokenWithoutKey),
        (Scheme::DPoP, Some(jkt)) => {
            let proof = presented(context, Some(token)).await?.ok_or(Error::BadProof(Flaw::Malformed))?;
            if proof.jkt != jkt {
                return Err(Error::TokenWithoutKey);
            }
            burn(context, &proof).await
        }
    }
}

/// Builds the response to a request without a token: one challenge for each scheme (RFC 9449 §7.2).
pub(super) fn challenge_all<P>(context: Context<'_, P>) -> Response {
    let bearer = bearer::challenge(context, 401, Scheme::Bearer, None);
    let dpop = bearer::challenge(context, 401, Scheme::DPoP, None);
    let challenge = dpop.header("www-authenticate").unwrap_or_default().to_owned();
    bearer.with("www-authenticate", challenge)
}
