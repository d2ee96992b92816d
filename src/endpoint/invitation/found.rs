//! The invitation behind a link, and whom it is for.

use crate::endpoint::form::Form;
use crate::endpoint::passkey::begun::{Begun, For};
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::verify::session::check;
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::registry::invitation::{Invitation, Kind, digest};
use crate::registry::invitations::{FindInvitation, SpendInvitation};
use crate::secret::Digest;
use crate::sub::Sub;

pub(super) const WHAT: &str = "invitation";
/// The step of the form that makes the account of the person who is signed in an administrator's.
pub(super) const ADMIT: &str = "admit";

/// What the fields of the form contain.
#[derive(Default)]
pub(super) struct Typed<'a> {
    pub(super) username: &'a str,
    pub(super) name: &'a str,
}

impl<'a> Typed<'a> {
    pub(super) fn of(form: &'a Form) -> Self {
        Self {
            username: form.get("username").unwrap_or_default(),
            name: form.get("name").unwrap_or_default(),
        }
    }
}

/// Whom an invitation is for.
pub(super) enum Whom {
    /// Somebody new, perhaps with a username that is already chosen.
    New(Option<String>),
    /// The owner of this account.
    Known(Box<Account>),
}

impl Whom {
    /// Returns the username, unless the person chooses it.
    pub(super) fn username(&self) -> Option<&str> {
        match self {
            Self::New(username) => username.as_deref(),
            Self::Known(account) => Some(&account.username),
        }
    }
}

/// An invitation that can be used.
pub(super) struct Found {
    pub(super) digest: Digest,
    pub(super) whom: Whom,
    /// Whether it makes the first administrator, who may also be somebody with an account.
    pub(super) is_first: bool,
}

/// What every answer to this form needs.
pub(super) struct Page<'a, P> {
    pub(super) context: Context<'a, P>,
    pub(super) browser: &'a Browser,
    pub(super) secret: &'a str,
    pub(super) found: &'a Found,
    pub(super) sub: &'a Sub,
    pub(super) typed: &'a Typed<'a>,
}

/// Finds the live invitation with this secret.
pub(super) async fn find<P: Platform>(
    context: Context<'_, P>,
    secret: &str,
) -> Result<Option<Found>, Unavailable> {
    let Some(digest) = digest(secret) else { return Ok(None) };
    match context.server.platform.registry(FindInvitation { digest }).await? {
        Some(invitation) => found(context, digest, &invitation).await,
        None => Ok(None),
    }
}

/// Returns whom an invitation is for; `None` if the account to get back into does not exist, or if the invitation would
/// make an administrator although its maker was not asked for the right to do so: groups change, and so does
/// `ADMIN_GROUPS`.
async fn found<P: Platform>(
    context: Context<'_, P>,
    digest: Digest,
    invitation: &Invitation,
) -> Result<Option<Found>, Unavailable> {
    let administrators = &context.server.settings.admin_groups;
    let (whom, groups) = match &invitation.kind {
        Kind::Account { username, groups } => (Whom::New(username.clone()), groups.clone()),
        Kind::FirstAdministrator => (Whom::New(None), Vec::new()),
        Kind::Recovery { account } => {
            let Some(account) = context.server.account(account).await? else { return Ok(None) };
            let groups = account.groups.clone();
            (Whom::Known(Box::new(account)), groups)
        }
    };
    let is_good = invitation.grants_administration || !administrators.include_any(&groups);
    let is_first = invitation.kind == Kind::FirstAdministrator;
    Ok(is_good.then_some(Found { digest, whom, is_first }))
}

/// Reads the ceremony of a form, and the `sub` of its account, which names the attempt.
pub(super) fn begun<P>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    digest: Digest,
) -> Option<(Begun, Sub)> {
    let begun = Begun::open(context, form, browser)?;
    match &begun.purpose {
        For::Invited(sub, of) if *of == digest => {
            let sub = sub.clone();
            Some((begun, sub))
        }
        For::Invited(..) | For::SignIn | For::Account(_) => None,
    }
}

/// Returns the invitation if this form has spent it.
pub(super) async fn spent_by<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    digest: Digest,
) -> Result<Option<Found>, Unavailable> {
    let admits = form.get("step") == Some(ADMIT);
    let sub = if admits {
        check(context, browser).await?.map(|(_, account)| account.sub)
    } else {
        begun(context, form, browser, digest).map(|(_, sub)| sub)
    };
    let Some(sub) = sub else { return Ok(None) };
    let spend = SpendInvitation { digest, attempt: sub.as_str().to_owned(), account: sub };
    let Some(invitation) = context.server.platform.registry(spend).await? else { return Ok(None) };
    let found = found(context, digest, &invitation).await?;
    Ok(found.filter(|found| !admits || found.is_first))
}
