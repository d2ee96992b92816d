//! Scopes: their words, and how their claims are mapped.

use super::Rows;
use super::command::{MOST_SCOPES, RegistryRefusal, Reply};
use super::quota::overweight;
use crate::fault::Fault;
use crate::scope::DESCRIPTIONS;
use crate::token::mapping::Rules;

pub(crate) fn describe<R: Rows>(rows: &R, name: &str, description: &str) -> Result<Reply, R::Error> {
    let scopes = rows.scopes()?;
    let is_new = !scopes.contains_key(name);
    if is_new && scopes.len() >= DESCRIPTIONS.len() + MOST_SCOPES {
        return Ok(Reply::Refused(RegistryRefusal::Full));
    }
    rows.put_scope(name, description)?;
    Ok(Reply::Described(is_new))
}

pub(crate) fn map<R: Rows>(rows: &R, name: &str, claims: Option<Rules>) -> Result<Reply, R::Error> {
    if !rows.scopes()?.contains_key(name) {
        return Ok(Reply::Refused(RegistryRefusal::Missing));
    }
    if let Some(claims) = claims {
        if let Some(fault) = overweight_by(rows, name, &claims)? {
            return Ok(Reply::Refused(RegistryRefusal::TooMuch(fault)));
        }
        rows.put_scope_claims(name, &claims)?;
    }
    let claims = rows.scope_claims()?.remove(name).unwrap_or_default();
    Ok(Reply::Mapped(claims))
}

/// What is wrong if the tokens of a client that may have the scope could get too large.
fn overweight_by<R: Rows>(rows: &R, name: &str, claims: &Rules) -> Result<Option<Fault>, R::Error> {
    let mut scopes = rows.scope_claims()?;
    let before = scopes.insert(name.to_owned(), claims.clone()).unwrap_or_default();
    // Making it lighter is always right.
    if claims.weight() <= before.weight() {
        return Ok(None);
    }
    let users = rows.clients()?.into_iter().filter(|client| client.scope.has(name));
    Ok(users.into_iter().find_map(|client| overweight(&client, &scopes)))
}

pub(crate) fn forget<R: Rows>(rows: &R, name: &str) -> Result<Reply, R::Error> {
    let users = rows.clients()?.into_iter().filter(|client| client.scope.has(name));
    let users: Vec<String> = users.map(|client| client.client_id).collect();
    Ok(match (rows.scopes()?.contains_key(name), users.first()) {
        (false, _) => Reply::Refused(RegistryRefusal::Missing),
        (true, _) if DESCRIPTIONS.iter().any(|(standard, _)| *standard == name) => {
            Reply::Refused(RegistryRefusal::Standard)
        }
        (true, Some(first)) => Reply::Refused(RegistryRefusal::InUse(users.len(), first.clone())),
        (true, None) => {
            rows.remove_scope(name)?;
            rows.put_scope_claims(name, &Rules::default())?;
            Reply::Removed
        }
    })
}
