//! What a deployment decides.

use core::fmt;

use url::Url;

/// The settings of a deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Whose tokens count.
    pub issuer: String,
    /// The identifier of this API (RFC 8707 §2): its own address, where proofs are made for, too.
    pub resource: String,
    /// What tokens must have as `aud`: the resource, unless the authorization server cannot be told of it.
    pub audience: String,
    /// How long ago a person may have signed in for what needs a recent sign-in, in seconds.
    pub max_age: u64,
    /// How they must have signed in for that: one of these `acr` values; anyhow, if there are none.
    pub acr_values: Vec<String>,
}

/// A setting that cannot be used.
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

const ADDRESS: &str = "an https URL (or http on this machine) without a slash at its end";

impl Settings {
    /// Reads them; an empty one counts as absent.
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
            return Err(bad("STEP_UP_ACR", "words without quotes or backslashes"));
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

/// Spelled as it is compared, and safe to put into a header.
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
    fn what_is_left_out_has_a_default() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.audience, "https://api.example");
        assert_eq!((settings.max_age, settings.acr_values), (300, vec![]));
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_named() {
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
