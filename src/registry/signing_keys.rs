//! What the `Registry` object does with its signing keys.
//!
//! Making a key takes time, and while it is waited for other commands run. So keys are made first, as many as are
//! missing by then, and what uses them is synchronous: see [`Rows::new_key`].

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Rows;
use super::key_schedule::{KeySchedule, NEVER, PUBLICATION, State};
use crate::client::Client;
use crate::format::Format;
use crate::time::Timestamp;
use crate::token::private_jwk::PrivateJwk;
use crate::token::signing_key::{Algorithm, PublicKey, StoredKey};

/// Asks the registry for something about its keys.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Which there are.
    List,
    /// New keys in place of those that sign.
    Rotate {
        /// For this algorithm only; for all that have a key, if absent.
        alg: Option<Algorithm>,
        /// Whether they are to sign at once, before everybody can have read them.
        at_once: bool,
    },
    /// Takes a key out, at once and for good.
    Retire {
        /// Its name.
        kid: String,
    },
    /// A key that the operator made.
    Import {
        /// The key.
        key: Box<PrivateJwk>,
        /// Whether it is to sign at once.
        at_once: bool,
    },
}

impl Command {
    /// Whether it changes anything.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        match self {
            Self::List => false,
            Self::Rotate { .. } | Self::Retire { .. } | Self::Import { .. } => true,
        }
    }
}

/// What the registry answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done, if something was to be done; these are the keys.
    Keys(Vec<KeyView>),
    /// No key has that name.
    Unknown,
    /// That key is here, or was and is retired.
    Known(State),
    /// The two halves do not belong together.
    Misfit,
    /// A key could not be made; nothing has changed.
    Unmade,
}

/// A key as an operator sees it. Instants are in seconds since 1970.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyView {
    /// Its thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub alg: Algorithm,
    /// What it is there for.
    pub state: State,
    /// When it was made or brought.
    pub created_at: u64,
    /// When it begins to sign, or began to; not while it stands by without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<u64>,
    /// Until when it verifies, once another signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<u64>,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<u64>,
    /// Whether an operator brought it.
    pub imported: bool,
}

/// A key pair that was just made or brought.
#[derive(Clone)]
pub struct NewKey {
    /// The public half.
    pub public: PublicKey,
    /// The private half, sealed: as [`StoredKey::wrapped`].
    pub wrapped: String,
}

impl NewKey {
    fn stored(self, signs_from: Timestamp, imported: bool, now: Timestamp) -> StoredKey {
        let (public, wrapped) = (self.public, self.wrapped);
        let signs_from = Some(signs_from);
        StoredKey { format: Format, public, wrapped, created_at: now, signs_from, retired_at: None, imported }
    }
}

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

/// The algorithms for which `command` may need a new key.
///
/// # Errors
///
/// Those of the rows.
pub fn wanted<R: Rows>(rows: &R, command: &Command, now: Timestamp) -> Result<Vec<Algorithm>, R::Error> {
    let keys = rows.keys()?;
    let ring = KeySchedule::new(&keys);
    let mut algorithms = match command {
        Command::List | Command::Import { .. } => Vec::new(),
        Command::Rotate { alg, .. } => rotated(ring, *alg, now),
        Command::Retire { kid } => {
            let key = ring.key(kid).filter(|key| ring.state(key, now) == State::Active);
            key.map(|key| key.public.alg).into_iter().collect()
        }
    };
    algorithms.retain(|alg| ring.announced(*alg, now).is_empty());
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
pub fn list<R: Rows>(rows: &R, now: Timestamp) -> Result<Reply, R::Error> {
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
            signs_from: Some(key.signs_from()).filter(|from| *from < NEVER).map(Timestamp::seconds),
            verifies_until,
            retired_at: key.retired_at.map(Timestamp::seconds),
            imported: key.imported,
        }
    };
    Ok(Reply::Keys(keys.iter().map(view).collect()))
}

/// `reply` with the keys as they are once the registry was tended.
///
/// # Errors
///
/// Those of the rows.
pub fn current<R: Rows>(rows: &R, reply: Reply, now: Timestamp) -> Result<Reply, R::Error> {
    match reply {
        Reply::Keys(_) => list(rows, now),
        Reply::Unknown | Reply::Known(_) | Reply::Misfit | Reply::Unmade => Ok(reply),
    }
}

/// New keys in place of those that sign: those that are announced are brought forward. Afterwards the registry must be
/// tended, as after every change: others have to stand by.
///
/// # Errors
///
/// Those of the rows.
pub fn rotate<R: Rows>(
    rows: &R,
    alg: Option<Algorithm>,
    at_once: bool,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    let keys = rows.keys()?;
    let mut next = Vec::new();
    for alg in rotated(KeySchedule::new(&keys), alg, now) {
        match follow(rows, &keys, alg, at_once, now) {
            Some(key) => next.push(key),
            None => return Ok(Reply::Unmade),
        }
    }
    next.iter().try_for_each(|key| rows.put_key(key))?;
    list(rows, now)
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
        let soon = if at_once { now } else { next.signs_from().min(published) };
        return Some(StoredKey { signs_from: Some(soon), ..next.clone() });
    }
    let from = if at_once { now } else { now + PUBLICATION };
    rows.new_key(alg).map(|new| new.stored(from, false, now))
}

/// Takes a key out: it signs and verifies no more, and its private half is gone. If it signed, another does from now.
///
/// # Errors
///
/// Those of the rows.
pub fn retire<R: Rows>(rows: &R, kid: &str, now: Timestamp) -> Result<Reply, R::Error> {
    let keys = rows.keys()?;
    let ring = KeySchedule::new(&keys);
    let Some(key) = ring.key(kid) else { return Ok(Reply::Unknown) };
    match ring.state(key, now) {
        State::Retired => return list(rows, now),
        State::Active => match follow(rows, &keys, key.public.alg, true, now) {
            Some(next) => rows.put_key(&next)?,
            None => return Ok(Reply::Unmade),
        },
        State::Announced | State::Verifying | State::Ended => {}
    }
    rows.put_key(&StoredKey { wrapped: String::new(), retired_at: Some(now), ..key.clone() })?;
    list(rows, now)
}

/// Stores a key that the operator made. Of ours that are announced for the same algorithm, the one that verifiers have
/// had longest stands by after it; the others, which would take its place, are withdrawn. None of them has signed.
///
/// # Errors
///
/// Those of the rows.
pub fn import<R: Rows>(rows: &R, new: NewKey, at_once: bool, now: Timestamp) -> Result<Reply, R::Error> {
    let keys = rows.keys()?;
    let ring = KeySchedule::new(&keys);
    if let Some(known) = ring.key(&new.public.kid) {
        return Ok(Reply::Known(ring.state(known, now)));
    }
    let alg = new.public.alg;
    let mut ours = ring.announced(alg, now);
    ours.retain(|key| !key.imported);
    ours.sort_by_key(|key| key.created_at);
    if let Some((oldest, others)) = ours.split_first() {
        rows.put_key(&StoredKey { signs_from: Some(NEVER), ..(*oldest).clone() })?;
        others.iter().try_for_each(|key| rows.remove_key(&key.public.kid))?;
    }
    let at_once = at_once || ring.active(alg, now).is_none();
    let from = if at_once { now } else { now + PUBLICATION };
    rows.put_key(&new.stored(from, true, now))?;
    list(rows, now)
}
