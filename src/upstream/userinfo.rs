//! Userinfo responses of providers (OpenID Connect Core §5.3.2).

use serde_json::Value;

use crate::json;

/// Why a userinfo response is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UserinfoFlaw {
    /// The status is not 200, or the body is not a JSON object.
    Malformed,
    /// `sub` is missing or not the one in the ID token, so the claims may be another person's (§5.3.4).
    OtherSubject,
}

impl UserinfoFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "userinfo_malformed",
            Self::OtherSubject => "userinfo_subject_wrong",
        }
    }
}

/// Parses the claims of `subject`.
///
/// # Errors
///
/// Why they cannot be used.
pub fn parse(status: u16, body: &str, subject: &str) -> Result<Value, UserinfoFlaw> {
    let claims: Option<Value> = json::read(body).ok();
    let claims =
        claims.filter(|claims| status == 200 && claims.is_object()).ok_or(UserinfoFlaw::Malformed)?;
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(UserinfoFlaw::OtherSubject);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_count_only_for_the_person_in_the_id_token() {
        let read = |status, body| parse(status, body, "a");

        assert_eq!(read(200, r#"{"sub":"a","name":"Alice"}"#).unwrap()["name"], "Alice");
        for (status, body, flaw) in [
            (200, r#"{"sub":"b","name":"Alice"}"#, UserinfoFlaw::OtherSubject),
            (200, r#"{"name":"Alice"}"#, UserinfoFlaw::OtherSubject),
            (200, r#"{"sub":["a"]}"#, UserinfoFlaw::OtherSubject),
            (200, "eyJhbGciOiJSUzI1NiJ9.e30.AA", UserinfoFlaw::Malformed),
            (200, r#"["a"]"#, UserinfoFlaw::Malformed),
            (401, r#"{"sub":"a"}"#, UserinfoFlaw::Malformed),
        ] {
            assert_eq!(read(status, body), Err(flaw), "{status} {body}");
        }
    }
}
