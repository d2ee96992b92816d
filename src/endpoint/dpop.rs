//! DPoP (RFC 9449) at the token endpoint, at the device authorization endpoint, and at `/userinfo`.

use super::client_auth::certificate;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::issued::bearer;
use super::once::Once;
use super::{Context, Platform};
use crate::client::Client;
use crate::limiter::budgets::used_proof;
use crate::token::confirmation::Confirmation;
use crate::token::dpop::{Flaw, Proof, Target, Unverified, is_thumbprint, nonce};
use crate::token::signing_key::Algorithm;

/// What a token request proved besides who its client is.
pub(super) struct Proven {
    /// The keys that the sender has.
    pub cnf: Confirmation,
    proof: Option<Proof>,
}

/// Reads the proof of a token request; it may be absent (RFC 9449 §5).
pub(super) async fn prove<P: Platform>(context: Context<'_, P>) -> Result<Proven, Error> {
    let proof = presented(context, None).await?;
    let jkt = proof.as_ref().map(|proof| proof.jkt.clone());
    Ok(Proven { cnf: Confirmation { jkt, x5t_s256: certificate::shown(context) }, proof })
}

impl Proven {
    /// What an access token for `client` is bound to: the key that was proved, and the certificate that was shown.
    ///
    /// # Errors
    ///
    /// The client's tokens are to be bound to one that is not there. Asked again of the client as it is at its
    /// source, before something is handed out.
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

    /// Uses the proof up. Asked where something is about to be handed out, and nowhere else: a pending poll gives
    /// whoever replays it nothing, and must not cost an object.
    pub(super) async fn burn<P: Platform>(&self, context: Context<'_, P>) -> Result<(), Error> {
        match &self.proof {
            Some(proof) => burn(context, proof).await,
            None => Ok(()),
        }
    }
}

/// What the device code is to be bound to: the key of a proof, or the one that `dpop_jkt` names, or none.
///
/// RFC 9449 §10 defines `dpop_jkt` for authorization requests only; this is an extension: see `docs/dpop.md`.
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

/// The proof that came with the request, if one did.
async fn presented<P: Platform>(
    context: Context<'_, P>,
    access_token: Option<&str>,
) -> Result<Option<Proof>, Error> {
    match &context.request.dpop {
        Some(header) => verified(context, header, access_token).await.map(Some),
        None => Ok(None),
    }
}

/// RFC 9449 §4.3. The signature comes last: it costs the most.
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
    if !context.server.platform.verify(proof.key(), proof.input(), proof.signature()).await? {
        return Err(Error::BadProof(Flaw::Signature));
    }
    Ok(proof.proven(fresh))
}

async fn burn<P: Platform>(context: Context<'_, P>, proof: &Proof) -> Result<(), Error> {
    let once = Once { key: used_proof(&proof.once), until: proof.fresh_until };
    if once.take(context).await? { Ok(()) } else { Err(Error::BadProof(Flaw::Replayed)) }
}

/// Gives whoever uses DPoP the nonce for the next proof (RFC 9449 §8.2).
pub(super) fn with_nonce<P>(context: Context<'_, P>, response: Response) -> Response {
    if context.request.dpop.is_none() {
        return response;
    }
    let nonce = nonce::issue(&context.server.settings.keyring.current, context.now);
    response.with("dpop-nonce", nonce)
}

/// How an access token is presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scheme {
    /// RFC 6750 §2.
    Bearer,
    /// RFC 9449 §7.1.
    DPoP,
}

impl Scheme {
    /// Reads the scheme of an `Authorization` header, in any case (RFC 9110 §11.1).
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Bearer, Self::DPoP].into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::DPoP => "DPoP",
        }
    }

    /// What its challenge says of algorithms (RFC 9449 §7.1).
    pub(super) fn algorithms(self) -> String {
        match self {
            Self::Bearer => String::new(),
            Self::DPoP => format!(", algs=\"{}\"", Algorithm::NAMES.join(" ")),
        }
    }
}

/// Whether an access token came as it must: a bound one under `DPoP` with a proof of its key, which is used up; any
/// other under `Bearer` (RFC 9449 §7.1, §7.2).
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

/// Who has no token at all is told of both schemes (RFC 9449 §7.2).
pub(super) fn challenge_all<P>(context: Context<'_, P>) -> Response {
    let bearer = bearer::challenge(context, 401, Scheme::Bearer, None);
    let dpop = bearer::challenge(context, 401, Scheme::DPoP, None);
    let challenge = dpop.header("www-authenticate").unwrap_or_default().to_owned();
    bearer.with("www-authenticate", challenge)
}
