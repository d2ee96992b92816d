//! The response of a provider's token endpoint (OpenID Connect Core §3.1.3.3).

use core::fmt;

use serde::Deserialize;

use crate::json;

/// The tokens that a provider issued.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the members of the response")]
pub struct TokenResponse {
    pub access_token: String,
    token_type: String,
    pub id_token: Option<String>,
    pub refresh_token: Option<String>,
}

/// All that it has is secret.
impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenResponse(..)")
    }
}

/// Why there are no tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenFlaw {
    /// `invalid_grant`: the code, or a refresh token, does not count or no longer counts.
    InvalidGrant,
    /// `invalid_client`, or status 401: the credentials of this server are wrong.
    InvalidClient,
    /// Any other error, or a status that is neither 200 nor one of an error.
    Refused,
    /// Status 5xx or 429.
    Down,
    /// The response is not JSON, lacks a token, or has a token of another type than Bearer.
    Malformed,
}

impl TokenFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::InvalidGrant => "token_invalid_grant",
            Self::InvalidClient => "token_invalid_client",
            Self::Refused => "token_refused",
            Self::Down => "token_provider_down",
            Self::Malformed => "token_malformed",
        }
    }

    /// Names the flaw of a response that is an error (RFC 6749 §5.2).
    #[must_use]
    pub fn of(status: u16, body: &str) -> Self {
        #[derive(Deserialize)]
        struct Error {
            error: String,
        }
        let error: Option<Error> = json::read(body).ok();
        match (error.as_ref().map(|error| error.error.as_str()), status) {
            (_, 429 | 500..) => Self::Down,
            (Some("invalid_grant"), _) => Self::InvalidGrant,
            (Some("invalid_client"), _) | (_, 401) => Self::InvalidClient,
            (Some(_) | None, _) => Self::Refused,
        }
    }
}

impl TokenResponse {
    /// Parses a response.
    ///
    /// # Errors
    ///
    /// Why there are no tokens.
    pub fn parse(status: u16, body: &str) -> Result<Self, TokenFlaw> {
        if status != 200 {
            return Err(TokenFlaw::of(status, body));
        }
        let response: Self = json::read(body).map_err(|_| TokenFlaw::Malformed)?;
        let is_bearer = response.token_type.eq_ignore_ascii_case("bearer");
        let is_sent_in_a_header = response.access_token.bytes().all(|byte| byte.is_ascii_graphic());
        let is_good = is_bearer && is_sent_in_a_header && !response.access_token.is_empty();
        if is_good { Ok(response) } else { Err(TokenFlaw::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bearer_token_in_any_case_is_read() {
        for token_type in ["Bearer", "bearer", "BEARER"] {
            let body =
                json!({ "access_token": "a", "token_type": token_type, "id_token": "i", "expires_in": "60" });
            let tokens = TokenResponse::parse(200, &body.to_string()).unwrap();
            assert_eq!((tokens.id_token.as_deref(), tokens.refresh_token.as_deref()), (Some("i"), None));
            assert_eq!(format!("{tokens:?}"), "TokenResponse(..)");
        }
    }

    #[test]
    fn no_tokens_for_a_reason() {
        let good = json!({ "access_token": "a", "token_type": "Bearer" });
        let with = |name: &str, value: serde_json::Value| {
            let mut body = good.clone();
            body[name] = value;
            body.to_string()
        };
        for (status, body, flaw) in [
            (200, with("token_type", json!("DPoP")), TokenFlaw::Malformed),
            (200, with("token_type", json!(null)), TokenFlaw::Malformed),
            (200, with("access_token", json!("")), TokenFlaw::Malformed),
            (200, with("access_token", json!("a\r\nx: y")), TokenFlaw::Malformed),
            (200, "access_token=a&token_type=Bearer".to_owned(), TokenFlaw::Malformed),
            (400, json!({ "error": "invalid_grant" }).to_string(), TokenFlaw::InvalidGrant),
            (401, json!({ "error": "invalid_client" }).to_string(), TokenFlaw::InvalidClient),
            (401, String::new(), TokenFlaw::InvalidClient),
            (400, json!({ "error": "invalid_request" }).to_string(), TokenFlaw::Refused),
            (302, String::new(), TokenFlaw::Refused),
            (503, json!({ "error": "invalid_grant" }).to_string(), TokenFlaw::Down),
            (429, String::new(), TokenFlaw::Down),
        ] {
            assert_eq!(TokenResponse::parse(status, &body), Err(flaw), "{status} {body}");
        }
    }
}
