//! Settings for client authentication: the audience of assertions, and the host that asks for certificates.

use super::issuer::Issuer;
use super::variable::{BadSetting, Environment, bad, missing};
use crate::loopback::is_loopback;

/// The accepted values of `aud` in a client's assertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AssertionAudience {
    /// The issuer, or the URL that the assertion is sent to.
    Lenient,
    /// Only the issuer.
    Strict,
}

pub(super) fn assertion_audience(
    var: &dyn Fn(&str) -> Option<String>,
) -> Result<AssertionAudience, BadSetting> {
    match var("CLIENT_ASSERTION_AUDIENCE").as_deref() {
        None | Some("lenient") => Ok(AssertionAudience::Lenient),
        Some("strict") => Ok(AssertionAudience::Strict),
        Some(other) => Err(bad("CLIENT_ASSERTION_AUDIENCE", other, "must be lenient or strict")),
    }
}

/// Reads the origin of the mTLS host, which serves endpoints of the issuer under the same paths.
pub(super) fn mtls(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
    issuer: Option<&Issuer>,
) -> Result<Option<Issuer>, BadSetting> {
    const NAME: &str = "MTLS_ORIGIN";
    let Some(text) = var(NAME) else { return Ok(None) };
    let form =
        "must be an https origin (http only on a loopback address), such as https://mtls.login.example.com";
    let origin = Issuer::parse(&text).filter(|origin| origin.path().is_empty());
    let origin = origin.ok_or_else(|| bad(NAME, &text, form))?;
    let Some(issuer) = issuer else {
        return Err(missing(NAME, "cannot be used without ISSUER, whose endpoints it serves"));
    };
    if issuer.host() == origin.host() {
        return Err(bad(
            NAME,
            &text,
            "must be on a different host than ISSUER, so that browsers are not asked for a certificate",
        ));
    }
    match environment {
        Environment::Development if !is_loopback(origin.host()) => {
            Err(bad(NAME, &text, "must be a loopback address in development"))
        }
        Environment::Development | Environment::Preview | Environment::Production => Ok(Some(origin)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;
    use crate::derived_keys::DEVELOPMENT_KEY;

    const KEY: (&str, &str) = ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=");
    const ISSUER: (&str, &str) = ("ISSUER", "https://login.example.com");

    fn read(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let find = |name: &str| {
            vars.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::read(find).map_err(|error| error.to_string())
    }

    fn development(vars: &[(&str, &str)]) -> Result<Settings, String> {
        read(&[&[("ENVIRONMENT", "development"), ("MASTER_KEY", DEVELOPMENT_KEY)], vars].concat())
    }

    #[test]
    fn the_mtls_host_differs_from_the_issuers() {
        let with = |origin| read(&[KEY, ISSUER, ("MTLS_ORIGIN", origin)]);

        assert_eq!(with("https://mtls.example.com").unwrap().mtls.unwrap().host(), "mtls.example.com");
        for (origin, why) in [
            ("https://login.example.com", "different host"),
            ("https://mtls.example.com/auth", "https origin"),
            ("http://mtls.example.com", "https origin"),
            ("mtls.example.com", "https origin"),
        ] {
            assert!(with(origin).err().is_some_and(|error| error.contains(why)), "{origin}");
        }
        assert!(
            development(&[("MTLS_ORIGIN", "http://localhost")]).err().unwrap().contains("without ISSUER")
        );
        let local = ("ISSUER", "http://127.0.0.1:8787");
        assert!(development(&[local, ("MTLS_ORIGIN", "http://localhost:8787")]).is_ok());
        assert!(development(&[local, ("MTLS_ORIGIN", "https://mtls.example.com")]).is_err());
    }

    #[test]
    fn the_audience_of_assertions_is_lenient_or_strict() {
        let with = |value| development(&[("CLIENT_ASSERTION_AUDIENCE", value)]);
        let read = |value| with(value).map(|settings| settings.assertion_audience);

        assert_eq!(
            (read(""), read("lenient")),
            (Ok(AssertionAudience::Lenient), Ok(AssertionAudience::Lenient))
        );
        assert_eq!(read("strict"), Ok(AssertionAudience::Strict));
        assert!(with("loose").err().unwrap().ends_with("must be lenient or strict"));
    }

    #[test]
    fn keys_are_fetched_by_https_and_in_development_from_this_machine() {
        let (production, development) = (read(&[KEY, ISSUER]).unwrap(), development(&[]).unwrap());

        assert!(production.may_fetch("https://client.example/jwks.json?v=1"));
        assert!(development.may_fetch("http://127.0.0.1:9000/jwks.json"));
        for uri in [
            "http://127.0.0.1/jwks",
            "http://client.example/",
            "ftp://client.example/",
            "https://",
            "/jwks",
            "",
        ] {
            assert!(!production.may_fetch(uri), "{uri}");
        }
        for uri in ["http://client.example/", "http://localhost@client.example/", "http://10.0.0.1/"] {
            assert!(!development.may_fetch(uri), "{uri}");
        }
    }
}
