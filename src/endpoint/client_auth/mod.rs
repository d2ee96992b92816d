//! Authenticates the client of a request (RFC 6749 §2.3, §3.2.1, RFC 7523 §2.2, RFC 8628 §3.1, RFC 8705 §2).

pub(super) mod certificate;
pub(super) mod client_jwks;
pub(super) mod client_metadata;
pub(super) mod envelope;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client_auth::client_jwks::{KEY_SET_AGE, KEY_SET_REFUSAL_AGE};
use super::error::Error;
use super::form::Form;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::{form, once};
use crate::client::Client;
use crate::client::assertion::{Assertion, Flaw, JWT_BEARER, Recipient};
use crate::client::authentication::{ClientRefusal, Credentials, Evidence, Judgement, Proof};
use crate::client::certificate::Certificate;
use crate::client::jwks::KeySet;
use crate::grant::device_code::DeviceCode;
use crate::limiter::budgets::used_assertion;
use crate::limiter::command::UseOnce;
use crate::secret::Digest;
use crate::settings::AssertionAudience;

/// An authenticated client, with its credentials.
pub(super) struct Caller {
    pub client: Client,
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
    /// Before it refuses a client, it asks the source, because the client, its secret or its key may be newer
    /// than the snapshot.
    pub(super) async fn identify<P: Platform>(
        context: Context<'_, P>,
        form: &Form,
        required: bool,
    ) -> Result<Self, Unauthenticated> {
        let authorization = context.request.authorization.as_deref();
        let credentials = read_credentials(authorization, form, context.certificate())?;
        let snapshot = context.server.snapshot(context.now).await?;
        let cached = snapshot.client(&credentials.client_id);
        let proven = prove_cached(context, &credentials, cached, required).await;
        let client = cached.map(|client| client.client_id.clone());
        if let Some(client) = proven.map_err(|error| Unauthenticated { client, error })? {
            return Ok(Self { client, credentials });
        }
        let client = prove_at_source(context, form, &credentials, required).await?;
        Ok(Self { client, credentials })
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
    pub(super) const fn is_confidential(&self) -> bool {
        self.client.authentication.is_confidential() && !matches!(self.credentials.proof, Proof::Absent)
    }

    /// Returns the client as it is now, if these credentials still prove its identity. Called before a step
    /// that cannot be undone.
    pub(super) async fn at_source<P: Platform>(
        &self,
        context: Context<'_, P>,
    ) -> Result<Option<Client>, Unavailable> {
        let Some(client) = context.server.client_at_source(&self.client.client_id).await? else {
            return Ok(None);
        };
        let proven = prove(context, &self.credentials, &client, true).await?;
        Ok(proven.is_ok().then_some(client))
    }
}

/// Judges the credentials by the client in the snapshot; `None` if the source must be asked.
async fn prove_cached<P: Platform>(
    context: Context<'_, P>,
    credentials: &Credentials,
    cached: Option<&Client>,
    required: bool,
) -> Result<Option<Client>, Error> {
    if let Proof::Assertion(assertion) = &credentials.proof {
        check(context, assertion)?;
        if once::was_used(context, &name_of(assertion)) {
            return Err(Error::Unproven(ClientRefusal::Assertion(Flaw::Replayed)));
        }
    }
    let Some(client) = cached else { return Ok(None) };
    let proven = prove(context, credentials, client, required).await?;
    Ok(proven.is_ok().then(|| client.clone()))
}

/// Judges the credentials by the client at its source. Strangers can cause this look-up as often as they
/// like, so the platform's rate limit comes first.
async fn prove_at_source<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    credentials: &Credentials,
    required: bool,
) -> Result<Client, Unauthenticated> {
    let key = format!("unproven/{}", whose(context, form, &credentials.client_id));
    if !context.server.platform.within_limit(&key).await {
        return Err(Error::TooMany(60).into());
    }
    let client = context.server.client_at_source(&credentials.client_id).await?;
    let client = client.ok_or(Error::UnknownClient)?;
    match prove(context, credentials, &client, required).await? {
        Ok(()) => Ok(client),
        Err(refusal) => {
            Err(Unauthenticated { client: Some(client.client_id), error: Error::Unproven(refusal) })
        }
    }
}

/// Returns what the rate limit counts by: the grant that a device polls for, if the device code is one of the
/// client's, or else the network. While a secret is newer than the snapshot, others on the same network
/// therefore cannot slow down an ordinary poll.
fn whose<P>(context: Context<'_, P>, form: &Form, client_id: &str) -> String {
    let keyring = &context.server.settings.keyring;
    let code = form.get("device_code").and_then(|code| DeviceCode::parse(code, client_id, keyring));
    code.map_or_else(|| context.network(), |code| code.address.key.to_string())
}

/// Checks whether the credentials belong to `client`. Uses up nothing.
async fn prove<P: Platform>(
    context: Context<'_, P>,
    credentials: &Credentials,
    client: &Client,
    required: bool,
) -> Result<Result<(), ClientRefusal>, Unavailable> {
    match credentials.judge(client, required, context.now) {
        Judgement::Proven => Ok(Ok(())),
        Judgement::Refused(refusal) => Ok(Err(refusal)),
        Judgement::ByKeys(evidence) => {
            let proven = prove_by_keys(context, client, evidence).await?;
            Ok(if proven { Ok(()) } else { Err(evidence.refusal()) })
        }
    }
}

/// Checks the evidence against the client's keys. Before it refuses, it fetches a set again that is older
/// than [`KEY_SET_REFUSAL_AGE`].
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
        if context.server.platform.verify(&key, assertion.input(), assertion.signature()).await == Ok(true) {
            return true;
        }
    }
    false
}

/// Checks that the assertion is meant for this server and is valid now.
fn check<P>(context: Context<'_, P>, assertion: &Assertion) -> Result<(), Error> {
    let Context { server, request, issuer, now } = context;
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

/// Reads the credentials of a request from its `Authorization` header, its form and its connection.
///
/// An empty secret counts as none, because Go's x/oauth2 and oidc-agent send HTTP Basic with an empty secret
/// for public clients. A `client_id` in the body that equals that of the header or the assertion is not a
/// second method.
///
/// # Errors
///
/// The request names no client or two different ones, its header or assertion is malformed, or it uses two
/// methods (RFC 6749 §2.3: "The client MUST NOT use more than one authentication method").
fn read_credentials(
    authorization: Option<&str>,
    form: &Form,
    certificate: Option<&Certificate>,
) -> Result<Credentials, Error> {
    let sent = (authorization, form.get("client_secret"), assertion_of(form)?);
    let (named, proof) = match sent {
        (None, None, None) => (None, None),
        (None, Some(secret), None) => (None, Some(secret_proof(secret))),
        (Some(header), None, None) => by_header(header)?,
        (None, None, Some(text)) => by_assertion(text)?,
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => {
            return Err(Error::TwoMethods);
        }
    };
    let client_id = match (named, form.get("client_id")) {
        // RFC 7521 §4.2: with an assertion, `client_id` is optional, but must match if it is sent.
        (Some(named), Some(id)) if named != id => return Err(Error::TwoClients),
        (Some(named), _) => named,
        (None, id) => id.ok_or(Error::Missing("client_id"))?.to_owned(),
    };
    let by_connection = || certificate.map_or(Proof::Absent, |shown| Proof::Certificate(shown.clone()));
    Ok(Credentials { client_id, proof: proof.unwrap_or_else(by_connection) })
}

/// The client that the header or the assertion names, and the proof in it; an empty secret is no proof.
type Named = (Option<String>, Option<Proof>);

fn by_header(header: &str) -> Result<Named, Error> {
    let (client_id, secret) = read_basic(header).ok_or(Error::MalformedAuthorization)?;
    Ok((Some(client_id), (!secret.is_empty()).then(|| secret_proof(&secret))))
}

fn by_assertion(text: &str) -> Result<Named, Error> {
    let assertion = Assertion::parse(text).map_err(|flaw| Error::Unproven(ClientRefusal::Assertion(flaw)))?;
    Ok((Some(assertion.client_id.clone()), Some(Proof::Assertion(Box::new(assertion)))))
}

fn secret_proof(secret: &str) -> Proof {
    Proof::Secret(Digest::of(secret.as_bytes()))
}

/// RFC 7521 §4.2: the assertion and its type come together.
fn assertion_of(form: &Form) -> Result<Option<&str>, Error> {
    match (form.get("client_assertion"), form.get("client_assertion_type")) {
        (None, None) => Ok(None),
        (Some(assertion), Some(JWT_BEARER)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(Error::Unproven(ClientRefusal::Assertion(Flaw::UnknownType))),
        (Some(_), None) => Err(Error::Missing("client_assertion_type")),
        (None, Some(_)) => Err(Error::Missing("client_assertion")),
    }
}

/// `Basic base64(form-encoded id ":" form-encoded secret)`, RFC 6749 §2.3.1.
fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let id = form::decode(id)?;
    (!id.is_empty()).then_some((id, form::decode(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn read(authorization: Option<&str>, text: &str) -> Result<Credentials, Error> {
        read_credentials(authorization, &form(text), None)
    }

    fn assertion(client_id: &str) -> String {
        let claims = format!(r#"{{"iss":"{client_id}","sub":"{client_id}","aud":"a","exp":1,"jti":"j"}}"#);
        let part = |text: &str| secret::encode(text.as_bytes());
        let jwt = format!("{}.{}.AA", part(r#"{"alg":"ES256"}"#), part(&claims));
        format!("client_assertion={jwt}&client_assertion_type={JWT_BEARER}")
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let credentials = read(Some(&basic("my%3Aclient:p%2Bq+r")), "").unwrap();

        assert_eq!(credentials.client_id, "my:client");
        assert_eq!(credentials.proof, secret_proof("p+q r"));
    }

    #[test]
    fn an_empty_basic_secret_is_none_and_the_same_client_id_twice_is_fine() {
        let credentials = read(Some(&basic("demo-tv:")), "client_id=demo-tv").unwrap();

        assert_eq!((credentials.client_id.as_str(), credentials.proof), ("demo-tv", Proof::Absent));
    }

    #[test]
    fn an_assertion_names_the_client_and_client_id_may_repeat_it() {
        for beside in ["", "&client_id=printer"] {
            let credentials = read(None, &format!("{}{beside}", assertion("printer"))).unwrap();

            assert_eq!(credentials.client_id, "printer");
            assert!(matches!(credentials.proof, Proof::Assertion(_)));
        }
    }

    #[test]
    fn two_methods_or_two_clients_are_refused() {
        let header = basic("demo-printer:x");
        let jwt = assertion("demo-printer");

        assert_eq!(read(Some(&header), "client_secret=x"), Err(Error::TwoMethods));
        assert_eq!(read(Some(&header), &jwt), Err(Error::TwoMethods));
        assert_eq!(read(Some(&basic("demo-printer:")), &jwt), Err(Error::TwoMethods));
        assert_eq!(read(None, &format!("{jwt}&client_secret=x")), Err(Error::TwoMethods));
        assert_eq!(read(Some(&header), "client_id=demo-tv"), Err(Error::TwoClients));
        assert_eq!(read(None, &format!("{jwt}&client_id=demo-tv")), Err(Error::TwoClients));
        assert_eq!(read(None, "scope=openid"), Err(Error::Missing("client_id")));
    }

    #[test]
    fn an_assertion_comes_with_its_type() {
        let of = |flaw| Err(Error::Unproven(ClientRefusal::Assertion(flaw)));

        assert_eq!(read(None, "client_assertion=x"), Err(Error::Missing("client_assertion_type")));
        let alone = format!("client_id=c&client_assertion_type={JWT_BEARER}");
        assert_eq!(read(None, &alone), Err(Error::Missing("client_assertion")));
        assert_eq!(read(None, "client_assertion=x&client_assertion_type=saml"), of(Flaw::UnknownType));
        let junk = format!("client_assertion=x&client_assertion_type={JWT_BEARER}");
        assert_eq!(read(None, &junk), of(Flaw::Malformed));
    }

    #[test]
    fn a_certificate_is_a_proof_where_nothing_else_is_sent() {
        let shown = Certificate { verified: true, subject_dn: "CN=tv".to_owned(), sha256: "AA".to_owned() };
        let read = |header: Option<&str>, text: &str| {
            read_credentials(header, &form(text), Some(&shown)).unwrap().proof
        };

        assert_eq!(read(None, "client_id=tv"), Proof::Certificate(shown.clone()));
        assert_eq!(read(Some(&basic("tv:")), ""), Proof::Certificate(shown.clone()));
        assert_eq!(read(None, "client_id=tv&client_secret=x"), secret_proof("x"));
    }

    #[test]
    fn a_header_that_is_not_basic_is_refused() {
        for header in ["Bearer abc", "Basic", "Basic !!!", "Basic Og==", &basic("no colon")] {
            assert_eq!(read(Some(header), ""), Err(Error::MalformedAuthorization), "{header}");
        }
    }
}
