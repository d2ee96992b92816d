//! Applies commands about families to the rows of a shard.

use super::command::{EndFamilies, FindFamily, LiveFamilies, PresentToken, RevokeFamily, RotateToken};
use super::id::FamilyId;
use super::rows::Rows;
use super::{Ending, Family, Presented, Rotation};
use crate::audit::{Event, What};
use crate::time::Timestamp;

/// Judges a refresh token. A reused token ends its family.
pub(crate) fn present<R: Rows>(rows: &R, ask: &PresentToken, now: Timestamp) -> Result<Presented, R::Error> {
    let Some(family) = rows.family(ask.id)? else { return Ok(Presented::Dead) };
    // These checks come first, so that a token without its client or key neither ends the family nor reveals
    // its state.
    if ask.holder.client_id != family.client_id {
        return Ok(Presented::Dead);
    }
    if !family.cnf.is_met_by(&ask.holder.proven) {
        return Ok(Presented::WithoutKey);
    }
    let presented = family.present(&ask.secret, ask.genuine, now);
    if presented == Presented::Reused {
        reused(rows, ask.id, &family, now)?;
    }
    Ok(presented)
}

fn reused<R: Rows>(rows: &R, id: FamilyId, family: &Family, now: Timestamp) -> Result<(), R::Error> {
    end(rows, id, Ending::RefreshTokenReused)?;
    rows.tell(&family.event(What::RefreshTokenReused, id, now))
}

/// Replaces the current refresh token, unless another attempt was first.
pub(crate) fn rotate<R: Rows>(rows: &R, ask: RotateToken, now: Timestamp) -> Result<Rotation, R::Error> {
    let RotateToken { id, secret, next, ends_at, cnf, policy } = ask;
    let Some(mut family) = rows.family(id)? else { return Ok(Rotation::Lost) };
    let answer_was_lost = family.good_until(&secret, now).is_none();
    let rotation = family.rotate(&secret, next, ends_at, now);
    if rotation == Rotation::Rotated {
        family.bind(cnf);
        let what = if answer_was_lost { What::RefreshedAgain } else { What::Refreshed };
        rows.put_family(id, &family)?;
        rows.tell(&Event { policy, ..family.event(what, id, now) })?;
    }
    // The token was good when this request presented it, and counts as reused now. So another party used it
    // in between, and the family ends because two parties hold the token.
    if rotation == Rotation::Lost && family.present(&secret, true, now) == Presented::Reused {
        reused(rows, id, &family, now)?;
    }
    Ok(rotation)
}

/// Reads a family. If one of its access tokens was seen, notes that first.
pub(crate) fn find<R: Rows>(rows: &R, ask: &FindFamily) -> Result<Option<Box<Family>>, R::Error> {
    let Some(mut family) = rows.family(ask.id)? else { return Ok(None) };
    if ask.seen.as_ref().is_some_and(|attempt| family.arrive(attempt)) {
        rows.put_family(ask.id, &family)?;
    }
    Ok(Some(Box::new(family)))
}

/// Ends a live family, if it belongs to the client and its current refresh token is the proof, if there is
/// one. Otherwise does nothing.
pub(crate) fn revoke<R: Rows>(rows: &R, ask: &RevokeFamily, now: Timestamp) -> Result<(), R::Error> {
    let Some(family) = rows.family(ask.id)? else { return Ok(()) };
    let current = family.refresh.as_ref().map(|current| &current.digest);
    let proven = ask.proof.as_ref().is_none_or(|proof| current == Some(proof));
    if family.client_id != ask.client_id || !proven || !family.is_live(now) {
        return Ok(());
    }
    end(rows, ask.id, Ending::Revoked)?;
    rows.tell(&family.event(What::Revoked, ask.id, now))
}

/// Returns those of the families that are live.
pub(crate) fn live<R: Rows>(rows: &R, ask: &LiveFamilies, now: Timestamp) -> Result<Vec<FamilyId>, R::Error> {
    let mut live = Vec::new();
    for id in &ask.ids {
        live.extend(rows.family(*id)?.filter(|family| family.is_live(now)).map(|_| *id));
    }
    Ok(live)
}

/// Ends those of the families that are live, and returns them.
pub(crate) fn end_all<R: Rows>(
    rows: &R,
    ask: EndFamilies,
    now: Timestamp,
) -> Result<Vec<FamilyId>, R::Error> {
    let EndFamilies { ids, why, by } = ask;
    let live = live(rows, &LiveFamilies { ids }, now)?;
    for id in &live {
        let Some(mut family) = rows.family(*id)? else { continue };
        family.end(why);
        rows.put_family(*id, &family)?;
        rows.tell(&Event { by: by.clone(), ..family.event(What::AccessEnded, *id, now) })?;
    }
    Ok(live)
}

/// Ends a family, if it is stored.
pub(crate) fn end<R: Rows>(rows: &R, id: FamilyId, why: Ending) -> Result<(), R::Error> {
    let Some(mut family) = rows.family(id)? else { return Ok(()) };
    family.end(why);
    rows.put_family(id, &family)
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;
    use core::convert::Infallible;
    use core::time::Duration;

    use super::*;
    use crate::audit::Event;
    use crate::audit::outbox::Outbox;
    use crate::family::id::AttemptId;
    use crate::family::renewal::{RACE, Renewal};
    use crate::family::{Current, Holder};
    use crate::format::Format;
    use crate::identity::account_key::AccountKey;
    use crate::policy::recorded::Recorded;
    use crate::provenance::Provenance;
    use crate::scope::Scope;
    use crate::secret::Digest;
    use crate::sub::Sub;
    use crate::token::confirmation::Confirmation;

    const ID: FamilyId = FamilyId::from_bytes([1; 16]);
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    /// A shard with one family.
    struct One {
        family: RefCell<Family>,
        events: RefCell<Vec<What>>,
    }

    impl Outbox for One {
        type Error = Infallible;

        fn tell(&self, event: &Event) -> Result<(), Infallible> {
            self.events.borrow_mut().push(event.what);
            Ok(())
        }
    }

    impl Rows for One {
        fn family(&self, _: FamilyId) -> Result<Option<Family>, Infallible> {
            Ok(Some(self.family.borrow().clone()))
        }

        fn put_family(&self, _: FamilyId, family: &Family) -> Result<(), Infallible> {
            self.family.replace(family.clone());
            Ok(())
        }
    }

    impl One {
        fn new(cnf: Confirmation) -> Self {
            let family = Family {
                format: Format,
                client_id: "tv".to_owned(),
                account: AccountKey::local("alice"),
                sub: Sub::from("acct-a"),
                provenance: Provenance::default(),
                scope: Scope::parse("openid").expect("openid is a valid scope"),
                auth_time: NOW,
                amr: Vec::new(),
                ends_at: NOW + Duration::from_hours(24),
                refresh: Some(current("first")),
                ended: None,
                resource: Vec::new(),
                cnf,
                acr: None,
                refreshable_until: NOW + Duration::from_hours(24),
                renewal: Renewal::default(),
                recorded: Recorded::default(),
            };
            Self { family: RefCell::new(family), events: RefCell::default() }
        }

        fn present(&self, token: &str, holder: &Holder, now: Timestamp) -> Presented {
            let (secret, holder) = (Digest::of(token.as_bytes()), holder.clone());
            let Ok(presented) = present(self, &PresentToken { id: ID, secret, genuine: true, holder }, now);
            presented
        }

        fn rotate(&self, token: &str, next: &str, now: Timestamp) -> Rotation {
            let (secret, next) = (Digest::of(token.as_bytes()), current(next));
            let ends_at = self.family.borrow().ends_at;
            let cnf = Confirmation::default();
            let ask = RotateToken { id: ID, secret, next, ends_at, cnf, policy: None };
            let Ok(rotation) = rotate(self, ask, now);
            rotation
        }

        fn is_ended(&self) -> bool {
            self.family.borrow().ended.is_some()
        }
    }

    fn current(token: &str) -> Current {
        Current {
            digest: Digest::of(token.as_bytes()),
            attempt: AttemptId::of_jti(token),
            good_until: NOW + Duration::from_hours(24),
        }
    }

    fn holder(client_id: &str, jkt: Option<&str>) -> Holder {
        let proven = Confirmation { jkt: jkt.map(str::to_owned), ..Confirmation::default() };
        Holder { client_id: client_id.to_owned(), proven }
    }

    #[test]
    fn a_used_token_ends_its_family_only_in_the_hands_of_its_holder() {
        let key = Confirmation { jkt: Some("key".to_owned()), ..Confirmation::default() };
        let shard = One::new(key);
        let rightful = holder("tv", Some("key"));
        shard.rotate("first", "second", NOW);
        shard.rotate("second", "third", NOW);

        assert_eq!(shard.present("first", &holder("tv", None), NOW), Presented::WithoutKey);
        assert_eq!(shard.present("first", &holder("tv", Some("another")), NOW), Presented::WithoutKey);
        assert_eq!(shard.present("first", &holder("radio", Some("key")), NOW), Presented::Dead);
        assert!(!shard.is_ended());

        assert_eq!(shard.present("first", &rightful, NOW), Presented::Reused);
        assert!(shard.is_ended());
    }

    #[test]
    fn a_request_that_loses_a_race_ends_nothing() {
        let shard = One::new(Confirmation::default());
        let anybody = holder("tv", None);
        assert!(matches!(shard.present("first", &anybody, NOW), Presented::Current(_)), "one request");
        assert!(matches!(shard.present("first", &anybody, NOW), Presented::Current(_)), "the other");
        assert_eq!(shard.rotate("first", "second", NOW), Rotation::Rotated);

        assert_eq!(shard.rotate("first", "third", NOW), Rotation::Lost);

        assert!(!shard.is_ended());
        assert!(matches!(shard.present("second", &anybody, NOW), Presented::Current(_)));
    }

    #[test]
    fn two_requests_to_replace_the_same_lost_response_end_the_family() {
        let shard = One::new(Confirmation::default());
        let anybody = holder("tv", None);
        shard.rotate("first", "lost", NOW);
        let now = NOW + RACE;
        assert!(matches!(shard.present("first", &anybody, now), Presented::Current(_)), "one request");
        assert!(matches!(shard.present("first", &anybody, now), Presented::Current(_)), "the other");
        assert_eq!(shard.rotate("first", "found", now), Rotation::Rotated);
        assert_eq!(shard.rotate("found", "next", now), Rotation::Rotated, "the winner refreshes again");

        assert_eq!(shard.rotate("first", "also found", now), Rotation::Lost);

        assert!(shard.is_ended());
        assert_eq!(shard.events.borrow().last(), Some(&What::RefreshTokenReused));
    }
}
