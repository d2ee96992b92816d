//! The proof a client gives of being itself (RFC 6749 §2.3.1).

use super::{Authentication, Client};
use crate::secret::Digest;

/// What a request says of its client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// The `client_id`.
    pub client_id: String,
    /// The digest of the secret it sent, if any.
    pub secret: Option<Digest>,
    /// Whether it used the `Authorization` header; a refusal then carries a challenge (RFC 6749 §5.2).
    pub by_header: bool,
}

impl Credentials {
    /// Whether these credentials are `client`'s. The comparison takes as long for an unknown client.
    ///
    /// With `required` off, a client with a secret may leave it out, but not send a wrong one.
    #[must_use]
    pub fn prove(&self, client: Option<&Client>, required: bool) -> bool {
        let nobody = Digest::of(b"no client has this secret");
        let expected = match client.map(|client| &client.authentication) {
            Some(Authentication::None) => return self.secret.is_none(),
            Some(Authentication::Secret { digest, .. }) => Some(digest),
            Some(
                Authentication::PrivateKeyJwt
                | Authentication::TlsClientAuth { .. }
                | Authentication::SelfSignedTlsClientAuth,
            )
            | None => None,
        };
        match &self.secret {
            Some(secret) => *secret == *expected.unwrap_or(&nobody) && expected.is_some(),
            None => expected.is_some() && !required,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;

    #[test]
    fn only_the_right_secret_proves_a_confidential_client() {
        let clients = demo::clients();
        let printer = clients.iter().find(|client| client.client_id == "demo-printer");
        let sent = |secret: Option<&str>| Credentials {
            client_id: "demo-printer".to_owned(),
            secret: secret.map(|secret| Digest::of(secret.as_bytes())),
            by_header: false,
        };

        assert!(sent(Some(demo::PRINTER_SECRET)).prove(printer, true));
        assert!(!sent(Some("wrong")).prove(printer, true));
        assert!(!sent(None).prove(printer, true));
        assert!(sent(None).prove(printer, false));
        assert!(!sent(Some("wrong")).prove(printer, false));
        assert!(!sent(Some("no client has this secret")).prove(None, true));
    }

    #[test]
    fn a_public_client_has_no_secret_to_send() {
        let clients = demo::clients();
        let tv = clients.iter().find(|client| client.client_id == "demo-tv");
        let sent = |secret| Credentials { client_id: "demo-tv".to_owned(), secret, by_header: false };

        assert!(sent(None).prove(tv, true));
        assert!(!sent(Some(Digest::of(b"anything"))).prove(tv, true));
    }
}
