//! What the pages say that have no form of their own.

use crate::endpoint::messages::{Html, Messages};
use crate::time::Timestamp;

/// What has happened, and whether starting again can help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Notice {
    /// A request that no form of these pages sends.
    NotAForm,
    /// A form that another site has sent.
    Foreign,
    /// A request that another session has opened since.
    Elsewhere,
    /// Part of the service cannot be reached. Nothing has changed.
    Unavailable,
    /// A request of which this browser knows nothing, or that ended without it.
    Over,
    /// A request that nobody answered before this instant.
    Expired(Timestamp),
    /// An address without a page.
    Lost,
    /// Policy does not allow the approval.
    NotAllowed,
    /// Policy does not allow the account to sign in.
    AccountRefused,
    /// A sign-in that cannot start in a browser.
    Authorize,
    /// An invitation that was used, has ended, or never was.
    InvitationGone,
    /// An invitation that this browser has just used.
    Ready,
}

/// The field of a form with the name of a [`Notice`].
pub(super) const NOTICE: &str = "notice";
/// What comes before the time of [`Notice::Expired`] in its name.
const EXPIRED: &str = "expired-";

impl Notice {
    /// Those that need no time.
    const NAMED: [Self; 11] = [
        Self::NotAForm,
        Self::Foreign,
        Self::Elsewhere,
        Self::Unavailable,
        Self::Over,
        Self::Lost,
        Self::NotAllowed,
        Self::AccountRefused,
        Self::Authorize,
        Self::InvitationGone,
        Self::Ready,
    ];

    /// Returns the name by which the language menu asks for the same page.
    pub(super) fn name(self) -> String {
        let name = match self {
            Self::NotAForm => "not_a_form",
            Self::Foreign => "foreign",
            Self::Elsewhere => "elsewhere",
            Self::Unavailable => "unavailable",
            Self::Over => "over",
            Self::Expired(at) => return format!("{EXPIRED}{}", at.seconds()),
            Self::Lost => "lost",
            Self::NotAllowed => "not_allowed",
            Self::AccountRefused => "account_refused",
            Self::Authorize => "authorize",
            Self::InvitationGone => "invitation_gone",
            Self::Ready => "ready",
        };
        name.to_owned()
    }

    /// Returns the notice with this name. Anybody can write one; it says nothing that is not on the page already.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let Some(seconds) = name.strip_prefix(EXPIRED) {
            let millis = seconds.parse::<u64>().ok()?.checked_mul(1_000)?;
            return Some(Self::Expired(Timestamp::from_millis(millis)));
        }
        Self::NAMED.into_iter().find(|notice| notice.name() == name)
    }

    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Ready => 200,
            Self::NotAForm | Self::Authorize => 400,
            Self::Foreign | Self::NotAllowed | Self::AccountRefused => 403,
            Self::Lost | Self::InvitationGone => 404,
            Self::Elsewhere | Self::Over | Self::Expired(_) => 409,
            Self::Unavailable => 503,
        }
    }

    /// Returns the heading, and what it means.
    pub(super) fn words(self, text: Messages<'_>) -> (Html, Html) {
        match self {
            Self::NotAForm => (text.not_a_form_title(), text.not_a_form_text()),
            Self::Foreign => (text.foreign_title(), text.foreign_text()),
            Self::Elsewhere => (text.elsewhere_title(), text.elsewhere_text()),
            Self::Unavailable => (text.unavailable_title(), text.unavailable_text()),
            Self::Over => (text.over_title(), text.over_text()),
            Self::Expired(at) => (text.request_expired_title(), text.request_expired_text(&text.clock(at))),
            Self::Lost => (text.lost_title(), text.lost_text()),
            Self::NotAllowed => (text.not_allowed_title(), text.not_allowed_text()),
            Self::AccountRefused => (text.account_refused_title(), text.account_refused_text()),
            Self::Authorize => (text.authorize_title(), text.authorize_text()),
            Self::InvitationGone => (text.invitation_gone_title(), text.invitation_gone_text()),
            Self::Ready => (text.invitation_done_title(), text.invitation_done_text()),
        }
    }

    /// Returns whether entering a code comes next, or can help.
    pub(super) const fn leads_on(self) -> bool {
        !matches!(self, Self::Authorize | Self::InvitationGone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_notice() {
        let at = Timestamp::from_millis(1_763_733_780_000);
        for notice in Notice::NAMED.into_iter().chain([Notice::Expired(at)]) {
            assert_eq!(Notice::named(&notice.name()), Some(notice));
        }
        for other in ["", "Over", "expired-", "expired-x", "expired-18446744073709551615"] {
            assert_eq!(Notice::named(other), None, "{other}");
        }
    }
}
