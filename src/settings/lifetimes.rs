//! How long refresh tokens and signing keys live.

use core::time::Duration;

use super::{BadSetting, REFRESH_TOKEN, bad, number};

/// Thirty days.
pub(super) fn refresh_token(var: &impl Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    number(var, "REFRESH_TOKEN_SECONDS", 2_592_000, REFRESH_TOKEN)
}

/// Fourteen days, or as long as refreshing lasts at all.
pub(super) fn refresh_token_idle(var: &impl Fn(&str) -> Option<String>) -> Result<u64, BadSetting> {
    let whole = refresh_token(var)?;
    let idle = number(var, "REFRESH_TOKEN_IDLE_SECONDS", whole.min(1_209_600), REFRESH_TOKEN)?;
    if idle > whole {
        let allowed = format!("must not be longer than REFRESH_TOKEN_SECONDS, which is {whole}");
        return Err(bad("REFRESH_TOKEN_IDLE_SECONDS", &idle.to_string(), &allowed));
    }
    Ok(idle)
}

/// Ninety days; zero is no schedule.
pub(super) fn rotation(var: &impl Fn(&str) -> Option<String>) -> Result<Option<Duration>, BadSetting> {
    let days = number(var, "SIGNING_KEY_ROTATION_DAYS", 90, 0..=3_650)?;
    Ok((days > 0).then(|| Duration::from_secs(days * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_not_lie_idle_for_longer_than_refreshing_lasts() {
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
