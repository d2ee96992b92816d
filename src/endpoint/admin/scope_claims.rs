//! The claim mapping of a scope: read, and put in place as a whole.

use serde::Serialize;

use super::problem::Problem;
use super::registry::ask;
use super::{Done, body};
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::{Context, Platform};
use crate::registry::command::{Command, Reply};
use crate::token::mapping;
use crate::token::mapping::Rules;

/// The member that holds the rules.
const CLAIMS: &str = "claims";

#[derive(Serialize)]
struct Mapped {
    claims: Rules,
}

/// `GET /scopes/{name}/claims`. No rules are an empty list.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    send(context, Command::Mapping { name: name.to_owned() }).await.map(Done::read)
}

/// `PUT /scopes/{name}/claims`. A faulty rule is refused here, and an empty list removes all.
pub(super) async fn write<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let mut members = Members::of(body::object(context.request)?);
    let claims = members.take(CLAIMS).unwrap_or_default();
    let claims = mapping::read(CLAIMS, claims).unwrap_or_else(|faults| {
        members.refuse_all(faults);
        Rules::default()
    });
    body::sound(members)?;
    let response = send(context, Command::Map { name: name.to_owned(), claims }).await?;
    Ok(Done { outcome: "scope_mapped", ..Done::read(response) })
}

async fn send<P: Platform>(context: Context<'_, P>, command: Command) -> Result<Response, Problem> {
    let Reply::Mapped(claims) = ask(context, command).await? else { return Err(Problem::Unavailable) };
    Ok(Response::json(200, &Mapped { claims }))
}
