//! The proof a client gives of being itself (RFC 6749 §2.3.1).

use super::{Authentication, Client, Retiring};
use crate::secret::Digest;
use crate::time::Timestamp;

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
    /// With `required` off, a client with a secret may leave it out, but not send a wrong one. A secret that was
    /// replaced is good until its time is over.
    #[must_use]
    pub fn prove(&self, client: Option<&Client>, required: bool, now: Timestamp) -> bool {
        let nobody = Digest::of(b"no client has this secret");
        let mut retiring = None;
        let expected = match client.map(|client| &client.authentication) {
            Some(Authentication::None) => return self.secret.is_none(),
            Some(Authentication::Secret { digest, previous, .. }) => {
                retiring = previous.as_ref().filter(|previous| now < previous.until);
                Some(digest)
            }
            Some(
                Authentication::PrivateKeyJwt
                | Authentication::TlsClientAuth { .. }
                | Authentication::SelfSignedTlsClientAuth,
            )
            | None => None,
        };
        match &self.secret {
            Some(secret) => {
                let current = *secret == *expected.unwrap_or(&nobody) && expected.is_some();
                current | retiring.is_some_and(|Retiring { digest, .. }| secret == digest)
            }
            None => expected.is_some() && !required,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::SecretBy;
    use crate::client::demo;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn only_the_right_secret_proves_a_confidential_client() {
        let clients = demo::clients();
        let printer = clients.iter().find(|client| client.client_id == "demo-printer");
        let sent = |secret: Option<&str>| Credentials {
            client_id: "demo-printer".to_owned(),
            secret: secret.map(|secret| Digest::of(secret.as_bytes())),
            by_header: false,
        };

        assert!(sent(Some(demo::PRINTER_SECRET)).prove(printer, true, NOW));
        assert!(!sent(Some("wrong")).prove(printer, true, NOW));
        assert!(!sent(None).prove(printer, true, NOW));
        assert!(sent(None).prove(printer, false, NOW));
        assert!(!sent(Some("wrong")).prove(printer, false, NOW));
        assert!(!sent(Some("no client has this secret")).prove(None, true, NOW));
    }

    #[test]
    fn a_secret_that_was_replaced_is_good_until_its_time_is_over() {
        let digest = |secret: &str| Digest::of(secret.as_bytes());
        let previous = Some(Retiring { digest: digest("old"), until: Timestamp::from_millis(2_000) });
        let mut printer = demo::clients().remove(1);
        printer.authentication =
            Authentication::Secret { digest: digest("new"), previous, by: SecretBy::Basic };
        let proves = |secret, millis| {
            let client_id = printer.client_id.clone();
            let sent = Credentials { client_id, secret: Some(digest(secret)), by_header: false };
            sent.prove(Some(&printer), true, Timestamp::from_millis(millis))
        };

        assert!(proves("new", 1_999) && proves("old", 1_999));
        assert!(proves("new", 2_000) && !proves("old", 2_000));
        assert!(!proves("older", 1_999));
    }

    #[test]
    fn a_public_client_has_no_secret_to_send() {
        let clients = demo::clients();
        let tv = clients.iter().find(|client| client.client_id == "demo-tv");
        let sent = |secret| Credentials { client_id: "demo-tv".to_owned(), secret, by_header: false };

        assert!(sent(None).prove(tv, true, NOW));
        assert!(!sent(Some(Digest::of(b"anything"))).prove(tv, true, NOW));
    }
}
