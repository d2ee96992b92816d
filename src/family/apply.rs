//! The families of tokens in a shard: refreshed, revoked, ended.

use super::{Current, Ending, Family, Presented, Rotation};
use crate::audit::{Event, What};
use crate::grant::command::Holder;
use crate::grant::shard::Rows;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

pub(crate) fn refresh<R: Rows>(
    rows: &R,
    id: &str,
    secret: &Digest,
    genuine: bool,
    holder: Option<&Holder>,
    now: Timestamp,
) -> Result<Presented, R::Error> {
    let Some(family) = rows.family(id)? else { return Ok(Presented::Dead) };
    // First, so that whoever has a token without its key can neither end the family nor learn of it.
    if holder.is_some_and(|holder| holder.client_id != family.client_id) {
        return Ok(Presented::Dead);
    }
    if holder.is_some_and(|holder| !family.cnf.is_met_by(&holder.proven)) {
        return Ok(Presented::WithoutKey);
    }
    let presented = family.present(secret, genuine, now);
    if presented == Presented::Reused {
        reused(rows, id, &family, now)?;
    }
    Ok(presented)
}

fn reused<R: Rows>(rows: &R, id: &str, family: &Family, now: Timestamp) -> Result<(), R::Error> {
    end(rows, id, Ending::RefreshTokenReused)?;
    rows.tell(&Event::of_family(What::RefreshTokenReused, id, family, now))
}

/// What a refresh token is to be followed by.
pub(crate) struct Successor {
    pub(crate) current: Current,
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) cnf: Confirmation,
}

pub(crate) fn rotate<R: Rows>(
    rows: &R,
    id: &str,
    secret: &Digest,
    successor: Successor,
    now: Timestamp,
) -> Result<Rotation, R::Error> {
    let Some(mut family) = rows.family(id)? else { return Ok(Rotation::Lost) };
    let lost = family.good_until(secret, now).is_none();
    let rotation = family.rotate(secret, successor.current, successor.ends_at, now);
    if rotation == Rotation::Rotated {
        family.bind(successor.cnf);
        let what = if lost { What::RefreshedAnew } else { What::Refreshed };
        rows.put_family(id, &family)?;
        rows.tell(&Event::of_family(what, id, &family, now))?;
    }
    // It was good a moment ago, and by now somebody had its successors withdrawn: two hold the family.
    if rotation == Rotation::Lost && family.present(secret, true, now) == Presented::Reused {
        reused(rows, id, &family, now)?;
    }
    Ok(rotation)
}

pub(crate) fn look<R: Rows>(rows: &R, id: &str, seen: Option<&str>) -> Result<Option<Box<Family>>, R::Error> {
    let Some(mut family) = rows.family(id)? else { return Ok(None) };
    if seen.is_some_and(|jti| family.arrive(jti)) {
        rows.put_family(id, &family)?;
    }
    Ok(Some(Box::new(family)))
}

pub(crate) fn revoke<R: Rows>(
    rows: &R,
    id: &str,
    client_id: &str,
    proof: Option<&Digest>,
    now: Timestamp,
) -> Result<(), R::Error> {
    let Some(family) = rows.family(id)? else { return Ok(()) };
    let current = family.refresh.as_ref().map(|current| &current.digest);
    let proven = proof.is_none_or(|proof| current == Some(proof));
    if family.client_id != client_id || !proven || !family.is_live(now) {
        return Ok(());
    }
    end(rows, id, Ending::Revoked)?;
    rows.tell(&Event::of_family(What::Revoked, id, &family, now))
}

pub(crate) fn end<R: Rows>(rows: &R, id: &str, why: Ending) -> Result<(), R::Error> {
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
    use crate::family::renewal::{RACE, Renewal};
    use crate::format::Format;
    use crate::grant::Grant;
    use crate::grant::routing::RowKey;
    use crate::scope::Scope;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    /// A shard of one family.
    struct One {
        family: RefCell<Family>,
        events: RefCell<Vec<What>>,
    }

    impl Rows for One {
        type Error = Infallible;

        fn grant(&self, _: RowKey) -> Result<Option<Grant>, Infallible> {
            Ok(None)
        }

        fn put_grant(&self, _: RowKey, _: &Grant, _: Timestamp) -> Result<(), Infallible> {
            Ok(())
        }

        fn live(&self, _: Timestamp) -> Result<(u64, Option<Timestamp>), Infallible> {
            Ok((0, None))
        }

        fn family(&self, _: &str) -> Result<Option<Family>, Infallible> {
            Ok(Some(self.family.borrow().clone()))
        }

        fn put_family(&self, _: &str, family: &Family) -> Result<(), Infallible> {
            self.family.replace(family.clone());
            Ok(())
        }

        fn tell(&self, event: &Event) -> Result<(), Infallible> {
            self.events.borrow_mut().push(event.what);
            Ok(())
        }
    }

    impl One {
        fn new(cnf: Confirmation) -> Self {
            let family = Family {
                format: Format,
                client_id: "tv".to_owned(),
                account: "local:alice".to_owned(),
                scope: Scope::parse("openid").expect("a scope"),
                auth_time: NOW,
                amr: Vec::new(),
                ends_at: NOW + Duration::from_hours(24),
                refresh: Some(current("first")),
                ended: None,
                resource: Vec::new(),
                cnf,
                acr: None,
                renewal: Renewal::default(),
            };
            Self { family: RefCell::new(family), events: RefCell::default() }
        }

        fn present(&self, token: &str, holder: &Holder, now: Timestamp) -> Presented {
            let Ok(presented) = refresh(self, "", &Digest::of(token.as_bytes()), true, Some(holder), now);
            presented
        }

        fn rotate(&self, token: &str, next: &str, now: Timestamp) -> Rotation {
            let successor = Successor { current: current(next), ends_at: None, cnf: Confirmation::default() };
            let Ok(rotation) = rotate(self, "", &Digest::of(token.as_bytes()), successor, now);
            rotation
        }

        fn is_ended(&self) -> bool {
            self.family.borrow().ended.is_some()
        }
    }

    fn current(token: &str) -> Current {
        Current { digest: Digest::of(token.as_bytes()), attempt: token.to_owned(), good_until: None }
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
    fn two_who_both_claim_a_lost_answer_end_the_family_though_they_asked_at_once() {
        let shard = One::new(Confirmation::default());
        let anybody = holder("tv", None);
        shard.rotate("first", "lost", NOW);
        let now = NOW + RACE;
        assert!(matches!(shard.present("first", &anybody, now), Presented::Current(_)), "one looks");
        assert!(matches!(shard.present("first", &anybody, now), Presented::Current(_)), "and the other");
        assert_eq!(shard.rotate("first", "found", now), Rotation::Rotated);
        assert_eq!(shard.rotate("found", "next", now), Rotation::Rotated, "who was first goes on");

        assert_eq!(shard.rotate("first", "also found", now), Rotation::Lost);

        assert!(shard.is_ended());
        assert_eq!(shard.events.borrow().last(), Some(&What::RefreshTokenReused));
    }
}
