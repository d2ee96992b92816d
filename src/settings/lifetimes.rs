//! Settings for the polling interval, and for the lifetimes of codes, tokens and signing keys.

use core::time::Duration;

use super::variable::{BadSetting, bad, number};
use crate::bounds::{ACCESS_TOKEN, CODE_LIFETIME, ID_TOKEN, INTERVAL, REFRESH_TOKEN};

/// Reads `POLL_INTERVAL_SECONDS`; the default is 5 seconds, which a device assumes if a response has no
/// `interval` (RFC 8628 §3.2).
pub(super) fn interval(var: &dyn Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    number(var, "POLL_INTERVAL_SECONDS", 5, INTERVAL)
}

/// Reads `CODE_LIFETIME_SECONDS`; the default is 5 minutes.
pub(super) fn code(var: &dyn Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    number(var, "CODE_LIFETIME_SECONDS", 300, CODE_LIFETIME)
}

/// Reads `ACCESS_TOKEN_SECONDS`; the default is 15 minutes.
pub(super) fn access_token(var: &dyn Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    number(var, "ACCESS_TOKEN_SECONDS", 900, ACCESS_TOKEN)
}

/// Reads `ID_TOKEN_SECONDS`; the default is 15 minutes.
pub(super) fn id_token(var: &dyn Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    number(var, "ID_TOKEN_SECONDS", 900, ID_TOKEN)
}

/// Reads `REFRESH_TOKEN_SECONDS`; the default is 30 days.
pub(super) fn refresh_token(var: &dyn Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    number(var, "REFRESH_TOKEN_SECONDS", 2_592_000, REFRESH_TOKEN)
}

/// Reads `REFRESH_TOKEN_IDLE_SECONDS`; the default is 14 days, or `REFRESH_TOKEN_SECONDS` if that is less.
pub(super) fn refresh_token_idle(var: &dyn Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    let whole = refresh_token(var)?;
    let idle = number(var, "REFRESH_TOKEN_IDLE_SECONDS", whole.min(1_209_600), REFRESH_TOKEN)?;
    if idle > whole {
        let allowed = format!("must not be longer than REFRESH_TOKEN_SECONDS, which is {whole}");
        return Err(bad("REFRESH_TOKEN_IDLE_SECONDS", &idle.to_string(), &allowed));
    }
    Ok(idle)
}

/// Reads `SIGNING_KEY_ROTATION_DAYS`; the default is 90 days. Zero turns scheduled rotation off.
pub(super) fn rotation(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<Duration>, BadSetting> {
    let days = number(var, "SIGNING_KEY_ROTATION_DAYS", 90, 0..=3_650)?;
    Ok((days > 0).then(|| Duration::from_secs(days * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_the_comments_name() {
        let unset = |_: &str| None;

        assert_eq!((interval(&unset), code(&unset)), (Ok(5), Ok(300)));
        assert_eq!((access_token(&unset), id_token(&unset)), (Ok(900), Ok(900)));
        assert_eq!(refresh_token(&unset), Ok(30 * 86_400));
        assert_eq!(rotation(&unset), Ok(Some(Duration::from_secs(90 * 86_400))));
    }

    #[test]
    fn keys_rotate_after_whole_days_or_never() {
        let read = |days: &str| rotation(&|_: &str| Some(days.to_owned()));

        assert_eq!(read("1"), Ok(Some(Duration::from_secs(86_400))));
        assert_eq!(read("0"), Ok(None));
    }

    #[test]
    fn the_idle_lifetime_is_at_most_the_whole_lifetime() {
        let read = |whole: &str, idle: &str| {
            let (whole, idle) = (whole.to_owned(), idle.to_owned());
            refresh_token_idle(&move |name: &str| {
                let value = if name == "REFRESH_TOKEN_SECONDS" { &whole } else { &idle };
                Some(value.clone()).filter(|value| !value.is_empty())
            })
        };

        assert_eq!(read("", ""), Ok(1_209_600));
        assert_eq!(read("3600", ""), Ok(3_600));
        assert_eq!(
            read("3600", "3601").unwrap_err().to_string(),
            "REFRESH_TOKEN_IDLE_SECONDS is \"3601\": must not be longer than REFRESH_TOKEN_SECONDS, which is 3600"
        );
    }
}
