//! The verification pages (RFC 8628 §3.3), one struct per page in `templates/`.
//!
//! The structs only render, and decide nothing. Askama escapes everything that varies, every form posts to
//! `action`, and apart from the Turnstile widget no page needs a script or any other resource.

use core::fmt;

use askama::Template;

use crate::verdict::{Comparison, Verdict};

/// The text of the only `<style>` element. The Content-Security-Policy has the hash of exactly these bytes.
pub const STYLE: &str = include_str!("../../templates/style.css");

/// The page for entering a code, or for comparing the one that a link brought along (RFC 8628 §3.3.1).
#[derive(Template)]
#[template(path = "enter.html")]
pub struct EnterPage<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person who is signed in.
    pub signed_in_as: Option<&'a str>,
    /// The code from a link, or one that was typed but not looked up yet, formatted for people. Empty to ask
    /// for one. Never a code that was wrong.
    pub user_code: &'a str,
    /// What the codes of this server look like.
    pub shape: CodeShape<'a>,
    /// Site key of the Turnstile widget, if the form needs one.
    pub site_key: Option<&'a str>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// What user codes look like, for the hint and for the on-screen keyboard.
#[derive(Clone, Copy, Debug)]
pub struct CodeShape<'a> {
    /// Whether all codes consist of digits only (RFC 8628 §6.1).
    pub digits: bool,
    /// A placeholder such as `XXXX-XXXX`.
    pub example: &'a str,
    /// A placeholder such as `0000-0000-0000`, if only some clients have codes of digits.
    pub digits_example: Option<&'a str>,
}

/// The sign-in page. It usually comes before the code is looked up, so it says nothing about the code.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code through the sign-in.
    pub transaction: &'a str,
    /// The username that was typed last time, or that the device expects; otherwise empty.
    pub username: &'a str,
    /// Display name of the person who is signed in, if they signed in too long ago for the requesting device.
    pub again: Option<&'a str>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// The consent page: who asks for what, from where, and the buttons for the decision (RFC 8628 §5.4).
///
/// The first button of the form refuses, because Enter presses the first button.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
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
    /// The website that the client claims as its own. Shown as text, never as a link.
    pub client_uri: Option<&'a str>,
    /// Whether the client registered itself without any token, so that nobody has checked its name.
    pub is_unchecked: bool,
    /// Display name of the account that the device would get access to.
    pub account_name: &'a str,
    /// Email address, or else username, which tells apart accounts of the same name.
    pub account_detail: &'a str,
    /// The username or email address that the device expects, if it is not that of this account.
    pub expected: Option<&'a str>,
    /// What the client will be able to do: the descriptions of the requested scopes.
    pub permissions: Vec<&'a str>,
    /// Hosts of the requested resources; empty if the device asked only for the client's default resource.
    pub resources: Vec<&'a str>,
    /// The registered `consent_text`, quoted as the client's own words.
    pub consent_text: Option<&'a str>,
    /// The client's privacy policy and terms of service, where registered.
    pub documents: Vec<Document<'a>>,
    /// Where the request of the device came from.
    pub requested: Origin<'a>,
    /// Where the request for this page came from.
    pub here: Origin<'a>,
    /// Whether the request came from near the person, and both places.
    pub comparison: &'a Comparison,
    /// The web page that started the request, if one did.
    pub page: Option<StartPage<'a>>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
    /// Whole minutes until the code expires; 0 is shown as "less than a minute".
    pub minutes_left: u64,
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Document<'a> {
    /// Such as `privacy policy`.
    pub what: &'static str,
    /// Always https.
    pub uri: &'a str,
    /// The host of `uri`, shown beside the link.
    pub host: &'a str,
}

/// Where a request came from, in words.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// `Lyon, FR`, or `Unknown place`.
    pub place: &'a str,
    /// `Orange (AS3215)`, or `Unknown network`.
    pub network: &'a str,
    /// `2 minutes ago, 14:03 UTC`.
    pub time: &'a str,
    /// `Command line (curl)`.
    pub device: &'a str,
}

/// The result page: what was decided, and that the person should return to the device (RFC 8628 §3.3).
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultPage<'a> {
    /// The decision, which the shard has stored.
    pub outcome: Outcome,
    /// The registered `client_name`, or the `client_id` of a client that is gone.
    pub client_name: &'a str,
}

/// A decision as the result page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device gets what it asked for.
    Approved,
    /// The device gets nothing.
    Denied,
    /// The device gets nothing, and the person says that they did not start the request.
    Reported,
}

/// A page without a form, for a request that ended, was opened elsewhere, or could not be served.
#[derive(Template)]
#[template(path = "problem.html")]
pub struct ProblemPage<'a> {
    /// The heading: what happened.
    pub title: &'a str,
    /// What that means, and what to do now.
    pub text: &'a str,
    /// Path of the page for entering a code, if starting again can help.
    pub back: Option<&'a str>,
}

/// What went wrong, shown above a form that can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// The code is wrong, used, expired, or held by somebody else. Nobody learns which, as the text is the
    /// same.
    WrongCode,
    /// Too many attempts.
    Wait {
        /// With a unit, such as `2 minutes`.
        time: &'a str,
    },
    /// The username or the password is wrong. Nobody learns which, as the text is the same.
    WrongCredentials,
    /// The person approved without checking the box that says this is their device.
    Unconfirmed,
    /// The form came without a decision.
    Undecided,
    /// The form came without a Turnstile token.
    Unchecked,
    /// The Turnstile token is not valid.
    CheckFailed,
    /// The form is too old, or the person has since signed in or out in another window.
    SessionExpired,
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCode => f.write_str(
                "That code didn’t work. Check it against your device’s screen. Each code works only once \
                 and only for a few minutes, so you may need to get a new one from your device.",
            ),
            Self::Wait { time } => write!(f, "Too many tries. Wait {time}, then try again."),
            Self::WrongCredentials => f.write_str("Wrong username or password."),
            Self::Unconfirmed => f.write_str(
                "Nothing was approved. To approve, first check the box that says this is your device.",
            ),
            Self::Undecided => f.write_str("Nothing was decided. Choose one of the buttons below."),
            Self::Unchecked => f.write_str(
                "Your code hasn’t been looked up yet. It’s still filled in: complete the check below, then continue.",
            ),
            Self::CheckFailed => f.write_str(
                "The check wasn’t accepted: a check works only once, and only for five minutes. Your code is still \
                 filled in: complete the new check below, then continue.",
            ),
            Self::SessionExpired => f.write_str(
                "That page is no longer valid: it was open for too long, or you signed in or out \
                 in another window. Nothing was decided. Please start again.",
            ),
        }
    }
}
