//! What the shard must do when a code is opened, polled, held and decided.

use device_grant::audit::What;
use device_grant::grant::command::{
    Caps, ConsentDecision, Decide, Decided, FindRequest, Held, Miss, Open, Opened, PollCode, RefuseElsewhere,
    Standing, TakeHold, Withdraw,
};
use device_grant::grant::poll::Poll;
use device_grant::grant::{Approval, Denial, Grant, Hold, Outcome, State};
use device_grant::provenance::Stage;
use device_grant::secret::Digest;
use device_grant::time::{Timestamp, span};

use super::rows::{GRACE, Stored, approval, grant, hold};
use super::{Code, KEY, LIFETIME, Life, RACE, Typed, Way};
use crate::properties::records::journey;

impl Life<'_> {
    pub(super) fn open(&mut self) {
        let free = self.codes == 0 || self.code.expires_at + GRACE <= self.now;
        if free {
            // The sweep has deleted the old one.
            self.rows.0.borrow_mut().grants.clear();
        }
        let before = self.stored();
        let expires_at = self.now + LIFETIME;
        let grant =
            Box::new(grant(Digest::of(format!("{}", self.codes + 1).as_bytes()), self.cnf(true), expires_at));

        let reply = self.ask(Open { key: KEY, grant, caps: Caps { client: 3, shard: 10 }, policy: None });

        if free {
            assert_eq!(
                (reply, self.events_since(&before)),
                (Opened::Live(1), vec![What::DeviceAuthorization])
            );
            self.codes += 1;
            self.code = Code { expires_at, interval: 5, ..Code::default() };
            self.meet(if self.codes > 1 { "opened again" } else { "opened" });
        } else {
            assert_eq!((reply, self.stored()), (Opened::Taken, before));
            self.meet("taken");
        }
    }

    pub(super) fn poll(&mut self, (right, key): (bool, bool), confidential: bool, way: Way, typed: Typed) {
        let (before, memory) = (self.stored(), format!("{:?}", self.memory));
        let expected = self.expected(right, key, confidential, (way, typed));
        let (secret, proven, reissue_bound) = (self.secret(right), self.cnf(key), self.setting.reissue);
        let reissue = reissue_bound && confidential;

        let poll = self.ask(PollCode {
            key: KEY,
            secret,
            reissue,
            reissue_bound,
            proven,
            by_header: way == Way::Header,
            digits: typed.digits(),
        });

        assert_eq!(name(&poll), expected, "{:?}", self.code);
        self.meet(expected);
        match expected {
            "without key" => self.only_the_mark_is_new(&before),
            "replayed" => {
                assert_eq!(self.live(), [], "the tokens of the code are revoked");
                let news = if self.code.replayed { vec![] } else { vec![What::DeviceCodeReplayed] };
                assert_eq!(self.events_since(&before), news);
                self.code.replayed = true;
            }
            "pending" => {
                assert_eq!((poll, self.stored()), (Poll::Pending(self.code.interval), before));
                self.note_poll(way);
            }
            "digits needed" => {
                assert_eq!((poll, self.stored()), (Poll::DigitsNeeded(self.code.interval), before));
                self.note_poll(way);
            }
            "ready" => {
                let Poll::Ready(ready) = poll else { unreachable!("checked above") };
                let is_to_be_verified = self.code.verifying && self.is_redeemable();
                assert_eq!(ready.digits, typed.verdict().filter(|_| is_to_be_verified));
                assert_eq!(self.stored(), before, "a poll spends no try");
            }
            "too soon" => {
                self.code.interval = (self.code.interval + 5).min(60);
                assert_eq!(poll, Poll::TooSoon(self.code.interval));
                assert_eq!(self.stored(), with_interval(before, self.code.interval));
                self.note_poll(way);
            }
            _ => assert_eq!(self.stored(), before, "{expected}"),
        }
        if ["without key", "unknown"].contains(&expected) {
            assert_eq!(format!("{:?}", self.memory), memory, "the rightful device is not slowed down");
        }
    }

    /// Presents the code from where its client may not redeem it. The key is proven by then.
    pub(super) fn refuse_elsewhere(&mut self, right: bool) {
        let (before, secret) = (self.stored(), self.secret(right));
        if !(right && self.is_redeemable()) {
            // In any other state, this is a poll without a second chance: only what must not happen is checked.
            let poll = self.ask(RefuseElsewhere { key: KEY, secret, journey: journey() });
            assert!(!matches!(poll, Poll::Ready(_)), "{:?}", self.code);
            if let Poll::Pending(interval) | Poll::TooSoon(interval) = poll {
                self.note_poll(Way::Form);
                self.code.interval = interval;
            }
            let replays = right && poll == Poll::Replayed && !self.code.replayed;
            assert_eq!(
                self.events_since(&before),
                if replays { vec![What::DeviceCodeReplayed] } else { vec![] }
            );
            self.code.replayed |= replays;
            return;
        }
        for news in [vec![What::RefusedElsewhere], vec![]] {
            let before = self.stored();
            let poll = self.ask(RefuseElsewhere { key: KEY, secret, journey: journey() });
            assert_eq!(poll, Poll::Denied(Denial::Elsewhere), "also if the command arrives twice");
            assert_eq!(self.events_since(&before), news);
        }
        self.code.denied = Some(Denial::Elsewhere);
        self.meet("refused elsewhere");
    }

    /// Spends a try at the digits, unless they are right or none are needed: then this is a poll.
    pub(super) fn miss(&mut self, right: bool, typed: Typed) {
        let Some(digits) = typed.digits() else { return };
        let (before, secret) = (self.stored(), self.secret(right));
        let is_miss = right && self.code.verifying && self.is_redeemable() && typed != Typed::Right;
        let expected = self.expected(right, true, false, (Way::Form, typed));
        let is_noted = ["pending", "too soon"].contains(&expected) || !self.code.won.is_empty();
        if !is_miss && is_noted {
            return;
        }

        let poll = self.ask(Miss { key: KEY, secret, digits });

        if !is_miss {
            // The key is proven by then, and lost answers are not given again.
            assert!(!matches!(poll, Poll::WrongDigits(_)), "{:?}", self.code);
            return assert_eq!(self.stored(), before);
        }
        self.code.wrong.insert(typed);
        let left = 3 - self.code.wrong.len() as u64;
        if left > 0 {
            assert_eq!((poll, self.events_since(&before)), (Poll::WrongDigits(left), vec![]));
            return self.meet("wrong digits");
        }
        assert_eq!(poll, Poll::Denied(Denial::Mistyped));
        assert_eq!(self.events_since(&before), [What::VerificationFailed]);
        self.code.denied = Some(Denial::Mistyped);
        self.code.decided = Some((Outcome::Mistyped, self.now));
        self.meet("mistyped");
    }

    /// Notes a poll of the pending code by the clock of its kind, and how the other clock would have judged it.
    fn note_poll(&mut self, way: Way) {
        if self.is_too_soon(way) && !self.is_too_soon(way.other()) {
            self.meet("too soon in one way only");
        }
        *self.clock(way) = Some(self.now);
    }

    fn clock(&mut self, way: Way) -> &mut Option<Timestamp> {
        let [bare, header] = &mut self.code.polled;
        match way {
            Way::Form => bare,
            Way::Header => header,
        }
    }

    fn is_too_soon(&self, way: Way) -> bool {
        let [bare, header] = self.code.polled;
        let last = match way {
            Way::Form => bare,
            Way::Header => header,
        };
        last.is_some_and(|last| self.now < last + span(self.code.interval - 1))
    }

    /// Returns what a poll must find, by the rules.
    fn expected(
        &self,
        right: bool,
        key: bool,
        confidential: bool,
        (way, typed): (Way, Typed),
    ) -> &'static str {
        let (code, now) = (&self.code, self.now);
        if !right {
            "unknown"
        } else if self.setting.bound && !key {
            "without key"
        } else if code.denied.is_some() {
            "denied"
        } else if self.code.verifying && self.is_redeemable() && typed == Typed::Nothing {
            if self.is_too_soon(way) { "too soon" } else { "digits needed" }
        } else if self.is_redeemable() || self.is_reissuable(confidential) {
            "ready"
        } else if let Some(at) = code.redeemed_at {
            if now < at + RACE { "spent" } else { "replayed" }
        } else if code.approved_at.is_some() || code.expires_at <= now {
            "expired"
        } else if self.is_too_soon(way) {
            "too soon"
        } else {
            "pending"
        }
    }

    /// Checks that a poll without the key changed nothing but the mark that there was one, which is set once.
    fn only_the_mark_is_new(&mut self, before: &Stored) {
        let news = if self.code.without_key { vec![] } else { vec![What::DeviceCodeWithoutKey] };
        assert_eq!(self.events_since(before), news);
        self.code.without_key = true;
        let Stored { grants, families, .. } = self.stored();
        let marked = |grant: &Grant| Grant { without_key: true, ..grant.clone() };
        assert_eq!(grants, before.grants.iter().map(|(key, grant)| (*key, marked(grant))).collect());
        assert_eq!(families, before.families);
    }

    /// Checks that entering a code that is not open has changed nothing, and is an event only if it is a second person's.
    fn only_the_second_is_told_of(&self, before: &Stored, is_second: bool) {
        assert_eq!(
            self.events_since(before),
            if is_second { vec![What::EndedCodeEntered] } else { vec![] },
            "{:?}",
            self.code
        );
        let Stored { grants, families, .. } = self.stored();
        assert_eq!((&grants, &families), (&before.grants, &before.families));
        if is_second {
            self.meet("ended code entered");
        }
    }

    pub(super) fn hold(&mut self, account: u8, browser: u8) {
        let (before, open) = (self.stored(), self.is_open());
        self.pages += 1;
        let hold = hold(account, browser, self.pages);
        let holder = self.code.held.clone();
        let other = |held: &Hold| held.account != hold.account && held.browser != hold.browser;
        let again = |held: &Hold| held.account == hold.account && held.browser == hold.browser;

        let reply = self.ask(TakeHold { key: KEY, hold: hold.clone(), person: Box::default() });

        assert_eq!(matches!(reply, Held::Yours(_)), open && !holder.as_ref().is_some_and(other));
        if !open {
            let is_known = self.code.decided.is_some() || self.code.denied.is_none();
            self.only_the_second_is_told_of(&before, is_known && holder.as_ref().is_some_and(other));
        } else if holder.as_ref().is_some_and(other) {
            assert_eq!(self.events_since(&before), [What::Contested]);
            self.code.denied = Some(Denial::Contested);
            self.meet("contested");
        } else {
            let news = if holder.as_ref().is_some_and(again) { vec![] } else { vec![What::ConsentOpened] };
            assert_eq!(self.events_since(&before), news);
            // All pages of a session have the hold of the first one.
            if !holder.as_ref().is_some_and(again) {
                self.code.held = Some(hold);
            }
            let Held::Yours(shown) = reply else { unreachable!("checked above") };
            assert_eq!(Some(shown.nonce), self.code.held.as_ref().map(|held| held.nonce.clone()));
            self.meet("held");
        }
    }

    /// The time of an approval decides how long the code can be redeemed.
    fn assert_approved_now(&self) {
        let stored = self.stored();
        let grant = stored.grants.get(&KEY).expect("the approved grant");
        let (State::Approved { approval } | State::Verifying { approval, .. }) = &grant.state else {
            panic!("{:?}", grant.state)
        };
        assert_eq!(approval.stage.at, self.now);
    }

    pub(super) fn decide(&mut self, stale: bool, decision: u8) {
        let (before, open) = (self.stored(), self.is_open());
        let fresh = self.code.held.clone().filter(|_| !stale);
        let hold = fresh.clone().unwrap_or_else(|| hold(0, 0, 0));
        let (decision, what, outcome) = match decision {
            // The shard's clock says when this happens, not that of the Worker.
            0 => {
                let approval = Approval { stage: Stage::default(), ..approval(self.now) };
                (ConsentDecision::Approve(Box::new(approval)), What::Approved, Outcome::Approved)
            }
            3 => {
                let approval = Approval { stage: Stage::default(), ..approval(self.now) };
                let digits = Typed::Right.digits().expect("the right ones");
                (ConsentDecision::Verify(Box::new(approval), digits), What::Approved, Outcome::Approved)
            }
            1 => (ConsentDecision::Deny(Denial::Denied), What::Denied, Outcome::Denied),
            _ => (ConsentDecision::Deny(Denial::Reported), What::Reported, Outcome::Reported),
        };

        let decided = self.ask(Decide {
            key: KEY,
            hold,
            person: Box::default(),
            decision: decision.clone(),
            policy: None,
        });

        if let Some((outcome, at)) = self.code.decided.filter(|_| fresh.is_some()) {
            let Decided::Before(settled) = decided else { panic!("{decided:?}") };
            assert_eq!((settled.outcome, settled.at), (self.now_of(outcome), at));
            assert_eq!(settled.digits.is_some(), self.code.verifying && self.is_redeemable());
            assert_eq!(self.stored(), before);
            self.meet("decided before");
        } else if open && fresh.is_some() {
            assert!(matches!(decided, Decided::Done(_)), "{decided:?}");
            assert_eq!(self.events_since(&before), [what]);
            self.code.decided = Some((outcome, self.now));
            match decision {
                ConsentDecision::Approve(_) | ConsentDecision::Verify(..) => {
                    self.code.verifying = matches!(decision, ConsentDecision::Verify(..));
                    self.code.approved_at = Some(self.now);
                    self.assert_approved_now();
                }
                ConsentDecision::Deny(how) => self.code.denied = Some(how),
            }
            self.meet("decided");
        } else {
            assert_eq!(decided, if open { Decided::Elsewhere } else { Decided::Over });
            assert_eq!(self.stored(), before);
            self.meet(if open { "elsewhere" } else { "over" });
        }
    }

    /// Asks what became of the request, on the page that has or had the hold, or on another one.
    pub(super) fn find(&mut self, stale: bool) {
        let (before, fresh) = (self.stored(), self.code.held.clone().filter(|_| !stale));
        let expected = if self.code.decided.is_some() && fresh.is_some() {
            "settled"
        } else if self.is_undecided() && fresh.is_some() {
            if self.is_open() { "open" } else { "expired unanswered" }
        } else if self.is_open() {
            "held elsewhere"
        } else {
            "ended"
        };

        let reply = self.ask(FindRequest { key: KEY, hold: fresh.unwrap_or_else(|| hold(0, 0, 0)) });

        assert_eq!(standing(&reply), expected, "{:?}", self.code);
        assert_eq!(self.stored(), before);
        self.meet(expected);
    }

    /// Returns what a page says of a decision by now.
    fn now_of(&self, decided: Outcome) -> Outcome {
        let waits = self.code.verifying && self.code.denied.is_none() && self.code.won.is_empty();
        if waits && !self.is_redeemable() { Outcome::Lapsed } else { decided }
    }

    fn is_undecided(&self) -> bool {
        self.code.denied.is_none() && self.code.approved_at.is_none()
    }

    /// Ends the access on the page that has or had the hold, or on another one.
    pub(super) fn withdraw(&mut self, stale: bool) {
        let before = self.stored();
        let fresh = self.code.held.clone().filter(|_| !stale);
        let decided = self.code.decided.filter(|_| fresh.is_some());
        let is_approved = decided.is_some_and(|(outcome, _)| outcome == Outcome::Approved);
        let ends = is_approved && self.code.denied.is_none();

        let reply = self.ask(Withdraw { key: KEY, hold: fresh.unwrap_or_else(|| hold(0, 0, 0)) });

        if ends {
            assert!(matches!(reply, Decided::Done(_)), "{reply:?}");
            assert_eq!(self.events_since(&before), [What::Withdrawn]);
            assert_eq!(self.live(), [], "the tokens of the code are revoked");
            self.code.decided = Some((Outcome::Withdrawn, self.now));
            if self.code.won.is_empty() {
                self.code.denied = Some(Denial::Withdrawn);
                self.meet("withdrawn before redemption");
            } else {
                self.meet("withdrawn after redemption");
            }
        } else {
            assert_eq!(matches!(reply, Decided::Before(_)), decided.is_some(), "{reply:?}");
            assert_eq!(self.stored(), before);
        }
    }
}

/// Returns the name of what became of a request.
fn standing(standing: &Standing) -> &'static str {
    match standing {
        Standing::Open(_) => "open",
        Standing::Settled(_) => "settled",
        Standing::Expired(_) => "expired unanswered",
        Standing::Elsewhere => "held elsewhere",
        Standing::Over => "ended",
    }
}

fn with_interval(mut stored: Stored, interval: u64) -> Stored {
    stored.grants.values_mut().for_each(|grant| grant.interval = interval);
    stored
}

/// Returns the name of a reply to a poll, as in `expected`.
fn name(poll: &Poll) -> &'static str {
    match poll {
        Poll::Pending(_) => "pending",
        Poll::TooSoon(_) => "too soon",
        Poll::Denied(_) => "denied",
        Poll::Expired => "expired",
        Poll::DigitsNeeded(_) => "digits needed",
        Poll::WrongDigits(_) => "wrong digits",
        Poll::Ready(_) => "ready",
        Poll::Spent => "spent",
        Poll::Replayed => "replayed",
        Poll::Unknown => "unknown",
        Poll::WithoutKey => "without key",
    }
}
