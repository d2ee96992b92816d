//! Which of the pages of the person who is signed in.

use serde::{Deserialize, Serialize};

use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::server::Context;
use crate::identity::session::Browser;
use crate::time::Timestamp;

/// How old a sign-in may be that is made for a change, in seconds.
const RENEWED: u64 = 300;

/// A page of the person who is signed in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Own {
    /// `/account`.
    Account,
    /// `/account/passkeys`.
    Passkeys,
}

/// Somebody at a provider who wants to see a page of their own, and has entered no code.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Visit {
    /// The page.
    pub page: Own,
    /// How old the sign-in may be, in seconds; `None` if that does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
}

impl Visit {
    /// Returns the visit of this browser. Somebody who is signed in already was too old a sign-in for a change.
    pub(crate) fn of(page: Own, browser: &Browser, now: Timestamp) -> Self {
        Self { page, max_age: browser.signed_in(now).map(|_| RENEWED) }
    }
}

impl Own {
    /// Returns the path of the page, which its forms post to.
    pub(crate) fn path<P>(self, context: Context<'_, P>) -> String {
        let base = context.issuer.path();
        match self {
            Self::Account => format!("{base}/account"),
            Self::Passkeys => format!("{base}/account/passkeys"),
        }
    }

    /// Returns the `what` of log lines.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Passkeys => "passkeys",
        }
    }

    /// Returns why the person should sign in.
    pub(crate) fn lead(self, text: Messages<'_>) -> Html {
        match self {
            Self::Account => text.account_sign_in_lead(),
            Self::Passkeys => text.passkeys_sign_in_lead(),
        }
    }
}
