//! How a client proves its identity (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2).

use super::assertion::{Assertion, Flaw};
use super::certificate::Certificate;
use super::{Authentication, Client, Retiring};
use crate::secret::Digest;
use crate::time::Timestamp;

/// The client that a request claims to be from, and the proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// A mere claim until [`Credentials::judge`] has judged the proof.
    pub client_id: String,
    /// At most one, because RFC 6749 §2.3 forbids two methods in one request.
    pub proof: Proof,
}

/// The proof that came with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// Neither a secret, an assertion nor a certificate.
    Absent,
    /// Digest of the secret that was sent.
    Secret(Digest),
    /// An assertion. Its audience and dates are checked before [`Credentials::judge`], its signature after.
    Assertion(Box<Assertion>),
    /// The certificate of the TLS connection, and nothing else. For a client with another method, this is the
    /// same as [`Proof::Absent`].
    Certificate(Certificate),
}

/// Whether a client that has credentials must use them.
#[derive(Clone, Copy, Debug)]
pub enum Requirement {
    /// It must.
    Always,
    /// As the client's `device_client_authentication` says, or else this setting.
    AsRegistered(bool),
}

impl Requirement {
    /// Returns whether `client` must use its credentials.
    #[must_use]
    pub fn applies_to(self, client: &Client) -> bool {
        match self {
            Self::Always => true,
            Self::AsRegistered(setting) => client.codes.device_client_authentication.unwrap_or(setting),
        }
    }
}

/// Whether credentials belong to a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement<'a> {
    /// They do.
    Proven,
    /// They do if the client's keys confirm the evidence.
    ByKeys(Evidence<'a>),
    /// They do not.
    Refused(ClientRefusal),
}

/// Evidence that has to be compared with the client's keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Evidence<'a> {
    /// Its signature must verify with one of the keys.
    Assertion(&'a Assertion),
    /// It must be one of the registered certificates.
    Certificate(&'a Certificate),
}

impl Evidence<'_> {
    /// Returns the refusal for evidence that the keys do not confirm.
    #[must_use]
    pub const fn refusal(self) -> ClientRefusal {
        match self {
            Self::Assertion(_) => ClientRefusal::Assertion(Flaw::WrongSignature),
            Self::Certificate(_) => ClientRefusal::WrongCertificate,
        }
    }
}

/// Why credentials are refused: logged, but not disclosed to the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientRefusal {
    /// The request has no proof, although the client is registered with credentials.
    NoProof,
    /// The client is registered for another method.
    WrongMethod,
    /// The secret is not the client's.
    WrongSecret,
    /// The certificate is not the client's, or the platform did not verify it.
    WrongCertificate,
    /// The assertion is invalid.
    Assertion(Flaw),
}

impl ClientRefusal {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoProof => "no_proof",
            Self::WrongMethod => "wrong_method",
            Self::WrongSecret => "wrong_secret",
            Self::WrongCertificate => "wrong_certificate",
            Self::Assertion(flaw) => flaw.reason(),
        }
    }
}

impl Credentials {
    /// Judges whether these credentials belong to `client`.
    ///
    /// Unless `required`, a client may omit its credentials, but must not send wrong ones. A replaced secret
    /// remains valid until [`Retiring::until`].
    #[must_use]
    pub fn judge(&self, client: &Client, required: bool, now: Timestamp) -> Judgement<'_> {
        match (&client.authentication, &self.proof) {
            (Authentication::None, Proof::Absent | Proof::Certificate(_)) => Judgement::Proven,
            (Authentication::Secret { digest, previous, .. }, Proof::Secret(sent)) => {
                let retiring = previous.as_ref().filter(|previous| now < previous.until);
                let former = retiring.is_some_and(|Retiring { digest, .. }| sent == digest);
                proven_if(sent == digest || former, ClientRefusal::WrongSecret)
            }
            (Authentication::PrivateKeyJwt, Proof::Assertion(assertion)) => {
                Judgement::ByKeys(Evidence::Assertion(assertion))
            }
            (Authentication::TlsClientAuth { subject_dn }, Proof::Certificate(certificate)) => {
                let theirs = certificate.verified && certificate.is_of(subject_dn);
                proven_if(theirs, ClientRefusal::WrongCertificate)
            }
            (Authentication::SelfSignedTlsClientAuth, Proof::Certificate(certificate)) => {
                Judgement::ByKeys(Evidence::Certificate(certificate))
            }
            (
                Authentication::Secret { .. }
                | Authentication::PrivateKeyJwt
                | Authentication::TlsClientAuth { .. }
                | Authentication::SelfSignedTlsClientAuth,
                Proof::Absent,
            )
            | (Authentication::Secret { .. } | Authentication::PrivateKeyJwt, Proof::Certificate(_)) => {
                proven_if(!required, ClientRefusal::NoProof)
            }
            (
                Authentication::None
                | Authentication::PrivateKeyJwt
                | Authentication::TlsClientAuth { .. }
                | Authentication::SelfSignedTlsClientAuth,
                Proof::Secret(_),
            )
            | (
                Authentication::None
                | Authentication::Secret { .. }
                | Authentication::TlsClientAuth { .. }
                | Authentication::SelfSignedTlsClientAuth,
                Proof::Assertion(_),
            ) => Judgement::Refused(ClientRefusal::WrongMethod),
        }
    }
}

const fn proven_if(holds: bool, otherwise: ClientRefusal) -> Judgement<'static> {
    if holds { Judgement::Proven } else { Judgement::Refused(otherwise) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{SecretBy, demo};
    use crate::secret;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn client(authentication: Authentication) -> Client {
        Client { authentication, ..demo::clients().remove(0) }
    }

    fn judge(authentication: Authentication, proof: Proof, required: bool) -> Result<(), ClientRefusal> {
        let credentials = Credentials { client_id: "demo-tv".to_owned(), proof };
        match credentials.judge(&client(authentication), required, NOW) {
            Judgement::Proven | Judgement::ByKeys(_) => Ok(()),
            Judgement::Refused(refusal) => Err(refusal),
        }
    }

    fn secret(text: &str) -> Proof {
        Proof::Secret(Digest::of(text.as_bytes()))
    }

    fn assertion() -> Proof {
        let part = |text: &str| secret::encode(text.as_bytes());
        let claims = part(r#"{"iss":"demo-tv","sub":"demo-tv","aud":"a","exp":1,"jti":"j"}"#);
        let header = part(r#"{"alg":"ES256"}"#);
        Proof::Assertion(Box::new(Assertion::parse(&format!("{header}.{claims}.AA")).unwrap()))
    }

    fn certificate(verified: bool, subject_dn: &str) -> Proof {
        let (subject_dn, sha256) = (subject_dn.to_owned(), "AA".to_owned());
        Proof::Certificate(Certificate { verified, subject_dn, sha256 })
    }

    fn with_secret() -> Authentication {
        Authentication::Secret { digest: Digest::of(b"right"), previous: None, by: SecretBy::Basic }
    }

    fn by_subject() -> Authentication {
        Authentication::TlsClientAuth { subject_dn: "CN=tv".to_owned() }
    }

    #[test]
    fn s5_each_method_accepts_only_its_own_proof() {
        const NO: ClientRefusal = ClientRefusal::NoProof;
        const OTHER: ClientRefusal = ClientRefusal::WrongMethod;
        let proofs = || [Proof::Absent, secret("right"), assertion(), certificate(true, "CN=tv")];
        for (method, expected) in [
            (Authentication::None, [Ok(()), Err(OTHER), Err(OTHER), Ok(())]),
            (with_secret(), [Err(NO), Ok(()), Err(OTHER), Err(NO)]),
            (Authentication::PrivateKeyJwt, [Err(NO), Err(OTHER), Ok(()), Err(NO)]),
            (by_subject(), [Err(NO), Err(OTHER), Err(OTHER), Ok(())]),
            (Authentication::SelfSignedTlsClientAuth, [Err(NO), Err(OTHER), Err(OTHER), Ok(())]),
        ] {
            for (proof, expected) in proofs().into_iter().zip(expected) {
                assert_eq!(judge(method.clone(), proof.clone(), true), expected, "{method:?} {proof:?}");
                let lenient = if expected == Err(NO) { Ok(()) } else { expected };
                assert_eq!(judge(method.clone(), proof, false), lenient, "{method:?}, not required");
            }
        }
    }

    #[test]
    fn a_wrong_secret_or_certificate_is_refused_even_if_none_is_required() {
        for required in [true, false] {
            assert_eq!(judge(with_secret(), secret("wrong"), required), Err(ClientRefusal::WrongSecret));
            for wrong in [certificate(false, "CN=tv"), certificate(true, "CN=tv,O=x"), certificate(true, "")]
            {
                assert_eq!(judge(by_subject(), wrong, required), Err(ClientRefusal::WrongCertificate));
            }
        }
    }

    #[test]
    fn a_replaced_secret_is_valid_until_its_overlap_ends() {
        let digest = |secret: &str| Digest::of(secret.as_bytes());
        let previous = Some(Retiring { digest: digest("old"), until: Timestamp::from_millis(2_000) });
        let rotated = Authentication::Secret { digest: digest("new"), previous, by: SecretBy::Basic };
        let proves = |text, millis| {
            let credentials = Credentials { client_id: "demo-tv".to_owned(), proof: secret(text) };
            let now = Timestamp::from_millis(millis);
            credentials.judge(&client(rotated.clone()), true, now) == Judgement::Proven
        };

        assert!(proves("new", 1_999) && proves("old", 1_999));
        assert!(proves("new", 2_000) && !proves("old", 2_000));
        assert!(!proves("older", 1_999));
    }
}
