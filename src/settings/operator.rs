//! The tokens of those who can change the registry: operators, and clients that register themselves.

use super::variable::{BadSetting, Environment, missing};
use crate::secret::Digest;

/// The digests of a token that operators choose: one, or two while they change it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenDigests {
    token: Digest,
    /// The other one during a change.
    other: Option<Digest>,
}

impl TokenDigests {
    /// Returns whether `digest` is one of these. Compares with both in constant time, so that the time it takes
    /// does not tell which.
    #[must_use]
    pub fn include(&self, digest: &Digest) -> bool {
        (self.token == *digest) | self.other.as_ref().is_some_and(|other| other == digest)
    }

    /// Returns whether there are two, because the token is being changed.
    #[must_use]
    pub const fn are_two(&self) -> bool {
        self.other.is_some()
    }

    pub(super) fn overlap(&self, others: &Self) -> bool {
        others.include(&self.token) || self.other.as_ref().is_some_and(|other| others.include(other))
    }
}

impl From<Digest> for TokenDigests {
    fn from(token: Digest) -> Self {
        Self { token, other: None }
    }
}

/// The admin token of `make dev`. Previews and production refuse its digest.
pub const DEVELOPMENT_ADMIN_TOKEN: &str = "development-admin-token";

pub(super) fn admin_token(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<TokenDigests>, BadSetting> {
    const NAME: &str = "ADMIN_TOKEN_SHA256";
    const PUBLIC: &str =
        "is the digest of the development token, which is public; make a token with `openssl rand -hex 32`";
    let public = Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes());
    match (digests(var, NAME)?, environment) {
        (None, Environment::Development) => Ok(Some(public.into())),
        (Some(digests), Environment::Preview | Environment::Production) if digests.include(&public) => {
            Err(missing(NAME, PUBLIC))
        }
        (digests, _) => Ok(digests),
    }
}

/// The token for the metrics must not open anything else: it is in the configuration of a monitor.
pub(super) fn metrics_token(
    var: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<TokenDigests>, BadSetting> {
    const NAME: &str = "METRICS_TOKEN_SHA256";
    let Some(token) = digests(var, NAME)? else { return Ok(None) };
    for other in ["ADMIN_TOKEN_SHA256", "INITIAL_ACCESS_TOKEN_SHA256"] {
        if digests(var, other)?.is_some_and(|other| other.overlap(&token)) {
            return Err(missing(NAME, &format!("is also the digest in {other}; make another token")));
        }
    }
    Ok(Some(token))
}

/// Reads one or two SHA-256 of tokens. The error never shows the value, which might be the token itself by
/// mistake.
pub(super) fn digests(
    var: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<TokenDigests>, BadSetting> {
    const FORM: &str = "must be the SHA-256 of the token, in hex or base64, as `printf %s \"$TOKEN\" | sha256sum` \
                        prints it; or two of them with a comma between, while the token is changed";
    let Some(text) = var(name) else { return Ok(None) };
    let parsed: Option<Vec<Digest>> = text.split(',').map(|part| Digest::parse(part.trim())).collect();
    match parsed.as_deref() {
        Some([token]) => Ok(Some((*token).into())),
        Some([token, other]) => Ok(Some(TokenDigests { token: *token, other: Some(*other) })),
        Some(_) | None => Err(missing(name, FORM)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::registration::registration;
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn with(vars: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| vars.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn only_development_has_an_admin_token_of_its_own() {
        let public = Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes());

        assert_eq!(admin_token(&with(&[]), Environment::Development), Ok(Some(public.into())));
        assert_eq!(admin_token(&with(&[]), Environment::Production), Ok(None));
        assert_eq!(admin_token(&with(&[]), Environment::Preview), Ok(None));
        let set = with(&[("ADMIN_TOKEN_SHA256", HEX)]);
        assert_eq!(admin_token(&set, Environment::Production), Ok(Some(Digest::of(b"test").into())));
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

    #[test]
    fn the_token_for_the_metrics_opens_nothing_else() {
        assert_eq!(metrics_token(&with(&[])), Ok(None));
        let alone = with(&[("METRICS_TOKEN_SHA256", HEX)]);
        assert_eq!(metrics_token(&alone), Ok(Some(Digest::of(b"test").into())));
        for both in [
            with(&[("METRICS_TOKEN_SHA256", HEX), ("ADMIN_TOKEN_SHA256", HEX)]),
            with(&[("METRICS_TOKEN_SHA256", HEX), ("INITIAL_ACCESS_TOKEN_SHA256", HEX)]),
        ] {
            let error = metrics_token(&both).unwrap_err().to_string();
            assert!(error.starts_with("METRICS_TOKEN_SHA256: is also the digest in"), "{error}");
        }
    }

    #[test]
    fn two_tokens_are_accepted_while_one_replaces_the_other() {
        let (new, old) = (Digest::of(b"new"), Digest::of(b"old"));
        let (one, two) = (crate::secret::encode(new.bytes()), crate::secret::encode(old.bytes()));
        let set = |value: String| move |name: &str| (name == "ADMIN_TOKEN_SHA256").then(|| value.clone());
        let read = |value: String| admin_token(&set(value), Environment::Production);

        let both = read(format!("{one}, {two}")).unwrap().unwrap();

        assert!(both.are_two() && !TokenDigests::from(new).are_two());
        assert!(both.include(&new) && both.include(&old) && !both.include(&Digest::of(b"other")));
        assert!(read(format!("{one},{one}")).unwrap().unwrap().include(&new), "the same one twice");
        for bad in [format!("{one},"), format!("{one},{two},{two}"), format!("{one},old")] {
            assert!(read(bad).unwrap_err().to_string().contains("or two of them with a comma between"));
        }
        let development = crate::secret::encode(Digest::of(DEVELOPMENT_ADMIN_TOKEN.as_bytes()).bytes());
        assert!(read(format!("{one},{development}")).is_err(), "neither may be the public one");
        let shared = |name: &str| {
            Some(if name.starts_with("ADMIN") { format!("{one},{two}") } else { two.clone() })
                .filter(|_| name.ends_with("SHA256"))
        };
        let error = registration(&shared, Environment::Production).unwrap_err().to_string();
        assert!(error.contains("admin token"), "{error}");
    }
}
