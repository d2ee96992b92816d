//! Describes, maps and removes scopes.

use std::collections::BTreeMap;

use super::command::{DescribeScope, MOST_SCOPES, MapScope, RegistryRefusal, RemoveScope, ScopeNow};
use super::quota::{overweight, overweight_entry};
use super::rows::Rows;
use super::told::tell;
use crate::audit::change::Changed;
use crate::fault::Fault;
use crate::identity::demand::Demand;
use crate::order;
use crate::scope::DESCRIPTIONS;
use crate::time::Timestamp;
use crate::token::mapping::Rules;

/// The result of a change, or why it is refused. The outer error means that a row could not be read or
/// written.
type Outcome<T, R> = Result<Result<T, RegistryRefusal>, <R as Rows>::Error>;

/// Returns the fault of a client or an entry with a scope that nobody could consent to.
pub(super) fn undescribed(name: &str) -> Fault {
    Fault::at("scope", format!("scope has {name:?}, which has no description: describe that scope first"))
}

/// Returns every scope.
pub(super) fn list<R: Rows>(rows: &R) -> Result<BTreeMap<String, ScopeNow>, R::Error> {
    let mut demands = rows.scope_demands()?;
    let now = |(name, description): (String, String)| {
        let sign_in = demands.remove(&name).unwrap_or_default();
        (name, ScopeNow { description, sign_in })
    };
    Ok(order::map(rows.scopes()?.into_iter().map(now)))
}

/// Describes a scope, and adds the scope if it is new. Returns `true` if it was new.
pub(super) fn describe<R: Rows>(rows: &R, ask: DescribeScope, now: Timestamp) -> Outcome<bool, R> {
    let scopes = rows.scopes()?;
    let is_new = !scopes.contains_key(&ask.name);
    if is_new && scopes.len() >= DESCRIPTIONS.len() + MOST_SCOPES {
        return Ok(Err(RegistryRefusal::Full));
    }
    rows.put_scope(&ask.name, &ask.now.description)?;
    rows.put_scope_demand(&ask.name, &ask.now.sign_in)?;
    tell(rows, Changed::ScopeDescribed, Some(&ask.name), ask.by, now)?;
    Ok(Ok(is_new))
}

pub(super) fn map<R: Rows>(rows: &R, ask: MapScope, now: Timestamp) -> Outcome<Rules, R> {
    if !rows.scopes()?.contains_key(&ask.name) {
        return Ok(Err(RegistryRefusal::Missing));
    }
    if let Some(fault) = overweight_by(rows, &ask.name, &ask.claims)? {
        return Ok(Err(RegistryRefusal::TooMuch(fault)));
    }
    rows.put_scope_claims(&ask.name, &ask.claims)?;
    tell(rows, Changed::ScopeMapped, Some(&ask.name), ask.by, now)?;
    mapping(rows, &ask.name)
}

pub(super) fn mapping<R: Rows>(rows: &R, name: &str) -> Outcome<Rules, R> {
    if !rows.scopes()?.contains_key(name) {
        return Ok(Err(RegistryRefusal::Missing));
    }
    Ok(Ok(rows.scope_claims()?.remove(name).unwrap_or_default()))
}

/// Returns what is wrong if the tokens of a client that is registered for the scope could become too large.
fn overweight_by<R: Rows>(rows: &R, name: &str, claims: &Rules) -> Result<Option<Fault>, R::Error> {
    let mut scopes = rows.scope_claims()?;
    let before = scopes.insert(name.to_owned(), claims.clone()).unwrap_or_default();
    // A mapping that adds no more than before is always allowed.
    if claims.weight() <= before.weight() {
        return Ok(None);
    }
    let mut fault = None;
    rows.each_client(|client| {
        if fault.is_none() && client.scope.has(name) {
            fault = overweight(&client, &scopes);
        }
    })?;
    let documents = rows.documents()?;
    let mut with_scope = documents.iter().filter(|entry| entry.scope.has(name));
    Ok(fault.or_else(|| with_scope.find_map(|entry| overweight_entry(entry, &scopes))))
}

pub(super) fn remove<R: Rows>(rows: &R, ask: RemoveScope, now: Timestamp) -> Outcome<(), R> {
    let name = ask.name.as_str();
    let (mut users, mut first) = (0, None);
    rows.each_client(|client| {
        if client.scope.has(name) {
            users += 1;
            first.get_or_insert(client.client_id);
        }
    })?;
    for entry in rows.documents()?.iter().filter(|entry| entry.scope.has(name)) {
        users += 1;
        first.get_or_insert_with(|| entry.entry.as_str().to_owned());
    }
    Ok(match (rows.scopes()?.contains_key(name), first) {
        (false, _) => Err(RegistryRefusal::Missing),
        (true, _) if DESCRIPTIONS.iter().any(|(standard, _)| *standard == name) => {
            Err(RegistryRefusal::Standard)
        }
        (true, Some(first)) => Err(RegistryRefusal::InUse(users, first)),
        (true, None) => {
            rows.remove_scope(name)?;
            rows.put_scope_claims(name, &Rules::default())?;
            rows.put_scope_demand(name, &Demand::default())?;
            tell(rows, Changed::ScopeRemoved, Some(name), ask.by, now)?;
            Ok(())
        }
    })
}
