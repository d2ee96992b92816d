//! Which of the pages of the person who is signed in.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::endpoint::form::Form;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::route::CONSOLE_PREFIX;
use crate::endpoint::server::Context;
use crate::identity::session::Browser;
use crate::policy::name::Name;

/// How old a sign-in may be that is made for a change, in seconds.
const RENEWED: u64 = 300;
/// Longest `client_id` that an address names, in bytes. The cookie of a sign-in at a provider has room for that.
const LONGEST_CLIENT: usize = 256;

/// A page of the person who is signed in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Own {
    /// `/account`.
    Account,
    /// `/account/passkeys`.
    Passkeys,
    /// `/account/access`.
    Asking,
    /// `/admin`, with all pages below it.
    Console,
}

/// What somebody came to `/account/access` to ask for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Wish {
    pub client_id: String,
    /// The rule that denied a device its code. What it depends on may not be known on the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Name>,
}

impl Wish {
    /// Returns what the query of a request wishes for; `None` if that is nothing.
    pub(crate) fn read<P>(context: Context<'_, P>) -> Option<Self> {
        let query = Form::of_link(&context.request.query);
        let client_id =
            query.get("client_id").filter(|id| (1..=LONGEST_CLIENT).contains(&id.len()))?.to_owned();
        Some(Self { client_id, rule: query.get("rule").and_then(Name::parse) })
    }

    /// Returns the query.
    fn query(&self) -> String {
        let client_id = utf8_percent_encode(&self.client_id, NON_ALPHANUMERIC);
        let rule = self.rule.as_ref().map(|rule| format!("&rule={rule}")).unwrap_or_default();
        format!("?client_id={client_id}{rule}")
    }
}

/// Somebody at a provider who wants to see a page of their own, and has entered no code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Visit {
    /// The page.
    pub page: Own,
    /// How old the sign-in may be, in seconds; `None` if that does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// What the person came for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
}

impl Visit {
    /// Returns the visit of this browser. Somebody who is signed in already was too old a sign-in for a change.
    pub(crate) fn of<P>(context: Context<'_, P>, page: Own, browser: &Browser) -> Self {
        let max_age = browser.signed_in(context.now).map(|_| RENEWED);
        Self { page, max_age, wish: page.wish(context) }
    }

    /// Returns the address of the page.
    pub(crate) fn address<P>(&self, context: Context<'_, P>) -> String {
        self.page.address_for(context, self.wish.as_ref())
    }
}

impl Own {
    /// Returns the path of the page, which its forms post to.
    pub(crate) fn path<P>(self, context: Context<'_, P>) -> String {
        let base = context.issuer.path();
        match self {
            Self::Account => format!("{base}/account"),
            Self::Passkeys => format!("{base}/account/passkeys"),
            Self::Asking => format!("{base}/account/access"),
            Self::Console => console(context),
        }
    }

    /// Returns the address of the page, with what the present request wishes for.
    pub(crate) fn address<P>(self, context: Context<'_, P>) -> String {
        self.address_for(context, self.wish(context).as_ref())
    }

    /// Returns the address of the page for this wish.
    pub(crate) fn address_for<P>(self, context: Context<'_, P>, wish: Option<&Wish>) -> String {
        self.path(context) + &wish.map(Wish::query).unwrap_or_default()
    }

    fn wish<P>(self, context: Context<'_, P>) -> Option<Wish> {
        match self {
            Self::Account | Self::Passkeys | Self::Console => None,
            Self::Asking => Wish::read(context),
        }
    }

    /// Returns the `what` of log lines.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Passkeys => "passkeys",
            Self::Asking => "access_request",
            Self::Console => "console",
        }
    }

    /// Returns why the person should sign in.
    pub(crate) fn lead(self, text: Messages<'_>) -> Html {
        match self {
            Self::Account => text.account_sign_in_lead(),
            Self::Passkeys => text.passkeys_sign_in_lead(),
            Self::Asking => text.access_sign_in_lead(),
            Self::Console => text.console_sign_in_lead(),
        }
    }

    /// Returns why somebody who is signed in should sign in again.
    pub(crate) fn again(self, text: Messages<'_>, name: &str) -> Html {
        match self {
            Self::Account | Self::Passkeys | Self::Asking => text.passkeys_again_lead(name),
            Self::Console => text.console_again_lead(name),
        }
    }
}

/// Returns the address of the page of the console that was asked for; of its first page if the request is for something else.
fn console<P>(context: Context<'_, P>) -> String {
    let console = format!("{}{CONSOLE_PREFIX}", context.issuer.path());
    let path = &context.request.path;
    let is_within = path.strip_prefix(&console).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_within { path.clone() } else { console }
}
