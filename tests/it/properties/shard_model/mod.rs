//! A shard in memory, and a model of what it must do: an account of one code at a time, kept without looking at
//! its rows.

mod rows;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use device_grant::ask::Ask;
use device_grant::audit::What;
use device_grant::family::command::{PresentToken, RotateToken};
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::family::{Holder, Presented, Rotation};
use device_grant::grant::command::{
    Command, ConsentDecision, Decide, Decided, Held, Open, Opened, PollCode, Redeem, TakeHold,
};
use device_grant::grant::routing::RowKey;
use device_grant::grant::shard::{Memory, apply};
use device_grant::grant::{Denial, Grant, Hold, Poll, Redemption};
use device_grant::secret::Digest;
use device_grant::time::{Timestamp, span};
use device_grant::token::confirmation::Confirmation;
use rows::{GRACE, InMemory, Stored, approval, current, family, grant, hold};

const KEY: RowKey = RowKey([7; 16]);
const START: Timestamp = Timestamp::from_millis(1_000_000);
const LIFETIME: Duration = span(300);
/// A spent code that comes back sooner lost a race.
const RACE: Duration = span(3);
/// One that comes back later is a thief's.
const REISSUE: Duration = span(60);

/// One thing that happens. An attempt names the family that it would start; families that were started, and their tokens,
/// are counted from the newest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Open,
    Poll { right: bool, key: bool, confidential: bool },
    Hold { account: u8, browser: u8 },
    Decide { stale: bool, decision: u8 },
    Redeem { right: bool, attempt: u8, confidential: bool },
    Refresh { family: usize, token: usize, key: bool, own: bool },
    Rotate { family: usize, token: usize },
    Wait(u64),
}

/// What stays as it is throughout a life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Whether the server gives lost answers anew.
    pub(super) reissue: bool,
    /// Whether the code is bound to a key.
    pub(super) bound: bool,
    /// Whether the device stops once it has tokens, so that families live long enough to be refreshed.
    pub(super) stops: bool,
}

/// What the model knows of the code that is there now.
#[derive(Debug, Default)]
struct Code {
    expires_at: Timestamp,
    held: Option<Hold>,
    denied: Option<Denial>,
    approved_at: Option<Timestamp>,
    /// When its approval was last redeemed.
    redeemed_at: Option<Timestamp>,
    /// The attempts that won, in order.
    won: Vec<u8>,
    replayed: bool,
    without_key: bool,
}

/// A shard of one row, and the model beside it.
pub(super) struct Life<'a> {
    rows: InMemory,
    memory: Memory,
    now: Timestamp,
    setting: Setting,
    /// How many codes this row has held.
    codes: u32,
    code: Code,
    pages: u32,
    /// The refresh tokens of each family, oldest first.
    tokens: BTreeMap<FamilyId, Vec<String>>,
    /// How often each kind of outcome was met, over all lives.
    met: &'a RefCell<BTreeMap<&'static str, u32>>,
}

impl<'a> Life<'a> {
    /// A shard with a code in it.
    pub(super) fn new(setting: Setting, met: &'a RefCell<BTreeMap<&'static str, u32>>) -> Self {
        let (rows, memory, code) = (InMemory::default(), Memory::default(), Code::default());
        let (codes, pages, tokens) = (0, 0, BTreeMap::new());
        let mut life = Self { rows, memory, now: START, setting, codes, code, pages, tokens, met };
        life.open();
        life
    }

    /// Has something happen, and sees that it was as it must be.
    pub(super) fn go(&mut self, step: Step) {
        match step {
            Step::Open => self.open(),
            Step::Poll { .. } if self.setting.stops && !self.code.won.is_empty() => {}
            Step::Poll { right, key, confidential } => self.poll(right, key, confidential),
            Step::Hold { account, browser } => self.hold(account, browser),
            Step::Decide { stale, decision } => self.decide(stale, decision),
            Step::Redeem { right, attempt, confidential } => self.redeem(right, attempt, confidential),
            Step::Refresh { family, token, key, own } => self.refresh(family, token, key, own),
            Step::Rotate { family, token } => self.rotate(family, token),
            Step::Wait(millis) => self.now = self.now + Duration::from_millis(millis),
        }
        assert!(self.live().len() <= 1, "an approval has one live family: {:?}", self.live());
        assert!(self.code.won.len() <= if self.setting.reissue { 2 } else { 1 }, "{:?}", self.code);
    }

    fn ask<A: Ask<Command = Command>>(&mut self, ask: A) -> A::Reply {
        let Ok(answer) = apply(&self.rows, &mut self.memory, ask.into(), self.now);
        answer.read::<A>().expect("the reply to this command")
    }

    fn stored(&self) -> Stored {
        self.rows.0.borrow().clone()
    }

    fn meet(&self, outcome: &'static str) {
        *self.met.borrow_mut().entry(outcome).or_default() += 1;
    }

    /// The events since then.
    fn told(&self, before: &Stored) -> Vec<What> {
        self.rows.0.borrow().events.iter().skip(before.events.len()).map(|event| event.what).collect()
    }

    /// The families of this code that are live.
    fn live(&self) -> Vec<FamilyId> {
        let stored = self.rows.0.borrow();
        let own =
            stored.families.iter().filter(|(id, _)| id.to_bytes().starts_with(&self.codes.to_be_bytes()));
        own.filter(|(_, family)| family.is_live(self.now)).map(|(id, _)| *id).collect()
    }

    fn is_open(&self) -> bool {
        self.code.denied.is_none() && self.code.approved_at.is_none() && self.now < self.code.expires_at
    }

    fn is_redeemable(&self) -> bool {
        let end = self.code.approved_at.map(|at| self.code.expires_at.max(at + GRACE));
        self.code.won.is_empty() && end.is_some_and(|end| self.now < end)
    }

    /// Whether a lost answer is given anew to whoever asks so.
    fn is_reissuable(&self, confidential: bool) -> bool {
        let [winner] = *self.code.won else { return false };
        let Some(at) = self.code.redeemed_at else { return false };
        let unused = self.tokens.get(&self.id(winner)).is_some_and(|tokens| tokens.len() == 1);
        let in_time = at + RACE <= self.now && self.now < at + REISSUE;
        let may = self.setting.reissue && (confidential || self.setting.bound);
        may && unused && in_time && !self.code.replayed && !self.live().is_empty()
    }

    fn id(&self, attempt: u8) -> FamilyId {
        FamilyId::from_bytes((u128::from(self.codes) << 96 | u128::from(attempt)).to_be_bytes())
    }

    fn secret(&self, right: bool) -> Digest {
        Digest::of(format!("{}", if right { self.codes } else { self.codes - 1 }).as_bytes())
    }

    fn cnf(&self, key: bool) -> Confirmation {
        Confirmation { jkt: (self.setting.bound && key).then(|| "key".to_owned()), x5t_s256: None }
    }

    fn open(&mut self) {
        let (before, free) = (self.stored(), self.codes == 0 || self.code.expires_at + GRACE <= self.now);
        let expires_at = self.now + LIFETIME;
        let grant =
            Box::new(grant(Digest::of(format!("{}", self.codes + 1).as_bytes()), self.cnf(true), expires_at));

        let reply = self.ask(Open { key: KEY, grant, cap: 10 });

        if free {
            assert_eq!((reply, self.told(&before)), (Opened::Live(1), vec![What::DeviceAuthorization]));
            self.codes += 1;
            self.code = Code { expires_at, ..Code::default() };
            self.meet(if self.codes > 1 { "opened over an old one" } else { "opened" });
        } else {
            assert_eq!((reply, self.stored()), (Opened::Taken, before));
            self.meet("taken");
        }
    }

    fn poll(&mut self, right: bool, key: bool, confidential: bool) {
        let (before, memory) = (self.stored(), format!("{:?}", self.memory));
        let expected = self.expected(right, key, confidential);
        let (secret, proven, reissue_bound) = (self.secret(right), self.cnf(key), self.setting.reissue);
        let reissue = reissue_bound && confidential;

        let poll = self.ask(PollCode { key: KEY, secret, reissue, reissue_bound, proven });

        assert_eq!(name(&poll), expected, "{:?}", self.code);
        self.meet(expected);
        match expected {
            "without key" => self.only_the_mark_is_new(&before),
            "replayed" => {
                assert_eq!(self.live(), [], "its tokens are revoked");
                let news = if self.code.replayed { vec![] } else { vec![What::DeviceCodeReplayed] };
                assert_eq!(self.told(&before), news);
                self.code.replayed = true;
            }
            // Only a raised interval is stored.
            "pending" => assert_eq!(paceless(self.stored()), paceless(before)),
            _ => assert_eq!(self.stored(), before, "{expected}"),
        }
        if ["without key", "unknown"].contains(&expected) {
            assert_eq!(format!("{:?}", self.memory), memory, "the pace of whoever may poll");
        }
    }

    /// What a poll finds, by the rules.
    fn expected(&self, right: bool, key: bool, confidential: bool) -> &'static str {
        let (code, now) = (&self.code, self.now);
        if !right {
            "unknown"
        } else if self.setting.bound && !key {
            "without key"
        } else if code.denied.is_some() {
            "denied"
        } else if self.is_redeemable() || self.is_reissuable(confidential) {
            "ready"
        } else if let Some(at) = code.redeemed_at {
            if now < at + RACE { "spent" } else { "replayed" }
        } else if code.approved_at.is_some() || code.expires_at <= now {
            "expired"
        } else {
            "pending"
        }
    }

    /// Without the key nothing changes but that it was noticed, once.
    fn only_the_mark_is_new(&mut self, before: &Stored) {
        let news = if self.code.without_key { vec![] } else { vec![What::DeviceCodeWithoutKey] };
        assert_eq!(self.told(before), news);
        self.code.without_key = true;
        let Stored { grants, families, .. } = self.stored();
        let marked = |grant: &Grant| Grant { without_key: true, ..grant.clone() };
        assert_eq!(grants, before.grants.iter().map(|(key, grant)| (*key, marked(grant))).collect());
        assert_eq!(families, before.families);
    }

    fn hold(&mut self, account: u8, browser: u8) {
        let (before, open) = (self.stored(), self.is_open());
        self.pages += 1;
        let hold = hold(account, browser, self.pages);
        let holder = self.code.held.clone();
        let other = |held: &Hold| held.account != hold.account && held.browser != hold.browser;
        let again = |held: &Hold| held.account == hold.account && held.browser == hold.browser;

        let held = self.ask(TakeHold { key: KEY, hold: hold.clone() });

        assert_eq!(matches!(held, Held::Yours(_)), open && !holder.as_ref().is_some_and(other));
        if !open {
            assert_eq!(self.stored(), before);
        } else if holder.as_ref().is_some_and(other) {
            assert_eq!(self.told(&before), [What::Contested]);
            self.code.denied = Some(Denial::Contested);
            self.meet("contested");
        } else {
            let news = if holder.as_ref().is_some_and(again) { vec![] } else { vec![What::ConsentOpened] };
            assert_eq!(self.told(&before), news);
            self.code.held = Some(hold);
            self.meet("held");
        }
    }

    fn decide(&mut self, stale: bool, decision: u8) {
        let (before, open) = (self.stored(), self.is_open());
        let fresh = self.code.held.clone().filter(|_| !stale);
        let hold = fresh.clone().unwrap_or_else(|| hold(0, 0, 0));
        let (decision, what) = match decision {
            0 => (ConsentDecision::Approve(approval(self.now)), What::Approved),
            1 => (ConsentDecision::Deny(Denial::Denied), What::Denied),
            _ => (ConsentDecision::Deny(Denial::Reported), What::Reported),
        };

        let decided = self.ask(Decide { key: KEY, hold, decision: decision.clone() });

        if open && fresh.is_some() {
            assert!(matches!(decided, Decided::Done(_)), "{decided:?}");
            assert_eq!(self.told(&before), [what]);
            match decision {
                ConsentDecision::Approve(_) => self.code.approved_at = Some(self.now),
                ConsentDecision::Deny(how) => self.code.denied = Some(how),
            }
            self.meet("decided");
        } else {
            assert_eq!(decided, if open { Decided::Elsewhere } else { Decided::Over });
            assert_eq!(self.stored(), before);
            self.meet(if open { "elsewhere" } else { "over" });
        }
    }

    fn redeem(&mut self, right: bool, attempt: u8, confidential: bool) {
        let before = self.stored();
        let (first, anew) = (right && self.is_redeemable(), right && self.is_reissuable(confidential));
        let again = right && self.code.won.last() == Some(&attempt);
        let (secret, id) = (self.secret(right), self.id(attempt));
        let family = Box::new(family(id, attempt, self.cnf(true), self.now));
        let reissue = self.setting.reissue && (confidential || self.setting.bound);

        let reply = self.ask(Redeem {
            key: KEY,
            secret,
            attempt: AttemptId::of_jti(&attempt.to_string()),
            id,
            family,
            reissue,
        });

        let won = first || anew && !again;
        let expected = match (won, again) {
            (true, _) => Redemption::Won,
            (false, true) => Redemption::Again,
            (false, false) => Redemption::Lost,
        };
        assert_eq!(reply, expected, "{:?}", self.code);
        if !won {
            return assert_eq!(self.stored(), before);
        }
        assert_eq!(self.told(&before), [if first { What::Redeemed } else { What::Reissued }]);
        assert_eq!(self.live(), [id]);
        self.code.redeemed_at = Some(self.now);
        self.code.won.push(attempt);
        self.tokens.insert(id, vec![format!("{id}/0")]);
        self.meet(if first { "redeemed" } else { "reissued" });
    }

    /// A family of this code, a token of it, and whether that is its newest.
    fn token(&self, family: usize, back: usize) -> Option<(FamilyId, Digest, bool)> {
        let id = self.id(*self.code.won.iter().rev().nth(family)?);
        let token = self.tokens.get(&id)?.iter().rev().nth(back)?;
        Some((id, Digest::of(token.as_bytes()), back == 0))
    }

    fn refresh(&mut self, family: usize, back: usize, key: bool, own: bool) {
        let before = self.stored();
        let Some((id, secret, newest)) = self.token(family, back) else { return };
        let live = self.live().contains(&id);
        let client_id = if own { "demo-tv" } else { "demo-printer" }.to_owned();
        let holder = Holder { client_id, proven: self.cnf(key) };

        let presented = self.ask(PresentToken { id, secret, genuine: true, holder });

        if !own {
            assert_eq!(presented, Presented::Dead, "another client's");
        } else if self.setting.bound && !key {
            assert_eq!(presented, Presented::WithoutKey);
        } else {
            assert_eq!(presented != Presented::Dead, live);
            assert!(!(live && newest) || matches!(presented, Presented::Current(_)), "{presented:?}");
        }
        self.ended_or_untouched(id, presented == Presented::Reused, &before);
    }

    fn rotate(&mut self, family: usize, back: usize) {
        let before = self.stored();
        let Some((id, secret, newest)) = self.token(family, back) else { return };
        let (live, count) = (self.live().contains(&id), self.tokens.get(&id).map_or(0, Vec::len));
        let successor = format!("{id}/{count}");
        let (next, cnf) = (current(&successor, &successor), self.cnf(true));
        let ends_at = before.families.get(&id).expect("a token has a family").ends_at;

        let reply = self.ask(RotateToken { id, secret, next, ends_at, cnf });

        assert!(live || reply == Rotation::Lost, "nothing comes of a family that has ended");
        assert!(!(live && newest) || reply == Rotation::Rotated, "{reply:?}");
        if reply == Rotation::Rotated {
            assert_eq!(self.told(&before), [if newest { What::Refreshed } else { What::RefreshedAnew }]);
            self.tokens.entry(id).or_default().push(successor);
            return self.meet(if newest { "refreshed" } else { "refreshed anew" });
        }
        self.ended_or_untouched(id, !self.told(&before).is_empty(), &before);
    }

    /// A token that two have ends its family, and no other has any effect.
    fn ended_or_untouched(&self, id: FamilyId, reused: bool, before: &Stored) {
        if reused {
            assert_eq!(self.told(before), [What::RefreshTokenReused]);
            assert!(!self.live().contains(&id));
            self.meet("reused");
        } else {
            assert_eq!(self.stored(), *before);
        }
    }
}

fn paceless(mut stored: Stored) -> Stored {
    stored.grants.values_mut().for_each(|grant| grant.interval = 0);
    stored
}

fn name(poll: &Poll) -> &'static str {
    match poll {
        Poll::Pending(_) | Poll::TooSoon(_) => "pending",
        Poll::Denied(_) => "denied",
        Poll::Expired => "expired",
        Poll::Ready(_) => "ready",
        Poll::Spent => "spent",
        Poll::Replayed => "replayed",
        Poll::Unknown => "unknown",
        Poll::WithoutKey => "without key",
    }
}
