//! The end of a day: its ledgers take no more events, and a signed root links their heads and the root before.
//!
//! The object [`OUTBOXES`](super::ledger::OUTBOXES) keeps the heads and the roots, and says what to do next. It signs
//! nothing itself.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ledger_name::LedgerName;
use crate::secret;
use crate::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);
/// A day is closed this long after its end. Most events are in their ledger within two minutes.
const PATIENCE: Duration = Duration::from_hours(2);
/// A day that is not closed by then will probably not be: something has stopped that, or somebody has deleted its root.
const OVERDUE: Duration = Duration::from_hours(4);
/// The most ledgers that are closed at a time: each is one call of another object.
const MOST_AT_A_TIME: u32 = 20;

/// Closes a ledger. From then on it takes no events that it does not have.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CloseLedger {}

/// The chain of a closed ledger.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Seal {
    /// The number of the first record; 0 if there is none.
    pub first: i64,
    /// The number of the last record; 0 if there is none.
    pub last: i64,
    pub head: String,
}

/// The seal of a ledger, as a root links it.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Head {
    pub ledger: LedgerName,
    pub seal: Seal,
}

/// Begins to close the first day that is due, or goes on with it.
#[expect(missing_docs, reason = "the type of the field says what it is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ContinueClosing {
    pub now: Timestamp,
}

/// What to do next. Each step can be repeated.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Close these ledgers, and keep their heads.
    Close(Vec<LedgerName>),
    /// Sign this root, and keep it.
    Sign(Root),
}

/// Keeps the heads of closed ledgers.
#[expect(missing_docs, reason = "the type says what it is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeepHeads {
    pub heads: Vec<Head>,
}

/// Keeps the signed root of a day.
#[expect(missing_docs, reason = "the type says what it is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeepRoot {
    pub root: SignedRoot,
}

/// Reads signed roots, newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadRoots {
    /// Only those of earlier days.
    pub before: u32,
    /// The most roots to return.
    pub limit: u32,
}

/// Reads the heads of closed ledgers, from `first` to the end of `last_day`, in order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct ReadHeads {
    pub first: LedgerName,
    pub last_day: u32,
    pub limit: u32,
}

/// A signed root, as it is published.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignedRoot {
    /// The day, counted from 1970.
    pub day: u32,
    /// A compact JWS whose payload is a [`Root`].
    pub root: String,
}

/// What a root says: the payload of its JWS.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Root {
    /// The issuer; `None` in development, where it depends on the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// When the day was closed, in seconds since 1970.
    pub iat: u64,
    /// The day, counted from 1970.
    pub day: u32,
    /// The digest of the root before, as [`SignedRoot::digest`] returns it; `None` for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The digest of the heads, as [`digest_of`] returns it.
    pub heads: String,
}

impl SignedRoot {
    /// Returns SHA-256 of the compact JWS, in base64url.
    #[must_use]
    pub fn digest(&self) -> String {
        secret::encode(&Sha256::digest(self.root.as_bytes()))
    }
}

/// Returns the digest of the heads of a day: SHA-256, in base64url, of a line `20412/weur/3/0 3 17 <head>` for each ledger, in
/// the order of object and block, each with a line feed at its end.
#[must_use]
pub fn digest_of(heads: &[Head]) -> String {
    let mut hash = Sha256::new();
    for Head { ledger, seal: Seal { first, last, head } } in heads {
        hash.update(format!("{ledger} {first} {last} {head}\n"));
    }
    secret::encode(&hash.finalize())
}

/// The newest day whose closing has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say it all")]
pub struct NewestClosing {
    pub day: u32,
    pub is_signed: bool,
}

/// The rows about the ends of days.
#[expect(missing_docs, reason = "the names of the other methods say it all")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Returns whether this ledger is closed.
    fn is_closed(&self) -> Result<bool, Self::Error>;
    /// Closes this ledger.
    fn close(&self) -> Result<(), Self::Error>;
    /// Returns the end of the chain of this ledger.
    fn seal(&self) -> Result<Seal, Self::Error>;
    /// Returns the first day after `day`, or of all, of which a ledger is noted.
    fn noted_day_after(&self, day: Option<u32>) -> Result<Option<u32>, Self::Error>;
    fn newest_closing(&self) -> Result<Option<NewestClosing>, Self::Error>;
    /// Notes that the closing of a day has begun.
    fn begin_closing(&self, day: u32) -> Result<(), Self::Error>;
    /// Returns noted ledgers of a day that have no head yet.
    fn without_head(&self, day: u32, limit: u32) -> Result<Vec<LedgerName>, Self::Error>;
    fn put_head(&self, head: &Head) -> Result<(), Self::Error>;
    fn heads(&self, ask: &ReadHeads) -> Result<Vec<Head>, Self::Error>;
    fn put_root(&self, root: &SignedRoot) -> Result<(), Self::Error>;
    fn roots(&self, ask: &ReadRoots) -> Result<Vec<SignedRoot>, Self::Error>;
}

/// Returns whether ledgers of a day may get their first events. Days are closed in order, so none before a closed one may.
///
/// # Errors
///
/// A row could not be read.
pub fn is_open<R: Rows>(rows: &R, day: u32) -> Result<bool, R::Error> {
    Ok(rows.newest_closing()?.is_none_or(|closing| day > closing.day))
}

/// Returns when the next day is to be closed; `None` if no ledger is noted that is not closed.
///
/// # Errors
///
/// A row could not be read.
pub fn next_closing<R: Rows>(rows: &R) -> Result<Option<Timestamp>, R::Error> {
    Ok(next_day(rows)?.map(closes_at))
}

fn next_day<R: Rows>(rows: &R) -> Result<Option<u32>, R::Error> {
    match rows.newest_closing()? {
        Some(NewestClosing { day, is_signed: false }) => Ok(Some(day)),
        newest => rows.noted_day_after(newest.map(|closing| closing.day)),
    }
}

fn closes_at(day: u32) -> Timestamp {
    Timestamp::default() + DAY * day + DAY + PATIENCE
}

/// Returns whether a day with events should have its root by now.
#[must_use]
pub fn is_overdue(day: u32, now: Timestamp) -> bool {
    closes_at(day) + OVERDUE <= now
}

pub(super) fn go_on<R: Rows>(rows: &R, now: Timestamp) -> Result<Option<Step>, R::Error> {
    let Some(day) = next_day(rows)?.filter(|day| closes_at(*day) <= now) else { return Ok(None) };
    rows.begin_closing(day)?;
    let open = rows.without_head(day, MOST_AT_A_TIME)?;
    if !open.is_empty() {
        return Ok(Some(Step::Close(open)));
    }
    let all = ReadHeads { first: LedgerName::before_all_of(day), last_day: day, limit: u32::MAX };
    let heads = digest_of(&rows.heads(&all)?);
    let newest = rows.roots(&ReadRoots { before: day, limit: 1 })?;
    let previous = newest.first().map(SignedRoot::digest);
    Ok(Some(Step::Sign(Root { iss: None, iat: now.seconds(), day, previous, heads })))
}

pub(super) fn close<R: Rows>(rows: &R) -> Result<Seal, R::Error> {
    rows.close()?;
    rows.seal()
}

pub(super) fn keep<R: Rows>(rows: &R, ask: &KeepHeads) -> Result<(), R::Error> {
    ask.heads.iter().try_for_each(|head| rows.put_head(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_closed_two_hours_after_its_end() {
        assert_eq!(closes_at(20_412).to_string(), "2025-11-21T02:00:00Z");
        let at = |text| Timestamp::parse(text).unwrap();
        assert!(!is_overdue(20_412, at("2025-11-21T05:59:59Z")));
        assert!(is_overdue(20_412, at("2025-11-21T06:00:00Z")));
    }

    #[test]
    fn the_digest_of_a_day_depends_on_every_member_of_every_head() {
        let head = |ledger: &str, last, head: &str| Head {
            ledger: ledger.parse().unwrap(),
            seal: Seal { first: 1, last, head: head.to_owned() },
        };
        let honest = [head("20412/registry/0", 2, "a"), head("20412/weur/3/0", 17, "b")];
        // printf '20412/registry/0 1 2 a\n20412/weur/3/0 1 17 b\n' | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(digest_of(&honest), "PVErpImbCPqZojWQrcaJSaIxO1fKl6TVB3ZFogKR_Xo");

        for other in [
            [head("20412/registry/1", 2, "a"), honest[1].clone()],
            [head("20412/registry/0", 3, "a"), honest[1].clone()],
            [head("20412/registry/0", 2, "A"), honest[1].clone()],
        ] {
            assert_ne!(digest_of(&other), digest_of(&honest));
        }
        assert_ne!(digest_of(&honest[..1]), digest_of(&honest));
    }
}
