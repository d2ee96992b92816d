//! The rows of a courier in maps, and the servers that get events.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;

use device_grant::audit::ledger_name::LedgerName;
use device_grant::courier::delivery::{Condition, Delivery, Numbered};
use device_grant::courier::rows::Rows;
use device_grant::endpoint::platform::{Incoming, NotPushed, Push};
use device_grant::time::Timestamp;

#[derive(Default)]
pub(crate) struct CourierRows {
    pub(crate) heard: RefCell<BTreeMap<LedgerName, i64>>,
    pub(crate) deliveries: RefCell<BTreeMap<i64, (Delivery, Timestamp)>>,
    newest: Cell<i64>,
    pub(crate) condition: RefCell<Condition>,
}

impl CourierRows {
    fn of(&self, is_dead: bool) -> Vec<(Numbered, Timestamp)> {
        let deliveries = self.deliveries.borrow();
        let own = deliveries.iter().filter(|(_, (delivery, _))| delivery.died_at.is_some() == is_dead);
        own.map(|(number, (delivery, due))| (Numbered { number: *number, delivery: delivery.clone() }, *due))
            .collect()
    }
}

impl Rows for CourierRows {
    type Error = Infallible;

    fn heard(&self, ledger: &LedgerName) -> Result<Option<i64>, Infallible> {
        Ok(self.heard.borrow().get(ledger).copied())
    }

    fn put_heard(&self, ledger: &LedgerName, number: i64, _: Timestamp) -> Result<(), Infallible> {
        self.heard.borrow_mut().insert(ledger.clone(), number);
        Ok(())
    }

    fn count(&self, is_dead: bool) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.of(is_dead).len()).unwrap())
    }

    fn add(&self, delivery: &Delivery, due: Timestamp) -> Result<(), Infallible> {
        self.newest.set(self.newest.get() + 1);
        self.deliveries.borrow_mut().insert(self.newest.get(), (delivery.clone(), due));
        Ok(())
    }

    fn put(&self, numbered: &Numbered, due: Timestamp) -> Result<(), Infallible> {
        self.deliveries.borrow_mut().insert(numbered.number, (numbered.delivery.clone(), due));
        Ok(())
    }

    fn remove(&self, number: i64) -> Result<(), Infallible> {
        self.deliveries.borrow_mut().remove(&number);
        Ok(())
    }

    fn delivery(&self, number: i64) -> Result<Option<Delivery>, Infallible> {
        Ok(self.deliveries.borrow().get(&number).map(|(delivery, _)| delivery.clone()))
    }

    fn deliveries(&self, is_dead: bool, after: i64, limit: u32) -> Result<Vec<Numbered>, Infallible> {
        let own = self.of(is_dead).into_iter().map(|(numbered, _)| numbered);
        Ok(own.filter(|numbered| numbered.number > after).take(limit as usize).collect())
    }

    fn due(&self, now: Timestamp) -> Result<Option<Numbered>, Infallible> {
        let due = self.of(false).into_iter().filter(|(_, due)| *due <= now);
        Ok(due.min_by_key(|(numbered, due)| (*due, numbered.number)).map(|(numbered, _)| numbered))
    }

    fn remove_ended(&self, now: Timestamp) -> Result<(), Infallible> {
        self.deliveries.borrow_mut().retain(|_, (delivery, due)| delivery.died_at.is_none() || *due > now);
        Ok(())
    }

    fn condition(&self) -> Result<Condition, Infallible> {
        Ok(self.condition.borrow().clone())
    }

    fn put_condition(&self, condition: &Condition) -> Result<(), Infallible> {
        *self.condition.borrow_mut() = condition.clone();
        Ok(())
    }
}

/// A message that a receiver got.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) url: String,
    pub(crate) content_type: &'static str,
    pub(crate) headers: BTreeMap<&'static str, String>,
    pub(crate) body: String,
}

/// Status and body, or why there is no answer.
type PushAnswer = Result<(u16, &'static str), NotPushed>;

/// Receivers by URL, each with its next answers. One without answers accepts everything.
#[derive(Default)]
pub(crate) struct Receivers {
    pub(crate) answers: RefCell<BTreeMap<String, Vec<PushAnswer>>>,
    pub(crate) got: RefCell<Vec<Pushed>>,
}

impl Receivers {
    /// Lets a receiver answer the next message in this way, after those that were set before.
    pub(crate) fn answer(&self, url: &str, answer: PushAnswer) {
        self.answers.borrow_mut().entry(url.to_owned()).or_default().push(answer);
    }

    /// Returns the messages so far, and forgets them.
    pub(crate) fn take(&self) -> Vec<Pushed> {
        self.got.take()
    }

    pub(super) fn push(&self, push: Push<'_>) -> Result<Incoming, NotPushed> {
        let (url, body) = (push.url.to_owned(), push.body.to_owned());
        let headers = push.headers.iter().cloned().collect();
        self.got.borrow_mut().push(Pushed { url, content_type: push.content_type, headers, body });
        let mut answers = self.answers.borrow_mut();
        let next =
            answers.get_mut(push.url).filter(|answers| !answers.is_empty()).map(|answers| answers.remove(0));
        let (status, body) = next.unwrap_or(Ok((202, "")))?;
        Ok(Incoming { status, body: if push.reads { body.to_owned() } else { String::new() } })
    }
}
