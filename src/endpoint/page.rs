//! The verification pages (RFC 8628 §3.3), one struct per file in `templates/`.
//!
//! Pure rendering: plain fields, no decisions. Everything that varies is escaped by askama, every
//! form posts to `action`, and nothing on a page needs a script or another resource, the Turnstile widget excepted.

use core::fmt;

use askama::Template;

/// The text of the only `<style>` element, byte for byte, for the `style-src` hash of the policy.
pub const STYLE: &str = include_str!("../../templates/style.css");

/// Where a code is typed, or, when a link brought it along, compared (RFC 8628 §3.3.1).
#[derive(Template)]
#[template(path = "enter.html")]
pub struct EnterPage<'a> {
    /// The path that the form posts to.
    pub action: &'a str,
    /// The token that ties the form to the session.
    pub csrf: &'a str,
    /// The display name of whoever is signed in.
    pub signed_in_as: Option<&'a str>,
    /// The code brought by a link, or typed and not looked at yet, formatted for people; empty to ask for one. Never a
    /// code that failed.
    pub user_code: &'a str,
    /// What codes look like here.
    pub shape: CodeShape<'a>,
    /// The site key of the Turnstile widget that the form has to carry, if it has to.
    pub site_key: Option<&'a str>,
    /// What went wrong with the last attempt.
    pub problem: Option<Problem<'a>>,
}

/// What codes look like, so that the field can offer the right keyboard.
#[derive(Clone, Copy, Debug)]
pub struct CodeShape<'a> {
    /// Whether codes are made of digits only (RFC 8628 §6.1).
    pub digits: bool,
    /// A stand-in such as `XXXX-XXXX`.
    pub example: &'a str,
    /// One of digits, if some clients have such codes and the others do not.
    pub digits_example: Option<&'a str>,
}

/// Who are you? Shown before the code is looked up, so it says nothing about the code.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// The path that the form posts to.
    pub action: &'a str,
    /// The token that ties the form to the session.
    pub csrf: &'a str,
    /// The sealed transaction that carries the code through the sign-in.
    pub transaction: &'a str,
    /// The name typed last time, or of whom to expect, or empty.
    pub username: &'a str,
    /// Who is signed in already, but not recently enough for the device that asks.
    pub again: Option<&'a str>,
    /// What went wrong with the last attempt.
    pub problem: Option<Problem<'a>>,
}

/// Who asks, for what, from where, and the choice (RFC 8628 §5.4).
///
/// Refusing is the form's first button, which makes it the one that Enter presses.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// The path that the forms post to.
    pub action: &'a str,
    /// The token that ties the forms to the session.
    pub csrf: &'a str,
    /// The sealed transaction, with the claim on the code.
    pub transaction: &'a str,
    /// The code to compare with the device's screen, formatted for people.
    pub user_code: &'a str,
    /// The registered name of the client.
    pub client_name: &'a str,
    /// The website the client names as its own; shown as text, never as a link.
    pub client_uri: Option<&'a str>,
    /// The display name of the account that would be used.
    pub account_name: &'a str,
    /// What tells this account from another of that name: a user name or an e-mail address.
    pub account_detail: &'a str,
    /// Whom the device expects, if that is somebody else.
    pub expected: Option<&'a str>,
    /// What the client will be able to do, one plain sentence each.
    pub permissions: Vec<&'a str>,
    /// The hosts where it will be able to, if the device asked for others than usual.
    pub resources: Vec<&'a str>,
    /// What the client's operator has to say.
    pub consent_text: Option<&'a str>,
    /// The client's own documents.
    pub documents: Vec<Document<'a>>,
    /// Where the device asked from.
    pub requested: Origin<'a>,
    /// Where this page is being read.
    pub here: Origin<'a>,
    /// What was wrong with the last decision.
    pub problem: Option<Problem<'a>>,
    /// Whole minutes until the code ends; 0 reads as less than one.
    pub minutes_left: u64,
}

/// A document of a client's, on its own site.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Document<'a> {
    /// `privacy policy`.
    pub what: &'static str,
    /// Always https.
    pub uri: &'a str,
    /// The host it is on, shown beside the link.
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
    /// `Command-line tool (curl 8.4)`.
    pub device: &'a str,
}

/// What happened, and that the rest is on the device (RFC 8628 §3.3).
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultPage<'a> {
    /// What was decided.
    pub outcome: Outcome,
    /// The registered name of the client.
    pub client_name: &'a str,
}

/// A decision that has been recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device gets what it asked for.
    Approved,
    /// The device gets nothing.
    Denied,
    /// The device gets nothing, and the person did not start this.
    Reported,
}

/// A page that cannot go on: the request ended, was opened elsewhere, or could not be served.
#[derive(Template)]
#[template(path = "problem.html")]
pub struct ProblemPage<'a> {
    /// What happened, as a heading.
    pub title: &'a str,
    /// What that means and what to do.
    pub text: &'a str,
    /// The path where a code is entered, if starting again can help.
    pub back: Option<&'a str>,
}

/// What went wrong, said above a form that can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// Wrong, used, expired and foreign codes: one text, so that nobody learns which.
    WrongCode,
    /// Too many tries.
    Wait {
        /// How long, with its unit: `2 minutes`.
        time: &'a str,
    },
    /// Wrong user name or password: one text for both.
    WrongCredentials,
    /// Approval without the statement that this is one's own device.
    Unconfirmed,
    /// None of the buttons was pressed.
    Undecided,
    /// The form came without the token of the Turnstile widget.
    Unchecked,
    /// The token of the Turnstile widget does not count.
    CheckFailed,
    /// The form outlived its session: by time, or by a sign-in or sign-out in another window.
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
