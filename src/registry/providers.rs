//! Creates, replaces and deletes OpenID Providers.

use super::command::{CreateProvider, DeleteProvider, MOST_PROVIDERS, ProviderRefusal, ReplaceProvider};
use super::rows::Rows;
use super::told::{tell, tell_provider};
use crate::audit::change::Changed;
use crate::client::history::{Expected, History};
use crate::time::Timestamp;
use crate::upstream::provider::{Provider, ProviderId};

/// The result of a change, or why it is refused. The outer error means that a row could not be read or
/// written.
type Outcome<T, R> = Result<Result<T, ProviderRefusal>, <R as Rows>::Error>;

pub(super) fn create<R: Rows>(rows: &R, ask: CreateProvider, now: Timestamp) -> Outcome<Provider, R> {
    let CreateProvider { provider, dry_run, by } = ask;
    let provider = Provider { history: History::beginning(now), ..*provider };
    if rows.provider(&provider.id)?.is_some() {
        return Ok(Err(ProviderRefusal::Exists));
    }
    if let Some(refusal) = taken(rows, &provider)? {
        return Ok(Err(refusal));
    }
    if rows.providers()?.len() >= MOST_PROVIDERS {
        return Ok(Err(ProviderRefusal::Full));
    }
    if !dry_run {
        rows.put_provider(&provider)?;
        tell(rows, Changed::ProviderCreated, Some(provider.id.as_str()), by, now)?;
    }
    Ok(Ok(provider))
}

/// Returns the refusal if the identifier stands for another source of people than this provider, or another provider has the
/// same SCIM token.
fn taken<R: Rows>(rows: &R, provider: &Provider) -> Result<Option<ProviderRefusal>, R::Error> {
    let source = rows.source_of(&provider.id)?.filter(|source| *source != provider.source());
    if let Some(source) = source {
        return Ok(Some(ProviderRefusal::Taken(source)));
    }
    let is_same = |other: &Provider| {
        other.id != provider.id && other.scim_token.is_some() && other.scim_token == provider.scim_token
    };
    Ok(rows.providers()?.into_iter().find(is_same).map(|other| ProviderRefusal::SameToken(other.id)))
}

pub(super) fn replace<R: Rows>(rows: &R, ask: ReplaceProvider, now: Timestamp) -> Outcome<Provider, R> {
    let ReplaceProvider { provider, expected, dry_run, by } = ask;
    let before = match find(rows, &provider.id, &expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = taken(rows, &provider)? {
        return Ok(Err(refusal));
    }
    let provider = Provider { history: before.history.changed(now), ..*provider };
    if !dry_run {
        rows.put_provider(&provider)?;
        tell_provider(rows, &before, &provider, by, now)?;
    }
    Ok(Ok(provider))
}

pub(super) fn delete<R: Rows>(rows: &R, ask: DeleteProvider, now: Timestamp) -> Outcome<(), R> {
    if let Err(refusal) = find(rows, &ask.id, &ask.expected)? {
        return Ok(Err(refusal));
    }
    rows.remove_provider(&ask.id)?;
    tell(rows, Changed::ProviderDeleted, Some(ask.id.as_str()), ask.by, now)?;
    Ok(Ok(()))
}

fn find<R: Rows>(rows: &R, id: &ProviderId, expected: &Expected) -> Outcome<Provider, R> {
    Ok(match rows.provider(id)? {
        None => Err(ProviderRefusal::Missing),
        Some(provider) if expected.holds(&provider.history) => Ok(provider),
        Some(_) => Err(ProviderRefusal::Stale),
    })
}
