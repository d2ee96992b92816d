//! Instant completion: a device may hold a WebSocket open, over which the shard of its code says when to ask for tokens.
//!
//! The one message, [`MESSAGE`], has no content of a grant. The device then makes its ordinary token request, so every
//! rule about tokens stays where it is, and a device that loses its WebSocket loses nothing: it polls. What a shard
//! knows of a WebSocket is its [`Note`], which the runtime keeps while the object hibernates.
//!
//! Decision 59 has the reasons.

pub mod ends;

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Grant;
use super::pace::{Verdict, judge};
use super::routing::RowKey;
use crate::secret::Digest;
use crate::time::{Timestamp, ceil_seconds};
use crate::token::confirmation::Confirmation;

/// The one message. It is the same for approvals, refusals and the end of a code.
pub const MESSAGE: &str = "ask now";
/// When a shard has counted that it has no room, it counts again only after this long: counting takes as long as there are
/// WebSockets.
const RECOUNT: Duration = Duration::from_secs(1);
/// The most WebSockets that a code may have: one, and one that was told to close but has not.
const MOST_OF_CODE: usize = 2;

/// Asks a shard for a WebSocket. It travels in a header of the upgrade, not among the commands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what the other fields are")]
pub struct Listen {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    /// The keys whose possession the device has proven.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
    /// The most WebSockets that the shard may have.
    pub most: u64,
}

/// Why a shard accepts no WebSocket. The device polls.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// There is no such grant, or the secret is wrong.
    Unknown,
    /// The device did not prove the key that the code is bound to.
    WithoutKey,
    /// Somebody has decided, or the code has expired: the device should ask at once.
    Decided,
    /// The code had another WebSocket a moment ago. Carries the wait in seconds.
    TooSoon(u64),
    /// The shard has as many WebSockets as it may have.
    Full,
}

/// What a shard remembers of a WebSocket: the attachment, as text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Note {
    /// When the shard accepted it.
    pub opened_at: Timestamp,
    /// When its code ends.
    pub ends_at: Timestamp,
}

impl Note {
    /// Reads an attachment.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let instant = |text: &str| text.parse().ok().map(Timestamp::from_millis);
        let (opened_at, ends_at) = text.split_once(' ')?;
        Some(Self { opened_at: instant(opened_at)?, ends_at: instant(ends_at)? })
    }

    /// Returns when the alarm must ring for the WebSocket: at the end of its code, rounded up to a second. So the alarm
    /// rings at most once a second however many codes end.
    #[must_use]
    pub fn alarm(&self) -> Timestamp {
        Timestamp::from_millis(self.ends_at.millis().div_ceil(1_000) * 1_000)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.opened_at.millis(), self.ends_at.millis())
    }
}

/// Why a shard closes a WebSocket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parting {
    /// Somebody has decided, or the code has ended.
    AskNow,
    /// The same code has a newer one.
    Replaced,
    /// The device sent text.
    SentText,
    /// The device sent bytes.
    SentBytes,
}

impl Parting {
    /// Returns how to answer a message of a device, which has nothing to say.
    #[must_use]
    pub const fn after_message(is_text: bool) -> Self {
        if is_text { Self::SentText } else { Self::SentBytes }
    }

    /// Returns the message that comes before the end.
    #[must_use]
    pub const fn message(self) -> Option<&'static str> {
        match self {
            Self::AskNow => Some(MESSAGE),
            Self::Replaced | Self::SentText | Self::SentBytes => None,
        }
    }

    /// Returns the code of the end (RFC 6455 §7.4; codes from 4000 are for private use).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::AskNow => 1000,
            Self::Replaced => 4000,
            Self::SentText => 1008,
            Self::SentBytes => 1003,
        }
    }

    /// Returns the reason that goes with the code, for people who read a trace.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AskNow => MESSAGE,
            Self::Replaced => "replaced",
            Self::SentText | Self::SentBytes => "send nothing",
        }
    }
}

/// Returns how the WebSocket of a grant ends once the grant is stored like this.
#[must_use]
pub fn parting(grant: &Grant, now: Timestamp) -> Option<Parting> {
    (!grant.is_open(now)).then_some(Parting::AskNow)
}

/// How many WebSockets a shard has, as far as it has counted. Closed ones count until all seats are taken; then the shard
/// counts again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seats {
    taken: Option<u64>,
    counted_at: Timestamp,
}

impl Seats {
    /// Takes one of `most` seats. Returns `false` if there is none. `count` counts the WebSockets that there are.
    fn take(&mut self, most: u64, now: Timestamp, count: impl FnOnce() -> u64) -> bool {
        let is_fresh = now.since(self.counted_at) < RECOUNT;
        let taken = match self.taken {
            Some(taken) if taken < most || is_fresh => taken,
            Some(_) | None => {
                self.counted_at = now;
                count()
            }
        };
        let has_room = taken < most;
        self.taken = Some(taken + u64::from(has_room));
        has_room
    }
}

impl Listen {
    /// Judges whether the device gets a WebSocket. `others` are those that its code has already: the new one replaces
    /// them, but no sooner than the device might poll again. `count` counts the WebSockets of the shard.
    ///
    /// # Errors
    ///
    /// [`Refusal`]. The WebSockets that there are stay as they are.
    pub fn admit(
        &self,
        grant: Option<&Grant>,
        others: &[Note],
        seats: &mut Seats,
        now: Timestamp,
        count: impl FnOnce() -> u64,
    ) -> Result<Note, Refusal> {
        let grant = grant.filter(|grant| grant.secret == self.secret).ok_or(Refusal::Unknown)?;
        if grant.lacks_key(&self.secret, &self.proven) {
            return Err(Refusal::WithoutKey);
        }
        if parting(grant, now).is_some() {
            return Err(Refusal::Decided);
        }
        if let Some(wait) = wait(others, grant.interval, now) {
            return Err(Refusal::TooSoon(wait));
        }
        if !seats.take(self.most, now, count) {
            return Err(Refusal::Full);
        }
        Ok(Note { opened_at: now, ends_at: grant.expires_at })
    }
}

/// Returns the seconds until the code may have another WebSocket; `None` if it may now.
fn wait(others: &[Note], interval: u64, now: Timestamp) -> Option<u64> {
    let last = others.iter().map(|note| note.opened_at).max();
    match judge(last, interval, now) {
        Verdict::OnTime if others.len() < MOST_OF_CODE => None,
        Verdict::OnTime => Some(interval),
        Verdict::TooSoon(_) => {
            let due = last.map_or(now, |last| last + Duration::from_secs(interval));
            Some(ceil_seconds(due.since(now)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::grant::{Denial, Request, State};

    const NOW: Timestamp = Timestamp::from_millis(1_000_500);
    const KEY: RowKey = RowKey([7; 16]);

    fn grant(state: State) -> Grant {
        Grant {
            format: Format,
            secret: Digest::of(b"right"),
            request: Request { client_id: "tv".to_owned(), ..Request::default() },
            expires_at: NOW + Duration::from_secs(300),
            grace: 60,
            interval: 5,
            state,
            decision: None,
            without_key: false,
            misidentified: 0,
        }
    }

    fn pending() -> Grant {
        grant(State::Pending { hold: None })
    }

    fn denied() -> Grant {
        grant(State::Denied { how: Denial::Denied })
    }

    fn ask() -> Listen {
        Listen { key: KEY, secret: Digest::of(b"right"), proven: Confirmation::default(), most: 2 }
    }

    fn note(opened_at: Timestamp) -> Note {
        Note { opened_at, ends_at: pending().expires_at }
    }

    /// Asks on a shard that has `count` WebSockets.
    fn admit(ask: &Listen, grant: Option<&Grant>, others: &[Note], count: u64) -> Result<Note, Refusal> {
        ask.admit(grant, others, &mut Seats::default(), NOW, || count)
    }

    #[test]
    fn a_device_whose_code_is_pending_gets_a_web_socket_until_the_end_of_the_code() {
        assert_eq!(admit(&ask(), Some(&pending()), &[], 0), Ok(note(NOW)));
    }

    #[test]
    fn only_the_right_secret_and_key_open_a_web_socket() {
        let wrong = Listen { secret: Digest::of(b"wrong"), ..ask() };
        let mut bound = pending();
        bound.request.cnf.jkt = Some("thumbprint".to_owned());
        let with = |jkt: &str| Listen {
            proven: Confirmation { jkt: Some(jkt.to_owned()), ..Confirmation::default() },
            ..ask()
        };

        assert_eq!(admit(&ask(), None, &[], 0), Err(Refusal::Unknown));
        assert_eq!(admit(&wrong, Some(&pending()), &[], 0), Err(Refusal::Unknown));
        assert_eq!(admit(&wrong, Some(&denied()), &[], 0), Err(Refusal::Unknown), "nothing is revealed");
        assert_eq!(admit(&ask(), Some(&bound), &[], 0), Err(Refusal::WithoutKey));
        assert_eq!(admit(&with("other"), Some(&bound), &[], 0), Err(Refusal::WithoutKey));
        assert!(admit(&with("thumbprint"), Some(&bound), &[], 0).is_ok());
    }

    #[test]
    fn nobody_waits_for_what_is_decided_or_over() {
        let expired = Grant { expires_at: NOW, ..pending() };

        for grant in [denied(), expired] {
            assert_eq!(admit(&ask(), Some(&grant), &[], 0), Err(Refusal::Decided));
            assert_eq!(parting(&grant, NOW), Some(Parting::AskNow));
        }
        assert_eq!(parting(&pending(), NOW), None);
    }

    #[test]
    fn a_code_gets_another_web_socket_no_sooner_than_it_may_be_polled() {
        let opened = |millis: u64| note(NOW.before(Duration::from_millis(millis)));
        let with = |others: &[Note]| admit(&ask(), Some(&pending()), others, 1);

        assert_eq!(with(&[opened(0)]), Err(Refusal::TooSoon(5)));
        assert_eq!(with(&[opened(3_999)]), Err(Refusal::TooSoon(2)));
        assert_eq!(with(&[opened(4_000)]), Ok(note(NOW)), "with the leeway of a poll");
        let slow = Grant { interval: 30, ..pending() };
        assert_eq!(admit(&ask(), Some(&slow), &[opened(4_000)], 1), Err(Refusal::TooSoon(26)));
    }

    #[test]
    fn a_code_whose_web_sockets_do_not_close_gets_no_third() {
        let old = note(NOW.before(Duration::from_secs(60)));

        assert_eq!(admit(&ask(), Some(&pending()), &[old, old], 1), Err(Refusal::TooSoon(5)));
    }

    #[test]
    fn a_shard_has_no_more_web_sockets_than_it_may_have_and_seldom_counts_them() {
        let (mut seats, mut counted) = (Seats::default(), 0);
        let mut admit = |there: u64, now: Timestamp| {
            let count = || {
                counted += 1;
                there
            };
            let admitted = ask().admit(Some(&pending()), &[], &mut seats, now, count);
            (admitted.err(), counted)
        };

        assert_eq!(admit(0, NOW), (None, 1), "it counts once");
        assert_eq!(admit(1, NOW), (None, 1));
        assert_eq!(admit(2, NOW), (Some(Refusal::Full), 1), "it has counted a moment ago");
        let later = NOW + RECOUNT;
        assert_eq!(admit(2, later), (Some(Refusal::Full), 2));
        assert_eq!(admit(1, later), (Some(Refusal::Full), 2));
        assert_eq!(admit(1, later + RECOUNT), (None, 3), "one has closed");
    }

    #[test]
    fn the_alarm_of_a_web_socket_rings_on_the_second_at_which_its_code_has_ended() {
        let note = note(NOW);

        assert_eq!(note.ends_at.millis(), 1_300_500);
        assert_eq!(note.alarm().millis(), 1_301_000);
        let whole = Note { ends_at: Timestamp::from_millis(1_301_000), ..note };
        assert_eq!(whole.alarm(), whole.ends_at);
    }

    #[test]
    fn an_attachment_is_read_as_it_was_written_and_anything_else_is_none() {
        assert_eq!(Note::parse(&note(NOW).to_string()), Some(note(NOW)));
        for other in ["", "1", "1 ", " 1", "a b", "1 2 3", "-1 2"] {
            assert_eq!(Note::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn only_the_end_of_waiting_has_a_message() {
        for (parting, message, code) in [
            (Parting::AskNow, Some("ask now"), 1000),
            (Parting::Replaced, None, 4000),
            (Parting::after_message(true), None, 1008),
            (Parting::after_message(false), None, 1003),
        ] {
            assert_eq!((parting.message(), parting.code()), (message, code));
            assert!(parting.reason().len() <= 123, "RFC 6455 §5.5");
        }
    }
}
