//! The pages of a person's account: what has access to it, and each device.

use askama::Template;

use super::MenuForm;
use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};

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
    /// Path of the page of requests for access, if people may ask.
    pub requests: Option<String>,
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
    /// What happens when its access is ended.
    pub end_hint: Html,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
    /// What went wrong when a form was last sent.
    pub problem: Option<Problem<'a>>,
}
