//! The proof a client gives of being itself (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2).

use super::assertion::{Assertion, Flaw};
use super::certificate::Certificate;
use super::{Authentication, Client, Retiring};
use crate::secret::Digest;
use crate::time::Timestamp;

/// What a request says of its client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// The `client_id`.
    pub client_id: String,
    /// What is to prove it.
    pub proof: Proof,
}

/// What is to prove who the client is: one thing, or nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// Nothing.
    Absent,
    /// The digest of a secret.
    Secret(Digest),
    /// A JWT, meant for this server and not expired, whose signature has not been looked at.
    Assertion(Box<Assertion>),
    /// Nothing but the certificate that came with the connection. It is no proof of most clients, and no harm.
    Certificate(Certificate),
}

/// Whether credentials are a client's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement<'a> {
    /// They are.
    Proven,
    /// They are if its keys bear this out.
    ByKeys(Evidence<'a>),
    /// They are not.
    Refused(ClientRefusal),
}

/// What is to be held against the keys of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Evidence<'a> {
    /// One of them must have made its signature.
    Assertion(&'a Assertion),
    /// It must be among them.
    Certificate(&'a Certificate),
}

impl Evidence<'_> {
    /// What it means if they do not bear it out.
    #[must_use]
    pub const fn refusal(self) -> ClientRefusal {
        match self {
            Self::Assertion(_) => ClientRefusal::Assertion(Flaw::WrongSignature),
            Self::Certificate(_) => ClientRefusal::WrongCertificate,
        }
    }
}

/// Why credentials prove nothing. The client is told none of it; the log is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientRefusal {
    /// There are none, and the client has some.
    NoProof,
    /// They are of another kind than the client was registered with.
    WrongMethod,
    /// The secret is another.
    WrongSecret,
    /// The certificate is another.
    WrongCertificate,
    /// The assertion is not good.
    Assertion(Flaw),
}

impl ClientRefusal {
    /// For the log.
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
    /// Whether these credentials are `client`'s.
    ///
    /// With `required` off, a client with credentials may leave them out, but not send wrong ones. A secret that was
    /// replaced is good until its time is over.
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
    fn s5_each_method_takes_its_own_proof_and_no_other() {
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
    fn a_wrong_secret_or_certificate_proves_nothing_even_where_none_is_required() {
        for required in [true, false] {
            assert_eq!(judge(with_secret(), secret("wrong"), required), Err(ClientRefusal::WrongSecret));
            for wrong in [certificate(false, "CN=tv"), certificate(true, "CN=tv,O=x"), certificate(true, "")]
            {
                assert_eq!(judge(by_subject(), wrong, required), Err(ClientRefusal::WrongCertificate));
            }
        }
    }

    #[test]
    fn a_secret_that_was_replaced_is_good_until_its_time_is_over() {
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
