//! A grant shard in memory, and a model of it. The model knows one code at a time, and never reads the rows.

mod codes;
mod rows;
mod tokens;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use device_grant::ask::Ask;
use device_grant::audit::What;
use device_grant::family::id::FamilyId;
use device_grant::grant::command::Command;
use device_grant::grant::routing::RowKey;
use device_grant::grant::shard::{Memory, apply};
use device_grant::grant::verification::{Digits, Match};
use device_grant::grant::{Denial, Grant, Hold, Outcome, State};
use device_grant::secret::Digest;
use device_grant::time::{Timestamp, span};
use device_grant::token::confirmation::Confirmation;

use rows::{GRACE, InMemory, Stored};

const KEY: RowKey = RowKey([7; 16]);
const START: Timestamp = Timestamp::from_millis(1_000_000);
const LIFETIME: Duration = span(300);
/// A spent code that comes back sooner than this lost a race.
const RACE: Duration = span(3);
/// A spent code that comes back later than this is a replay, even where lost answers are reissued.
const REISSUE: Duration = span(60);

/// How a poll authenticates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Form,
    Header,
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Form => Self::Header,
            Self::Header => Self::Form,
        }
    }
}

/// What the user of the device has typed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Typed {
    Nothing,
    Right,
    Wrong(u8),
}

impl Typed {
    fn digits(self) -> Option<Digits> {
        let text = match self {
            Self::Nothing => return None,
            Self::Right => "0042".to_owned(),
            Self::Wrong(number) => format!("100{number}"),
        };
        Digits::parse(&text)
    }

    fn verdict(self) -> Option<Match> {
        match self {
            Self::Nothing => None,
            Self::Right => Some(Match::Right),
            Self::Wrong(_) => Some(Match::Wrong),
        }
    }
}

/// One step of a life. An attempt is the number of the family that it would start. Families, and the tokens
/// of each, are counted back from the newest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Open,
    Poll {
        right: bool,
        key: bool,
        confidential: bool,
        way: Way,
        typed: Typed,
    },
    Hold {
        account: u8,
        browser: u8,
    },
    Decide {
        stale: bool,
        decision: u8,
    },
    Find {
        stale: bool,
    },
    Withdraw {
        stale: bool,
    },
    Redeem {
        right: bool,
        attempt: u8,
        confidential: bool,
        far: bool,
        typed: Typed,
    },
    Miss {
        right: bool,
        typed: Typed,
    },
    RefuseElsewhere {
        right: bool,
    },
    Refresh {
        family: usize,
        token: usize,
        key: bool,
        own: bool,
    },
    Rotate {
        family: usize,
        token: usize,
    },
    /// Ends the access of a family, as its owner or an administrator does.
    End {
        family: usize,
    },
    /// Uses the newest token, and those that follow from it, twelve times.
    RotateOften,
    Wait(u64),
}

/// What does not change during a life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Whether the server reissues lost answers.
    pub(super) reissue: bool,
    /// Whether the code is bound to a key.
    pub(super) bound: bool,
    /// Whether the device stops once it has tokens, so that families live long enough to be refreshed.
    pub(super) stops: bool,
}

/// What the model knows of the current code.
#[derive(Debug, Default)]
struct Code {
    expires_at: Timestamp,
    /// Seconds that must pass between two polls of the same kind.
    interval: u64,
    /// When the code was last polled while it was pending, without and with an `Authorization` header.
    polled: [Option<Timestamp>; 2],
    held: Option<Hold>,
    /// What the holder decided, and when.
    decided: Option<(Outcome, Timestamp)>,
    denied: Option<Denial>,
    approved_at: Option<Timestamp>,
    /// Whether the approval needs digits, and the wrong ones that were sent.
    verifying: bool,
    wrong: BTreeSet<Typed>,
    /// Time of the last redemption.
    redeemed_at: Option<Timestamp>,
    /// The attempts that won a redemption, in order.
    won: Vec<u8>,
    replayed: bool,
    without_key: bool,
}

/// A shard with one row for a grant, and its model.
pub(super) struct Life<'a> {
    rows: InMemory,
    memory: Memory,
    now: Timestamp,
    setting: Setting,
    /// How many codes the row has held so far.
    codes: u32,
    code: Code,
    pages: u32,
    /// The refresh tokens of each family, oldest first.
    tokens: BTreeMap<FamilyId, Vec<String>>,
    /// When each family was rotated, oldest first.
    rotations: BTreeMap<FamilyId, Vec<Timestamp>>,
    /// How often each outcome was met, over all lives.
    met: &'a RefCell<BTreeMap<&'static str, u32>>,
}

impl<'a> Life<'a> {
    /// Creates a shard that holds a code.
    pub(super) fn new(setting: Setting, met: &'a RefCell<BTreeMap<&'static str, u32>>) -> Self {
        let (rows, memory, code) = (InMemory::default(), Memory::default(), Code::default());
        let (codes, pages, tokens, rotations) = (0, 0, BTreeMap::new(), BTreeMap::new());
        let mut life = Self { rows, memory, now: START, setting, codes, code, pages, tokens, rotations, met };
        life.open();
        life
    }

    /// Takes a step, and checks what the shard did.
    pub(super) fn go(&mut self, step: Step) {
        match step {
            Step::Open => self.open(),
            Step::Poll { .. } if self.setting.stops && !self.code.won.is_empty() => {}
            Step::Poll { right, key, confidential, way, typed } => {
                self.poll((right, key), confidential, way, typed);
            }
            Step::Hold { account, browser } => self.hold(account, browser),
            Step::Decide { stale, decision } => self.decide(stale, decision),
            Step::Find { stale } => self.find(stale),
            Step::Withdraw { stale } => self.withdraw(stale),
            Step::Redeem { right, attempt, confidential, far, typed } => {
                self.redeem(right, attempt, (confidential, far), typed);
            }
            Step::Miss { right, typed } => self.miss(right, typed),
            Step::RefuseElsewhere { right } => self.refuse_elsewhere(right),
            Step::Refresh { family, token, key, own } => self.refresh(family, token, key, own),
            Step::Rotate { family, token } => self.rotate(family, token),
            Step::End { family } => self.end(family),
            Step::RotateOften => (0..12).for_each(|_| self.rotate(0, 0)),
            Step::Wait(millis) => self.now = self.now + Duration::from_millis(millis),
        }
        assert!(self.live().len() <= 1, "an approval has at most one live family: {:?}", self.live());
        assert!(self.code.won.len() <= if self.setting.reissue { 2 } else { 1 }, "{:?}", self.code);
        self.check_counts();
    }

    /// Checks that exactly the codes are counted that can lead to tokens and have not expired.
    fn check_counts(&self) {
        let (stored, now) = (self.rows.0.borrow(), self.now);
        let may_lead_to_tokens = |grant: &&Grant| {
            matches!(grant.state, State::Pending { .. } | State::Approved { .. } | State::Verifying { .. })
        };
        let live = stored.grants.values().filter(may_lead_to_tokens).filter(|grant| now < grant.expires_at);
        let live = live.count() as u64;
        let of_networks = stored.codes_of.values().map(|codes| codes.clone().at(now).codes.count(None));
        assert_eq!((stored.codes.clone().at(now).codes.count(None), of_networks.sum::<u64>()), (live, live));
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

    /// Returns the events since `before`.
    fn events_since(&self, before: &Stored) -> Vec<What> {
        self.rows.0.borrow().events.iter().skip(before.events.len()).map(|event| event.what).collect()
    }

    /// Returns the live families of the current code.
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
        self.code.denied.is_none() && self.code.won.is_empty() && end.is_some_and(|end| self.now < end)
    }

    /// Returns whether a client that polls now gets its lost answer again.
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
}
