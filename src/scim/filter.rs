//! Filters of lists (RFC 7644 §3.4.2.2): the two that Entra ID and Okta send.

use super::Refusal;
use super::user::plain;
use crate::json;

/// Which user is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Filter {
    /// The user with this name, whatever its case.
    UserName(String),
    /// The user with this identifier at the provider.
    ExternalId(String),
}

impl Filter {
    /// Reads `userName eq "…"` or `externalId eq "…"`. Case of the attribute and the operator does not matter, and the schema
    /// may stand before the attribute.
    ///
    /// # Errors
    ///
    /// [`Refusal::Filter`] for any other filter.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut words = text.trim().splitn(3, ' ');
        let (Some(attribute), Some(operator), Some(value)) = (words.next(), words.next(), words.next())
        else {
            return Err(Refusal::Filter);
        };
        // The value is a JSON string (RFC 7644 §3.4.2.2).
        let value: String = json::read(value.trim()).map_err(|_| Refusal::Filter)?;
        match (plain(attribute).as_str(), operator.to_ascii_lowercase().as_str()) {
            ("username", "eq") => Ok(Self::UserName(value)),
            ("externalid", "eq") => Ok(Self::ExternalId(value)),
            _ => Err(Refusal::Filter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_filters_that_providers_send_are_read() {
        for (text, filter) in [
            (r#"userName eq "a@example.com""#, Filter::UserName("a@example.com".to_owned())),
            (r#"username EQ "a b \"c\"""#, Filter::UserName("a b \"c\"".to_owned())),
            (r#"externalId eq "7""#, Filter::ExternalId("7".to_owned())),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a\u0040b\/c""#,
                Filter::UserName("a@b/c".to_owned()),
            ),
            (r#" externalId eq "" "#, Filter::ExternalId(String::new())),
        ] {
            assert_eq!(Filter::parse(text), Ok(filter), "{text}");
        }
        for text in [
            "",
            "userName",
            "userName eq",
            "userName eq a",
            "userName co \"a\"",
            "emails eq \"a\"",
            "userName eq \"a\" or active eq true",
            "userName eq \"a\" or userName eq \"b\"",
            "userName eq 'a'",
            "userName eq \"a",
            "userName eq \"a\\\"",
            "userName eq \"\\x61\"",
            "userName  eq \"a\"",
            "(userName eq \"a\")",
            "not (userName eq \"a\")",
            "userName eq [\"a\"]",
            "userName eq null",
        ] {
            assert_eq!(Filter::parse(text), Err(Refusal::Filter), "{text}");
        }
    }
}
