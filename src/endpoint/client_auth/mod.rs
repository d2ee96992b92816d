//! Authenticates the client of a request (RFC 6749 §2.3, §3.2.1, RFC 7523 §2.2, RFC 8628 §3.1, RFC 8705 §2).

pub(super) mod certificate;
pub(super) mod client_jwks;
pub(super) mod client_metadata;
mod credentials;
pub(super) mod document;
pub(super) mod envelope;

use std::rc::Rc;

use super::boxed::boxed;
use super::client_auth::client_jwks::{KEY_SET_AGE, KEY_SET_REFUSAL_AGE};
use super::error::Error;
use super::form::Form;
use super::once;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::client::Client;
use crate::client::assertion::{Assertion, Flaw, Recipient};
use crate::client::authentication::{ClientRefusal, Credentials, Evidence, Judgement, Proof, Requirement};
use crate::client::document::address::DocumentUrl;
use crate::client::document::entry::Entry;
use crate::client::jwks::KeySet;
use crate::endpoint::error::Limit;
use crate::grant::device_code::DeviceCode;
use crate::limiter::budgets::used_assertion;
use crate::limiter::command::UseOnce;
use crate::settings::AssertionAudience;
use crate::sharding::Shard;
use credentials::read_credentials;

/// An authenticated client, with its credentials.
pub(super) struct Caller {
    pub client: Rc<Client>,
    credentials: Credentials,
}

/// Why a client could not be authenticated.
pub(super) struct Unauthenticated {
    /// The registered client that the request names, for the log.
    pub client: Option<String>,
    pub error: Error,
}

impl From<Error> for Unauthenticated {
    fn from(error: Error) -> Self {
        Self { client: None, error }
    }
}

impl From<Unavailable> for Unauthenticated {
    fn from(unavailable: Unavailable) -> Self {
        Error::from(unavailable).into()
    }
}

impl Caller {
    /// Authenticates the client of a request. Does not use up an assertion.
    ///
    /// Asks the source before it refuses a client, because the client, its secret or its key may be newer
    /// than the snapshot.
    pub(super) async fn identify<P: Platform>(
        context: Context<'_, P>,
        form: &Form,
        required: Requirement,
    ) -> Result<Self, Unauthenticated> {
        let authorization = context.request.authorization.as_deref();
        let credentials = read_credentials(authorization, form, context.certificate())?;
        let snapshot = context.server.snapshot(context.now).await?;
        let has_snapshot = snapshot.is_some();
        let client_id = &credentials.client_id;
        let registered = snapshot.as_ref().and_then(|snapshot| snapshot.client(client_id));
        let let_in = snapshot.filter(|_| registered.is_none());
        // Gives the snapshot back: proving can take seconds, and a replaced copy must not stay in memory for as long.
        let let_in =
            let_in.and_then(|snapshot| context.server.let_in(&snapshot.outline.documents, client_id));
        let cached = match let_in {
            Some(let_in) => Some(boxed(described(context, form, client_id, let_in)).await?),
            None => registered,
        };
        let proven = prove_cached(context, &credentials, cached.as_ref(), required).await;
        let client = cached.as_ref().map(|client| client.client_id.clone());
        if let Some(client) = proven.map_err(|error| Unauthenticated { client, error })? {
            return Ok(Self { client, credentials });
        }
        if let Some(client) = prove_newer(context, &credentials, required).await? {
            return Ok(Self { client: Rc::new(client), credentials });
        }
        if cached.is_none() && is_unknown(context, &credentials.client_id, has_snapshot) {
            return Err(context.server.unknown_client(&credentials.client_id).into());
        }
        let client = prove_at_source(context, form, &credentials, required).await?;
        Ok(Self { client: Rc::new(client), credentials })
    }

    /// Returns the name of the assertion, which may be used once. Its signature is verified by now, so nobody
    /// but the client can use up the client's names or fill the limiter with them.
    pub(super) fn assertion(&self) -> Option<UseOnce> {
        if let Proof::Assertion(assertion) = &self.credentials.proof {
            Some(name_of(assertion))
        } else {
            None
        }
    }

    /// Uses up the assertion, if there is one (RFC 7523 §3).
    pub(super) async fn use_up<P: Platform>(&self, context: Context<'_, P>) -> Result<(), Error> {
        match self.assertion() {
            Some(name) if !once::take(context, &name).await? => {
                Err(Error::Unproven(ClientRefusal::Assertion(Flaw::Replayed)))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn unauthenticated(&self, error: Error) -> Unauthenticated {
        Unauthenticated { client: Some(self.client.client_id.clone()), error }
    }

    /// Returns whether the client has credentials and sent them.
    pub(super) fn is_confidential(&self) -> bool {
        self.client.authentication.is_confidential() && !matches!(self.credentials.proof, Proof::Absent)
    }

    /// Returns the client as it is now, if these credentials still prove its identity. Called before a redemption or refresh
    /// in `shard`, which cannot be undone, and which counts as a use of the client.
    pub(super) async fn as_it_is_now<P: Platform>(
        &self,
        context: Context<'_, P>,
        shard: Shard,
    ) -> Result<Option<Client>, Unavailable> {
        let Some(client) = context.server.client_in_use(&self.client.client_id, shard).await? else {
            return Ok(None);
        };
        let proven = prove(context, &self.credentials, &client, Requirement::Always).await?;
        Ok(proven.is_ok().then_some(client))
    }
}

/// Returns the client that a request names, which is not authenticated.
///
/// # Errors
///
/// The form cannot be read, or names no client or two.
pub(super) fn named_client<P>(context: Context<'_, P>) -> Result<String, Error> {
    let form = Form::of(context.request)?;
    let authorization = context.request.authorization.as_deref();
    Ok(read_credentials(authorization, &form, None)?.client_id)
}

/// Judges the credentials by the client in the snapshot; `None` if the source must be asked.
async fn prove_cached<P: Platform>(
    context: Context<'_, P>,
    credentials: &Credentials,
    cached: Option<&Rc<Client>>,
    required: Requirement,
) -> Result<Option<Rc<Client>>, Error> {
    if let Proof::Assertion(assertion) = &credentials.proof {
        check(context, assertion)?;
        if once::was_used(context, &name_of(assertion)) {
            return Err(Error::Unproven(ClientRefusal::Assertion(Flaw::Replayed)));
        }
    }
    let Some(client) = cached else { return Ok(None) };
    let proven = prove(context, credentials, client, required).await?;
    Ok(proven.is_ok().then(|| Rc::clone(client)))
}

/// Judges the credentials by what the registry said about the client a moment ago, if they were right then. So a client
/// whose credentials are newer than the snapshot is not slowed down by the limit on look-ups at the source.
async fn prove_newer<P: Platform>(
    context: Context<'_, P>,
    credentials: &Credentials,
    required: Requirement,
) -> Result<Option<Client>, Unavailable> {
    let newer = context.server.cache.newer.find(&credentials.client_id, context.now);
    let Some(client) = newer else { return Ok(None) };
    let proven = prove(context, credentials, &client, required).await?;
    Ok(proven.is_ok().then_some(client))
}

/// Returns whether a client that the snapshot does not have is refused without asking the registry: it was just asked
/// for this client, or has a snapshot and was just asked for many others.
fn is_unknown<P>(context: Context<'_, P>, client_id: &str, has_snapshot: bool) -> bool {
    let unknown = &context.server.cache.unknown;
    unknown.has(client_id, context.now) || (has_snapshot && unknown.is_full(context.now))
}

/// Judges the credentials by the client at its source. Strangers can cause this look-up as often as they
/// like, so the platform's rate limit comes first.
async fn prove_at_source<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    credentials: &Credentials,
    required: Requirement,
) -> Result<Client, Unauthenticated> {
    within_limit(context, form, &credentials.client_id).await?;
    let client = context.server.client_at_source(&credentials.client_id).await.map_err(Error::from)?;
    let Some(client) = client else {
        context.server.cache.unknown.note(&credentials.client_id, context.now);
        return Err(context.server.unknown_client(&credentials.client_id).into());
    };
    match prove(context, credentials, &client, required).await? {
        Ok(()) => {
            context.server.cache.newer.keep(&client, context.now);
            Ok(client)
        }
        Err(refusal) => {
            Err(Unauthenticated { client: Some(client.client_id), error: Error::Unproven(refusal) })
        }
    }
}

/// Returns the client that a document describes. Strangers can cause its fetch, so the platform's rate limit comes first.
async fn described<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    client_id: &str,
    (url, entry): (DocumentUrl, Entry),
) -> Result<Rc<Client>, Unauthenticated> {
    let client = async {
        if !context.server.has_document(&url, context.now) {
            within_limit(context, form, client_id).await?;
        }
        Ok(context.server.document_client(&url, &entry, context.now).await?)
    };
    let client: Result<Client, Error> = client.await;
    client.map(Rc::new).map_err(|error| Unauthenticated { client: Some(client_id.to_owned()), error })
}

async fn within_limit<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    client_id: &str,
) -> Result<(), Error> {
    let (limit, key) = whose(context, form, client_id);
    let is_within = context.server.platform.within_limit(&key).await;
    if is_within { Ok(()) } else { Err(Error::TooMany(limit, 60)) }
}

/// Returns the rate limit and its key: the grant, if the request has a device code that was issued to this
/// client, or else the network. So while a secret is newer than the snapshot, others on the same network
/// cannot slow down an ordinary poll.
fn whose<P>(context: Context<'_, P>, form: &Form, client_id: &str) -> (Limit, String) {
    let keyring = &context.server.settings.keyring;
    let code = form.get("device_code").and_then(|code| DeviceCode::parse(code, client_id, keyring));
    match code {
        Some(code) => (Limit::FailedAuthenticationsOfCode, format!("unproven/{}", code.address.key)),
        None => (Limit::FailedAuthentications, context.rate_key("unproven")),
    }
}

/// Checks whether the credentials belong to `client`. Does not use up an assertion.
async fn prove<P: Platform>(
    context: Context<'_, P>,
    credentials: &Credentials,
    client: &Client,
    required: Requirement,
) -> Result<Result<(), ClientRefusal>, Unavailable> {
    match credentials.judge(client, required.applies_to(client), context.now) {
        Judgement::Proven => Ok(Ok(())),
        Judgement::Refused(refusal) => Ok(Err(refusal)),
        Judgement::ByKeys(evidence) => {
            let proven = prove_by_keys(context, client, evidence).await?;
            Ok(if proven { Ok(()) } else { Err(evidence.refusal()) })
        }
    }
}

/// Checks the evidence against the client's keys. Before it refuses, it fetches the keys again if they are
/// older than [`KEY_SET_REFUSAL_AGE`].
async fn prove_by_keys<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    evidence: Evidence<'_>,
) -> Result<bool, Unavailable> {
    let keys = context.server.key_set(client, KEY_SET_AGE, context.now).await?;
    if bear_out(context, &keys, evidence).await {
        return Ok(true);
    }
    let newer = context.server.key_set(client, KEY_SET_REFUSAL_AGE, context.now).await?;
    Ok(newer != keys && bear_out(context, &newer, evidence).await)
}

async fn bear_out<P: Platform>(context: Context<'_, P>, keys: &KeySet, evidence: Evidence<'_>) -> bool {
    match evidence {
        Evidence::Certificate(certificate) => keys.has_certificate(&certificate.sha256),
        Evidence::Assertion(assertion) => made_by(context, keys, assertion).await,
    }
}

/// Returns whether one of the keys made the signature. Skips a key that cannot be used, such as a point off
/// the curve: that is the client's mistake.
async fn made_by<P: Platform>(context: Context<'_, P>, keys: &KeySet, assertion: &Assertion) -> bool {
    for key in keys.candidates(assertion.kid.as_deref(), assertion.alg) {
        if context.server.verifies(&key, assertion.input(), assertion.signature()).await == Ok(true) {
            return true;
        }
    }
    false
}

/// Checks that the assertion is meant for this server and is valid now.
fn check<P>(context: Context<'_, P>, assertion: &Assertion) -> Result<(), Error> {
    let Context { server, request, issuer, now, .. } = context;
    let origin = server.settings.mtls.as_ref().filter(|_| server.is_mtls(request)).unwrap_or(issuer).origin();
    let url = format!("{origin}{}", request.path);
    let url = match server.settings.assertion_audience {
        AssertionAudience::Lenient => Some(url.as_str()),
        AssertionAudience::Strict => None,
    };
    let checked = assertion.check(Recipient { issuer: issuer.as_str(), url }, now);
    checked.map_err(|flaw| Error::Unproven(ClientRefusal::Assertion(flaw)))
}

fn name_of(assertion: &Assertion) -> UseOnce {
    UseOnce { key: used_assertion(&assertion.once()), until: assertion.until() }
}
