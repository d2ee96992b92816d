//! Settings for everybody who can change the registry: operators, and clients that register themselves.

use super::variable::{BadSetting, Environment, bad, missing};
use crate::scope::{OPENID, Scope};
use crate::secret::Digest;

/// Dynamic client registration (RFC 7591).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registration {
    /// The digest of the initial access token.
    pub token: Digest,
    /// The scopes that a client may register for itself.
    pub scope: Scope,
}

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

pub(super) fn registration(
    var: &impl Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Registration>, BadSetting> {
    const NAME: &str = "INITIAL_ACCESS_TOKEN_SHA256";
    const SCOPES: &str = "REGISTRATION_SCOPES";
    let text = var(SCOPES).unwrap_or_else(|| OPENID.to_owned());
    let scope = Scope::parse(&text).filter(|scope| !scope.is_empty());
    let scope = scope.ok_or_else(|| bad(SCOPES, &text, "must be space-separated scopes"))?;
    let Some(token) = digest(var, NAME)? else { return Ok(None) };
    if admin_token(var, environment)?.is_some_and(|admin| admin == token) {
        return Err(missing(
            NAME,
            "is the digest of the admin token, which clients must not know; use another token",
        ));
    }
    Ok(Some(Registration { token, scope }))
}

/// Reads the SHA-256 of a token. The error never shows the value, which might be the token itself by mistake.
fn digest(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<Digest>, BadSetting> {
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
    fn the_development_token_is_refused_and_so_is_one_token_for_two_purposes() {
        let digest = crate::secret::encode(Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes()).bytes());
        let set = |name: &str| (name == "ADMIN_TOKEN_SHA256").then(|| digest.clone());

        for environment in [Environment::Production, Environment::Preview] {
            let error = admin_token(&set, environment).unwrap_err().to_string();
            assert!(error.contains("development token, which is public"), "{error}");
        }
        let both = with(&[("ADMIN_TOKEN_SHA256", HEX), ("INITIAL_ACCESS_TOKEN_SHA256", HEX)]);
        let error = registration(&both, Environment::Production).unwrap_err().to_string();
        assert!(error.contains("admin token"), "{error}");
    }

    #[test]
    fn registration_is_off_until_a_token_is_set() {
        let production = Environment::Production;

        assert_eq!(registration(&with(&[]), production), Ok(None));
        let on = registration(&with(&[("INITIAL_ACCESS_TOKEN_SHA256", HEX)]), production).unwrap().unwrap();
        assert_eq!((on.token, on.scope.to_string().as_str()), (Digest::of(b"test"), "openid"));
        let bad = with(&[("REGISTRATION_SCOPES", "a\"b")]);
        let error = registration(&bad, production).unwrap_err().to_string();
        assert_eq!(error, "REGISTRATION_SCOPES is \"a\\\"b\": must be space-separated scopes");
    }
}
