//! The settings of a deployment.

use core::fmt;

use url::Url;

/// Every setting of a deployment, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The only issuer whose tokens are accepted.
    pub issuer: String,
    /// The identifier of this API (RFC 8707 §2): its own URL. The URLs in proofs begin with it.
    pub resource: String,
    /// The required `aud`: the resource, unless the authorization server does not support the `resource`
    /// parameter.
    pub audience: String,
    /// Maximum age of a sign-in, in seconds, where a recent one is required.
    pub max_age: u64,
    /// Accepted `acr` values where a recent sign-in is required; if empty, `acr` is not checked.
    pub acr_values: Vec<String>,
}

/// An invalid or missing setting. Displays as a sentence for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadSetting {
    name: &'static str,
    must: &'static str,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} must be {}", self.name, self.must)
    }
}

const ADDRESS: &str = "an https URL (or http on this machine) without a trailing slash";

impl Settings {
    /// Reads the settings. An empty setting counts as absent.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let given = |name| get(name).filter(|value| !value.is_empty());
        let bad = |name, must| BadSetting { name, must };
        let issuer = given("ISSUER").filter(|text| is_address(text)).ok_or(bad("ISSUER", ADDRESS))?;
        let resource = given("RESOURCE").filter(|text| is_address(text) && is_origin(text));
        let resource = resource
            .ok_or(bad("RESOURCE", "the API's own https URL (or http on this machine), without a path"))?;
        let max_age = given("STEP_UP_MAX_AGE").map_or(Ok(300), |text| text.parse());
        let acr_values = given("STEP_UP_ACR").map_or_else(Vec::new, |text| words(&text));
        if acr_values.iter().any(|value| value.contains(['"', '\\'])) {
            return Err(bad("STEP_UP_ACR", "space-separated values without quotes or backslashes"));
        }
        Ok(Self {
            issuer,
            audience: given("AUDIENCE").unwrap_or_else(|| resource.clone()),
            resource,
            max_age: max_age.map_err(|_| bad("STEP_UP_MAX_AGE", "a whole number of seconds"))?,
            acr_values,
        })
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Returns whether `text` is a URL in normal form, so that it can be compared as text and put into a header.
fn is_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let normal = url.as_str().trim_end_matches('/') == text;
    secure && normal && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.path() == "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let mut all = vec![("ISSUER", "https://a.example"), ("RESOURCE", "https://api.example")];
        all.extend(vars);
        let get =
            |name: &str| all.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(get).map_err(|bad| bad.to_string())
    }

    #[test]
    fn omitted_settings_have_defaults() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.audience, "https://api.example");
        assert_eq!((settings.max_age, settings.acr_values), (300, vec![]));
    }

    #[test]
    fn the_error_names_the_invalid_setting() {
        for (name, value) in [
            ("ISSUER", ""),
            ("ISSUER", "a.example"),
            ("ISSUER", "http://a.example"),
            ("ISSUER", "https://a.example/"),
            ("ISSUER", "https://A.example"),
            ("ISSUER", "https://a.example?b"),
            ("RESOURCE", ""),
            ("RESOURCE", "https://api.example/v1"),
            ("RESOURCE", "https://api.example/"),
            ("RESOURCE", "urn:example:api"),
            ("STEP_UP_MAX_AGE", "5m"),
            ("STEP_UP_ACR", "\"gold\""),
        ] {
            assert!(read(&[(name, value)]).unwrap_err().starts_with(name), "{name}={value}");
        }
    }

    #[test]
    fn everything_can_be_set() {
        let settings = read(&[
            ("ISSUER", "http://127.0.0.1:8787/t"),
            ("AUDIENCE", "http://127.0.0.1:8787"),
            ("STEP_UP_MAX_AGE", "60"),
            ("STEP_UP_ACR", "gold  platinum"),
        ]);

        let settings = settings.unwrap();
        assert_eq!(
            (settings.issuer.as_str(), settings.audience.as_str()),
            ("http://127.0.0.1:8787/t", "http://127.0.0.1:8787")
        );
        assert_eq!(
            (settings.max_age, settings.acr_values),
            (60, vec!["gold".to_owned(), "platinum".to_owned()])
        );
    }
}
