//! The admin API asks the registry; what it refuses becomes a problem.

use super::problem::Problem;
use crate::client::history::Expected;
use crate::endpoint::{Context, Platform};
use crate::registry;
use crate::registry::command::{Command, MOST_SCOPES, RegistryRefusal, Reply};
use crate::registry::quota::{MOST_BYTES, MOST_CLIENTS};

/// Asks for something that may change the registry; this isolate sees the change at once.
pub(in crate::endpoint) async fn ask<P: Platform>(
    context: Context<'_, P>,
    command: Command,
) -> Result<Reply, Problem> {
    // In development this stores the demo clients, if nobody has asked for anything yet.
    context.server.snapshot(context.now).await?;
    let is_change = command.is_change();
    let reply = context.server.platform.registry(&registry::Command::Manage(command)).await?;
    if is_change {
        context.server.forget_snapshot();
    }
    match reply {
        registry::Reply::Managed(Reply::Refused(refusal)) => Err(refused(refusal)),
        registry::Reply::Managed(reply) => Ok(reply),
        registry::Reply::Snapshot(_)
        | registry::Reply::AtSource(_)
        | registry::Reply::Keys(_)
        | registry::Reply::Undescribed { .. } => Err(Problem::Unavailable),
    }
}

fn refused(refusal: RegistryRefusal) -> Problem {
    let conflict = |why: &str| Problem::Conflict(why.to_owned());
    match refusal {
        RegistryRefusal::Missing => Problem::NotFound,
        RegistryRefusal::Stale => Problem::PreconditionFailed,
        RegistryRefusal::Unknown(faults) => Problem::Invalid(faults),
        RegistryRefusal::TooMuch(fault) => Problem::Invalid(vec![fault]),
        RegistryRefusal::Exists => conflict("There is a client with this client_id."),
        RegistryRefusal::NoSecret => conflict("This client does not authenticate with a secret."),
        RegistryRefusal::Standard => {
            conflict("This is a standard scope: it can be described anew, not removed.")
        }
        RegistryRefusal::Full => Problem::Conflict(format!(
            "There is room for {MOST_CLIENTS} clients, which together may be {MOST_BYTES} bytes as records, and for \
             {MOST_SCOPES} scopes besides the standard ones. Half of the room for clients is an operator's."
        )),
        RegistryRefusal::InUse(1, first) => {
            Problem::Conflict(format!("The client {first:?} may have this scope."))
        }
        RegistryRefusal::InUse(users, first) => {
            Problem::Conflict(format!("{users} clients may have this scope, {first:?} among them."))
        }
    }
}

/// What `If-Match` says; a change needs it, so that nobody overwrites what somebody else did meanwhile.
pub(super) fn expected<P>(context: Context<'_, P>) -> Result<Expected, Problem> {
    context.request.if_match.as_deref().map(Expected::parse).ok_or(Problem::PreconditionRequired)
}
