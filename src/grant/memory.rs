//! What a `GrantShard` keeps only in memory of the grants that devices poll.

use core::time::Duration;
use std::collections::{HashMap, HashSet};

use super::command::{NoteRefusal, PollCode, Refused};
use super::pace::{CAP_SECONDS, Verdict, judge};
use super::poll::Poll;
use super::routing::RowKey;
use super::{Grant, State};
use crate::audit::policy_record::PolicyRecord;
use crate::secret::Digest;
use crate::time::Timestamp;

/// Which grants were just started; how often each pending grant was polled, and when it last was, with and without an
/// `Authorization` header; and which refusals have an event.
///
/// If it is lost, one early poll per clock is forgiven, and a refusal gets one event more. Storing it would cost a write per
/// poll.
#[derive(Debug, Default)]
pub struct Memory {
    /// Grants that were not polled since they started. They are apart, so that starts never push out polls.
    starts: HashMap<RowKey, Pending>,
    polls: HashMap<Clock, Polls>,
    refusals: HashSet<Refusal>,
}

/// A refusal without what differs each time that somebody tries again, such as the age of the sign-in.
type Refusal = (Refused, String, Option<PolicyRecord>);

/// The polls on one clock.
#[derive(Clone, Copy, Debug)]
struct Polls {
    last: Timestamp,
    number: u64,
    pending: Option<Pending>,
}

/// What the next poll of a grant needs to know, as long as nothing else happens to the grant: most polls find it as the start
/// or the poll before has left it, so they read no row.
#[derive(Clone, Copy, Debug)]
struct Pending {
    secret: Digest,
    until: Timestamp,
    interval: u64,
}

impl Pending {
    /// Returns `None` unless the grant is pending and bound to no key: keys are proven to the row.
    fn of(grant: &Grant) -> Option<Self> {
        let is_simple = matches!(grant.state, State::Pending { .. }) && grant.request.cnf.is_empty();
        is_simple.then_some(Self { secret: grant.secret, until: grant.expires_at, interval: grant.interval })
    }

    /// Returns whether a poll with this secret finds the grant pending.
    fn is_for(&self, secret: &Digest, now: Timestamp) -> bool {
        self.secret == *secret && now < self.until
    }
}

/// Names one of the two clocks of a grant. A client that tries both ways to authenticate in every round sends
/// two polls at once, and each of them is on time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Clock {
    pub(super) key: RowKey,
    pub(super) by_header: bool,
}

impl Memory {
    /// The most entries of a kind. When there are as many polls, those older than the longest interval are dropped, and all of
    /// them if that leaves more than half: so entries are not gone through again for each poll.
    const MOST: usize = 10_000;

    /// Notes a grant that starts.
    pub(super) fn start(&mut self, key: RowKey, grant: &Grant) {
        if self.starts.len() >= Self::MOST {
            self.starts.clear();
        }
        self.starts.extend(Pending::of(grant).map(|pending| (key, pending)));
    }

    pub(super) fn last(&self, clock: Clock) -> Option<Timestamp> {
        self.polls.get(&clock).map(|polls| polls.last)
    }

    /// Notes a poll of a grant that waits for somebody.
    pub(super) fn note(&mut self, clock: Clock, grant: &Grant, now: Timestamp) {
        self.starts.remove(&clock.key);
        // Polls after the approval, which wait for the digits, are paced but not counted.
        let counts = u64::from(matches!(grant.state, State::Pending { .. }));
        let number = self.polls.get(&clock).map_or(0, |polls| polls.number) + counts;
        self.keep(clock, Polls { last: now, number, pending: Pending::of(grant) });
    }

    fn keep(&mut self, clock: Clock, polls: Polls) {
        if self.polls.len() >= Self::MOST && !self.polls.contains_key(&clock) {
            self.make_room(polls.last);
        }
        self.polls.insert(clock, polls);
    }

    fn make_room(&mut self, now: Timestamp) {
        let oldest = now.before(Duration::from_secs(CAP_SECONDS));
        self.polls.retain(|_, polls| polls.last > oldest);
        if self.polls.len() > Self::MOST / 2 {
            self.polls.clear();
        }
    }

    /// Answers a poll of a grant that is still pending, if it comes on time and with the right secret. Every other poll
    /// needs the row.
    pub(super) fn answer(&mut self, ask: &PollCode, now: Timestamp) -> Option<Poll> {
        let clock = Clock { key: ask.key, by_header: ask.by_header };
        let Some(polls) = self.polls.get_mut(&clock) else {
            return self.answer_first(clock, &ask.secret, now);
        };
        let pending = polls.pending.filter(|pending| pending.is_for(&ask.secret, now))?;
        if judge(Some(polls.last), pending.interval, now) != Verdict::OnTime {
            return None;
        }
        *polls = Polls { last: now, number: polls.number + 1, ..*polls };
        Some(Poll::Pending(pending.interval))
    }

    /// Answers the first poll of a grant. The first one on the other clock reads the row.
    fn answer_first(&mut self, clock: Clock, secret: &Digest, now: Timestamp) -> Option<Poll> {
        let pending = *self.starts.get(&clock.key).filter(|pending| pending.is_for(secret, now))?;
        self.starts.remove(&clock.key);
        self.keep(clock, Polls { last: now, number: 1, pending: Some(pending) });
        Some(Poll::Pending(pending.interval))
    }

    /// Lets the next poll read the row, because it may have changed.
    pub(super) fn doubt(&mut self, key: RowKey) {
        self.starts.remove(&key);
        for clock in clocks(key) {
            if let Some(polls) = self.polls.get_mut(&clock) {
                polls.pending = None;
            }
        }
    }

    /// Notes a refusal. Returns whether it is new.
    pub(super) fn refuse(&mut self, refusal: &NoteRefusal) -> bool {
        if self.refusals.len() >= Self::MOST {
            self.refusals.clear();
        }
        let NoteRefusal { of, why, policy, person: _ } = refusal;
        let policy = policy.as_ref().map(|record| record.without_facts());
        self.refusals.insert((*of, why.clone(), policy))
    }

    /// Forgets a grant. Returns how often it was polled before anybody had decided.
    pub(super) fn forget(&mut self, key: RowKey) -> u64 {
        self.starts.remove(&key);
        clocks(key).iter().filter_map(|clock| self.polls.remove(clock)).map(|polls| polls.number).sum()
    }
}

fn clocks(key: RowKey) -> [Clock; 2] {
    [false, true].map(|by_header| Clock { key, by_header })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::grant::{Denial, Request};
    use crate::token::confirmation::Confirmation;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
    const KEY: RowKey = RowKey([7; 16]);
    const CLOCK: Clock = Clock { key: KEY, by_header: false };

    fn pending() -> Grant {
        Grant {
            format: Format,
            secret: Digest::of(b"secret"),
            request: Request::default(),
            expires_at: NOW + Duration::from_secs(600),
            interval: 5,
            grace: 60,
            state: State::Pending { hold: None },
            decision: None,
            without_key: false,
            misidentified: 0,
        }
    }

    fn ask() -> PollCode {
        PollCode {
            key: KEY,
            secret: Digest::of(b"secret"),
            reissue: false,
            reissue_bound: false,
            proven: Confirmation::default(),
            by_header: false,
            digits: None,
        }
    }

    /// Notes a first poll of `grant`, and returns what becomes of another one `seconds` later.
    fn next(grant: &Grant, ask: &PollCode, seconds: u64) -> (Option<Poll>, Memory) {
        let mut memory = Memory::default();
        memory.note(CLOCK, grant, NOW);
        (memory.answer(ask, NOW + Duration::from_secs(seconds)), memory)
    }

    #[test]
    fn a_poll_on_time_is_answered_from_memory_and_counted() {
        let (poll, mut memory) = next(&pending(), &ask(), 5);

        assert_eq!(poll, Some(Poll::Pending(5)));
        assert_eq!(memory.last(CLOCK), Some(NOW + Duration::from_secs(5)));
        assert_eq!(memory.forget(KEY), 2);
        assert_eq!(memory.answer(&ask(), NOW + Duration::from_secs(10)), None, "it is forgotten");
    }

    #[test]
    fn a_poll_that_may_need_the_row_is_not_answered_from_memory() {
        let bound = Request {
            cnf: Confirmation { jkt: Some("key".to_owned()), x5t_s256: None },
            ..Request::default()
        };
        let denied = State::Denied { how: Denial::Denied };
        for (grant, ask, seconds, why) in [
            (pending(), ask(), 3, "it is early"),
            (pending(), ask(), 600, "the code has expired"),
            (pending(), PollCode { secret: Digest::of(b"other"), ..ask() }, 5, "the secret is wrong"),
            (pending(), PollCode { by_header: true, ..ask() }, 5, "it is the first on the other clock"),
            (Grant { request: bound, ..pending() }, ask(), 5, "the code is bound to a key"),
            (Grant { state: denied, ..pending() }, ask(), 5, "the grant is not pending"),
        ] {
            assert_eq!(next(&grant, &ask, seconds).0, None, "{why}");
        }
    }

    #[test]
    fn a_grant_that_may_have_changed_is_not_answered_from_memory() {
        let (_, mut memory) = next(&pending(), &ask(), 5);
        memory.doubt(KEY);

        assert_eq!(memory.answer(&ask(), NOW + Duration::from_secs(10)), None);
        assert_eq!(memory.forget(KEY), 2, "the polls are still counted");
    }

    fn started(grant: &Grant) -> Memory {
        let mut memory = Memory::default();
        memory.start(KEY, grant);
        memory
    }

    #[test]
    fn the_first_poll_is_answered_from_memory_and_paces_the_next() {
        let mut memory = started(&pending());

        assert_eq!(memory.answer(&ask(), NOW), Some(Poll::Pending(5)));
        assert_eq!(memory.last(CLOCK), Some(NOW));
        assert_eq!(memory.answer(&ask(), NOW + Duration::from_secs(3)), None, "it is early");
        assert_eq!(memory.answer(&PollCode { by_header: true, ..ask() }, NOW), None, "the other clock");
        assert_eq!(memory.forget(KEY), 1);
    }

    #[test]
    fn a_first_poll_that_may_need_the_row_is_not_answered_from_memory() {
        let mut memory = started(&pending());
        let wrong = PollCode { secret: Digest::of(b"other"), ..ask() };
        assert_eq!(memory.answer(&wrong, NOW), None, "the secret is wrong");
        assert_eq!(memory.answer(&ask(), NOW + Duration::from_secs(600)), None, "the code has expired");
        assert_eq!(memory.last(CLOCK), None, "neither was a poll of this grant");

        let cnf = Confirmation { jkt: Some("key".to_owned()), x5t_s256: None };
        let bound = Grant { request: Request { cnf, ..Request::default() }, ..pending() };
        assert_eq!(started(&bound).answer(&ask(), NOW), None, "the code is bound to a key");
    }

    #[test]
    fn a_start_is_out_of_memory_once_the_row_may_tell_more() {
        let mut changed = started(&pending());
        changed.doubt(KEY);
        let mut ended = started(&pending());
        assert_eq!(ended.forget(KEY), 0);
        let mut polled = started(&pending());
        polled.note(CLOCK, &Grant { interval: 10, ..pending() }, NOW);

        for memory in [&mut changed, &mut ended] {
            assert_eq!(memory.answer(&ask(), NOW), None);
        }
        assert_eq!(polled.starts.len(), 0);
    }

    #[test]
    fn starts_have_a_bound_of_their_own() {
        let mut memory = Memory::default();
        memory.note(CLOCK, &pending(), NOW);
        for number in 0..=Memory::MOST {
            memory.start(RowKey((number as u128).to_be_bytes()), &pending());
        }

        assert_eq!(memory.starts.len(), 1);
        assert_eq!(memory.last(CLOCK), Some(NOW), "no poll is forgotten");
    }

    /// Returns how many polls are remembered if the first `old` of the most possible ones are as old as the longest interval,
    /// and another one comes.
    fn left_of(old: usize) -> usize {
        let mut memory = Memory::default();
        let clock = |number: usize| Clock { key: RowKey((number as u128).to_be_bytes()), by_header: false };
        for number in 0..Memory::MOST {
            let at = if number < old { NOW } else { NOW + Duration::from_millis(1) };
            memory.note(clock(number), &pending(), at);
        }
        let later = NOW + Duration::from_secs(CAP_SECONDS);
        memory.note(clock(Memory::MOST - 1), &pending(), later);
        assert_eq!(memory.polls.len(), Memory::MOST, "it is no other one");

        memory.note(clock(Memory::MOST), &pending(), later);

        memory.polls.len()
    }

    #[test]
    fn many_polls_make_room_by_forgetting_those_older_than_the_longest_interval() {
        assert_eq!(left_of(6_000), 4_000 + 1);
        assert_eq!(left_of(5_000), 5_000 + 1);
    }

    #[test]
    fn too_many_polls_within_the_longest_interval_are_all_forgotten() {
        assert_eq!(left_of(4_999), 1);
        assert_eq!(left_of(0), 1);
    }
}
