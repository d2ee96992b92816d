//! What went wrong when a form was sent, as the pages say it above the form.

use crate::endpoint::messages::{Html, Messages};
use crate::grant::user_code::CodeFlaw;
use crate::time::Timestamp;
use crate::upstream::failure::Notice;

/// What went wrong, shown above a form that can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// The code is wrong, used, expired, or held by somebody else. Nobody learns which, as the text is the
    /// same.
    WrongCode,
    /// What was typed cannot be a code.
    Malformed(CodeFlaw),
    /// The code of a link has expired.
    LinkExpired {
        /// When it expired.
        end: Timestamp,
    },
    /// Too many attempts.
    Wait {
        /// Until the next try can succeed.
        seconds: u64,
    },
    /// The username or the password is wrong. Nobody learns which, as the text is the same.
    WrongCredentials,
    /// The form came without a passkey.
    PasskeyMissing,
    /// The page with the passkey was open for too long, or its answer came twice.
    PasskeyOver,
    /// The passkey is not good here, or no account has it. Nobody learns which, as the text is the same.
    PasskeyRefused,
    /// The counter of the passkey did not grow.
    PasskeyCopied,
    /// The new passkey is not good.
    PasskeyNotMade,
    /// The name for a passkey is empty, too long or not visible.
    PasskeyNameMalformed,
    /// The passkey to remove is the only way in.
    LastWayIn,
    /// The device has no access any more, or never had.
    DeviceGone,
    /// The name for a device is too long or not visible.
    DeviceNameMalformed,
    /// The person did not check the box that ends the access of all devices.
    EndUnconfirmed,
    /// What was typed cannot be a username.
    UsernameMalformed,
    /// Another account has the username.
    UsernameTaken,
    /// The full name is empty, too long or not visible.
    NameMissing,
    /// The new password is too short or too long.
    PasswordLength,
    /// The new password is easy to guess.
    PasswordCommon,
    /// The person approved without checking the box that says this is their device.
    Unconfirmed,
    /// The person approved without typing the end of what the device is called.
    IdentifierMissing,
    /// The person typed another end.
    WrongIdentifier,
    /// The form came without a decision.
    Undecided,
    /// The form came without a Turnstile token.
    Unchecked,
    /// The Turnstile token is not valid.
    CheckFailed,
    /// The form came without a cookie.
    NoCookie,
    /// The form came with a cookie that this server cannot read any more.
    OldCookie,
    /// The form was open for too long.
    TooOld,
    /// The form was shown to another browser.
    OtherBrowser,
    /// The form has a hidden field that this server did not write.
    NotOurs,
    /// The person has signed in or out in another window since the form was shown.
    SignedInElsewhere,
    /// The session has ended.
    SignedOut,
    /// The same as [`Problem::SignedInElsewhere`], where there is no code.
    ChangedElsewhere,
    /// The same as [`Problem::SignedOut`], where there is no code.
    SessionOver,
    /// The reason for a request for access is missing, or too short to be one.
    ReasonMissing,
    /// The reason for a request for access is too long.
    ReasonLong,
    /// The person has as many open requests for access as one can have.
    AskedThrice,
    /// The person has asked for access too often lately.
    AskedOften,
    /// Too many people wait for access.
    AskedByMany,
    /// A sign-in at a provider failed.
    Provider {
        /// Why.
        notice: Notice,
        /// The provider's name, unless the text does without it.
        name: &'a str,
    },
}

impl Problem<'_> {
    /// Returns the text above the form.
    pub(super) fn words(self, text: &Messages<'_>) -> Html {
        match self {
            Self::WrongCode => text.wrong_code(),
            Self::Malformed(flaw) => malformed(flaw, text),
            Self::LinkExpired { end } => text.link_end(end),
            Self::Wait { seconds } => text.wait(seconds),
            Self::WrongCredentials => text.wrong_credentials(),
            Self::PasskeyMissing => text.passkey_missing(),
            Self::PasskeyOver => text.passkey_expired(),
            Self::PasskeyRefused => text.passkey_refused(),
            Self::PasskeyCopied => text.passkey_copied(),
            Self::PasskeyNotMade => text.passkey_not_made(),
            Self::PasskeyNameMalformed => text.passkey_name_malformed(),
            Self::LastWayIn => text.passkey_last_way(),
            Self::DeviceGone => text.device_gone(),
            Self::DeviceNameMalformed => text.device_name_malformed(),
            Self::EndUnconfirmed => text.devices_end_unconfirmed(),
            Self::UsernameMalformed => text.username_malformed(),
            Self::UsernameTaken => text.username_taken(),
            Self::NameMissing => text.name_missing(),
            Self::PasswordLength => text.password_length(),
            Self::PasswordCommon => text.password_common(),
            Self::Unconfirmed => text.unconfirmed(),
            Self::IdentifierMissing => text.identifier_missing(),
            Self::WrongIdentifier => text.identifier_wrong(),
            Self::Undecided => text.undecided(),
            Self::Unchecked => text.unchecked(),
            Self::CheckFailed => text.check_failed(),
            Self::NoCookie => text.no_cookie(),
            Self::OldCookie => text.old_cookie(),
            Self::TooOld => text.too_old(),
            Self::OtherBrowser => text.other_browser(),
            Self::NotOurs => text.not_ours(),
            Self::SignedInElsewhere => text.signed_in_elsewhere(),
            Self::SignedOut => text.signed_out(),
            Self::ChangedElsewhere => text.changed_elsewhere(),
            Self::SessionOver => text.session_over(),
            Self::ReasonMissing => text.access_reason_missing(),
            Self::ReasonLong => text.access_reason_long(),
            Self::AskedThrice => text.access_asked_thrice(),
            Self::AskedOften => text.access_asked_often(),
            Self::AskedByMany => text.access_asked_by_many(),
            Self::Provider { notice, name } => of_provider(notice, name, text),
        }
    }

    /// Returns whether the code is what is wrong.
    pub(super) const fn is_about_code(self) -> bool {
        matches!(self, Self::WrongCode | Self::Malformed(_))
    }

    /// Returns whether the end of what the device is called is what is wrong.
    pub(super) const fn is_about_identifier(self) -> bool {
        matches!(self, Self::IdentifierMissing | Self::WrongIdentifier)
    }
}

/// Says why a sign-in at a provider failed.
fn of_provider(notice: Notice, name: &str, text: &Messages<'_>) -> Html {
    match notice {
        Notice::Down => text.provider_down(name),
        Notice::Clock => text.provider_clock(name),
        Notice::Key => text.provider_key(name),
        Notice::Answer => text.provider_answer(name),
        Notice::Denied => text.provider_denied(name),
        Notice::Setup => text.provider_setup(name),
        Notice::NotAllowed => text.provider_not_allowed(name),
        Notice::OtherProvider => text.provider_other(name),
        Notice::Stale => text.provider_stale(name),
        Notice::Replayed => text.provider_replayed(),
        Notice::OtherBrowser => text.provider_other_browser(),
        Notice::TooLate => text.provider_too_late(name),
        Notice::Gone => text.provider_gone(),
    }
}

/// Says why a text cannot be a code.
fn malformed(flaw: CodeFlaw, text: &Messages<'_>) -> Html {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    match flaw {
        CodeFlaw::Nothing => text.code_missing(),
        CodeFlaw::Script => text.code_script(),
        CodeFlaw::Symbol(symbol) => text.code_symbol(&symbol.to_string()),
        CodeFlaw::Short { needed } => text.code_short(number(needed)),
        CodeFlaw::Long { longest } => text.code_long(number(longest)),
        CodeFlaw::Length { typed } => text.code_length(number(typed)),
    }
}
