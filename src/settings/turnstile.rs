//! Settings for Turnstile, Cloudflare's check that a person is at the browser.

use super::issuer::Issuer;
use super::variable::{BadSetting, Environment, bad, missing};

/// Where Cloudflare verifies Turnstile tokens.
const SITEVERIFY: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";
const SITE_KEY: &str = "TURNSTILE_SITE_KEY";
const SECRET_KEY: &str = "TURNSTILE_SECRET_KEY";

/// A Turnstile widget, and when looking up a user code needs its token. It has no `Debug`, because one of its
/// keys is secret.
#[derive(Clone)]
pub struct Turnstile {
    /// `TURNSTILE_SITE_KEY`, which names the widget and is public.
    pub site_key: String,
    /// `TURNSTILE_SECRET_KEY`, with which siteverify authenticates this server.
    pub secret_key: String,
    /// `TURNSTILE_SITEVERIFY_URL`.
    pub siteverify_url: String,
    /// `TURNSTILE`.
    pub when: When,
}

/// When a user code is looked up only if the browser sends a Turnstile token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// While codes are being guessed.
    Strained,
    /// At all times.
    Always,
}

impl Turnstile {
    /// Returns whether the secret key is a test key that Cloudflare publishes. With these, siteverify always
    /// names `example.com` as the host and never names an action. Only development accepts them.
    #[must_use]
    pub fn is_for_tests(&self) -> bool {
        is_published(&self.secret_key)
    }
}

/// Reads the widget. `None` if neither of its keys is set.
pub(super) fn read(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Turnstile>, BadSetting> {
    let when = when(var)?;
    let siteverify_url = siteverify_url(var)?;
    match (key(var, SITE_KEY, environment)?, key(var, SECRET_KEY, environment)?) {
        (None, None) => match when {
            When::Strained => Ok(None),
            When::Always => {
                Err(bad("TURNSTILE", "always", "needs TURNSTILE_SITE_KEY and TURNSTILE_SECRET_KEY"))
            }
        },
        (Some(_), None) => Err(missing(
            SECRET_KEY,
            "must be set together with TURNSTILE_SITE_KEY; store it with `wrangler secret put TURNSTILE_SECRET_KEY`",
        )),
        (None, Some(_)) => Err(missing(SITE_KEY, "must be set together with TURNSTILE_SECRET_KEY")),
        // Pages show the site key to everybody, so the secret key must not end up in its place.
        (Some(site_key), Some(secret_key)) if site_key.len() >= secret_key.len() => Err(missing(
            SITE_KEY,
            "is not shorter than TURNSTILE_SECRET_KEY, as a site key should be: the two may have been swapped",
        )),
        (Some(site_key), Some(secret_key)) => {
            Ok(Some(Turnstile { site_key, secret_key, siteverify_url, when }))
        }
    }
}

fn when(var: &dyn Fn(&str) -> Option<String>) -> Result<When, BadSetting> {
    match var("TURNSTILE").as_deref() {
        Some("strained") | None => Ok(When::Strained),
        Some("always") => Ok(When::Always),
        Some(other) => Err(bad("TURNSTILE", other, "must be strained or always")),
    }
}

/// Reads the URL, which must meet the same rules as an issuer, because the server sends a secret to it.
fn siteverify_url(var: &dyn Fn(&str) -> Option<String>) -> Result<String, BadSetting> {
    let url = var("TURNSTILE_SITEVERIFY_URL").unwrap_or_else(|| SITEVERIFY.to_owned());
    match Issuer::parse(&url) {
        Some(_) => Ok(url),
        None => Err(bad(
            "TURNSTILE_SITEVERIFY_URL",
            &url,
            "must be an https URL without a query, fragment or trailing slash (http only on a loopback address)",
        )),
    }
}

/// Reads a key. Errors never show it, because a value in the wrong place may be the secret key.
fn key(
    var: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    environment: Environment,
) -> Result<Option<String>, BadSetting> {
    const FORM: &str =
        "must be copied from the Turnstile dashboard: only letters, digits, dashes and underscores";
    const PUBLISHED: &str = "is a test key that Cloudflare publishes; use the key of your own widget";
    let Some(key) = var(name) else { return Ok(None) };
    if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(missing(name, FORM));
    }
    match environment {
        Environment::Preview | Environment::Production if is_published(&key) => Err(missing(name, PUBLISHED)),
        Environment::Development | Environment::Preview | Environment::Production => Ok(Some(key)),
    }
}

/// Returns whether a key looks like `1x00000000000000000000AA`: a digit from 1 to 3, `x`, zeros, and two
/// letters.
fn is_published(key: &str) -> bool {
    let zeros = ["1x", "2x", "3x"].iter().find_map(|kind| key.strip_prefix(kind));
    zeros.is_some_and(|zeros| zeros.starts_with("00000000") && zeros.trim_start_matches('0').len() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "0x4AAAAAAAsitekeyofours0";
    const SECRET: &str = "0x4AAAAAAAsecretkeyofours0123456789";
    const TEST_SITE: &str = "1x00000000000000000000AA";
    const TEST_SECRET: &str = "1x0000000000000000000000000000000AA";

    fn read_in(
        environment: Environment,
        vars: &[(&str, &str)],
    ) -> Result<Option<(String, String, When)>, String> {
        let find = |name: &str| {
            vars.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        let read = read(&find, environment).map_err(|error| error.to_string())?;
        Ok(read.map(|turnstile| (turnstile.site_key, turnstile.siteverify_url, turnstile.when)))
    }

    fn production(vars: &[(&str, &str)]) -> Result<Option<(String, String, When)>, String> {
        read_in(Environment::Production, vars)
    }

    #[test]
    fn without_keys_turnstile_is_off() {
        assert_eq!(production(&[]), Ok(None));
        assert_eq!(production(&[("TURNSTILE", "strained")]), Ok(None));
    }

    #[test]
    fn with_keys_a_token_is_needed_under_strain_and_cloudflare_verifies_it() {
        let keys = [(SITE_KEY, SITE), (SECRET_KEY, SECRET)];
        let expected = (SITE.to_owned(), SITEVERIFY.to_owned(), When::Strained);

        assert_eq!(production(&keys), Ok(Some(expected)));
        let always = production(&[&keys[..], &[("TURNSTILE", "always")]].concat());
        assert_eq!(always.unwrap().unwrap().2, When::Always);
    }

    #[test]
    fn a_bad_setting_is_named_and_no_key_is_shown() {
        let (site, secret) = ((SITE_KEY, SITE), (SECRET_KEY, SECRET));
        for (vars, expected) in [
            (&[("TURNSTILE", "on")][..], "TURNSTILE is \"on\": must be strained or always"),
            (
                &[("TURNSTILE", "always")],
                "TURNSTILE is \"always\": needs TURNSTILE_SITE_KEY and TURNSTILE_SECRET_KEY",
            ),
            (
                &[site],
                "TURNSTILE_SECRET_KEY: must be set together with TURNSTILE_SITE_KEY; store it with \
                 `wrangler secret put TURNSTILE_SECRET_KEY`",
            ),
            (&[secret], "TURNSTILE_SITE_KEY: must be set together with TURNSTILE_SECRET_KEY"),
            (
                &[(SITE_KEY, SECRET), (SECRET_KEY, SITE)],
                "TURNSTILE_SITE_KEY: is not shorter than TURNSTILE_SECRET_KEY, as a site key should be: \
                 the two may have been swapped",
            ),
            (
                &[(SITE_KEY, "a \"key\""), secret],
                "TURNSTILE_SITE_KEY: must be copied from the Turnstile dashboard: \
                 only letters, digits, dashes and underscores",
            ),
            (
                &[site, secret, ("TURNSTILE_SITEVERIFY_URL", "http://verify.example")],
                "TURNSTILE_SITEVERIFY_URL is \"http://verify.example\": must be an https URL without a query, \
                 fragment or trailing slash (http only on a loopback address)",
            ),
        ] {
            assert_eq!(production(vars), Err(expected.to_owned()));
        }
        assert!(production(&[site, secret, ("TURNSTILE_SITEVERIFY_URL", "http://127.0.0.1:1/s")]).is_ok());
    }

    #[test]
    fn the_keys_that_cloudflare_publishes_are_for_development_only() {
        for environment in [Environment::Preview, Environment::Production] {
            for (site, secret, name) in [(SITE, TEST_SECRET, SECRET_KEY), (TEST_SITE, SECRET, SITE_KEY)] {
                let refused = read_in(environment, &[(SITE_KEY, site), (SECRET_KEY, secret)]).unwrap_err();
                let expected = format!(
                    "{name}: is a test key that Cloudflare publishes; use the key of your own widget"
                );
                assert_eq!(refused, expected);
            }
        }
        let allowed = [(SITE_KEY, "3x00000000000000000000FF"), (SECRET_KEY, TEST_SECRET)];
        assert!(read_in(Environment::Development, &allowed).is_ok());
        assert!(
            ["2x0000000000000000000000000000000AA", "3x0000000000000000000000000000000AA"]
                .iter()
                .all(|secret| is_published(secret))
        );
        for own in [SECRET, "1xAA", "1x00000000000000000000AAA"] {
            assert!(!is_published(own), "{own}");
        }
    }
}
