//! Reads the credentials of a request. They are only claims: nothing is verified here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::assertion::{Assertion, Flaw, JWT_BEARER};
use crate::client::authentication::{ClientRefusal, Credentials, Proof};
use crate::client::certificate::Certificate;
use crate::endpoint::error::Error;
use crate::endpoint::form;
use crate::endpoint::form::Form;
use crate::secret::Digest;

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
pub(super) fn read_credentials(
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

/// Not inlined, nor is [`by_assertion`]: V8 compiles a function as a whole when it is first called, and most clients are public.
#[inline(never)]
fn by_header(header: &str) -> Result<Named, Error> {
    let (client_id, secret) = read_basic(header).ok_or(Error::MalformedAuthorization)?;
    Ok((Some(client_id), (!secret.is_empty()).then(|| secret_proof(&secret))))
}

#[inline(never)]
fn by_assertion(text: &str) -> Result<Named, Error> {
    let assertion = Assertion::parse(text).map_err(|flaw| Error::Unproven(ClientRefusal::Assertion(flaw)))?;
    Ok((Some(assertion.client_id.clone()), Some(Proof::Assertion(Box::new(assertion)))))
}

fn secret_proof(secret: &str) -> Proof {
    Proof::Secret(Digest::of(secret.as_bytes()))
}

/// Reads the assertion, which must come together with its type (RFC 7521 §4.2).
fn assertion_of(form: &Form) -> Result<Option<&str>, Error> {
    match (form.get("client_assertion"), form.get("client_assertion_type")) {
        (None, None) => Ok(None),
        (Some(assertion), Some(JWT_BEARER)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(Error::Unproven(ClientRefusal::Assertion(Flaw::UnknownType))),
        (Some(_), None) => Err(Error::Missing("client_assertion_type")),
        (None, Some(_)) => Err(Error::Missing("client_assertion")),
    }
}

/// Parses `Basic base64(form-encoded id ":" form-encoded secret)` (RFC 6749 §2.3.1).
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
    fn an_empty_basic_secret_counts_as_none_and_the_client_id_may_be_repeated() {
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
    fn an_assertion_must_come_with_its_type() {
        let of = |flaw| Err(Error::Unproven(ClientRefusal::Assertion(flaw)));

        assert_eq!(read(None, "client_assertion=x"), Err(Error::Missing("client_assertion_type")));
        let alone = format!("client_id=c&client_assertion_type={JWT_BEARER}");
        assert_eq!(read(None, &alone), Err(Error::Missing("client_assertion")));
        assert_eq!(read(None, "client_assertion=x&client_assertion_type=saml"), of(Flaw::UnknownType));
        let junk = format!("client_assertion=x&client_assertion_type={JWT_BEARER}");
        assert_eq!(read(None, &junk), of(Flaw::Malformed));
    }

    #[test]
    fn a_certificate_is_the_proof_if_nothing_else_is_sent() {
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
