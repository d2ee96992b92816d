//! Counts live codes where they are stored, and says whether there is room for another one.
//!
//! All codes of a network in a region are in one shard, or in a few ([`candidates`](super::routing::candidates)). Each shard
//! counts its codes in a record for each network and in one for all of them, whose sizes do not grow with the codes. A code
//! counts until it expires, or until it can no longer lead to tokens.

use super::command::{Caps, Opened};
use super::live_codes::LiveCodes;
use super::rows::Rows;
use super::{Grant, Request};
use crate::network::{Prefix, WIDEST_FACTOR, Width};
use crate::tally::{Part, Tally};
use crate::time::{Timestamp, ceil_seconds};

/// A prefix of the network of a grant, with what is counted in it. To name a part takes a digest.
struct Counted {
    width: Width,
    /// All codes; `None` for the widest prefix, which is all of the network.
    all: Option<Part>,
    /// Those of the client.
    of_client: Part,
}

fn counted(request: &Request) -> Vec<Counted> {
    let of = |prefix: &Prefix| {
        let text = prefix.to_string();
        let all = (prefix != request.network.widest()).then(|| Part::of(&[&text]));
        Counted { width: prefix.width, all, of_client: Part::of(&[&request.client_id, &text]) }
    };
    request.network.prefixes().map(of).collect()
}

fn parts(counted: &[Counted]) -> Vec<Part> {
    counted.iter().filter_map(|part| part.all).chain(counted.iter().map(|part| part.of_client)).collect()
}

/// Counts the code of a new grant, beside the `codes` of its network. Returns how many are live in the shard now, or why there is no room.
pub(super) fn count<R: Rows>(
    rows: &R,
    (grant, codes): (&Grant, LiveCodes),
    caps: Caps,
    now: Timestamp,
) -> Result<Opened, R::Error> {
    let request = &grant.request;
    let (mut own, mut all) = (codes.at(now), rows.codes()?.at(now));
    let (live, counted) = (all.codes.count(None), counted(request));
    if let Some(full) = full(&counted, &own.codes, caps.client, now) {
        return Ok(full);
    }
    if live >= caps.shard {
        return Ok(Opened::Full(wait(all.codes.first(None), now)));
    }
    if let Some(crowded) = crowded(&counted, &own.codes, caps.shard - live, now) {
        return Ok(crowded);
    }
    own.codes.add(grant.expires_at, &parts(&counted));
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
    own.codes.remove(grant.expires_at, &parts(&counted(&grant.request)));
    all.codes.remove(grant.expires_at, &[]);
    rows.put_codes(all);
    rows.put_codes_of(network, &own)
}

/// Returns how many codes are live in the shard.
pub(super) fn number<R: Rows>(rows: &R, now: Timestamp) -> Result<u64, R::Error> {
    Ok(rows.codes()?.at(now).codes.count(None))
}

/// Returns the prefix in which the client has too many codes. If there are several, it is the one that needs the longest wait.
fn full(counted: &[Counted], own: &Tally, cap: u64, now: Timestamp) -> Option<Opened> {
    let ends = counted.iter().filter_map(|part| {
        let cap = cap.saturating_mul(part.width.factor());
        Some((part.width, own.free_at(Some(part.of_client), cap)?))
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
fn crowded(counted: &[Counted], own: &Tally, left: u64, now: Timestamp) -> Option<Opened> {
    let too_many = |part: &&Counted| {
        own.count(part.all).saturating_mul(NEEDED) >= left.saturating_mul(part.width.factor())
    };
    let Counted { width, all, .. } = counted.iter().find(too_many)?;
    Some(Opened::Crowded(*width, wait(own.first(*all), now)))
}

/// Returns whole seconds until `end`, at least one.
fn wait(end: Option<Timestamp>, now: Timestamp) -> u64 {
    end.map_or(1, |end| ceil_seconds(end.since(now)).max(1))
}
