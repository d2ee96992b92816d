//! Looks at the settings: what is left on its default although it should not be.

use super::check::Check;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::settings::{Settings, TokenDigests};

pub(super) fn look<P: Platform>(context: Context<'_, P>) -> Vec<Check> {
    let settings = &context.server.settings;
    let mut checks = vec![environment(settings), secrets(settings), warnings(settings)];
    if settings.user_code.is_weak() {
        checks.push(Check::notice(
            "user codes",
            "ALLOW_WEAK_USER_CODES is true, and the codes can be guessed more easily than RFC 8628 §5.1 allows",
            "Raise USER_CODE_LENGTH.",
        ));
    }
    checks
}

fn environment(settings: &Settings) -> Check {
    const NAME: &str = "environment";
    if settings.is_development() {
        return Check::notice(
            NAME,
            "this is a development server: its accounts, passwords and keys are public",
            "Set ENVIRONMENT to production wherever others can reach it.",
        );
    }
    match &settings.issuer {
        Some(issuer) => Check::ok(NAME, format!("the issuer is {}", issuer.as_str())),
        None => Check::notice(
            NAME,
            "the issuer is taken from each request",
            "Set ISSUER, unless this is the preview of a branch.",
        ),
    }
}

fn secrets(settings: &Settings) -> Check {
    const NAME: &str = "secrets";
    if settings.is_development() {
        return Check::notice(
            NAME,
            "the master key and the admin token are those of every development server",
            "Run `make setup-production` for a server of your own.",
        );
    }
    if settings.keyring.previous.is_some() {
        return Check::notice(
            NAME,
            "MASTER_KEY_PREVIOUS or SHARDS_PER_REGION_PREVIOUS is set",
            "Remove it once the refresh tokens from before the change have ended: see docs/operating.md.",
        );
    }
    if settings.admin_token.as_ref().is_some_and(TokenDigests::are_two) {
        return Check::notice(
            NAME,
            "ADMIN_TOKEN_SHA256 has the digests of two tokens",
            "Set it to that of the new token once everybody has that one.",
        );
    }
    Check::ok(NAME, "the master key and the admin token are your own")
}

fn warnings(settings: &Settings) -> Check {
    const NAME: &str = "warnings";
    match &settings.webhook {
        Some(_) => Check::ok(NAME, "EVENTS_WEBHOOK gets them"),
        None => Check::notice(
            NAME,
            "nobody hears at once that a person reported a code, or that somebody became an administrator",
            "Set EVENTS_WEBHOOK and EVENTS_WEBHOOK_SECRET, or watch the log.",
        ),
    }
}
