//! `EVENTS_WEBHOOK` and its secrets.

use super::variable::{BadSetting, Environment, bad, environment, missing};
use crate::audit::webhook::{Secret, Webhook};
use crate::loopback::is_loopback;

const URL: &str = "EVENTS_WEBHOOK";
const SECRET: &str = "EVENTS_WEBHOOK_SECRET";
/// Longest URL, in bytes.
const LONGEST: usize = 500;

/// Reads the webhook alone, for objects, which need no other setting.
///
/// # Errors
///
/// [`BadSetting`] for one that cannot be used.
pub fn webhook(var: impl Fn(&str) -> Option<String>) -> Result<Option<Webhook>, BadSetting> {
    let var = |name: &str| var(name).filter(|value| !value.is_empty());
    read(&var, environment(&var)?)
}

pub(super) fn read(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Webhook>, BadSetting> {
    let url = var(URL).map(|url| address(url, environment)).transpose()?;
    let secrets = var(SECRET).map(|secrets| read_secrets(&secrets)).transpose()?;
    match (url, secrets) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(missing(URL, "must be set, because EVENTS_WEBHOOK_SECRET is")),
        (Some(_), None) => Err(missing(SECRET, "must be set, because EVENTS_WEBHOOK is")),
        (Some(url), Some(secrets)) => Ok(Some(Webhook { url, secrets })),
    }
}

fn address(url: String, environment: Environment) -> Result<String, BadSetting> {
    const FORM: &str = "must be an https URL of at most 500 characters, without user name and fragment; in development \
                        also http on a loopback address";
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#\\<>^`{|}".contains(&byte));
    let may_be_used = match (scheme, environment) {
        ("https", _) => true,
        ("http", Environment::Development) => is_loopback(authority),
        _ => false,
    };
    let is_sound = is_plain && may_be_used && !authority.is_empty() && !authority.contains('@');
    if is_sound && url.len() <= LONGEST { Ok(url) } else { Err(bad(URL, &url, FORM)) }
}

/// Reads one or two secrets. The error never shows them.
fn read_secrets(text: &str) -> Result<Vec<Secret>, BadSetting> {
    const FORM: &str = "must be whsec_ and the base64 of 24 to 64 random bytes, as \
                        `echo whsec_$(openssl rand -base64 32)` prints it; or two of them with a comma between, while \
                        the secret is changed";
    let secrets: Option<Vec<Secret>> = text.split(',').map(|part| Secret::parse(part.trim())).collect();
    secrets.filter(|secrets| secrets.len() <= 2).ok_or_else(|| missing(SECRET, FORM))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn reading(environment: &str, url: &str, secret: &str) -> Result<Option<Webhook>, String> {
        let value = |name: &str| match name {
            "ENVIRONMENT" => environment.to_owned(),
            URL => url.to_owned(),
            _ => secret.to_owned(),
        };
        webhook(|name| Some(value(name))).map_err(|error| error.to_string())
    }

    #[test]
    fn the_url_is_on_https_or_in_development_on_this_machine() {
        for (environment, url, is_good) in [
            ("production", "https://alerts.example/hook?team=a", true),
            ("production", "http://alerts.example/hook", false),
            ("production", "http://127.0.0.1:9000/hook", false),
            ("development", "http://127.0.0.1:9000/hook", true),
            ("development", "http://127.0.0.1.example.com/hook", false),
            ("production", "https://me@alerts.example/", false),
            ("production", "https://alerts.example/#top", false),
            ("production", "https:///hook", false),
            ("production", "https://alerts.example/a b", false),
            ("production", &format!("https://alerts.example/{}", "x".repeat(500)), false),
        ] {
            let found = reading(environment, url, WHSEC);
            assert_eq!(found.is_ok(), is_good, "{url}");
            assert!(found.err().is_none_or(|error| error.starts_with("EVENTS_WEBHOOK is")));
        }
    }

    #[test]
    fn url_and_secret_come_together_and_a_bad_secret_is_not_repeated() {
        let url = "https://alerts.example/";
        assert!(reading("production", "", "").is_ok_and(|webhook| webhook.is_none()));
        assert!(
            reading("production", url, "").err().unwrap().starts_with("EVENTS_WEBHOOK_SECRET: must be set")
        );
        assert!(reading("production", "", WHSEC).err().unwrap().starts_with("EVENTS_WEBHOOK: must be set"));
        let two = reading("production", url, &format!("{WHSEC}, {WHSEC}")).unwrap().unwrap();
        assert_eq!(two.secrets.len(), 2);
        for secret in ["sesame", "whsec_c2hvcnQ=", &format!("{WHSEC},"), &format!("{WHSEC},{WHSEC},{WHSEC}")]
        {
            let error = reading("production", url, secret).err().unwrap();
            assert!(error.starts_with("EVENTS_WEBHOOK_SECRET: must be whsec_") && !error.contains(secret));
        }
    }
}
