use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;
use crate::ask::Ask;
use crate::audit::Event;
use crate::audit::change::Actor;
use crate::format::Format;
use crate::identity::account::{Authority, Standing};
use crate::identity::command::{
    CheckDevice, CheckSession, EnterDevice, Entered, FindAccount, ListSessions, NoteKill,
};
use crate::identity::credential_id::CredentialId;
use crate::identity::demo;
use crate::identity::device::{Device, DeviceId, State};
use crate::identity::history::History;
use crate::identity::latest_kill::{Edition, LatestKill};
use crate::identity::recheck::Reply;
use crate::identity::session::SessionSelection;
use crate::identity::walk::Bounds;
use crate::network::Network;
use crate::place::Origin;
use crate::provenance::Provenance;
use crate::scope::Scope;
use crate::secret::encode;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

#[derive(Default)]
struct Shard {
    accounts: RefCell<BTreeMap<AccountKey, Account>>,
    sessions: RefCell<BTreeMap<String, Session>>,
    pointers: RefCell<BTreeMap<Pointer, Target>>,
    devices: RefCell<BTreeMap<DeviceId, Device>>,
    histories: RefCell<BTreeMap<AccountKey, History>>,
    events: RefCell<Vec<Event>>,
    changes: RefCell<Vec<Change>>,
    sign_ins: RefCell<Vec<SignInEvent>>,
    upkeep: RefCell<BTreeMap<AccountKey, Upkeep>>,
    latest_kill: Cell<Option<LatestKill>>,
}

impl Rows for Shard {
    type Error = Infallible;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>, Infallible> {
        Ok(self.accounts.borrow().get(key).cloned())
    }

    fn accounts(
        &self,
        after: Option<&AccountKey>,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<Account>, Infallible> {
        let accounts = self.accounts.borrow();
        let wanted = accounts.values().filter(|account| {
            after.is_none_or(|after| account.key > *after) && account.key.as_str().starts_with(prefix)
        });
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    fn put_account(&self, account: &Account) -> Result<(), Infallible> {
        self.accounts.borrow_mut().insert(account.key.clone(), account.clone());
        Ok(())
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>, Infallible> {
        Ok(self.sessions.borrow().get(&encode(id.bytes())).cloned())
    }

    fn sessions(&self, account: &AccountKey) -> Result<Vec<(Digest, Session)>, Infallible> {
        let sessions = self.sessions.borrow();
        let own = sessions.iter().filter(|(_, session)| session.account == *account);
        Ok(own.map(|(id, session)| (Digest::parse(id).unwrap(), session.clone())).collect())
    }

    fn each_session(
        &self,
        account: Option<&AccountKey>,
        after: Option<&Digest>,
        mut see: impl FnMut(Digest, Session) -> bool,
    ) -> Result<(), Infallible> {
        let sessions = self.sessions.borrow();
        let after = after.map(|after| encode(after.bytes()));
        let mut own = sessions.iter().filter(|(id, session)| {
            account.is_none_or(|account| *account == session.account)
                && after.as_ref().is_none_or(|after| *id > after)
        });
        own.all(|(id, session)| see(Digest::parse(id).expect("a digest"), session.clone()));
        Ok(())
    }

    fn put_session(&self, id: &Digest, session: &Session) -> Result<(), Infallible> {
        self.sessions.borrow_mut().insert(encode(id.bytes()), session.clone());
        Ok(())
    }

    fn remove_session(&self, id: &Digest) -> Result<(), Infallible> {
        self.sessions.borrow_mut().remove(&encode(id.bytes()));
        Ok(())
    }

    fn pointer(&self, pointer: &Pointer) -> Result<Option<Target>, Infallible> {
        Ok(self.pointers.borrow().get(pointer).cloned())
    }

    fn put_pointer(&self, pointer: &Pointer, target: &Target) -> Result<(), Infallible> {
        self.pointers.borrow_mut().insert(pointer.clone(), target.clone());
        Ok(())
    }

    fn latest_kill(&self) -> Result<Option<LatestKill>, Infallible> {
        Ok(self.latest_kill.get())
    }

    fn put_latest_kill(&self, kill: &LatestKill) -> Result<(), Infallible> {
        self.latest_kill.set(Some(*kill));
        Ok(())
    }

    fn upkeep(&self, account: &AccountKey) -> Result<Option<Upkeep>, Infallible> {
        Ok(self.upkeep.borrow().get(account).cloned())
    }

    fn put_upkeep(&self, upkeep: &Upkeep) -> Result<(), Infallible> {
        self.upkeep.borrow_mut().insert(upkeep.account.clone(), upkeep.clone());
        Ok(())
    }

    fn remove_upkeep(&self, account: &AccountKey) -> Result<(), Infallible> {
        self.upkeep.borrow_mut().remove(account);
        Ok(())
    }

    fn remove_pointer(&self, pointer: &Pointer) -> Result<(), Infallible> {
        self.pointers.borrow_mut().remove(pointer);
        Ok(())
    }

    fn device(&self, id: &DeviceId) -> Result<Option<Device>, Infallible> {
        Ok(self.devices.borrow().get(id).cloned())
    }

    fn put_device(&self, id: &DeviceId, device: &Device) -> Result<(), Infallible> {
        self.devices.borrow_mut().insert(id.clone(), device.clone());
        Ok(())
    }

    fn remove_device(&self, id: &DeviceId) -> Result<(), Infallible> {
        self.devices.borrow_mut().remove(id);
        Ok(())
    }

    fn each_device(
        &self,
        account: Option<&AccountKey>,
        after: Option<&DeviceId>,
        mut see: impl FnMut(DeviceId, Device) -> bool,
    ) -> Result<(), Infallible> {
        let devices = self.devices.borrow();
        let mut own = devices.iter().filter(|(id, device)| {
            account.is_none_or(|account| *account == device.account) && after.is_none_or(|after| *id > after)
        });
        own.all(|(id, device)| see(id.clone(), device.clone()));
        Ok(())
    }

    fn history(&self, account: &AccountKey) -> Result<Option<History>, Infallible> {
        Ok(self.histories.borrow().get(account).cloned())
    }

    fn put_history(&self, account: &AccountKey, history: &History) -> Result<(), Infallible> {
        self.histories.borrow_mut().insert(account.clone(), history.clone());
        Ok(())
    }

    fn remove_history(&self, account: &AccountKey) -> Result<(), Infallible> {
        self.histories.borrow_mut().remove(account);
        Ok(())
    }

    fn tell_of_device(&self, event: &Event) -> Result<(), Infallible> {
        self.events.borrow_mut().push(event.clone());
        Ok(())
    }

    fn tell(&self, change: &Change) -> Result<(), Infallible> {
        self.changes.borrow_mut().push(change.clone());
        Ok(())
    }

    fn tell_of_sign_in(&self, event: &SignInEvent) -> Result<(), Infallible> {
        self.sign_ins.borrow_mut().push(event.clone());
        Ok(())
    }
}

impl Shard {
    /// Returns a shard that has alice.
    fn new() -> Self {
        let shard = Self::default();
        assert!(matches!(shard.put(alice(), None), Put::Stored(_)));
        shard
    }

    fn ask<A: Ask<Command = Command>>(&self, ask: A, now: Timestamp) -> A::Reply {
        let Ok(answer) = apply(self, ask.into(), now);
        answer.read::<A>().unwrap()
    }

    fn put(&self, account: Account, expected: Option<u64>) -> Put {
        self.ask(PutAccount { account: Box::new(account), expected, event: None }, NOW)
    }

    fn start(&self, name: &str, how: How) -> bool {
        self.ask(StartSession { id: id(name), session: Box::new(session(how)), policy: None }, NOW).is_some()
    }

    fn is_live(&self, name: &str) -> bool {
        self.ask(CheckSession { id: id(name) }, NOW).is_some()
    }

    fn stored(&self) -> Account {
        self.ask(FindAccount { account: alice().key }, NOW).unwrap()
    }
}

fn alice() -> Account {
    demo::accounts().remove(0)
}

fn id(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn session(how: How) -> Session {
    Session {
        format: Format,
        account: alice().key,
        auth_time: NOW,
        amr: Vec::new(),
        acr: None,
        how,
        managed: false,
        origin: Origin::default(),
        ends_at: NOW + Duration::from_secs(3_600),
    }
}

fn upstream(provider: &str, sid: &str) -> How {
    How::Upstream { provider: provider.to_owned(), sid: Some(sid.to_owned()), strong: false }
}

fn blocked() -> Standing {
    Standing::Blocked { at: NOW, by: Authority::Administrator, why: None }
}

#[test]
fn of_two_changes_of_the_same_version_one_is_stored() {
    let shard = Shard::new();
    let renamed = |name: &str| Account { name: name.to_owned(), ..shard.stored() };
    let (first, second) = (renamed("First"), renamed("Second"));

    assert!(matches!(shard.put(first.clone(), Some(1)), Put::Stored(stored) if stored.version == 2));
    assert!(matches!(shard.put(first, Some(1)), Put::Stored(_)), "the same command, delivered twice");
    assert!(matches!(shard.put(second.clone(), Some(1)), Put::Other(Some(other)) if other.name == "First"));
    assert!(matches!(shard.put(second, None), Put::Other(Some(_))), "the account exists");
    assert_eq!((shard.stored().name.as_str(), shard.stored().version), ("First", 2));
}

#[test]
fn an_account_that_does_not_exist_cannot_be_changed() {
    let shard = Shard::default();

    assert!(matches!(shard.put(alice(), Some(1)), Put::Other(None)));
}

#[test]
fn a_sign_in_is_no_change_and_no_change_undoes_one() {
    let shard = Shard::new();
    let before = shard.stored();

    assert!(shard.start("a", How::Password));
    assert!(matches!(shard.put(before, Some(1)), Put::Stored(_)));

    assert_eq!(shard.stored().last_sign_in, Some(NOW));
}

#[test]
fn a_block_ends_all_sessions_and_none_starts_before_it_is_lifted() {
    let shard = Shard::new();
    shard.start("a", How::Password);

    shard.put(Account { standing: blocked(), ..shard.stored() }, Some(1));
    assert!(!shard.is_live("a") && !shard.start("b", How::Password) && !shard.is_live("b"));

    shard.put(Account { standing: Standing::Active, ..shard.stored() }, Some(2));
    assert!(!shard.is_live("a") && shard.start("b", How::Password) && shard.is_live("b"));
}

#[test]
fn a_session_ends_alone_or_with_others_of_its_provider() {
    let provider = || "corp".to_owned();
    let by = Actor::Provider(provider());
    let all =
        EndSessions { account: alice().key, upstream: None, except: None, begun_by: None, by: by.clone() };
    let of_corp = EndSessions { upstream: Some(Upstream { provider: provider(), sid: None }), ..all.clone() };
    let of_sid = Upstream { provider: provider(), sid: Some("2".to_owned()) };
    let of_sid = EndSessions { upstream: Some(of_sid), ..all.clone() };
    for (ask, left) in [
        (all.clone(), vec![]),
        (EndSessions { except: Some(id("other")), ..all }, vec!["other"]),
        (of_corp, vec!["password", "other"]),
        (of_sid, vec!["password", "one", "other"]),
    ] {
        let shard = Shard::new();
        let sessions = [
            ("password", How::Password),
            ("one", upstream("corp", "1")),
            ("two", upstream("corp", "2")),
            ("other", upstream("other", "2")),
        ];
        assert!(sessions.iter().all(|(name, how)| shard.start(name, how.clone())));

        assert_eq!(shard.ask(ask.clone(), NOW), (4 - left.len()) as u64);

        let live: Vec<&str> =
            sessions.iter().map(|(name, _)| *name).filter(|name| shard.is_live(name)).collect();
        assert_eq!(live, left, "{ask:?}");
        assert_eq!(shard.ask(ask, NOW), 0);
        let told = [Change::of(Changed::AccountSignedOut, Some(alice().sub.as_str()), by.clone(), NOW)];
        assert_eq!(*shard.changes.borrow(), told, "an end of nothing is no event");
    }
}

#[test]
fn a_session_that_has_ended_is_neither_found_nor_listed() {
    let shard = Shard::new();
    assert!(shard.start("one", How::Password));
    let seen = |now| {
        let walk = WalkSessions {
            account: None,
            selection: SessionSelection::default(),
            after: None,
            bounds: Bounds { limit: 9, look: 9 },
        };
        let listed = shard.ask(ListSessions { account: alice().key }, now).len();
        (shard.ask(CheckSession { id: id("one") }, now).is_some(), listed, shard.ask(walk, now).found.len())
    };
    let end = session(How::Password).ends_at;

    assert_eq!(seen(end.before(Duration::from_millis(1))), (true, 1, 1));
    assert_eq!(seen(end), (false, 0, 0));
}

#[test]
fn an_answer_about_the_token_of_an_earlier_sign_in_says_nothing_about_a_later_one() {
    let shard = Shard::new();
    let (account, every) = (alice().key, Duration::from_secs(60));
    let keep = |token: &str, now: Timestamp| {
        let (token, ends_at) = (Some(token.to_owned()), now + Duration::from_secs(3_600));
        shard.ask(KeepUpstreamToken { account: account.clone(), token, ends_at }, now);
    };
    let begin = |now| shard.ask(BeginRecheck { account: account.clone(), every }, now);
    keep("first", NOW);
    let Recheck::Ask { token, serial } = begin(NOW + every) else { panic!("the provider must be asked") };
    assert_eq!(token, "first");

    keep("second", NOW + every);
    let gone = EndRecheck { account: account.clone(), every, serial, reply: Reply::Gone };

    assert_eq!(shard.ask(gone, NOW + every), Recheck::Good);
    let next = begin(NOW + every + every);
    assert!(matches!(&next, Recheck::Ask { token, .. } if token == "second"), "{next:?}");
}

#[test]
fn a_pointer_leads_to_one_account_until_it_is_released() {
    let shard = Shard::default();
    let pointer = Pointer::credential(&CredentialId::new(&[7]).unwrap());
    let (alice, bob) = (AccountKey::local("alice"), AccountKey::local("bob"));
    let claim = |account: &AccountKey| {
        let target = Target { account: account.clone(), ends_at: None };
        shard.ask(ClaimPointer { pointer: pointer.clone(), target }, NOW)
    };
    let release = |account: &AccountKey| {
        shard.ask(ReleasePointer { pointer: pointer.clone(), account: account.clone() }, NOW);
    };
    let find = || shard.ask(FindByPointer { pointer: pointer.clone() }, NOW);

    assert_eq!(
        (find(), claim(&alice), claim(&bob), claim(&alice)),
        (None, alice.clone(), alice.clone(), alice.clone())
    );
    release(&bob);
    assert_eq!(find(), Some(alice.clone()));
    release(&alice);
    assert_eq!((find(), claim(&bob)), (None, bob));
}

#[test]
fn a_pointer_that_has_ended_leads_nowhere_and_is_free() {
    let shard = Shard::default();
    let pointer = Pointer::session("corp", "s");
    let end = NOW + Duration::from_secs(60);
    let claim = |name: &str, now| {
        let target = Target { account: AccountKey::local(name), ends_at: Some(end) };
        shard.ask(ClaimPointer { pointer: pointer.clone(), target }, now)
    };
    let find = |now| shard.ask(FindByPointer { pointer: pointer.clone() }, now);

    assert_eq!(claim("alice", NOW), AccountKey::local("alice"));
    assert!(find(end.before(Duration::from_millis(1))).is_some() && find(end).is_none());
    assert_eq!(claim("bob", end), AccountKey::local("bob"));
}

#[test]
fn a_device_that_was_judged_without_the_latest_kill_switch_is_not_entered() {
    let shard = Shard::new();
    let enter = |name: &str, revision| {
        let device = Device {
            format: Format,
            account: alice().key,
            client_id: "tv".to_owned(),
            client_name: "TV".to_owned(),
            label: None,
            scope: Scope::default(),
            provenance: Provenance::default(),
            network: Network::default(),
            first_used_at: NOW,
            last_used_at: NOW,
            ends_at: NOW + Duration::from_secs(60),
            state: State::Pending,
        };
        let judged_by = Edition { revision, read_at: NOW };
        let (id, groups) = (DeviceId::from(name.to_owned()), alice().groups);
        shard.ask(EnterDevice { id, device: Box::new(device), groups, judged_by }, NOW)
    };
    let note = |revision, at| {
        let kill = LatestKill { format: Format, revision, at };
        shard.ask(NoteKill { kill }, NOW);
    };
    assert!(matches!(enter("one", 1), Entered::Entered(_)));
    let checked = |name: &str| shard.ask(CheckDevice { id: DeviceId::from(name.to_owned()) }, NOW);
    assert_eq!(checked("one").kill, None);

    note(3, NOW);
    note(2, NOW.before(Duration::from_millis(1)));

    assert!(matches!(enter("two", 2), Entered::Outdated) && checked("two").account.is_none());
    assert!(matches!(enter("two", 3), Entered::Entered(_)));
    assert_eq!(checked("one").kill.map(|kill| kill.revision), Some(3), "the later one counts");
}
