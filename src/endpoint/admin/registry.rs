//! Commands from the admin API to the registry, and the problems that its refusals become.

use super::problem::Problem;
use crate::ask::Ask;
use crate::client::document::entry::MOST_ENTRIES;
use crate::client::history::Expected;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::registry::command::{AwaitReplicas, Command, MOST_SCOPES, RegistryRefusal};
use crate::registry::quota::{MOST_BYTES, MOST_CLIENTS};
use crate::sharding::Replica;

/// Sends a command that may change clients or scopes, and turns a refusal into a problem.
pub(crate) async fn ask<P, A, T>(context: Context<'_, P>, ask: A) -> Result<T, Problem>
where
    P: Platform,
    A: Ask<Command = Command, Reply = Result<T, RegistryRefusal>>,
{
    send(context, ask).await?.map_err(refused)
}

/// Sends a command that may change the registry. This isolate sees the change at once.
pub(super) async fn send<P, A>(context: Context<'_, P>, ask: A) -> Result<A::Reply, Problem>
where
    P: Platform,
    A: Ask<Command = Command>,
{
    prepare(context).await?;
    let reply = context.server.platform.registry(ask).await?;
    context.server.forget_snapshot();
    Ok(reply)
}

/// Waits until a change of the registry is effective everywhere. Returns the replicas that have not confirmed it, and whose
/// leases have ended instead.
pub(crate) async fn settled<P: Platform>(context: Context<'_, P>) -> Result<Vec<Replica>, Unavailable> {
    context.server.platform.registry(AwaitReplicas {}).await
}

/// Sends a command that only reads.
pub(super) async fn read<P, A>(context: Context<'_, P>, ask: A) -> Result<A::Reply, Problem>
where
    P: Platform,
    A: Ask<Command = Command>,
{
    prepare(context).await?;
    Ok(context.server.platform.registry(ask).await?)
}

/// Reads the outline, which in development stores the demo clients if no request has done so yet.
async fn prepare<P: Platform>(context: Context<'_, P>) -> Result<(), Unavailable> {
    context.server.outline(context.now).await.map(drop)
}

fn refused(refusal: RegistryRefusal) -> Problem {
    let conflict = |why: &str| Problem::Conflict(why.to_owned());
    match refusal {
        RegistryRefusal::Missing => Problem::NotFound,
        RegistryRefusal::Stale => Problem::PreconditionFailed,
        RegistryRefusal::Unknown(faults) => Problem::Invalid(faults),
        RegistryRefusal::TooMuch(fault) => Problem::Invalid(vec![fault]),
        RegistryRefusal::Exists => conflict("A client with this client_id already exists."),
        RegistryRefusal::NameTaken => Problem::Invalid(vec![Fault::at(
            "client_name",
            "client_name looks like the name of another client of this service",
        )]),
        RegistryRefusal::NoSecret => conflict("This client does not authenticate with a secret."),
        RegistryRefusal::Standard => {
            conflict("This is a standard scope: you can change its description, but not remove it.")
        }
        RegistryRefusal::Full => Problem::Conflict(format!(
            "The registry is full. It holds at most {MOST_CLIENTS} clients, whose records have at most {MOST_BYTES} \
             bytes in total, {MOST_SCOPES} scopes besides the standard ones, and {MOST_ENTRIES} entries for documents. \
             Half of the space for clients is reserved for operators."
        )),
        RegistryRefusal::InUse(1, first) => {
            Problem::Conflict(format!("The client {first:?} is registered for this scope."))
        }
        RegistryRefusal::InUse(users, first) => {
            Problem::Conflict(format!("{users} clients are registered for this scope, among them {first:?}."))
        }
    }
}

/// Reads `If-Match`, which a change requires so that nobody overwrites a change that somebody else made in
/// the meantime.
pub(super) fn expected<P>(context: Context<'_, P>) -> Result<Expected, Problem> {
    expected_if_any(context)?.ok_or(Problem::PreconditionRequired)
}

/// Reads `If-Match` where it is optional. An empty one is refused, because the program lost the `ETag` that it meant to
/// send. workerd hides an empty `If-Match`, so there it counts as absent.
pub(super) fn expected_if_any<P>(context: Context<'_, P>) -> Result<Option<Expected>, Problem> {
    let Some(text) = context.request.if_match.as_deref() else { return Ok(None) };
    let detail = "If-Match must be * or an ETag with its quotes, such as \"1700000000000.1\"";
    Expected::parse(text).map(Some).ok_or_else(|| Problem::Invalid(vec![Fault::at("If-Match", detail)]))
}
