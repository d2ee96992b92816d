//! The authorization response of a provider (OpenID Connect Core §3.1.2.5, RFC 9207).

/// The parameters of an authorization response, as the browser brought them.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the fields are named after the parameters")]
pub struct AuthorizationResponse<'a> {
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    pub iss: Option<&'a str>,
}

/// Why an authorization response leads nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResponseFlaw {
    /// The response came to the redirect URI of another provider (RFC 9700 §4.4.2.2).
    OtherAddress,
    /// `iss` is another provider's (RFC 9207 §2.4).
    OtherIssuer,
    /// The provider promises `iss`, and the response has none.
    Nameless,
    /// The person or the provider refused: `access_denied`, or what says that the person did not finish.
    Denied,
    /// The provider is overloaded or broken: `server_error`, `temporarily_unavailable`.
    ProviderDown,
    /// The provider refuses requests as this server sends them: every other error.
    Refused,
    /// There is neither a code nor an error.
    Empty,
}

impl ResponseFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OtherAddress => "response_address_wrong",
            Self::OtherIssuer => "response_issuer_wrong",
            Self::Nameless => "response_issuer_missing",
            Self::Denied => "response_denied",
            Self::ProviderDown => "response_provider_down",
            Self::Refused => "response_error",
            Self::Empty => "response_empty",
        }
    }
}

impl<'a> AuthorizationResponse<'a> {
    /// Returns the code. `issuer` is that of the provider that the person was sent to, and `names_issuer` whether it
    /// promises `iss`. The issuer comes first: whatever else another server says does not count.
    ///
    /// # Errors
    ///
    /// Why the response leads nowhere.
    pub fn code(&self, issuer: &str, names_issuer: bool) -> Result<&'a str, ResponseFlaw> {
        match self.iss {
            Some(iss) if iss != issuer => return Err(ResponseFlaw::OtherIssuer),
            None if names_issuer => return Err(ResponseFlaw::Nameless),
            Some(_) | None => {}
        }
        match (self.error, self.code) {
            (Some(error), _) => Err(ResponseFlaw::of(error)),
            (None, Some(code)) => Ok(code),
            (None, None) => Err(ResponseFlaw::Empty),
        }
    }
}

impl ResponseFlaw {
    /// Folds the codes of RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6.
    fn of(error: &str) -> Self {
        match error {
            "access_denied"
            | "login_required"
            | "consent_required"
            | "interaction_required"
            | "account_selection_required" => Self::Denied,
            "server_error" | "temporarily_unavailable" => Self::ProviderDown,
            _ => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_counts_only_from_the_provider_that_was_asked() {
        let (own, other) = ("https://a.example", "https://b.example");
        let code =
            |code, error, iss, promised| AuthorizationResponse { code, error, iss }.code(own, promised);

        assert_eq!(code(Some("c"), None, Some(own), true), Ok("c"));
        assert_eq!(code(Some("c"), None, None, false), Ok("c"));
        assert_eq!(code(Some("c"), None, Some(own), false), Ok("c"));
        for promised in [false, true] {
            assert_eq!(code(Some("c"), None, Some(other), promised), Err(ResponseFlaw::OtherIssuer));
            assert_eq!(
                code(None, Some("access_denied"), Some(other), promised),
                Err(ResponseFlaw::OtherIssuer)
            );
        }
        assert_eq!(code(Some("c"), None, None, true), Err(ResponseFlaw::Nameless));
        assert_eq!(code(None, Some("access_denied"), None, true), Err(ResponseFlaw::Nameless));
    }

    #[test]
    fn an_error_is_a_refusal_an_outage_or_a_mistake() {
        for (error, flaw) in [
            (Some("access_denied"), ResponseFlaw::Denied),
            (Some("login_required"), ResponseFlaw::Denied),
            (Some("temporarily_unavailable"), ResponseFlaw::ProviderDown),
            (Some("invalid_scope"), ResponseFlaw::Refused),
            (Some("<script>"), ResponseFlaw::Refused),
            (None, ResponseFlaw::Empty),
        ] {
            let response = AuthorizationResponse { code: error.map(|_| "c"), error, iss: None };
            assert_eq!(response.code("https://a.example", false), Err(flaw), "{error:?}");
        }
    }
}
