//! Random sequences of commands to an account shard about one account and its devices, at random times.
//!
//! A small model beside the shard says which devices are good: those that were entered while the account could be used,
//! and that nothing has ended since.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use device_grant::ask::Ask;
use device_grant::format::Format;
use device_grant::identity::account::{Account, Authority, Standing};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::command::{
    CheckDevice, Command, EndDevices, EnterDevice, Entered, FindAccount, ForgetDevices, ListDevices, Put,
    PutAccount, SettleDevices, UseDevice,
};
use device_grant::identity::device::{Device, DeviceId, Selection, State};
use device_grant::identity::latest_kill::Edition;
use device_grant::identity::shard::apply;
use device_grant::network::Network;
use device_grant::provenance::{ApprovalId, Provenance};
use device_grant::scope::Scope;
use device_grant::time::Timestamp;
use proptest::prelude::*;

use crate::support::rows::AccountRows;

const START: Timestamp = Timestamp::from_millis(1_000_000_000);
/// How long a refresh token can stay unused: less than a day, so that access tokens outlive it.
const IDLE: Duration = Duration::from_secs(1_800);
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
/// A device without tokens for this long lost a race.
const RACE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum Step {
    Enter(u8),
    Use(u8),
    /// Says that a device has tokens, or has none.
    Settle(u8, bool),
    End(u8),
    Forget(u8),
    Stand(u8),
    Wait(u64),
}

/// What the model knows of a device.
#[derive(Clone, Copy, Debug)]
struct Known {
    entered_at: Timestamp,
    state: State,
    stamped_at: Timestamp,
    /// When the row ends.
    ends_at: Timestamp,
    /// When the last of its tokens ends: the refresh token, or an access token of the longest life.
    tokens_until: Timestamp,
}

struct Life {
    rows: AccountRows,
    now: Timestamp,
    is_active: bool,
    devices: BTreeMap<u8, Known>,
}

fn key() -> AccountKey {
    AccountKey::local("alice")
}

fn id(number: u8) -> DeviceId {
    DeviceId::from(format!("sid-{number}"))
}

impl Life {
    fn new() -> Self {
        let life =
            Self { rows: AccountRows::default(), now: START, is_active: true, devices: BTreeMap::new() };
        let account = Box::new(device_grant::identity::demo::accounts().remove(0));
        assert!(matches!(life.ask(PutAccount { account, expected: None, event: None }), Put::Stored(_)));
        life
    }

    fn ask<A: Ask<Command = Command>>(&self, ask: A) -> A::Reply {
        let Ok(answer) = apply(&self.rows, ask.into(), self.now);
        answer.read::<A>().expect("the reply to this command")
    }

    fn is_good(&self, number: u8) -> bool {
        let known = self.devices.get(&number);
        known.is_some_and(|known| known.state != State::Ended && self.now < known.ends_at)
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Enter(number) => self.enter(number),
            Step::Use(number) => self.touch(number),
            Step::Settle(number, live) => self.settle(number, live),
            Step::End(number) => {
                self.ask(EndDevices { ids: vec![id(number)] });
                if let Some(known) = self.devices.get_mut(&number) {
                    known.state = State::Ended;
                }
            }
            Step::Forget(number) => {
                self.ask(ForgetDevices { ids: vec![id(number)] });
                self.devices.retain(|other, known| *other != number || known.state != State::Ended);
            }
            Step::Stand(standing) => self.stand(standing),
            Step::Wait(seconds) => self.now = self.now + Duration::from_secs(seconds),
        }
        self.check();
    }

    fn enter(&mut self, number: u8) {
        let device = Device {
            format: Format,
            account: key(),
            client_id: "demo-tv".to_owned(),
            client_name: "Demo TV".to_owned(),
            label: None,
            scope: Scope::default(),
            provenance: Provenance {
                approval_id: ApprovalId::from("AAAAAAAAAAAAAAAAAAAAAA"),
                ..Provenance::default()
            },
            network: Network::default(),
            first_used_at: self.now,
            last_used_at: self.now,
            ends_at: Device::end_with(self.now + IDLE),
            state: State::Pending,
        };
        let groups = device_grant::identity::demo::accounts().remove(0).groups;
        let judged_by = Edition { revision: 0, read_at: self.now };
        let enter = EnterDevice { id: id(number), device: Box::new(device), groups, judged_by };
        let entered = matches!(self.ask(enter), Entered::Entered(_));

        assert_eq!(entered, self.is_active);
        if self.is_active {
            let known = Known {
                entered_at: self.now,
                state: State::Pending,
                stamped_at: self.now,
                ends_at: Device::end_with(self.now + IDLE),
                tokens_until: self.now + IDLE.max(DAY),
            };
            self.devices.entry(number).or_insert(known);
        }
    }

    fn touch(&mut self, number: u8) {
        let is_good = self.is_good(number);
        self.rows.writes.set(0);

        let used = self.ask(UseDevice { id: id(number), good_until: self.now + IDLE });
        assert_eq!(used.is_some(), is_good && self.is_active);

        let now = self.now;
        let mut known = self.devices.get_mut(&number).filter(|_| is_good);
        if let Some(known) = known.as_deref_mut() {
            known.tokens_until = now + IDLE.max(DAY);
        }
        let due = known.filter(|known| known.state == State::Pending || known.stamped_at + HOUR <= now);
        assert_eq!(self.rows.writes.get(), u32::from(due.is_some()), "at most one write an hour");
        if let Some(known) = due {
            (known.state, known.stamped_at) = (State::Confirmed, now);
            known.ends_at = known.ends_at.max(Device::end_with(now + IDLE));
        }
    }

    fn settle(&mut self, number: u8, live: bool) {
        let (one, none) = (vec![id(number)], Vec::new());
        let (live_ones, gone) = if live { (one, none) } else { (none, one) };
        self.ask(SettleDevices { live: live_ones, gone });

        let now = self.now;
        if live {
            if let Some(known) = self.devices.get_mut(&number).filter(|known| known.state == State::Pending) {
                known.state = State::Confirmed;
            }
        } else {
            let is_over = |known: &Known| known.state == State::Confirmed || known.entered_at + RACE <= now;
            self.devices.retain(|other, known| *other != number || !is_over(known));
        }
    }

    fn stand(&mut self, standing: u8) {
        let (at, by) = (self.now, Authority::Administrator);
        let standing = match standing {
            0 => Standing::Active,
            1 => Standing::Blocked { at, by, why: None },
            _ => Standing::Deleted { at, by },
        };
        self.is_active = standing.is_active();
        let account = self.ask(FindAccount { account: key() }).expect("alice");
        let expected = Some(account.version);
        let put = PutAccount { account: Box::new(Account { standing, ..account }), expected, event: None };
        assert!(matches!(self.ask(put), Put::Stored(_)));
        if !self.is_active {
            for known in self.devices.values_mut() {
                known.state = State::Ended;
            }
        }
    }

    /// Checks that the shard has the devices of the model, and that they are good or not as there.
    fn check(&self) {
        let list =
            ListDevices { account: Some(key()), selection: Selection::default(), after: None, limit: 100 };
        let listed: BTreeSet<DeviceId> = self.ask(list).into_iter().map(|(id, _)| id).collect();
        assert_eq!(listed, self.devices.keys().map(|number| id(*number)).collect());
        for number in 0..4 {
            let is_good = self.ask(CheckDevice { id: id(number) }).account.is_some();
            assert_eq!(is_good, self.is_active && self.is_good(number), "{number}: {:?}", self.devices);
            let has_tokens = self
                .devices
                .get(&number)
                .is_some_and(|known| known.state != State::Ended && self.now < known.tokens_until);
            assert!(is_good || !self.is_active || !has_tokens, "{number} has tokens: {:?}", self.devices);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 0..4_u8;
    prop_oneof![
        4 => number().prop_map(Step::Enter),
        3 => number().prop_map(Step::Use),
        2 => (number(), any::<bool>()).prop_map(|(number, live)| Step::Settle(number, live)),
        1 => number().prop_map(Step::End),
        1 => number().prop_map(Step::Forget),
        2 => prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(2)].prop_map(Step::Stand),
        3 => prop_oneof![4 => 0..120_u64, 2 => 1_800..7_200_u64, 1 => Just(86_400)].prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_device_is_good_from_its_entry_until_anything_ends_it(steps in prop::collection::vec(step(), 0..60)) {
        let mut life = Life::new();
        for step in steps {
            life.go(step);
        }
    }
}
