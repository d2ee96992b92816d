//! RFC 8628, one test per statement, with our own requests and with a stock client.
//!
//! `docs/rfc8628.md` lists the statements and the test of each.

mod device_authorization;
mod errors;
mod issued_tokens;
mod metadata;
mod pending_polls;
mod stock_client;
mod token_endpoint;
mod user_interaction;

const START: &[(&str, &str)] = &[("client_id", "demo-tv"), ("scope", "openid")];

/// Returns an `Authorization` header with these credentials.
fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {token}")
}
