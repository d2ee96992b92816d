//! The verification pages (RFC 8628 §3.3), one struct per page in `templates/`.
//!
//! The structs only render, and decide nothing. Askama escapes everything that varies, every form posts to
//! `action`, and apart from the Turnstile widget no page needs a script or any other resource.

use askama::Template;

use super::messages::{Html, Messages};
use crate::grant::Outcome;
use crate::grant::user_code::CodeFlaw;
use crate::settings::{Accent, Service};
use crate::time::Timestamp;
use crate::upstream::failure::Notice;
use crate::upstream::provider::Offer;
use crate::verdict::{Comparison, Verdict};

/// The script of pages that use passkeys.
const PASSKEY: &str = include_str!("../../templates/passkey.js");
const STYLE: &str = include_str!("../../templates/style.css");

/// Returns the text of the only `<style>` element: ours, and the operator's accent color if there is one.
fn style(service: &Service) -> String {
    let accent = service.accent.map(|Accent { light, dark }| {
        format!(
            ":root {{ --accent: {light}; --accent-strong: color-mix(in srgb, {light} 80%, black); }}
@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --accent-strong: color-mix(in srgb, {dark} 75%, white); --on-accent: #172029; }} }}
"
        )
    });
    STYLE.to_owned() + &accent.unwrap_or_default()
}

/// The page for entering a code, or for comparing the one that a link brought along (RFC 8628 §3.3.1).
#[derive(Template)]
#[template(path = "enter.html")]
pub struct EnterPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person who is signed in.
    pub signed_in_as: Option<&'a str>,
    /// What the field for the code contains: a code formatted for people, or what was typed so far.
    pub user_code: &'a str,
    /// Whether the code is already there, and the person only compares it with the one on the device.
    pub compare: bool,
    /// The proof of the link that brought the code.
    pub link: Option<&'a str>,
    /// What the codes of this server look like.
    pub shape: CodeShape<'a>,
    /// Site key of the Turnstile widget, if the form needs one.
    pub site_key: Option<&'a str>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

impl EnterPage<'_> {
    /// Returns the class that draws a line for each symbol, if the style sheet has one for codes of this length and all
    /// codes have it.
    fn cells(&self) -> &'static str {
        match (self.shape.digits_example, self.shape.example.len()) {
            (None, 9) => "cells-9",
            (None, 11) => "cells-11",
            (None, 12) => "cells-12",
            (None, 14) => "cells-14",
            (Some(_) | None, _) => "",
        }
    }

    fn heading_in_title(&self) -> Html {
        if self.compare { self.text.compare_title() } else { self.text.enter_title() }
    }
}

/// What user codes look like, for the hint and for the on-screen keyboard.
#[derive(Clone, Copy, Debug)]
pub struct CodeShape<'a> {
    /// Whether all codes consist of digits only (RFC 8628 §6.1).
    pub digits: bool,
    /// A placeholder such as `XXXX-XXXX`. Some codes have two more symbols.
    pub example: &'a str,
    /// A placeholder such as `0000-0000-0000`, if only some clients have codes of digits.
    pub digits_example: Option<&'a str>,
}

/// The sign-in page. It usually comes before the code is looked up, so it says nothing about the code.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code through the sign-in. `None` if the person wants to see a page of their own.
    pub transaction: Option<&'a str>,
    /// Why the person should sign in, unless it is for a second time.
    pub lead: Html,
    /// The username that was typed last time, or that the device expects; otherwise empty.
    pub username: &'a str,
    /// The providers to sign in with, in their order.
    pub providers: &'a [Offer],
    /// What Cloudflare Access is called, if it is in front of this server.
    pub access: Option<&'a str>,
    /// Why the person who is signed in has to sign in again.
    pub again: Option<Html>,
    /// Signing in with a passkey; `None` at an IP address.
    pub passkey: Option<PasskeyForm>,
    /// Whether people can sign in with a password.
    pub passwords: bool,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// The page that goes on to a provider.
#[derive(Template)]
#[template(path = "going.html")]
pub struct GoingPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form of the language menu posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code, so that the menu can show this page again.
    pub transaction: &'a str,
    /// Names the provider in the form.
    pub id: &'a str,
    /// The provider's name.
    pub provider: &'a str,
    /// Where to go on to: an https URL, or http on loopback.
    pub address: &'a str,
}

/// What a form that uses a passkey contains.
#[derive(Clone, Debug)]
pub struct PasskeyForm {
    /// Sealed; carries the challenge.
    pub ceremony: String,
    /// JSON for the browser.
    pub options: String,
}

/// The page of an invitation: a first way into a new account, or another one into an existing account.
#[derive(Template)]
#[template(path = "invitation.html")]
pub struct InvitationPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// The secret of the link.
    pub secret: &'a str,
    /// Sealed; carries the challenge, and the `sub` of the account.
    pub ceremony: &'a str,
    /// JSON for the browser; `None` at an IP address.
    pub options: Option<String>,
    /// Whether the account exists.
    pub is_recovery: bool,
    /// The username that is chosen already, or that was typed.
    pub username: &'a str,
    /// Whether the username is chosen already.
    pub has_username: bool,
    /// The full name that is known, or that was typed.
    pub name: &'a str,
    /// Whether people can sign in with a password.
    pub passwords: bool,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

impl InvitationPage<'_> {
    fn heading(&self) -> Html {
        if self.is_recovery { self.text.recovery_title() } else { self.text.invitation_title() }
    }
}

/// The passkeys of the person who is signed in.
#[derive(Template)]
#[template(path = "passkeys.html")]
pub struct PasskeysPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person.
    pub signed_in_as: &'a str,
    /// In the order in which they were added.
    pub passkeys: Vec<KnownPasskey<'a>>,
    /// Sealed; carries the challenge for a new one.
    pub ceremony: &'a str,
    /// JSON for the browser; `None` at an IP address.
    pub options: Option<String>,
    /// What went wrong when a form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug)]
pub struct KnownPasskey<'a> {
    /// Names the passkey in forms.
    pub id: String,
    /// What the field for its name contains.
    pub name: &'a str,
    /// Its name, or that it has none.
    pub heading: Html,
    /// When it was added.
    pub added: Html,
    /// When it was last used.
    pub used: Html,
    /// Whether it can be on several devices.
    pub kept: Html,
}

/// What has access to the account of the person who is signed in.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person.
    pub signed_in_as: &'a str,
    /// How many devices have just lost their access.
    pub ended: Option<Html>,
    /// The devices of this page, the last used first.
    pub devices: Vec<DeviceLine>,
    /// After which device the next page begins; `None` if this is the last one.
    pub next: Option<String>,
    /// What only the first page has.
    pub overview: Option<Overview>,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
    /// What went wrong when a form was last sent.
    pub problem: Option<Problem<'a>>,
}

impl AccountPage<'_> {
    fn has_others(&self) -> bool {
        self.overview.as_ref().is_some_and(|overview| overview.sessions.len() > 1)
    }
}

/// What the first page of an account has besides its devices.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Clients that had access for the first time.
    pub new: Vec<NewClient>,
    /// Path of the page of passkeys.
    pub passkeys: String,
    /// Path of the page for entering a code.
    pub enter: String,
    /// The live sessions, that of this browser first.
    pub sessions: Vec<SessionLine>,
    /// What the person decided lately, and when and where the device asked.
    pub activity: Vec<(Html, Html)>,
}

/// A client that had access for the first time.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Names the client in forms.
    pub id: String,
    /// Names its device in the address.
    pub device: String,
    /// What happened.
    pub words: Html,
}

/// A device in the list.
#[derive(Clone, Debug)]
pub struct DeviceLine {
    /// Names the device in the address.
    pub id: String,
    /// The person's name for it, or that of the client.
    pub name: Html,
    /// The name of the client, unless it is there already.
    pub client: Option<Html>,
    /// Where it was started.
    pub started: Html,
    /// When it was last used.
    pub used: Html,
}

/// A session in the list.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// Names the session in forms; `None` for that of this browser.
    pub id: Option<String>,
    /// How the person signed in.
    pub how: Html,
    /// When and where the person signed in.
    pub started: StagePart,
}

/// When and where something happened, in words.
#[derive(Clone, Debug)]
pub struct StagePart {
    /// `2 minutes ago, 14:03 GMT+1`.
    pub time: Html,
    /// `Samsung TV, Lyon, France`.
    pub from: Html,
}

/// One device of the person who is signed in.
#[derive(Template)]
#[template(path = "device.html")]
pub struct DevicePage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person.
    pub signed_in_as: &'a str,
    /// Names the device in forms.
    pub id: &'a str,
    /// The person's name for it, or that of the client.
    pub name: &'a str,
    /// What the field for the name contains.
    pub label: &'a str,
    /// The client's name at the redemption.
    pub client_name: &'a str,
    /// Where the device asked.
    pub started: StagePart,
    /// Where the person approved.
    pub approved: StagePart,
    /// When it got its tokens.
    pub first_used: Html,
    /// When it was last used.
    pub last_used: Html,
    /// What it can do.
    pub permissions: Vec<Html>,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
    /// What went wrong when a form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// The consent page: who asks for what, from where, and the buttons for the decision (RFC 8628 §5.4).
///
/// The first button of the form refuses, because Enter presses the first button.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code and the hold on its grant.
    pub transaction: &'a str,
    /// The code to compare with the one on the device, formatted for people.
    pub user_code: &'a str,
    /// The registered `client_name`, or the `client_id` of a client that is gone.
    pub client_name: &'a str,
    /// The last part of the address of the client's logo, if it has one.
    pub client_logo: Option<&'a str>,
    /// The website that the client claims as its own. Shown as text, never as a link.
    pub client_uri: Option<&'a str>,
    /// Whether the client registered itself, so that nobody has checked its name.
    pub is_unchecked: bool,
    /// Display name of the account that the device would get access to.
    pub account_name: &'a str,
    /// Email address, or else username, which tells apart accounts of the same name.
    pub account_detail: &'a str,
    /// The username or email address that the device expects, if it is not that of this account.
    pub expected: Option<&'a str>,
    /// What the client will be able to do: the descriptions of the requested scopes.
    pub permissions: Vec<Html>,
    /// Hosts of the requested resources; `None` if the device asked only for the client's default resource.
    pub resources: Option<Html>,
    /// The registered `consent_text`, quoted as the client's own words.
    pub consent_text: Option<&'a str>,
    /// The client's privacy policy and terms of service, where registered.
    pub documents: Vec<Document<'a>>,
    /// Where the request of the device came from.
    pub requested: Origin,
    /// Where the request for this page came from.
    pub here: Origin,
    /// Whether the request came from near the person, and both places.
    pub comparison: &'a Comparison,
    /// How far apart both places are, unless they are near each other or one is uncertain.
    pub distance: Option<Html>,
    /// Whether more than the country is known of both places. The names of some countries need an article in a sentence.
    pub has_areas: bool,
    /// What is said about a request from near the person.
    pub near: Html,
    /// Why nothing can be said about the places, unless the page already says so elsewhere.
    pub doubt: Option<Html>,
    /// The web page that started the request, if one did.
    pub page: Option<StartPage<'a>>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
    /// When the code expires.
    pub expires: Html,
    /// How the access would end; `None` for a client that is gone.
    pub end: Option<Html>,
}

impl ConsentPage<'_> {
    fn is_near(&self) -> bool {
        self.comparison.verdict == Verdict::Near
    }
}

/// The web page that started a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartPage<'a> {
    /// A page of this origin, which an operator has allowed for the client.
    At(&'a str),
    /// A page that hides its address: any page can, so place and network of the request say nothing.
    Hidden,
}

/// A link to one of the client's own documents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document<'a> {
    /// Such as `Its privacy policy`.
    pub what: Html,
    /// Always https.
    pub uri: &'a str,
    /// The host of `uri`, shown beside the link.
    pub host: &'a str,
}

/// Where a request came from, in words.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `Lyon, France`, or `Unknown place`.
    pub place: Html,
    /// `Orange (AS3215)`, or `Unknown network`.
    pub network: Html,
    /// `2 minutes ago, 14:03 GMT+1`.
    pub time: Html,
    /// `Command line (curl)`.
    pub device: Html,
}

/// The result page: what was decided, and that the person should return to the device (RFC 8628 §3.3).
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// The decision, which the shard has stored.
    pub outcome: Outcome,
    /// When it was decided, such as `14:03 GMT+1`.
    pub time: Html,
    /// The registered `client_name`, or the `client_id` of a client that is gone.
    pub client_name: &'a str,
    /// Whether the person has just pressed another button, which changed nothing.
    pub kept: bool,
    /// The form that ends the access, as long as that is possible.
    pub end: Option<EndForm<'a>>,
    /// After a report: what came from the same source in the last day.
    pub same_source: Option<SameSource<'a>>,
    /// After a report: how many devices from the same source have lost their access.
    pub ended: Option<Html>,
    /// A link to the page of the account.
    pub account: Html,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
}

/// The form that ends an access that was just approved.
#[derive(Clone, Copy, Debug)]
pub struct EndForm<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Names the request.
    pub request: &'a str,
}

/// Devices that came from where a reported request did, and the form that ends their access.
#[derive(Clone, Debug)]
pub struct SameSource<'a> {
    /// How many there are.
    pub words: Html,
    /// Their names.
    pub names: Html,
    /// The form.
    pub form: EndForm<'a>,
}

/// The form of the language menu on a page without a form that can be sent again. It names the page.
#[derive(Clone, Copy, Debug)]
pub struct MenuForm<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Names and values of its hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}

/// A page without a form of its own: for a request that ended, was opened elsewhere, or could not be served, and for an
/// account that is ready.
#[derive(Template)]
#[template(path = "outcome.html")]
pub struct NoticePage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// The heading: what happened.
    pub title: Html,
    /// What that means, and what to do now.
    pub explanation: Html,
    /// Whether it is good news.
    pub is_good: bool,
    /// Path of the page for entering a code, if that comes next or can help.
    pub back: Option<&'a str>,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
}

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
    fn words(self, text: &Messages<'_>) -> Html {
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
            Self::Provider { notice, name } => of_provider(notice, name, text),
        }
    }
}

impl Problem<'_> {
    /// Returns whether the code is what is wrong.
    const fn is_about_code(self) -> bool {
        matches!(self, Self::WrongCode | Self::Malformed(_))
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
