//! Reads the authentication method and the keys of a client from its metadata.

use serde_json::Value;

use super::json_members::{Members, is_web_address};
use crate::client::distinguished_name::DistinguishedName;
use crate::client::jwks::MOST_KEYS;
use crate::client::rules::ClientKeys;
use crate::client::{Authentication, SecretBy};
use crate::fault::Fault;
use crate::secret::Digest;
use crate::token::jwk;
use crate::token::jwk::Jwk;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Method {
    None,
    Secret(SecretBy),
    PrivateKeyJwt,
    TlsClientAuth,
    SelfSignedTlsClientAuth,
}

const METHOD: &str = "token_endpoint_auth_method";
const METHODS: &[(&str, Method)] = &[
    ("none", Method::None),
    ("client_secret_basic", Method::Secret(SecretBy::Basic)),
    ("client_secret_post", Method::Secret(SecretBy::Post)),
    ("private_key_jwt", Method::PrivateKeyJwt),
    ("tls_client_auth", Method::TlsClientAuth),
    ("self_signed_tls_client_auth", Method::SelfSignedTlsClientAuth),
];
const NO_SECRET_JWT: &str = "token_endpoint_auth_method is \"client_secret_jwt\": that method needs the \
                             secret itself, and this server keeps only its digest; use private_key_jwt";
const SUBJECT_DN: &str = "tls_client_auth_subject_dn";

/// Reads the authentication method. `secret` is the digest of a new secret, used if the method needs one.
pub(super) fn authentication(members: &mut Members, keys: &ClientKeys, secret: Digest) -> Authentication {
    let method = method(members);
    let subject_dn = subject_dn(members, method);
    let has_keys = keys.jwks.is_some() || keys.jwks_uri.is_some();
    let refused = members.is_refused("jwks") || members.is_refused("jwks_uri");
    match method {
        Method::None => Authentication::None,
        Method::Secret(by) => Authentication::Secret { digest: secret, previous: None, by },
        Method::TlsClientAuth => Authentication::TlsClientAuth { subject_dn },
        Method::PrivateKeyJwt => {
            if !has_keys && !refused {
                members
                    .refuse("jwks", "private_key_jwt needs the client's public keys: send jwks or jwks_uri");
            }
            Authentication::PrivateKeyJwt
        }
        Method::SelfSignedTlsClientAuth => {
            // RFC 8705 §2.2.2: the certificate is in the `x5c` of a key.
            let certified = keys.jwks_uri.is_some() || keys.jwks.as_ref().is_some_and(has_certificate);
            if !certified && !refused {
                let why = "self_signed_tls_client_auth needs the client's certificate: send jwks with x5c, or jwks_uri";
                members.refuse("jwks", why);
            }
            Authentication::SelfSignedTlsClientAuth
        }
    }
}

/// Reads the method; the default is HTTP Basic (RFC 7591 §2).
fn method(members: &mut Members) -> Method {
    if members.is(METHOD, "client_secret_jwt") {
        members.take(METHOD);
        members.refuse(METHOD, NO_SECRET_JWT);
    }
    members.choice(METHOD, METHODS).unwrap_or(Method::Secret(SecretBy::Basic))
}

fn subject_dn(members: &mut Members, method: Method) -> String {
    const ALLOWED: &str = "a subject in RFC 4514 form, such as CN=tv,O=Example";
    let is_there = members.has(SUBJECT_DN);
    let fits = |dn: &str| dn.len() <= 512 && DistinguishedName::parse(dn).is_some();
    let subject_dn = members.text(SUBJECT_DN, ALLOWED, fits);
    match method {
        Method::TlsClientAuth if !is_there => {
            members.refuse(
                SUBJECT_DN,
                "tls_client_auth needs tls_client_auth_subject_dn, the subject of the certificate",
            );
        }
        Method::None | Method::Secret(_) | Method::PrivateKeyJwt | Method::SelfSignedTlsClientAuth
            if is_there =>
        {
            members.refuse(
                SUBJECT_DN,
                "tls_client_auth_subject_dn is for token_endpoint_auth_method tls_client_auth only",
            );
        }
        Method::TlsClientAuth
        | Method::None
        | Method::Secret(_)
        | Method::PrivateKeyJwt
        | Method::SelfSignedTlsClientAuth => {}
    }
    subject_dn.unwrap_or_default()
}

fn has_certificate(jwks: &Value) -> bool {
    let keys = jwks.get("keys").and_then(Value::as_array);
    keys.is_some_and(|keys| keys.iter().any(is_certificate))
}

/// Returns whether a key is registered for its certificate. If so, the key may be of a type that this server
/// cannot verify signatures with.
fn is_certificate(key: &Value) -> bool {
    key.get("x5c").is_some_and(Value::is_array)
}

/// Reads `jwks` or `jwks_uri`; RFC 7591 §2 forbids both together.
pub(super) fn keys(members: &mut Members) -> ClientKeys {
    const ADDRESS: &str =
        "an https URL of at most 512 characters without user name or fragment (http on loopback only)";
    let both = members.has("jwks") && members.has("jwks_uri");
    let jwks = members.take("jwks");
    let jwks_uri = members.text("jwks_uri", ADDRESS, is_web_address);
    if both {
        members.refuse("jwks_uri", "send either jwks or jwks_uri, not both");
    }
    ClientKeys { jwks: jwks.and_then(|jwks| key_set(members, jwks)), jwks_uri }
}

/// Reads a JWK set (RFC 7517 §5). Faults do not quote the keys.
fn key_set(members: &mut Members, jwks: Value) -> Option<Value> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let Some(keys) = keys.filter(|keys| !keys.is_empty() && keys.len() <= MOST_KEYS) else {
        members.refuse(
            "jwks",
            format!(
                "jwks must be a JWK set: an object with the member keys, a list of 1 to {MOST_KEYS} keys"
            ),
        );
        return None;
    };
    let faults: Vec<Fault> = keys
        .iter()
        .enumerate()
        .filter(|(_, key)| jwk::is_private(key) || !is_certificate(key))
        .filter_map(|(index, key)| Jwk::parse(key).err().map(|why| (index, why)))
        .map(|(index, why)| Fault { pointer: format!("/jwks/keys/{index}"), detail: why.to_owned() })
        .collect();
    if faults.is_empty() {
        return Some(jwks);
    }
    members.refuse_all(faults);
    None
}
