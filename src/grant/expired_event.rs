//! The event of a grant that expired, reported when its row is deleted.

use super::memory::Memory;
use super::routing::RowKey;
use super::rows::event;
use super::{Grant, State};
use crate::audit::{Event, What};
use crate::json;
use crate::time::Timestamp;

/// Returns the event of a grant that nobody decided, or whose device did not collect its tokens. Returns
/// `None` for any other grant: how it ended was reported at that time.
#[must_use]
pub fn expired(key: RowKey, grant: &Grant, memory: &mut Memory, now: Timestamp) -> Option<Event> {
    let polls = Some(memory.forget(key));
    let reason = match grant.state {
        State::Pending { .. } => "undecided",
        State::Approved { .. } => "not_collected",
        State::Verifying { .. } => "not_verified",
        State::Denied { .. } | State::Redeemed { .. } => return None,
    };
    Some(Event { polls, reason: Some(reason.to_owned()), ..event(What::Expired, key, grant, now) })
}

/// Does what [`expired`] does, for a row as stored. Unreadable rows produce no event but are still deleted,
/// so they cannot block the sweep.
#[must_use]
pub fn expired_row(key: &str, record: &str, memory: &mut Memory, now: Timestamp) -> Option<Event> {
    let grant: Grant = json::read(record).ok()?;
    expired(RowKey::parse(key)?, &grant, memory, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::id::{AttemptId, FamilyId};
    use crate::format::Format;
    use crate::grant::memory::Clock;
    use crate::grant::{Approval, Denial, Request};
    use crate::identity::account_key::AccountKey;
    use crate::identity::sign_in::How;
    use crate::policy::recorded::Recorded;
    use crate::provenance::{ApprovalId, Stage};
    use crate::secret::Digest;
    use crate::sub::Sub;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const KEY: RowKey = RowKey([7; 16]);

    fn grant(state: State) -> Grant {
        Grant {
            format: Format,
            secret: Digest::of(b"secret"),
            request: Request { client_id: "tv".to_owned(), ..Request::default() },
            expires_at: NOW,
            grace: 60,
            interval: 5,
            state,
            decision: None,
            without_key: false,
            misidentified: 0,
        }
    }

    fn approval() -> Approval {
        Approval {
            id: ApprovalId::default(),
            account: AccountKey::local("alice"),
            sub: Sub::from("acct-a"),
            scope: crate::scope::Scope::default(),
            auth_time: NOW,
            amr: Vec::new(),
            acr: None,
            met_acr: None,
            how: How::Password,
            groups: Vec::new(),
            recorded: Recorded::default(),
            stage: Stage { at: NOW, ..Stage::default() },
        }
    }

    #[test]
    fn only_grants_without_a_decision_or_without_a_redemption_expire() {
        let redeemed = State::Redeemed {
            attempt: AttemptId::of_jti("a"),
            at: NOW,
            family: FamilyId::from_bytes([1; 16]),
            replayed: false,
            approval: None,
        };
        for (state, expected) in [
            (State::Pending { hold: None }, Some("undecided")),
            (State::Approved { approval: approval() }, Some("not_collected")),
            (State::Denied { how: Denial::Denied }, None),
            (State::Denied { how: Denial::Contested }, None),
            (redeemed, None),
        ] {
            let record = serde_json::to_string(&grant(state)).unwrap();

            let event = expired_row(&KEY.to_string(), &record, &mut Memory::default(), NOW);

            assert_eq!(event.as_ref().and_then(|event| event.reason.as_deref()), expected, "{record}");
            assert!(
                event.is_none_or(|event| event.what == What::Expired && event.subject == KEY.to_string())
            );
        }
    }

    #[test]
    fn an_expired_grant_says_how_often_it_was_polled_and_is_forgotten() {
        let (mut memory, pending) = (Memory::default(), grant(State::Pending { hold: None }));
        for by_header in [false, true, true] {
            memory.note(Clock { key: KEY, by_header }, &pending, NOW);
        }
        memory.note(Clock { key: RowKey([8; 16]), by_header: false }, &pending, NOW);

        let mut polls = || expired(KEY, &pending, &mut memory, NOW).and_then(|event| event.polls);

        assert_eq!(polls(), Some(3));
        assert_eq!(polls(), Some(0));
    }

    #[test]
    fn an_unreadable_row_produces_no_event() {
        let record = serde_json::to_string(&grant(State::Pending { hold: None })).unwrap();

        let mut memory = Memory::default();
        let other = record.replace("\"format\":1", "\"format\":9");
        assert_eq!(expired_row(&KEY.to_string(), &other, &mut memory, NOW), None);
        assert_eq!(expired_row("short", &record, &mut memory, NOW), None);
    }
}
