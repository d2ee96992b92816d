//! What the `Registry` object does with its signing keys.
//!
//! Making a key takes time, and while it is waited for other commands run. So keys are made first, as many as are
//! missing by then, and what uses them is synchronous: see [`Rows::new_key`].

use core::time::Duration;

use super::command::{Command, KeyRefusal, KeyView, RetireKey, RotateKeys};
use super::key_schedule::{KeySchedule, NEVER, PUBLICATION, State};
use super::rows::{NewKey, Rows};
use crate::client::Client;
use crate::time::Timestamp;
use crate::token::signing_key::{Algorithm, StoredKey};

/// What a change leads to, if its rows can be read and written.
type Outcome<R> = Result<Result<(), KeyRefusal>, <R as Rows>::Error>;

/// Sees to it that every algorithm in use has the keys it should have by now, and removes those that have ended.
///
/// # Errors
///
/// Those of the rows. `Ok(Some(alg))` means that a key for `alg` must be made first.
pub fn tend<R: Rows>(
    rows: &R,
    rotation: Option<Duration>,
    now: Timestamp,
) -> Result<Option<Algorithm>, R::Error> {
    let algorithms = in_use(&rows.clients()?);
    loop {
        let keys = rows.keys()?;
        let ring = KeySchedule::new(&keys);
        if let Some(dated) = ring.misdated(&algorithms, rotation, now) {
            rows.put_key(&dated)?;
            continue;
        }
        let Some((alg, from)) = ring.missing(&algorithms, rotation, now) else { break };
        let Some(new) = rows.new_key(alg) else { return Ok(Some(alg)) };
        rows.put_key(&new.stored(from, false, now))?;
    }
    let keys = rows.keys()?;
    let ended = |key: &&StoredKey| KeySchedule::new(&keys).state(key, now) == State::Ended;
    keys.iter().filter(ended).try_for_each(|key| rows.remove_key(&key.public.kid))?;
    Ok(None)
}

/// The algorithms that clients use. Their keys are made when they are registered, so that nobody waits for one.
fn in_use(clients: &[Client]) -> Vec<Algorithm> {
    let of = |client: &Client| {
        let others = client.tokens.userinfo_signed_response_alg;
        [client.access_token_signed_response_alg, client.id_token_signed_response_alg]
            .into_iter()
            .chain(others)
    };
    let used: Vec<Algorithm> = clients.iter().flat_map(of).collect();
    let wanted = |alg: &Algorithm| Algorithm::FIRST.contains(alg) || used.contains(alg);
    Algorithm::ALL.into_iter().filter(wanted).collect()
}

/// The algorithms for which `command` needs a new key.
///
/// # Errors
///
/// A row could not be read.
pub fn wanted<R: Rows>(rows: &R, command: &Command, now: Timestamp) -> Result<Vec<Algorithm>, R::Error> {
    let keys = rows.keys()?;
    let schedule = KeySchedule::new(&keys);
    let mut algorithms = if let Command::RotateKeys(ask) = command {
        rotated(schedule, ask.alg, now)
    } else if let Command::RetireKey(RetireKey { kid }) = command {
        let key = schedule.key(kid).filter(|key| schedule.state(key, now) == State::Active);
        key.map(|key| key.public.alg).into_iter().collect()
    } else {
        Vec::new()
    };
    algorithms.retain(|alg| schedule.announced(*alg, now).is_empty());
    Ok(algorithms)
}

fn rotated(ring: KeySchedule<'_>, alg: Option<Algorithm>, now: Timestamp) -> Vec<Algorithm> {
    match alg {
        Some(alg) => vec![alg],
        None => ring.signing(now).into_iter().map(|signing| signing.alg).collect(),
    }
}

/// Which keys there are.
///
/// # Errors
///
/// Those of the rows.
pub(super) fn list<R: Rows>(rows: &R, now: Timestamp) -> Result<Vec<KeyView>, R::Error> {
    let keys = rows.keys()?;
    let ring = KeySchedule::new(&keys);
    let view = |key: &StoredKey| {
        let state = ring.state(key, now);
        let verifies_until = match state {
            State::Verifying => ring.verifies_until(key, now).map(Timestamp::seconds),
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

/// New keys in place of those that sign: those that are announced are brought forward. Afterwards the registry must be
/// tended, as after every change: others have to stand by.
///
/// # Errors
///
/// Those of the rows.
pub(super) fn rotate<R: Rows>(rows: &R, ask: &RotateKeys, now: Timestamp) -> Outcome<R> {
    let keys = rows.keys()?;
    let mut next = Vec::new();
    for alg in rotated(KeySchedule::new(&keys), ask.alg, now) {
        match follow(rows, &keys, alg, ask.at_once, now) {
            Some(key) => next.push(key),
            None => return Ok(Err(KeyRefusal::Unmade)),
        }
    }
    next.iter().try_for_each(|key| rows.put_key(key))?;
    Ok(Ok(()))
}

/// The key that is to sign with `alg` next, as soon as verifiers can have it or at once; `None` if there is none and
/// none was made.
fn follow<R: Rows>(
    rows: &R,
    keys: &[StoredKey],
    alg: Algorithm,
    at_once: bool,
    now: Timestamp,
) -> Option<StoredKey> {
    let ring = KeySchedule::new(keys);
    let at_once = at_once || ring.active(alg, now).is_none();
    let next = if at_once { ring.successor(alg, now) } else { ring.announced(alg, now).first().copied() };
    if let Some(next) = next {
        let published = (next.created_at + PUBLICATION).max(now);
        let soon = if at_once { now } else { next.signs_from.min(published) };
        return Some(StoredKey { signs_from: soon, ..next.clone() });
    }
    let from = if at_once { now } else { now + PUBLICATION };
    rows.new_key(alg).map(|new| new.stored(from, false, now))
}

/// Takes a key out: it signs and verifies no more, and its private half is gone. If it signed, another does from now.
///
/// # Errors
///
/// Those of the rows.
pub(super) fn retire<R: Rows>(rows: &R, kid: &str, now: Timestamp) -> Outcome<R> {
    let keys = rows.keys()?;
    let ring = KeySchedule::new(&keys);
    let Some(key) = ring.key(kid) else { return Ok(Err(KeyRefusal::Unknown)) };
    match ring.state(key, now) {
        State::Retired => return Ok(Ok(())),
        State::Active => match follow(rows, &keys, key.public.alg, true, now) {
            Some(next) => rows.put_key(&next)?,
            None => return Ok(Err(KeyRefusal::Unmade)),
        },
        State::Announced | State::Verifying | State::Ended => {}
    }
    rows.put_key(&StoredKey { wrapped: String::new(), retired_at: Some(now), ..key.clone() })?;
    Ok(Ok(()))
}

/// Stores a key that the operator made. Of ours that are announced for the same algorithm, the one that verifiers have
/// had longest stands by after it; the others, which would take its place, are withdrawn. None of them has signed.
///
/// # Errors
///
/// Those of the rows.
pub(super) fn import<R: Rows>(rows: &R, new: NewKey, at_once: bool, now: Timestamp) -> Outcome<R> {
    let keys = rows.keys()?;
    let ring = KeySchedule::new(&keys);
    if let Some(known) = ring.key(&new.public.kid) {
        return Ok(Err(KeyRefusal::Known(ring.state(known, now))));
    }
    let alg = new.public.alg;
    let mut ours = ring.announced(alg, now);
    ours.retain(|key| !key.imported);
    ours.sort_by_key(|key| key.created_at);
    if let Some((oldest, others)) = ours.split_first() {
        rows.put_key(&StoredKey { signs_from: NEVER, ..(*oldest).clone() })?;
        others.iter().try_for_each(|key| rows.remove_key(&key.public.kid))?;
    }
    let at_once = at_once || ring.active(alg, now).is_none();
    let from = if at_once { now } else { now + PUBLICATION };
    rows.put_key(&new.stored(from, true, now))?;
    Ok(Ok(()))
}
