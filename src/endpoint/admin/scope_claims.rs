//! The claim mapping of a scope, which is read and replaced as a whole.

use serde::Serialize;

use super::body;
use super::done::Done;
use super::problem::Problem;
use super::registry::ask;
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::registry::command::{FindMapping, MapScope};
use crate::token::mapping;
use crate::token::mapping::Rules;

/// The member that holds the rules.
const CLAIMS: &str = "claims";

#[derive(Serialize)]
struct Mapped {
    claims: Rules,
}

/// Answers `GET /scopes/{name}/claims`. A scope without rules has an empty list.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let claims = ask(context, FindMapping { name: name.to_owned() }).await?;
    Ok(Done::read(Response::json(200, &Mapped { claims })))
}

/// Answers `PUT /scopes/{name}/claims`. Refuses invalid rules; an empty list removes all rules.
pub(super) async fn write<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let mut members = Members::of(body::object(context.request)?);
    let claims = members.take(CLAIMS).unwrap_or_default();
    let claims = mapping::written::read(CLAIMS, claims).unwrap_or_else(|faults| {
        members.refuse_all(faults);
        Rules::default()
    });
    body::sound(members)?;
    let claims = ask(context, MapScope { name: name.to_owned(), claims, by }).await?;
    Ok(Done { outcome: "scope_mapped", ..Done::read(Response::json(200, &Mapped { claims })) })
}
