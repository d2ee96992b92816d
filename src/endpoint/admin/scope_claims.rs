//! The claim mapping of a scope: read, put in place as a whole, removed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::client::registry::{Command, Reply};
use crate::endpoint::{Context, Platform};
use crate::fault::Fault;
use crate::token::mapping::Rules;

/// The rules of one scope.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeClaims {
    claims: Rules,
}

/// The rules as they are now; none is an empty list.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, scope: &str) -> Result<ScopeClaims, Problem> {
    let Reply::Snapshot(snapshot) = context.server.platform.registry(&Command::Snapshot).await? else {
        return Err(Problem::Unavailable);
    };
    if !snapshot.scopes.contains_key(scope) {
        return Err(Problem::NotFound);
    }
    Ok(ScopeClaims { claims: snapshot.scope_claims.get(scope).cloned().unwrap_or_default() })
}

/// Puts rules in place of those that are there. A faulty one is refused here.
pub(super) async fn write<P: Platform>(
    context: Context<'_, P>,
    scope: &str,
    body: Map<String, Value>,
) -> Result<ScopeClaims, Problem> {
    let faulty = |error: serde_json::Error| Problem::Invalid(vec![Fault::at("claims", error.to_string())]);
    let ScopeClaims { claims } = serde_json::from_value(body.into()).map_err(faulty)?;
    read(context, scope).await?;
    let command = Command::MapScope { scope: scope.to_owned(), claims: claims.clone() };
    match context.server.platform.registry(&command).await? {
        Reply::Snapshot(_) => Ok(ScopeClaims { claims }),
        Reply::Client(_) | Reply::Keys(_) | Reply::Undescribed { .. } => Err(Problem::Unavailable),
    }
}
