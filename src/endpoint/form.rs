//! Strict parsing of `application/x-www-form-urlencoded` bodies and queries.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use percent_encoding::percent_decode_str;

use super::error::{Error, shown};
use super::http::Request;

/// The only parameter that may be repeated (RFC 8707 §2).
const RESOURCE: &str = "resource";

/// Parameters by name. A parameter without a value counts as absent (RFC 6749 §3.1, RFC 8628 §3.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Form {
    values: BTreeMap<String, String>,
    resources: Vec<String>,
}

impl Form {
    /// Reads the body of a request, whose `Content-Type` must be that of a form (RFC 8628 §3.1).
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] or [`Error::NotAForm`] for a body that is too large or of another type; otherwise the errors
    /// of [`Self::parse`].
    pub fn of(request: &Request) -> Result<Self, Error> {
        let body = request.body.as_deref().ok_or(Error::TooLarge)?;
        // RFC 8628 §3.1 requires no parameter of a client that authenticates in the header.
        let is_empty = body.is_empty() && request.content_type.is_none();
        if !request.is_form() && !is_empty {
            return Err(Error::NotAForm(request.content_type.as_deref().map(shown)));
        }
        Self::parse(body)
    }

    /// Parses a form or a query.
    ///
    /// # Errors
    ///
    /// [`Error::NotUtf8`] if a name or value is not UTF-8 once decoded; [`Error::Repeated`] if a parameter
    /// occurs twice, even without a value (RFC 6749 §3.2).
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = core::str::from_utf8(bytes).map_err(|_| Error::NotUtf8)?;
        let (mut values, mut resources) = (BTreeMap::new(), Vec::new());
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or(Error::NotUtf8)?;
            let value = decode(value).ok_or(Error::NotUtf8)?;
            if name == RESOURCE {
                resources.push(value);
                continue;
            }
            match values.entry(name) {
                Entry::Vacant(free) => free.insert(value),
                Entry::Occupied(taken) => return Err(Error::Repeated(shown(taken.key()))),
            };
        }
        values.retain(|_, value| !value.is_empty());
        resources.retain(|value| !value.is_empty());
        Ok(Self { values, resources })
    }

    /// Parses the query of a link that a person follows, leaving out what is broken: a parameter that is not UTF-8, and
    /// a second one of the same name. What other programs added to the link must not cost the rest.
    #[must_use]
    pub fn of_link(query: &str) -> Self {
        let mut values = BTreeMap::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (decode(name), decode(value))
                && !value.is_empty()
            {
                values.entry(name).or_insert(value);
            }
        }
        Self { values, resources: Vec::new() }
    }

    /// Returns the value of a parameter other than `resource`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns the names of the parameters that have a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let resource = (!self.resources.is_empty()).then_some(RESOURCE);
        self.values.keys().map(String::as_str).chain(resource)
    }

    /// Returns the values of `resource` in the order in which they were sent (RFC 8707 §2).
    #[must_use]
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// Returns the value of a required parameter.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if the parameter is absent.
    pub fn require(&self, name: &'static str) -> Result<&str, Error> {
        self.get(name).ok_or(Error::Missing(name))
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte. `None` if the bytes are not UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Form, Error> {
        Form::parse(text.as_bytes())
    }

    #[test]
    fn names_and_values_are_decoded() {
        let form = parse("scope=openid+email&a%20b=%C3%A9&&flag").unwrap();

        assert_eq!(form.get("scope"), Some("openid email"));
        assert_eq!(form.get("a b"), Some("é"));
        assert_eq!(form.get("flag"), None, "a parameter without a value counts as absent");
    }

    #[test]
    fn a_repeated_parameter_is_refused_even_if_it_is_empty_or_unknown() {
        for text in ["a=1&a=2", "a=&a=2", "a=1&%61=1"] {
            assert_eq!(parse(text), Err(Error::Repeated("a".to_owned())), "{text}");
        }
        assert!(parse("resource=https://a&resource=https://b").is_ok(), "RFC 8707 §2 allows it");
    }

    #[test]
    fn what_is_broken_in_a_link_does_not_cost_the_rest() {
        let link = Form::of_link("utm=%ff&%ff=1&user_code=WDJB-MJHT&user_code=other&a=%zz");

        assert_eq!(link.get("user_code"), Some("WDJB-MJHT"), "the first one counts");
        assert_eq!((link.get("utm"), link.get("a")), (None, Some("%zz")));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(parse("a=%ff"), Err(Error::NotUtf8));
        assert_eq!(Form::parse(b"a=\xff"), Err(Error::NotUtf8));
    }
}
