//! Counts live codes where they are stored, and says whether there is room for another one.
//!
//! All codes of a network in a region are in one shard, or in a few ([`candidates`](super::routing::candidates)). Each shard
//! counts its codes in a record for each network and in one for all of them, whose sizes do not grow with the codes. A code
//! counts until it expires, or until it can no longer lead to tokens.

use super::command::{Caps, Opened};
use super::rows::Rows;
use super::{Grant, Request};
use crate::network::{Prefix, WIDEST_FACTOR, Width};
use crate::tally::{Part, Tally};
use crate::time::{Timestamp, ceil_seconds};

/// Returns the part of a network that is `prefix`; `None` for the widest one, which is all of it.
fn part(request: &Request, prefix: &Prefix) -> Option<Part> {
    (prefix != request.network.widest()).then(|| Part::of(&[&prefix.to_string()]))
}

fn part_of_client(request: &Request, prefix: &Prefix) -> Part {
    Part::of(&[&request.client_id, &prefix.to_string()])
}

fn parts(request: &Request) -> Vec<Part> {
    let prefixes = || request.network.prefixes();
    let of_client = prefixes().map(|prefix| part_of_client(request, prefix));
    prefixes().filter_map(|prefix| part(request, prefix)).chain(of_client).collect()
}

/// Counts the code of a new grant. Returns how many are live in the shard now, or why there is no room.
pub(super) fn count<R: Rows>(
    rows: &R,
    grant: &Grant,
    caps: Caps,
    now: Timestamp,
) -> Result<Opened, R::Error> {
    let request = &grant.request;
    let (mut own, mut all) = (rows.codes_of(request.network.widest())?.at(now), rows.codes()?.at(now));
    let live = all.codes.count(None);
    if let Some(full) = full(request, &own.codes, caps.client, now) {
        return Ok(full);
    }
    if live >= caps.shard {
        return Ok(Opened::Full(wait(all.codes.first(None), now)));
    }
    if let Some(crowded) = crowded(request, &own.codes, caps.shard - live, now) {
        return Ok(crowded);
    }
    own.codes.add(grant.expires_at, &parts(request));
    all.codes.add(grant.expires_at, &[]);
    rows.put_codes_of(request.network.widest(), &own)?;
    rows.put_codes(all);
    Ok(Opened::Live(live + 1))
}

/// Stops counting the code of a grant that can no longer lead to tokens. The caller tells the event of it.
pub(super) fn release<R: Rows>(rows: &R, grant: &Grant, now: Timestamp) -> Result<(), R::Error> {
    if grant.expires_at <= now {
        return Ok(());
    }
    let network = grant.request.network.widest();
    let (mut own, mut all) = (rows.codes_of(network)?.at(now), rows.codes()?.at(now));
    own.codes.remove(grant.expires_at, &parts(&grant.request));
    all.codes.remove(grant.expires_at, &[]);
    rows.put_codes(all);
    rows.put_codes_of(network, &own)
}

/// Returns how many codes are live in the shard.
pub(super) fn number<R: Rows>(rows: &R, now: Timestamp) -> Result<u64, R::Error> {
    Ok(rows.codes()?.at(now).codes.count(None))
}

/// Returns the prefix in which the client has too many codes. If there are several, it is the one that needs the longest wait.
fn full(request: &Request, own: &Tally, cap: u64, now: Timestamp) -> Option<Opened> {
    let ends = request.network.prefixes().filter_map(|prefix| {
        let cap = cap.saturating_mul(prefix.width.factor());
        Some((prefix.width, own.free_at(Some(part_of_client(request, prefix)), cap)?))
    });
    let (width, end) = ends.max_by_key(|(_, end)| *end)?;
    Some(Opened::ClientFull(width, wait(Some(end), now)))
}

/// A code of the narrowest prefix needs this many times as much room as its network has codes: see
/// [`crowded`].
const NEEDED: u64 = 2 * WIDEST_FACTOR;

/// Returns the prefix that has too many codes for the room that is `left`.
///
/// A network gets one more code only while it has fewer codes than half of the room; a /56 a quarter, and a /64 or an
/// IPv4 address an eighth. So one network alone can fill at most a third of a shard, and while there is room, a network
/// without codes gets its first. Decision 33 has the arithmetic.
fn crowded(request: &Request, own: &Tally, left: u64, now: Timestamp) -> Option<Opened> {
    let mut prefixes = request.network.prefixes().map(|prefix| (prefix.width, part(request, prefix)));
    let too_many = |(width, part): &(Width, Option<Part>)| {
        own.count(*part).saturating_mul(NEEDED) >= left.saturating_mul(width.factor())
    };
    let (width, part) = prefixes.find(too_many)?;
    Some(Opened::Crowded(width, wait(own.first(part), now)))
}

/// Returns whole seconds until `end`, at least one.
fn wait(end: Option<Timestamp>, now: Timestamp) -> u64 {
    end.map_or(1, |end| ceil_seconds(end.since(now)).max(1))
}
