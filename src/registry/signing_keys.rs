//! Makes sure that every algorithm in use has its keys, and lists, rotates, retires and imports keys.
//!
//! Making a key is asynchronous, and other commands can run in the meantime. So the missing keys are made
//! first, and the code that uses them is synchronous: see [`Rows::new_key`].

use core::time::Duration;

use super::command::{Command, KeyRefusal, KeyView, RetireKey, RotateKeys};
use super::key_schedule::{KeySchedule, NEVER, PUBLICATION, State};
use super::rows::{NewKey, Rows, StoredKey};
use super::told::tell;
use crate::audit::change::{Actor, Changed};
use crate::order;
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;

/// The result of a change, or why it is refused. The outer error means that a row could not be read or
/// written.
type Outcome<R> = Result<Result<(), KeyRefusal>, <R as Rows>::Error>;

/// Gives every algorithm in use the keys that it should have by now, and removes the keys that have ended.
///
/// Returns an algorithm if a key for it must be made first. The caller then makes one and tries again.
///
/// # Errors
///
/// A row could not be read or written.
pub fn tend<R: Rows>(
    rows: &R,
    rotation: Option<Duration>,
    now: Timestamp,
) -> Result<Option<Algorithm>, R::Error> {
    let algorithms = in_use(rows)?;
    loop {
        let keys = rows.keys()?;
        let schedule = KeySchedule::new(&keys);
        if let Some(dated) = schedule.misdated(&algorithms, rotation, now) {
            rows.put_key(&dated)?;
            continue;
        }
        let Some((alg, from)) = schedule.missing(&algorithms, rotation, now) else { break };
        let Some(new) = rows.new_key(alg) else { return Ok(Some(alg)) };
        rows.put_key(&new.stored(from, false, now))?;
    }
    let keys = rows.keys()?;
    let ended = |key: &&StoredKey| KeySchedule::new(&keys).state(key, now) == State::Ended;
    keys.iter().filter(ended).try_for_each(|key| rows.remove_key(&key.public.kid))?;
    Ok(None)
}

/// Returns the algorithms that need keys: those that clients use, those with which this server authenticates to
/// providers, and those that have keys from the start. A client's keys are made when it is registered, so that no request
/// waits for one.
fn in_use<R: Rows>(rows: &R) -> Result<Vec<Algorithm>, R::Error> {
    let mut unused = Algorithm::ALL.to_vec();
    unused.retain(|alg| !Algorithm::FIRST.contains(alg));
    rows.each_client(|client| {
        let others = client.tokens.userinfo_signed_response_alg;
        let used = [client.access_token_signed_response_alg, client.id_token_signed_response_alg];
        unused.retain(|alg| !used.contains(alg) && others != Some(*alg));
    })?;
    for provider in rows.providers()? {
        unused.retain(|alg| provider.authentication.signing_alg() != Some(*alg));
    }
    Ok(Algorithm::ALL.into_iter().filter(|alg| !unused.contains(alg)).collect())
}

/// Returns whether a command waits until every algorithm in use has its keys: if it reads or changes keys, if it is part of
/// a redemption or refresh, or if more algorithms may be in use after it. For no other command is a key made first, so
/// that no device waits for one when it starts.
#[must_use]
pub const fn waits(command: &Command) -> bool {
    match command {
        Command::FindAtSource(ask) => ask.using,
        Command::FindKeys(_)
        | Command::ListKeys(_)
        | Command::RotateKeys(_)
        | Command::RetireKey(_)
        | Command::ImportKey(_)
        | Command::CreateClient(_)
        | Command::ReplaceClient(_)
        | Command::CreateProvider(_)
        | Command::ReplaceProvider(_) => true,
        Command::TakeOutline(_)
        | Command::Invalidate(_)
        | Command::AwaitReplicas(_)
        | Command::FindPolicy(_)
        | Command::ListPolicies(_)
        | Command::ListExceptions(_)
        | Command::FindException(_)
        | Command::CreateException(_)
        | Command::ReplaceException(_)
        | Command::RenewException(_)
        | Command::EndException(_)
        | Command::ListKillSwitches(_)
        | Command::SetKillSwitch(_)
        | Command::EndKillSwitch(_)
        | Command::AskForAccess(_)
        | Command::ListAccessRequests(_)
        | Command::FindAccessRequest(_)
        | Command::FindOwnAccessRequests(_)
        | Command::GrantAccess(_)
        | Command::RefuseAccess(_)
        | Command::ReplacePolicy(_)
        | Command::RollBackPolicy(_)
        | Command::SeedClients(_)
        | Command::ListClients(_)
        | Command::DeleteClient(_)
        | Command::RotateSecret(_)
        | Command::FindLogo(_)
        | Command::KeepLogo(_)
        | Command::ListScopes(_)
        | Command::DescribeScope(_)
        | Command::MapScope(_)
        | Command::FindMapping(_)
        | Command::RemoveScope(_)
        | Command::ListInventory(_)
        | Command::FindInventory(_)
        | Command::PutInventory(_)
        | Command::RemoveInventory(_)
        | Command::ListDocuments(_)
        | Command::AllowDocument(_)
        | Command::RemoveDocument(_)
        | Command::CreateAdminToken(_)
        | Command::ListAdminTokens(_)
        | Command::RevokeAdminToken(_)
        | Command::UseAdminToken(_)
        | Command::CreateInvitation(_)
        | Command::ListInvitations(_)
        | Command::RevokeInvitation(_)
        | Command::FindInvitation(_)
        | Command::SpendInvitation(_)
        | Command::ListProviders(_)
        | Command::FindProvider(_)
        | Command::DeleteProvider(_)
        | Command::NotePasskey(_)
        | Command::FindFirstIssuer(_) => false,
    }
}

/// Returns the algorithms for which `command` needs a new key.
///
/// # Errors
///
/// A row could not be read.
pub fn wanted<R: Rows>(rows: &R, command: &Command, now: Timestamp) -> Result<Vec<Algorithm>, R::Error> {
    let keys = rows.keys()?;
    let schedule = KeySchedule::new(&keys);
    let mut algorithms = if let Command::RotateKeys(ask) = command {
        rotated(schedule, ask.alg, now)
    } else if let Command::RetireKey(RetireKey { kid, .. }) = command {
        let key = schedule.key(kid).filter(|key| schedule.state(key, now) == State::Active);
        key.map(|key| key.public.alg).into_iter().collect()
    } else {
        Vec::new()
    };
    algorithms.retain(|alg| schedule.announced(*alg, now).is_empty());
    Ok(algorithms)
}

fn rotated(schedule: KeySchedule<'_>, alg: Option<Algorithm>, now: Timestamp) -> Vec<Algorithm> {
    match alg {
        Some(alg) => vec![alg],
        None => schedule.signing(now).into_iter().map(|signing| signing.alg).collect(),
    }
}

pub(super) fn list<R: Rows>(rows: &R, now: Timestamp) -> Result<Vec<KeyView>, R::Error> {
    let keys = rows.keys()?;
    let schedule = KeySchedule::new(&keys);
    let view = |key: &StoredKey| {
        let state = schedule.state(key, now);
        let verifies_until = match state {
            State::Verifying => schedule.verifies_until(key, now).map(Timestamp::seconds),
            State::Announced | State::Active | State::Ended | State::Retired => None,
        };
        KeyView {
            kid: key.public.kid.clone(),
            alg: key.public.alg,
            state,
            created_at: key.created_at.seconds(),
            signs_from: Some(key.signs_from).filter(|from| *from < NEVER).map(Timestamp::seconds),
            verifies_until,
            retired_at: key.retired_at.map(Timestamp::seconds),
            imported: key.imported,
        }
    };
    Ok(keys.iter().map(view).collect())
}

/// Replaces the keys that sign: the announced keys take over before their turn. Afterwards the caller tends
/// the keys ([`tend`]), as after every change, so that other keys stand by.
pub(super) fn rotate<R: Rows>(rows: &R, ask: RotateKeys, now: Timestamp) -> Outcome<R> {
    let keys = rows.keys()?;
    let mut next = Vec::new();
    for alg in rotated(KeySchedule::new(&keys), ask.alg, now) {
        match follow(rows, &keys, alg, ask.at_once, now) {
            Some(key) => next.push(key),
            None => return Ok(Err(KeyRefusal::Unmade)),
        }
    }
    next.iter().try_for_each(|key| rows.put_key(key))?;
    let alg = ask.alg.map(Algorithm::name);
    tell(rows, Changed::KeysRotated, alg, ask.by, now)?;
    Ok(Ok(()))
}

/// Returns the key that signs with `alg` next, as soon as verifiers can have it or at once; `None` if no key
/// is announced and none was made.
fn follow<R: Rows>(
    rows: &R,
    keys: &[StoredKey],
    alg: Algorithm,
    at_once: bool,
    now: Timestamp,
) -> Option<StoredKey> {
    let schedule = KeySchedule::new(keys);
    let at_once = at_once || schedule.active(alg, now).is_none();
    let next =
        if at_once { schedule.successor(alg, now) } else { schedule.announced(alg, now).first().copied() };
    if let Some(next) = next {
        let published = (next.created_at + PUBLICATION).max(now);
        let soon = if at_once { now } else { next.signs_from.min(published) };
        return Some(StoredKey { signs_from: soon, ..next.clone() });
    }
    let from = if at_once { now } else { now + PUBLICATION };
    rows.new_key(alg).map(|new| new.stored(from, false, now))
}

/// Retires a key: it neither signs nor verifies any more, and its private half is deleted. If it was signing,
/// another key signs from now on.
pub(super) fn retire<R: Rows>(rows: &R, ask: RetireKey, now: Timestamp) -> Outcome<R> {
    let keys = rows.keys()?;
    let schedule = KeySchedule::new(&keys);
    let Some(key) = schedule.key(&ask.kid) else { return Ok(Err(KeyRefusal::Unknown)) };
    match schedule.state(key, now) {
        State::Retired => return Ok(Ok(())),
        State::Active => match follow(rows, &keys, key.public.alg, true, now) {
            Some(next) => rows.put_key(&next)?,
            None => return Ok(Err(KeyRefusal::Unmade)),
        },
        State::Announced | State::Verifying | State::Ended => {}
    }
    rows.put_key(&StoredKey { wrapped: String::new(), retired_at: Some(now), ..key.clone() })?;
    tell(rows, Changed::KeyRetired, Some(&ask.kid), ask.by, now)?;
    Ok(Ok(()))
}

/// Stores a key that an operator made. Of the server's own announced keys for the same algorithm, the one
/// that was published first stands by behind it. The others, which would replace it, are removed; none of
/// them has signed anything.
pub(super) fn import<R: Rows>(rows: &R, new: NewKey, at_once: bool, by: Actor, now: Timestamp) -> Outcome<R> {
    let keys = rows.keys()?;
    let schedule = KeySchedule::new(&keys);
    if let Some(known) = schedule.key(&new.public.kid) {
        return Ok(Err(KeyRefusal::Known(schedule.state(known, now))));
    }
    let alg = new.public.alg;
    let mut ours = schedule.announced(alg, now);
    ours.retain(|key| !key.imported);
    order::sort_by_key(&mut ours, |key| key.created_at);
    if let Some((oldest, others)) = ours.split_first() {
        rows.put_key(&StoredKey { signs_from: NEVER, ..(*oldest).clone() })?;
        others.iter().try_for_each(|key| rows.remove_key(&key.public.kid))?;
    }
    let at_once = at_once || schedule.active(alg, now).is_none();
    let from = if at_once { now } else { now + PUBLICATION };
    let key = new.stored(from, true, now);
    rows.put_key(&key)?;
    tell(rows, Changed::KeyImported, Some(&key.public.kid), by, now)?;
    Ok(Ok(()))
}
