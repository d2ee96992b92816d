//! The clients of a development server; never present in production.

use super::history::History;
use super::registered_by::RegisteredBy;
use super::rules::{About, ClientKeys, CodeRules, TokenRules};
use super::{Authentication, Client, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, SecretBy};
use crate::format::Format;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::token::signing_key::Algorithm;

/// Client secret of `demo-printer`.
pub const PRINTER_SECRET: &str = "demo-printer-secret";

/// Returns `demo-tv`, a public client, and `demo-printer`, which has a secret.
#[must_use]
pub fn clients() -> Vec<Client> {
    let digest = Digest::of(PRINTER_SECRET.as_bytes());
    let printer = Authentication::Secret { digest, previous: None, by: SecretBy::Post };
    vec![client("demo-tv", "Demo TV", Authentication::None), client("demo-printer", "Demo Printer", printer)]
}

fn client(client_id: &str, client_name: &str, authentication: Authentication) -> Client {
    Client {
        format: Format,
        client_id: client_id.to_owned(),
        client_name: client_name.to_owned(),
        client_uri: None,
        grant_types: vec![DEVICE_CODE_GRANT.to_owned(), REFRESH_TOKEN_GRANT.to_owned()],
        scope: Scope::parse("openid profile email offline_access").unwrap_or_default(),
        authentication,
        id_token_signed_response_alg: Algorithm::Rs256,
        access_token_signed_response_alg: Algorithm::Es256,
        enabled: true,
        redirect_uris: Vec::new(),
        registered_by: RegisteredBy::Operator,
        used_at: None,
        logo: None,
        about: About::default(),
        keys: ClientKeys::default(),
        codes: CodeRules::default(),
        tokens: TokenRules::default(),
        history: History::default(),
    }
}
