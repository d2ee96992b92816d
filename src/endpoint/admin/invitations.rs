//! Invitations: list, make and revoke.

use rand_core::CryptoRng;
use serde::Serialize;

use super::body;
use super::caller::Caller;
use super::done::Done;
use super::invitation_request::{Asked, AskedFor};
use super::problem::Problem;
use super::registry::read as ask;
use crate::audit::change::Actor;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::registry::invitation::{Invitation, Kind, draw};
use crate::registry::invitations::{CreateInvitation, ListInvitations, MOST_INVITATIONS, RevokeInvitation};
use crate::secret::{Digest, random_id};
use crate::time::{Timestamp, span};

/// An invitation as operators see it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View {
    id: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    groups: Vec<Group>,
    grants_administration: bool,
    uses_left: u32,
    created_at: u64,
    created_by: Actor,
    ends_at: u64,
    /// Whether the link can be used.
    is_live: bool,
    /// Only in the answer that makes the invitation.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl View {
    fn of(invitation: Invitation, now: Timestamp) -> Self {
        let is_live = invitation.is_live(now);
        let (kind, username, groups) = match invitation.kind {
            Kind::Account { username, groups } => ("account", username, groups),
            Kind::Recovery { account } => ("recovery", Some(username(&account)), Vec::new()),
            Kind::FirstAdministrator => ("first_administrator", None, Vec::new()),
        };
        Self {
            id: invitation.id,
            kind,
            username,
            groups,
            grants_administration: invitation.grants_administration,
            uses_left: invitation.uses_left,
            created_at: invitation.created_at.seconds(),
            created_by: invitation.by,
            ends_at: invitation.ends_at.seconds(),
            is_live,
            link: None,
        }
    }
}

/// Returns the username of a local account.
fn username(account: &AccountKey) -> String {
    account.as_str().strip_prefix("local:").unwrap_or_default().to_owned()
}

#[derive(Serialize)]
struct List {
    invitations: Vec<View>,
}

/// Answers `GET /invitations`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let invitations = ask(context, ListInvitations {}).await?;
    let invitations = invitations.into_iter().map(|one| View::of(one, context.now)).collect();
    Ok(Done::read(Response::json(200, &List { invitations })))
}

/// Answers `GET /invitations/{id}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let invitations = ask(context, ListInvitations {}).await?;
    let invitation = invitations.into_iter().find(|one| one.id == id).ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &View::of(invitation, context.now))))
}

/// Answers `POST /invitations`.
pub(super) async fn create<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let asked = Asked::read(body::object(context.request)?)?;
    let secret = draw(rng);
    let invitation = invitation(context, asked, caller, (random_id(rng), &secret)).await?;
    let view = View::of(invitation.clone(), context.now);
    if dry_run {
        return Ok(Done { outcome: "invitation_tried", ..Done::read(Response::json(200, &view)) });
    }
    let issuer = context.issuer.as_str();
    let create = CreateInvitation { invitation: Box::new(invitation), issuer: issuer.to_owned() };
    if !ask(context, create).await? {
        return Err(Problem::Conflict(format!(
            "There are {MOST_INVITATIONS} live invitations, which is the most: revoke some, or wait for their end."
        )));
    }
    let location = format!("{issuer}/admin/api/invitations/{}", view.id);
    let link = Some(format!("{issuer}/invitation?secret={secret}"));
    let response = Response::json(201, &View { link, ..view }).with("location", location);
    Ok(Done { outcome: "invitation_created", ..Done::read(response) })
}

/// Builds the invitation. `names` are its identifier and its secret. Refuses one into administration if the caller may
/// not grant that.
async fn invitation<P: Platform>(
    context: Context<'_, P>,
    asked: Asked,
    caller: &Caller,
    (id, secret): (String, &str),
) -> Result<Invitation, Problem> {
    let (kind, grants_administration) = kind(context, asked.what).await?;
    if grants_administration {
        caller.require_to_grant_administration()?;
    }
    Ok(Invitation {
        format: Format,
        id,
        digest: Digest::of(secret.as_bytes()),
        kind,
        grants_administration,
        uses_left: asked.uses,
        created_at: context.now,
        by: caller.by.clone(),
        ends_at: context.now + span(asked.lifetime),
        attempts: Vec::new(),
    })
}

/// Returns what the invitation is for, and whether that grants administration.
async fn kind<P: Platform>(context: Context<'_, P>, what: AskedFor) -> Result<(Kind, bool), Problem> {
    let administrators = &context.server.settings.admin_groups;
    match what {
        AskedFor::Account { username, groups } => {
            let grants = administrators.include_any(&groups);
            Ok((Kind::Account { username, groups }, grants))
        }
        AskedFor::Recovery { username } => {
            let account = AccountKey::local(&username);
            let found = context.server.account(&account).await?.ok_or_else(nobody)?;
            Ok((Kind::Recovery { account }, administrators.include_any(&found.groups)))
        }
        AskedFor::FirstAdministrator => Ok((Kind::FirstAdministrator, true)),
    }
}

fn nobody() -> Problem {
    Problem::Invalid(vec![Fault::at("username", "no account has this username")])
}

/// Answers `DELETE /invitations/{id}`.
pub(super) async fn revoke<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let was_there = ask(context, RevokeInvitation { id: id.to_owned(), by }).await?;
    if !was_there {
        return Err(Problem::NotFound);
    }
    Ok(Done { outcome: "invitation_revoked", ..Done::read(Response::empty()) })
}
