//! Settings, read once and validated; an error names the setting, its value and what is allowed.

mod authentication;
mod issuer;
mod lifetimes;
mod operator;
mod turnstile;

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;
use core::time::Duration;

pub use authentication::AssertionAudience;
pub use issuer::Issuer;
pub(crate) use issuer::is_loopback;
pub use operator::{DEVELOPMENT_ADMIN_TOKEN, Registration};
pub use turnstile::{Turnstile, When};

use crate::derived_keys::{Keyring, Keys, MasterKey};
use crate::family::renewal::LOST;
use crate::grant::routing::MAX_SHARDS;
use crate::grant::user_code::{CONSONANTS, Shape};
use crate::registry::key_schedule::RETENTION;
use crate::secret::Digest;
use crate::token::dpop::Nonces;

/// The longest that an access or ID token may live, in seconds. Keys verify for longer.
pub const LONGEST_TOKEN: u64 = 86_400;

const _: () = assert!(RETENTION.as_secs() > LONGEST_TOKEN, "no token outlives its key");
const _: () =
    assert!(LOST.as_secs() >= LONGEST_TOKEN, "a token that was withdrawn is remembered until it ends");

/// Seconds between two polls.
pub const INTERVAL: RangeInclusive<u64> = 1..=60;
/// Seconds that a code may live.
pub const CODE_LIFETIME: RangeInclusive<u64> = 10..=1_800;
/// Seconds that an access token may live.
pub const ACCESS_TOKEN: RangeInclusive<u64> = 60..=LONGEST_TOKEN;
/// Seconds that an ID token may live.
pub const ID_TOKEN: RangeInclusive<u64> = 60..=LONGEST_TOKEN;
/// Seconds that a family of refresh tokens may live, or lie unused.
pub const REFRESH_TOKEN: RangeInclusive<u64> = 60..=31_536_000;

/// Where this server runs. Decides what is forgiven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Environment {
    /// On a laptop: demo data, the development key, plain http on loopback.
    Development,
    /// A preview of a branch: as in production, but its address is known only from the request.
    Preview,
    /// For real.
    Production,
}

/// Everything that can be set.
#[derive(Clone)]
pub struct Settings {
    /// `ENVIRONMENT`.
    pub environment: Environment,
    /// `ISSUER`; in development and previews it may be absent, and is then taken from the request.
    pub issuer: Option<Issuer>,
    /// From `MASTER_KEY` and `MASTER_KEY_PREVIOUS`.
    pub keyring: Keyring,
    /// `POLL_INTERVAL_SECONDS`.
    pub interval: u64,
    /// `CODE_LIFETIME_SECONDS`.
    pub code_lifetime: u64,
    /// From `USER_CODE_LENGTH`, `USER_CODE_CHARSET` and `ALLOW_WEAK_USER_CODES`.
    pub user_code: Shape,
    /// `DEVICE_CLIENT_AUTHENTICATION`.
    pub device_client_authentication: bool,
    /// `CLIENT_ASSERTION_AUDIENCE`.
    pub assertion_audience: AssertionAudience,
    /// `MTLS_ORIGIN`: where clients are asked for certificates, if anywhere; without a path.
    pub mtls: Option<Issuer>,
    /// `REDEMPTION_GRACE_SECONDS`.
    pub grace: u64,
    /// `REISSUE_LOST_ANSWERS`.
    pub reissue_lost_answers: bool,
    /// `DPOP_NONCE`: whether every DPoP proof must have a nonce (RFC 9449 §8).
    pub dpop_nonces: Nonces,
    /// `ACCESS_TOKEN_SECONDS`.
    pub access_token: u64,
    /// `ID_TOKEN_SECONDS`.
    pub id_token: u64,
    /// `REFRESH_TOKEN_SECONDS`: how long one approval may be refreshed at all.
    pub refresh_token: u64,
    /// `REFRESH_TOKEN_IDLE_SECONDS`: how long a refresh token may lie unused. No longer than the above.
    pub refresh_token_idle: u64,
    /// `SIGNING_KEY_ROTATION_DAYS`: how long a signing key signs; `None` is until an operator says otherwise.
    pub signing_key_rotation: Option<Duration>,
    /// `LIVE_CODES_PER_CLIENT_AND_NETWORK`.
    pub live_codes: u64,
    /// `LIVE_CODES_PER_SHARD`.
    pub live_codes_per_shard: u64,
    /// From `TURNSTILE_SITE_KEY` and the other settings of that name; `None` without keys.
    pub turnstile: Option<Turnstile>,
    /// `ADMIN_TOKEN_SHA256`; without it there is no admin API.
    pub admin_token: Option<Digest>,
    /// From `INITIAL_ACCESS_TOKEN_SHA256` and `REGISTRATION_SCOPES`; without it no client registers itself.
    pub registration: Option<Registration>,
}

/// A setting that cannot be used. Displays as one sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadSetting {
    name: &'static str,
    /// `None` if it is missing or must not be shown.
    value: Option<String>,
    allowed: String,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value:?}: {}", self.name, self.allowed),
            None => write!(f, "{}: {}", self.name, self.allowed),
        }
    }
}

impl Settings {
    /// Reads the settings through `var`, which gives a variable's value by its name.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        // An empty variable is one that was left out: wrangler cannot unset one.
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let environment = environment(&var)?;
        let issuer = issuer(&var, environment)?;
        Ok(Self {
            environment,
            mtls: authentication::mtls(&var, environment, issuer.as_ref())?,
            issuer,
            keyring: keyring(&var, environment)?,
            interval: number(&var, "POLL_INTERVAL_SECONDS", 5, INTERVAL)?,
            code_lifetime: number(&var, "CODE_LIFETIME_SECONDS", 300, CODE_LIFETIME)?,
            user_code: user_code(&var)?,
            device_client_authentication: flag(&var, "DEVICE_CLIENT_AUTHENTICATION", true)?,
            assertion_audience: authentication::assertion_audience(&var)?,
            grace: number(&var, "REDEMPTION_GRACE_SECONDS", 60, 0..=600)?,
            reissue_lost_answers: flag(&var, "REISSUE_LOST_ANSWERS", false)?,
            dpop_nonces: dpop_nonces(&var)?,
            access_token: number(&var, "ACCESS_TOKEN_SECONDS", 900, ACCESS_TOKEN)?,
            id_token: number(&var, "ID_TOKEN_SECONDS", 900, ID_TOKEN)?,
            refresh_token: lifetimes::refresh_token(&var)?,
            refresh_token_idle: lifetimes::refresh_token_idle(&var)?,
            signing_key_rotation: lifetimes::rotation(&var)?,
            live_codes: number(&var, "LIVE_CODES_PER_CLIENT_AND_NETWORK", 20, 1..=10_000)?,
            live_codes_per_shard: number(&var, "LIVE_CODES_PER_SHARD", 2_000, 1..=100_000)?,
            admin_token: operator::admin_token(&var, environment)?,
            registration: operator::registration(&var, environment)?,
            turnstile: turnstile::read(&var, environment)?,
        })
    }

    /// Whether `issuer` may be taken from a request: a loopback address in development, https in a preview.
    #[must_use]
    pub fn may_be(&self, issuer: &Issuer) -> bool {
        match self.environment {
            Environment::Development => is_loopback(issuer.host()),
            Environment::Preview => issuer.is_secure(),
            Environment::Production => false,
        }
    }

    /// Whether demo data may exist.
    #[must_use]
    pub fn is_development(&self) -> bool {
        match self.environment {
            Environment::Development => true,
            Environment::Preview | Environment::Production => false,
        }
    }
}

fn environment(var: &impl Fn(&str) -> Option<String>) -> Result<Environment, BadSetting> {
    match var("ENVIRONMENT").as_deref() {
        Some("development") => Ok(Environment::Development),
        Some("preview") => Ok(Environment::Preview),
        Some("production") | None => Ok(Environment::Production),
        Some(other) => Err(bad("ENVIRONMENT", other, "allowed are production, preview and development")),
    }
}

fn dpop_nonces(var: &impl Fn(&str) -> Option<String>) -> Result<Nonces, BadSetting> {
    match var("DPOP_NONCE").as_deref() {
        Some("required") => Ok(Nonces::Required),
        Some("optional") | None => Ok(Nonces::Optional),
        Some(other) => Err(bad("DPOP_NONCE", other, "allowed are optional and required")),
    }
}

fn issuer(
    var: &impl Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Issuer>, BadSetting> {
    match (var("ISSUER"), environment) {
        (Some(text), Environment::Development)
            if Issuer::parse(&text).is_some_and(|issuer| !is_loopback(issuer.host())) =>
        {
            let only =
                "must be a loopback address in development, which has a public key and public passwords";
            Err(bad("ISSUER", &text, only))
        }
        (Some(text), _) => Issuer::parse(&text).map(Some).ok_or_else(|| {
            bad(
                "ISSUER",
                &text,
                "must be an https URL without query or fragment (http only on a loopback address), \
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

fn keyring(var: &impl Fn(&str) -> Option<String>, environment: Environment) -> Result<Keyring, BadSetting> {
    const SHARDS: u64 = 8;
    const MISSING: &str = "must be set: 32 random bytes or more in base64 (openssl rand -base64 32), \
                           stored with `wrangler secret put MASTER_KEY`";
    let current =
        master_key(var, "MASTER_KEY", environment)?.ok_or_else(|| missing("MASTER_KEY", MISSING))?;
    let shards = shards(var, "SHARDS_PER_REGION", SHARDS)?;
    let previous_key = master_key(var, "MASTER_KEY_PREVIOUS", environment)?;
    let previous_shards = shards_if_set(var, "SHARDS_PER_REGION_PREVIOUS")?;
    let changing = previous_key.is_some() || previous_shards.is_some();
    let keys = Keys::derive(&current, shards);
    let previous =
        changing.then(|| Keys::derive(&previous_key.unwrap_or(current), previous_shards.unwrap_or(shards)));
    if previous.as_ref().is_some_and(|previous| previous.pair == keys.pair) {
        return Err(missing(
            "MASTER_KEY_PREVIOUS",
            "goes by the same short name as MASTER_KEY (one chance in 65,536); make another MASTER_KEY",
        ));
    }
    Ok(Keyring { current: keys, previous })
}

fn master_key(
    var: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    environment: Environment,
) -> Result<Option<MasterKey>, BadSetting> {
    const FORM: &str = "must be 32 random bytes or more in base64, as `openssl rand -base64 32` prints them";
    const PUBLIC: &str = "is the development key, which is public; make one with `openssl rand -base64 32`";
    let Some(text) = var(name) else { return Ok(None) };
    let key = MasterKey::parse(&text).ok_or_else(|| missing(name, FORM))?;
    match environment {
        Environment::Preview | Environment::Production if key.is_for_development() => {
            Err(missing(name, PUBLIC))
        }
        Environment::Development | Environment::Preview | Environment::Production => Ok(Some(key)),
    }
}

fn shards(var: &impl Fn(&str) -> Option<String>, name: &'static str, default: u64) -> Result<u8, BadSetting> {
    let number = number(var, name, default, 1..=u64::from(MAX_SHARDS))?;
    Ok(u8::try_from(number).unwrap_or(u8::MAX))
}

fn shards_if_set(
    var: &impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<u8>, BadSetting> {
    var(name).map(|_| shards(var, name, 1)).transpose()
}

fn user_code(var: &impl Fn(&str) -> Option<String>) -> Result<Shape, BadSetting> {
    let charset = var("USER_CODE_CHARSET").unwrap_or_else(|| CONSONANTS.to_owned());
    let length = number(var, "USER_CODE_LENGTH", 8, 4..=24)?;
    let allow_weak = flag(var, "ALLOW_WEAK_USER_CODES", false)?;
    let shape = Shape::new(&charset, usize::try_from(length).unwrap_or(usize::MAX), allow_weak);
    shape.map_err(|why| bad("USER_CODE_CHARSET", &charset, &format!("with USER_CODE_LENGTH {length}: {why}")))
}

fn number(
    var: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: u64,
    allowed: RangeInclusive<u64>,
) -> Result<u64, BadSetting> {
    let Some(text) = var(name) else { return Ok(default) };
    let number = u64::from_str(text.trim()).ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let range = format!("must be a whole number from {} to {}", allowed.start(), allowed.end());
        bad(name, &text, &range)
    })
}

fn flag(
    var: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: bool,
) -> Result<bool, BadSetting> {
    match var(name).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(bad(name, other, "must be true or false")),
    }
}

fn bad(name: &'static str, value: &str, allowed: &str) -> BadSetting {
    BadSetting { name, value: Some(value.to_owned()), allowed: allowed.to_owned() }
}

fn missing(name: &'static str, allowed: &str) -> BadSetting {
    BadSetting { name, value: None, allowed: allowed.to_owned() }
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
    fn the_defaults_are_those_that_are_documented() {
        let settings = development(&[]).unwrap();

        assert_eq!((settings.interval, settings.code_lifetime, settings.grace), (5, 300, 60));
        assert_eq!((settings.user_code.length(), settings.live_codes), (8, 20));
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
                "ENVIRONMENT is \"staging\": allowed are production, preview and development",
            ),
            ("DPOP_NONCE", "true", "DPOP_NONCE is \"true\": allowed are optional and required"),
            (
                "USER_CODE_CHARSET",
                "BCDB",
                "USER_CODE_CHARSET is \"BCDB\": with USER_CODE_LENGTH 8: 'B' stands in the character set twice",
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
    fn production_wants_an_issuer_and_a_key_of_its_own() {
        let issuer = ("ISSUER", "https://login.example.com");

        assert!(read(&[("MASTER_KEY", REAL_KEY)]).err().unwrap().starts_with("ISSUER: must be set"));
        assert!(read(&[issuer]).err().unwrap().starts_with("MASTER_KEY: must be set"));
        let refused = read(&[issuer, ("MASTER_KEY", DEVELOPMENT_KEY)]).err().unwrap();
        assert!(refused.contains("development key") && !refused.contains(DEVELOPMENT_KEY));
        assert!(read(&[issuer, ("MASTER_KEY", "short")]).err().is_some_and(|error| !error.contains("short")));
        assert!(read(&[issuer, ("MASTER_KEY", REAL_KEY)]).is_ok());
    }
}
