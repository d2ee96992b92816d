//! The tokens of those who can change the registry: operators, and clients that register themselves.

use super::variable::{BadSetting, Environment, missing};
use crate::secret::Digest;

/// The admin token of `make dev`. Previews and production refuse its digest.
pub const DEVELOPMENT_ADMIN_TOKEN: &str = "development-admin-token";

pub(super) fn admin_token(
    var: &impl Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Digest>, BadSetting> {
    const NAME: &str = "ADMIN_TOKEN_SHA256";
    const PUBLIC: &str =
        "is the digest of the development token, which is public; make a token with `openssl rand -hex 32`";
    let public = Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes());
    match (digest(var, NAME)?, environment) {
        (None, Environment::Development) => Ok(Some(public)),
        (Some(digest), Environment::Preview | Environment::Production) if digest == public => {
            Err(missing(NAME, PUBLIC))
        }
        (digest, _) => Ok(digest),
    }
}

/// Reads the SHA-256 of a token. The error never shows the value, which might be the token itself by mistake.
pub(super) fn digest(
    var: &impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<Digest>, BadSetting> {
    const FORM: &str =
        "must be the SHA-256 of the token, in hex or base64, as `printf %s \"$TOKEN\" | sha256sum` prints it";
    let Some(text) = var(name) else { return Ok(None) };
    Digest::parse(text.trim()).map(Some).ok_or_else(|| missing(name, FORM))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn with(vars: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| vars.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn only_development_has_an_admin_token_of_its_own() {
        let public = Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes());

        assert_eq!(admin_token(&with(&[]), Environment::Development), Ok(Some(public)));
        assert_eq!(admin_token(&with(&[]), Environment::Production), Ok(None));
        assert_eq!(admin_token(&with(&[]), Environment::Preview), Ok(None));
        let set = with(&[("ADMIN_TOKEN_SHA256", HEX)]);
        assert_eq!(admin_token(&set, Environment::Production), Ok(Some(Digest::of(b"test"))));
    }

    #[test]
    fn a_digest_that_cannot_be_used_is_not_repeated() {
        let set = with(&[("ADMIN_TOKEN_SHA256", "the token itself")]);

        let error = admin_token(&set, Environment::Production).unwrap_err().to_string();

        assert!(error.starts_with("ADMIN_TOKEN_SHA256: must be the SHA-256 of the token"), "{error}");
        assert!(!error.contains("itself"));
    }

    #[test]
    fn the_development_token_is_refused_outside_development() {
        let digest = crate::secret::encode(Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes()).bytes());
        let set = |name: &str| (name == "ADMIN_TOKEN_SHA256").then(|| digest.clone());

        for environment in [Environment::Production, Environment::Preview] {
            let error = admin_token(&set, environment).unwrap_err().to_string();
            assert!(error.contains("development token, which is public"), "{error}");
        }
    }
}
