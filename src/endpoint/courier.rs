//! What the alarm of a courier does: delivers what is due to the courier's destination. `docs/decisions/0068-*` has the reasons.

use serde_json::{Map, Value};

use super::platform::{NotPushed, Platform, Push, Unavailable};
use super::server::Server;
use crate::ask::Ask;
use crate::audit::webhook::{self, Round};
use crate::counts::destination_command::ListDestinations;
use crate::courier::answer;
use crate::courier::command::{Command, CourierState, FindDue, ReadCourier, Settle};
use crate::courier::delivery::{Delivery, Outcome};
use crate::courier::destination::{Destination, Receiver, Sealed};
use crate::courier::security_event::{self, ClaimsNow, Signal};
use crate::endpoint::at_once::try_all;
use crate::identity::command::FindByPointer;
use crate::identity::pointer::Pointer;
use crate::sub::Sub;
use crate::time::Timestamp;

/// The most deliveries in one alarm. Each is a call to another server, of which the platform's free plan allows 50.
const MOST: u32 = 30;
/// The media type of a pushed token (RFC 8935 §2.1).
const PUSHED: &str = "application/secevent+jwt";

/// A courier, for itself.
pub trait Mailbox {
    /// Applies a command to its own rows.
    ///
    /// # Errors
    ///
    /// A row could not be read or written.
    fn apply<A: Ask<Command = Command>>(&self, ask: A) -> Result<A::Reply, Unavailable>;

    /// Reads the clock.
    fn now(&self) -> Timestamp;
}

/// What a courier learns about its destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Course {
    /// What was due was delivered, or as much as one alarm may.
    Goes,
    /// The destination is switched off, so nothing was tried.
    Off,
    /// There is no such destination any more: the courier can delete everything.
    Gone,
}

/// A message that only tests the way.
struct Try {
    outcome: Outcome,
    status: Option<u16>,
}

impl<P: Platform> Server<P> {
    /// Delivers what is due, within the bounds of one alarm.
    ///
    /// # Errors
    ///
    /// The destination or a row could not be read, so nothing further was tried.
    pub async fn deliver(&self, courier: &str, mailbox: &impl Mailbox) -> Result<Course, Unavailable> {
        let destinations = self.platform.counts(ListDestinations {}).await?;
        let Some(destination) = destinations.into_iter().find(|one| one.courier() == courier) else {
            return Ok(Course::Gone);
        };
        if !destination.enabled {
            return Ok(Course::Off);
        }
        let mut round = Round::of(MOST, mailbox.now());
        while let Some(due) = mailbox.apply(FindDue {})? {
            if !round.goes_on(mailbox.now()) {
                break;
            }
            let outcome = self.try_to_deliver(&destination, &due.delivery, mailbox.now()).await;
            let is_failure = matches!(outcome, Outcome::Again(_));
            let pause = is_failure.then(|| round.failed(mailbox.now()));
            mailbox.apply(Settle { number: due.number, outcome, pause })?;
        }
        Ok(Course::Goes)
    }

    /// Returns how each destination does, with its identifier.
    pub(super) async fn courier_states(&self) -> Result<Vec<(String, CourierState)>, Unavailable> {
        let destinations = self.platform.counts(ListDestinations {}).await?;
        try_all(destinations.iter().map(|destination| self.courier_state(destination))).await
    }

    async fn courier_state(&self, of: &Destination) -> Result<(String, CourierState), Unavailable> {
        let state = self.platform.courier(&of.courier(), ReadCourier {}).await?;
        Ok((of.id.as_str().to_owned(), state))
    }

    async fn try_to_deliver(&self, to: &Destination, delivery: &Delivery, now: Timestamp) -> Outcome {
        match &to.receiver {
            Receiver::Webhook { secrets } => {
                let Delivery { id, at, event, .. } = delivery.clone();
                let message = webhook::Delivery { id, at, event };
                self.post(to, secrets, &message, &message.body(), now).await.outcome
            }
            Receiver::SharedSignals { issuer, .. } => {
                let Some(signal) = Signal::of(&delivery.id, &delivery.event) else {
                    return Outcome::Delivered;
                };
                match self.claims_now(&signal).await {
                    Ok(Some(claims)) => {
                        self.push(to, signal.claims(issuer, &claims), &delivery.id, delivery.since, now)
                            .await
                            .outcome
                    }
                    // Nobody has the claims any more.
                    Ok(None) => Outcome::Delivered,
                    Err(Unavailable) => Outcome::Again("the account could not be read".to_owned()),
                }
            }
        }
    }

    /// Sends a message that only tests the way. Returns the status that the receiver answered with, and why that is a failure
    /// if it is one.
    pub(super) async fn try_destination(
        &self,
        to: &Destination,
        id: &str,
        now: Timestamp,
    ) -> (Option<u16>, Outcome) {
        let tried = match &to.receiver {
            Receiver::Webhook { secrets } => {
                let message = webhook::Delivery { id: id.to_owned(), at: now, event: String::new() };
                let body =
                    serde_json::json!({ "type": "test", "timestamp": now.to_string(), "data": { "id": id } });
                self.post(to, secrets, &message, &body.to_string(), now).await
            }
            Receiver::SharedSignals { .. } => {
                self.push(to, security_event::verification(to.id.as_str()), id, now, now).await
            }
        };
        (tried.status, tried.outcome)
    }

    /// Posts a message as Standard Webhooks says.
    async fn post(
        &self,
        to: &Destination,
        secrets: &[Sealed],
        message: &webhook::Delivery,
        body: &str,
        now: Timestamp,
    ) -> Try {
        let Some(secrets) = Receiver::open(secrets, &self.settings.keyring) else { return lost() };
        let headers = message.headers(&secrets, body, now);
        let push =
            Push { url: &to.url, content_type: "application/json", headers: &headers, body, reads: false };
        self.send(push, |status, _| answer::of_webhook(status)).await
    }

    /// Pushes a token as RFC 8935 §2 says.
    async fn push(
        &self,
        to: &Destination,
        mut claims: Map<String, Value>,
        jti: &str,
        iat: Timestamp,
        now: Timestamp,
    ) -> Try {
        let Receiver::SharedSignals { issuer, audience, authorization } = &to.receiver else { return lost() };
        for (name, value) in [("iss", issuer.as_str()), ("aud", audience.as_str()), ("jti", jti)] {
            claims.insert(name.to_owned(), value.into());
        }
        claims.insert("iat".to_owned(), iat.seconds().into());
        let Ok(token) = self.signed(security_event::TYPE, &Value::Object(claims).to_string(), now).await
        else {
            return failed("it could not be signed");
        };
        let mut headers = vec![("accept", "application/json".to_owned())];
        if let Some(sealed) = authorization {
            let Some(header) = sealed.open(&self.settings.keyring) else { return lost() };
            headers.push(("authorization", header));
        }
        let push = Push { url: &to.url, content_type: PUSHED, headers: &headers, body: &token, reads: true };
        self.send(push, answer::of_push).await
    }

    async fn send(&self, push: Push<'_>, judge: impl Fn(u16, &str) -> Outcome) -> Try {
        match self.platform.push(push).await {
            Ok(answer) => Try { outcome: judge(answer.status, &answer.body), status: Some(answer.status) },
            Err(NotPushed::Late) => failed("timeout"),
            Err(NotPushed::Unreachable) => failed("unreachable"),
        }
    }

    /// Returns the claims that a signal needs; `None` if there is no such account.
    async fn claims_now(&self, signal: &Signal) -> Result<Option<ClaimsNow>, Unavailable> {
        if !signal.needs_claims() {
            return Ok(Some(ClaimsNow::default()));
        }
        let pointer = Pointer::sub(&Sub::from(signal.sub.as_str()));
        let found = self.platform.accounts(pointer.shard(), FindByPointer { pointer }).await?;
        let Some(key) = found else { return Ok(None) };
        Ok(self.stored_account(&key).await?.map(|account| ClaimsNow {
            name: account.name,
            email: account.email,
            preferred_username: account.username,
            groups: account.groups.iter().map(ToString::to_string).collect(),
        }))
    }
}

fn failed(why: &str) -> Try {
    Try { outcome: Outcome::Again(why.to_owned()), status: None }
}

/// What to say if the key is gone that sealed a secret.
fn lost() -> Try {
    failed("the secret was sealed with a MASTER_KEY that is gone")
}
