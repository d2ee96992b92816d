//! Clients: made, changed, and given new secrets.

use super::Rows;
use super::command::{RegistryRefusal, Reply, Trial};
use super::quota::overweight;
use crate::client::history::{Expected, History};
use crate::client::{Authentication, Client, Retiring};
use crate::fault::Fault;
use crate::secret::Digest;
use crate::time::Timestamp;

pub(crate) fn create<R: Rows>(
    rows: &R,
    client: Client,
    dry_run: Option<&Trial>,
    by_itself: bool,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    if rows.client(&client.client_id)?.is_some() {
        return Ok(Reply::Refused(RegistryRefusal::Exists));
    }
    let is_new_secret = matches!(client.authentication, Authentication::Secret { .. });
    let client = Client { history: History::beginning(now), ..client };
    if !rows.size()?.with(None, &client).fits(if by_itself { 2 } else { 1 }) {
        return Ok(Reply::Refused(RegistryRefusal::Full));
    }
    put(rows, client, is_new_secret, dry_run)
}

pub(crate) fn replace<R: Rows>(
    rows: &R,
    client: Client,
    expected: &Expected,
    dry_run: Option<&Trial>,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    let before = match find(rows, &client.client_id, expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Reply::Refused(refusal)),
    };
    let size = rows.size()?;
    let history = before.history.changed(now);
    let (authentication, is_new_secret) =
        keep_secret(before.authentication.clone(), client.authentication.clone());
    let client = Client { authentication, history, ..client };
    let after = size.with(Some(&before), &client);
    if after.bytes > size.bytes && !after.fits(1) {
        return Ok(Reply::Refused(RegistryRefusal::Full));
    }
    put(rows, client, is_new_secret, dry_run)
}

/// The new way to authenticate, with the secret there was; whether there was none and the new one is it.
fn keep_secret(before: Authentication, after: Authentication) -> (Authentication, bool) {
    match (before, after) {
        (Authentication::Secret { digest, previous, .. }, Authentication::Secret { by, .. }) => {
            (Authentication::Secret { digest, previous, by }, false)
        }
        (_, after @ Authentication::Secret { .. }) => (after, true),
        (_, after) => (after, false),
    }
}

/// Writes a client, unless nobody could consent to what it may have.
fn put<R: Rows>(
    rows: &R,
    client: Client,
    is_new_secret: bool,
    dry_run: Option<&Trial>,
) -> Result<Reply, R::Error> {
    let known = rows.scopes()?;
    let assumed = dry_run.map(|trial| &trial.scopes);
    let is_known = |name: &str| known.contains_key(name) || assumed.is_some_and(|scopes| scopes.has(name));
    let unknown: Vec<Fault> = client.scope.iter().filter(|name| !is_known(name)).map(undescribed).collect();
    if !unknown.is_empty() {
        return Ok(Reply::Refused(RegistryRefusal::Unknown(unknown)));
    }
    if let Some(fault) = overweight(&client, &rows.scope_claims()?) {
        return Ok(Reply::Refused(RegistryRefusal::TooMuch(fault)));
    }
    if dry_run.is_none() {
        rows.put_client(&client)?;
    }
    Ok(Reply::Client { client: Box::new(client), is_new_secret })
}

fn undescribed(name: &str) -> Fault {
    Fault::at("scope", format!("scope has {name:?}, which nothing describes: describe it first"))
}

pub(crate) fn find<R: Rows>(
    rows: &R,
    client_id: &str,
    expected: &Expected,
) -> Result<Result<Client, RegistryRefusal>, R::Error> {
    Ok(match rows.client(client_id)? {
        None => Err(RegistryRefusal::Missing),
        Some(client) if expected.holds(&client.history) => Ok(client),
        Some(_) => Err(RegistryRefusal::Stale),
    })
}

pub(crate) fn rotate<R: Rows>(
    rows: &R,
    client: Client,
    secret: Digest,
    until: Timestamp,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    let Authentication::Secret { digest, by, .. } = client.authentication else {
        return Ok(Reply::Refused(RegistryRefusal::NoSecret));
    };
    let previous = (now < until).then_some(Retiring { digest, until });
    let authentication = Authentication::Secret { digest: secret, previous, by };
    let client = Client { authentication, history: client.history.changed(now), ..client };
    rows.put_client(&client)?;
    Ok(Reply::Client { client: Box::new(client), is_new_secret: true })
}
