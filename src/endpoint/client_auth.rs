//! Which client a request is from, and its proof (RFC 6749 §2.3.1, §3.2.1, RFC 8628 §3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;
use super::form::{self, Form};
use super::{Context, Platform, Unavailable};
use crate::client::Client;
use crate::client::authentication::Credentials;
use crate::secret::Digest;

/// A client that has proved who it is, and how.
pub(super) struct Caller {
    pub client: Client,
    credentials: Credentials,
}

impl Caller {
    /// Authenticates the client of a request. `known` is set to its identifier once it is known to be one.
    ///
    /// Before refusing, the source is asked: a client or a secret may be newer than the snapshot.
    pub(super) async fn authenticate<P: Platform>(
        context: Context<'_, P>,
        form: &Form,
        required: bool,
        known: &mut Option<String>,
    ) -> Result<Self, Error> {
        let credentials = read_credentials(context.request.authorization.as_deref(), form)?;
        let snapshot = context.server.snapshot(context.now).await?;
        let cached = snapshot.client(&credentials.client_id);
        let proven = cached.filter(|client| credentials.prove(Some(client), required, context.now)).cloned();
        let client = match proven {
            Some(client) => client,
            None => prove_at_source(context, &credentials, required, known).await?,
        };
        *known = Some(client.client_id.clone());
        Ok(Self { client, credentials })
    }

    /// Whether the client has credentials, and has shown them.
    pub(super) const fn is_confidential(&self) -> bool {
        self.credentials.secret.is_some()
    }

    /// The client as it is now, if these credentials are still its own: for what cannot be taken back.
    pub(super) async fn at_source<P: Platform>(
        &self,
        context: Context<'_, P>,
    ) -> Result<Option<Client>, Unavailable> {
        let client = context.server.client_at_source(&self.client.client_id).await?;
        Ok(client.filter(|client| self.credentials.prove(Some(client), true, context.now)))
    }
}

/// Strangers can cause this look-up as often as they like, so the platform's rate limit stands before it.
async fn prove_at_source<P: Platform>(
    context: Context<'_, P>,
    credentials: &Credentials,
    required: bool,
    known: &mut Option<String>,
) -> Result<Client, Error> {
    if !context.server.platform.within_limit(&format!("unproven/{}", context.network())).await {
        return Err(Error::TooMany(60));
    }
    let client = context.server.client_at_source(&credentials.client_id).await?;
    let proven = credentials.prove(client.as_ref(), required, context.now);
    *known = client.as_ref().map(|client| client.client_id.clone());
    match client {
        Some(client) if proven => Ok(client),
        Some(_) => Err(Error::WrongSecret),
        None => Err(Error::UnknownClient),
    }
}

/// Reads the credentials of a request from its `Authorization` header and its form.
///
/// An empty secret is none: Go's x/oauth2 and oidc-agent send HTTP Basic with one for public clients.
/// A body `client_id` equal to the Basic user is not a second method.
///
/// # Errors
///
/// No client at all, a malformed header, two different clients, or two methods at once
/// (RFC 6749 §2.3: "The client MUST NOT use more than one authentication method").
fn read_credentials(authorization: Option<&str>, form: &Form) -> Result<Credentials, Error> {
    let body_id = form.get("client_id");
    let body_secret = form.get("client_secret");
    let Some(header) = authorization else {
        let client_id = body_id.ok_or(Error::Missing("client_id"))?.to_owned();
        let secret = body_secret.map(|secret| Digest::of(secret.as_bytes()));
        return Ok(Credentials { client_id, secret, by_header: false });
    };
    let (client_id, secret) = read_basic(header).ok_or(Error::MalformedAuthorization)?;
    if body_id.is_some_and(|id| id != client_id) {
        return Err(Error::TwoClients);
    }
    if body_secret.is_some() || form.get("client_assertion").is_some() {
        return Err(Error::TwoMethods);
    }
    let secret = (!secret.is_empty()).then(|| Digest::of(secret.as_bytes()));
    Ok(Credentials { client_id, secret, by_header: true })
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

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let header = basic("my%3Aclient:p%2Bq+r");

        let credentials = read_credentials(Some(&header), &form("")).unwrap();

        assert_eq!(credentials.client_id, "my:client");
        assert_eq!(credentials.secret, Some(Digest::of(b"p+q r")));
    }

    #[test]
    fn an_empty_basic_secret_is_none_and_the_same_client_id_twice_is_fine() {
        let header = basic("demo-tv:");

        let credentials = read_credentials(Some(&header), &form("client_id=demo-tv")).unwrap();

        assert_eq!((credentials.client_id.as_str(), credentials.secret), ("demo-tv", None));
    }

    #[test]
    fn two_methods_or_two_clients_are_refused() {
        let header = basic("demo-printer:x");

        assert_eq!(read_credentials(Some(&header), &form("client_secret=x")), Err(Error::TwoMethods));
        assert_eq!(read_credentials(Some(&header), &form("client_id=demo-tv")), Err(Error::TwoClients));
        assert_eq!(read_credentials(None, &form("scope=openid")), Err(Error::Missing("client_id")));
    }

    #[test]
    fn a_header_that_is_not_basic_is_refused() {
        for header in ["Bearer abc", "Basic", "Basic !!!", "Basic Og==", &basic("no colon")] {
            assert_eq!(
                read_credentials(Some(header), &form("")),
                Err(Error::MalformedAuthorization),
                "{header}"
            );
        }
    }
}
