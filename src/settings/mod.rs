//! The settings, read once and validated. An error names the setting, its value unless that is secret, and
//! what is allowed.

pub mod accent;
mod access;
mod administrators;
mod authentication;
pub mod compatibility;
pub mod in_force;
pub mod issuer;
mod key_pairs;
mod lifetimes;
mod operator;
mod registration;
mod replicas;
mod service;
mod turnstile;
pub mod variable;
mod webhook;

use core::time::Duration;

pub use accent::Accent;
pub use administrators::AdminGroups;
pub use authentication::AssertionAudience;
pub use key_pairs::PairNumbers;
pub use operator::{DEVELOPMENT_ADMIN_TOKEN, TokenDigests};
pub use registration::Registration;
pub use replicas::{Replicas, registry_location};
pub use service::{Service, ServiceLogo};
pub use turnstile::{Turnstile, When};
pub use webhook::webhook;

use crate::audit::webhook::Webhook;
use crate::bounds::LONGEST_TOKEN;
use crate::derived_keys::Keyring;
use crate::family::renewal::LOST;
use crate::grant::user_code::{CONSONANTS, Shape};
use crate::loopback::is_loopback;
use crate::registry::key_schedule::RETENTION;
use crate::token::dpop::Nonces;
use crate::upstream::access::Application;
use compatibility::Product;
use in_force::{InForce, Notes};
use issuer::Issuer;
use variable::{BadSetting, Environment, bad, environment, flag, missing, number};

const _: () = assert!(RETENTION.as_secs() > LONGEST_TOKEN, "a key must verify longer than a token lives");
const _: () =
    assert!(LOST.as_secs() >= LONGEST_TOKEN, "a withdrawn token must be remembered until it expires");

/// `ISSUER` in the `wrangler.toml` of this project.
pub const PLACEHOLDER_ISSUER: &str = "https://login.example.com";

/// All settings. `docs/settings.md` explains each of them.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    /// `ENVIRONMENT`.
    pub environment: Environment,
    /// `ISSUER`. `None` only in development and previews, where the issuer is then taken from the request.
    pub issuer: Option<Issuer>,
    /// From `MASTER_KEY`, `SHARDS_PER_REGION`, their previous values, and `RETIRED_KEY_PAIRS`.
    pub keyring: Keyring,
    /// `POLL_INTERVAL_SECONDS`.
    pub interval: u64,
    /// `CODE_LIFETIME_SECONDS`.
    pub code_lifetime: u64,
    /// From `USER_CODE_LENGTH`, `USER_CODE_CHARSET` and `ALLOW_WEAK_USER_CODES`.
    pub user_code: Shape,
    /// `DEVICE_CLIENT_AUTHENTICATION`.
    pub device_client_authentication: bool,
    /// `COMPATIBILITY`: the products whose paths are served as well.
    pub compatibility: Vec<Product>,
    /// `CLIENT_ASSERTION_AUDIENCE`.
    pub assertion_audience: AssertionAudience,
    /// `MTLS_ORIGIN`, which has no path: the host that asks clients for certificates.
    pub mtls: Option<Issuer>,
    /// `REDEMPTION_GRACE_SECONDS`.
    pub grace: u64,
    /// `REISSUE_LOST_ANSWERS`.
    pub reissue_lost_answers: bool,
    /// `PROVENANCE_CLAIMS`: whether tokens say how access came about.
    pub provenance_claims: bool,
    /// `LOG_PENDING_POLLS`: whether each pending poll has a log line.
    pub log_pending_polls: bool,
    /// `LOG_STARTS`: whether each code that a device gets has a log line.
    pub log_starts: bool,
    /// `DPOP_NONCE`: whether every DPoP proof must have a nonce (RFC 9449 §8).
    pub dpop_nonces: Nonces,
    /// `ACCESS_TOKEN_SECONDS`.
    pub access_token: u64,
    /// `ID_TOKEN_SECONDS`.
    pub id_token: u64,
    /// `REFRESH_TOKEN_SECONDS`: how long the tokens of one approval can be refreshed.
    pub refresh_token: u64,
    /// `REFRESH_TOKEN_IDLE_SECONDS`: how long a refresh token can stay unused. At most `refresh_token`.
    pub refresh_token_idle: u64,
    /// `SIGNING_KEY_ROTATION_DAYS`: how long a signing key signs. `None` means until an operator rotates it.
    pub signing_key_rotation: Option<Duration>,
    /// `LIVE_CODES_PER_CLIENT_AND_NETWORK`.
    pub live_codes: u64,
    /// `LIVE_CODES_PER_SHARD`.
    pub live_codes_per_shard: u64,
    /// `INSTANT_SOCKETS_PER_SHARD`. With 0, there is no instant completion.
    pub instant_sockets: u64,
    /// From `TURNSTILE` and the settings whose names begin with `TURNSTILE_`. `None` without keys.
    pub turnstile: Option<Turnstile>,
    /// `ADMIN_TOKEN_SHA256`. `None` turns the admin API off.
    pub admin_token: Option<TokenDigests>,
    /// `METRICS_TOKEN_SHA256`. `None` turns the metrics off.
    pub metrics_token: Option<TokenDigests>,
    /// `ADMIN_GROUPS`.
    pub admin_groups: AdminGroups,
    /// From `INITIAL_ACCESS_TOKEN_SHA256`, `OPEN_REGISTRATION`, their scopes and `REGISTRATION_AUDIENCE`. `None` turns
    /// registration off.
    pub registration: Option<Registration>,
    /// From `REGISTRY_REPLICAS`, `REGISTRY_LEASE_SECONDS` and `REGISTRY_LOCATION`.
    pub replicas: Replicas,
    /// From `EVENTS_WEBHOOK` and `EVENTS_WEBHOOK_SECRET`. `None` if warnings are only events and log lines.
    pub webhook: Option<Webhook>,
    /// From `SERVICE_NAME`, `SERVICE_LOGO`, `SUPPORT_URL` and `ACCENT_COLOR`.
    pub service: Service,
    /// From `ACCESS_TEAM`, `ACCESS_AUDIENCE` and `ACCESS_MANAGED_POSTURE`: Cloudflare Access in front of this server.
    pub access: Option<Application>,
    /// `PASSWORDS`: whether people can sign in here with a password.
    pub passwords: bool,
    /// `TRUSTED_REDIRECTS`: https addresses that the authorization endpoint may send an error to.
    pub trusted_redirects: Vec<String>,
    /// Which settings were read, with the values of those that are no secret.
    pub in_force: Vec<InForce>,
}

impl Settings {
    /// Reads the settings through `var`, which returns the value of the variable with a given name.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] for the first setting that cannot be used.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        // An empty variable counts as absent, because wrangler cannot unset a variable.
        let notes = Notes::default();
        let var = |name: &str| notes.note(name, var(name).filter(|value| !value.is_empty()));
        let environment = environment(&var)?;
        let issuer = issuer(&var, environment)?;
        Ok(Self {
            environment,
            mtls: authentication::mtls(&var, environment, issuer.as_ref())?,
            issuer,
            keyring: key_pairs::keyring(&var, environment)?,
            interval: lifetimes::interval(&var)?,
            code_lifetime: lifetimes::code(&var)?,
            user_code: user_code(&var)?,
            device_client_authentication: flag(&var, "DEVICE_CLIENT_AUTHENTICATION", true)?,
            compatibility: compatibility::compatibility(&var)?,
            assertion_audience: authentication::assertion_audience(&var)?,
            grace: number(&var, "REDEMPTION_GRACE_SECONDS", 60, 0..=600)?,
            reissue_lost_answers: flag(&var, "REISSUE_LOST_ANSWERS", false)?,
            provenance_claims: flag(&var, "PROVENANCE_CLAIMS", false)?,
            log_pending_polls: flag(&var, "LOG_PENDING_POLLS", false)?,
            log_starts: flag(&var, "LOG_STARTS", false)?,
            dpop_nonces: dpop_nonces(&var)?,
            access_token: lifetimes::access_token(&var)?,
            id_token: lifetimes::id_token(&var)?,
            refresh_token: lifetimes::refresh_token(&var)?,
            refresh_token_idle: lifetimes::refresh_token_idle(&var)?,
            signing_key_rotation: lifetimes::rotation(&var)?,
            live_codes: number(&var, "LIVE_CODES_PER_CLIENT_AND_NETWORK", 120, 1..=1_000_000)?,
            live_codes_per_shard: number(&var, "LIVE_CODES_PER_SHARD", 2_000, 1..=100_000)?,
            instant_sockets: number(&var, "INSTANT_SOCKETS_PER_SHARD", 2_000, 0..=10_000)?,
            admin_token: operator::admin_token(&var, environment)?,
            metrics_token: operator::metrics_token(&var)?,
            admin_groups: administrators::read(&var)?,
            registration: registration::registration(&var, environment)?,
            trusted_redirects: registration::trusted_redirects(&var)?,
            replicas: replicas::read(&var)?,
            access: access::read(&var)?,
            passwords: flag(&var, "PASSWORDS", environment == Environment::Development)?,
            service: service::read(&var)?,
            turnstile: turnstile::read(&var, environment)?,
            webhook: webhook::read(&var, environment)?,
            in_force: notes.take(),
        })
    }

    /// Returns whether `issuer`, which was taken from a request, is acceptable: a loopback address in
    /// development, https in a preview, nothing in production.
    #[must_use]
    pub fn may_be(&self, issuer: &Issuer) -> bool {
        match self.environment {
            Environment::Development => is_loopback(issuer.host()),
            Environment::Preview => issuer.is_secure(),
            Environment::Production => false,
        }
    }

    /// Returns whether `ISSUER` still is the placeholder that `wrangler.toml` comes with.
    #[must_use]
    pub fn has_placeholder_issuer(&self) -> bool {
        !self.is_development()
            && self.issuer.as_ref().is_some_and(|issuer| issuer.as_str() == PLACEHOLDER_ISSUER)
    }

    /// Returns whether this is a development server, the only kind with demo data.
    #[must_use]
    pub fn is_development(&self) -> bool {
        match self.environment {
            Environment::Development => true,
            Environment::Preview | Environment::Production => false,
        }
    }

    /// Returns whether the server may fetch keys or a logo from `uri`: over https, or in development over
    /// http from this machine.
    #[must_use]
    pub fn may_fetch(&self, uri: &str) -> bool {
        match uri.split_once("://") {
            Some(("https", rest)) => !rest.is_empty(),
            Some(("http", rest)) => {
                let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
                self.is_development() && is_loopback(authority)
            }
            Some(_) | None => false,
        }
    }
}

fn dpop_nonces(var: &dyn Fn(&str) -> Option<String>) -> Result<Nonces, BadSetting> {
    match var("DPOP_NONCE").as_deref() {
        Some("required") => Ok(Nonces::Required),
        Some("optional") | None => Ok(Nonces::Optional),
        Some(other) => Err(bad("DPOP_NONCE", other, "must be optional or required")),
    }
}

fn issuer(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Issuer>, BadSetting> {
    match (var("ISSUER"), environment) {
        (Some(text), Environment::Development)
            if Issuer::parse(&text).is_some_and(|issuer| !is_loopback(issuer.host())) =>
        {
            let only = "must be a loopback address in development, where the master key and the passwords are public";
            Err(bad("ISSUER", &text, only))
        }
        (Some(text), _) => Issuer::parse(&text).map(Some).ok_or_else(|| {
            bad(
                "ISSUER",
                &text,
                "must be an https URL without a query or fragment (http only on a loopback address), \
                 such as https://login.example.com",
            )
        }),
        (None, Environment::Development | Environment::Preview) => Ok(None),
        (None, Environment::Production) => Err(missing(
            "ISSUER",
            "must be set to this server's https URL, such as https://login.example.com",
        )),
    }
}

fn user_code(var: &dyn Fn(&str) -> Option<String>) -> Result<Shape, BadSetting> {
    let charset = var("USER_CODE_CHARSET").unwrap_or_else(|| CONSONANTS.to_owned());
    let length = number(var, "USER_CODE_LENGTH", 8, 4..=24)?;
    let allow_weak = flag(var, "ALLOW_WEAK_USER_CODES", false)?;
    let shape = Shape::new(&charset, usize::try_from(length).unwrap_or(usize::MAX), allow_weak);
    shape.map_err(|why| bad("USER_CODE_CHARSET", &charset, &format!("with USER_CODE_LENGTH {length}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::DEVELOPMENT_KEY;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let find = |name: &str| {
            vars.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::read(find).map_err(|error| error.to_string())
    }

    fn development(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let base = [("ENVIRONMENT", "development"), ("MASTER_KEY", DEVELOPMENT_KEY)];
        read(&[&base, vars].concat())
    }

    const REAL_KEY: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";

    #[test]
    fn the_defaults_are_as_documented() {
        let settings = development(&[]).unwrap();

        assert_eq!((settings.interval, settings.code_lifetime, settings.grace), (5, 300, 60));
        assert_eq!((settings.user_code.length(), settings.live_codes), (8, 120));
        assert!(settings.device_client_authentication);
    }

    #[test]
    fn a_bad_setting_is_named_with_its_value_and_what_is_allowed() {
        for (name, value, expected) in [
            (
                "POLL_INTERVAL_SECONDS",
                "0",
                "POLL_INTERVAL_SECONDS is \"0\": must be a whole number from 1 to 60",
            ),
            (
                "CODE_LIFETIME_SECONDS",
                "5m",
                "CODE_LIFETIME_SECONDS is \"5m\": must be a whole number from 10 to 1800",
            ),
            (
                "DEVICE_CLIENT_AUTHENTICATION",
                "yes",
                "DEVICE_CLIENT_AUTHENTICATION is \"yes\": must be true or false",
            ),
            (
                "ENVIRONMENT",
                "staging",
                "ENVIRONMENT is \"staging\": must be production, preview or development",
            ),
            ("DPOP_NONCE", "true", "DPOP_NONCE is \"true\": must be optional or required"),
            (
                "USER_CODE_CHARSET",
                "BCDB",
                "USER_CODE_CHARSET is \"BCDB\": with USER_CODE_LENGTH 8: 'B' appears twice in the character set",
            ),
        ] {
            assert_eq!(development(&[(name, value)]).err().as_deref(), Some(expected));
        }
    }

    #[test]
    fn weak_codes_are_refused_unless_overridden() {
        let weak = [("USER_CODE_CHARSET", "ABCD1234"), ("USER_CODE_LENGTH", "7")];

        assert!(development(&weak).err().unwrap().contains("12 characters would pass"));
        assert!(
            development(&[&weak[..], &[("ALLOW_WEAK_USER_CODES", "true")]].concat())
                .unwrap()
                .user_code
                .is_weak()
        );
    }

    #[test]
    fn development_serves_only_loopback_addresses() {
        let refused = development(&[("ISSUER", "https://login.example.com")]).err().unwrap();

        assert!(refused.contains("must be a loopback address in development"), "{refused}");
        assert!(development(&[("ISSUER", "http://127.0.0.1:8787")]).is_ok());
    }

    #[test]
    fn a_request_cannot_choose_any_issuer() {
        let key = ("MASTER_KEY", REAL_KEY);
        let production = read(&[key, ("ISSUER", "https://login.example.com")]).unwrap();
        let preview = read(&[key, ("ENVIRONMENT", "preview")]).unwrap();
        let development = development(&[]).unwrap();
        let (public, local) = ("https://login.example.com", "http://localhost:8787");
        let may_be = |settings: &Settings, issuer| settings.may_be(&Issuer::parse(issuer).unwrap());

        assert!(may_be(&development, local) && !may_be(&development, public));
        assert!(may_be(&preview, public) && !may_be(&preview, local));
        assert!(!may_be(&production, public) && !may_be(&production, local));
    }

    #[test]
    fn production_requires_an_issuer_and_a_key_of_its_own() {
        let issuer = ("ISSUER", "https://login.example.com");

        assert!(read(&[("MASTER_KEY", REAL_KEY)]).err().unwrap().starts_with("ISSUER: must be set"));
        assert!(read(&[issuer]).err().unwrap().starts_with("MASTER_KEY: must be set"));
        let refused = read(&[issuer, ("MASTER_KEY", DEVELOPMENT_KEY)]).err().unwrap();
        assert!(refused.contains("development key") && !refused.contains(DEVELOPMENT_KEY));
        assert!(read(&[issuer, ("MASTER_KEY", "short")]).err().is_some_and(|error| !error.contains("short")));
        assert!(read(&[issuer, ("MASTER_KEY", REAL_KEY)]).is_ok());
    }
}
