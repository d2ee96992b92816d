//! The rows of the Durable Objects, in maps.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use device_grant::audit::Event;
use device_grant::audit::change::Change;
use device_grant::audit::closing::{self, Head, NewestClosing, ReadHeads, ReadRoots, Seal, SignedRoot};
use device_grant::audit::ledger::OutboxReport;
use device_grant::audit::ledger_name::LedgerName;
use device_grant::audit::outbox::Outbox;
use device_grant::audit::sign_in::SignInEvent;
use device_grant::audit::verification::Link;
use device_grant::client::Client;
use device_grant::client::document::entry::Entry;
use device_grant::endpoint::socket::Socket;
use device_grant::family::Family;
use device_grant::family::id::FamilyId;
use device_grant::grant::Grant;
use device_grant::grant::instant::{Listen, Note, Parting, Refusal, Seats, parting};
use device_grant::grant::live_codes::LiveCodes;
use device_grant::grant::routing::RowKey;
use device_grant::grant::shard::Memory;
use device_grant::identity::account::Account;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::demand::Demand;
use device_grant::identity::device::{Device, DeviceId};
use device_grant::identity::history::History;
use device_grant::identity::latest_kill::LatestKill;
use device_grant::identity::pointer::{Pointer, Target};
use device_grant::identity::recheck::Upkeep;
use device_grant::identity::session::Session;
use device_grant::network::Prefix;
use device_grant::policy::access_request::{AccessRequest, Standing};
use device_grant::policy::exception::Exception;
use device_grant::policy::inventory;
use device_grant::policy::inventory::Identifier;
use device_grant::policy::kill::KillSwitch;
use device_grant::policy::name::Name;
use device_grant::registry::admin_token::AdminToken;
use device_grant::registry::governance::{Edit, PolicyVersion};
use device_grant::registry::invitation::Invitation;
use device_grant::registry::outline::standard_scopes;
use device_grant::registry::quota::{Size, length};
use device_grant::registry::rows::{NewKey, StoredKey, StoredLogo};
use device_grant::secret::{Digest, encode};
use device_grant::time::Timestamp;
use device_grant::token::mapping::Rules;
use device_grant::token::signing_key::Algorithm;
use device_grant::upstream::provider::{Provider, ProviderId, Source};
use device_grant::{audit, family, grant, identity, registry};
use serde::Serialize;

#[cfg(test)]
use super::event_schema::valid;
use super::keys::made;

/// The fuzz targets send commands that no endpoint sends, so their events are not judged.
#[cfg(not(test))]
fn valid<E: Clone>(event: &E) -> E {
    event.clone()
}

#[derive(Default)]
pub(crate) struct GrantRows {
    /// The most grants that a single command has looked at.
    pub(crate) most_seen: Cell<u32>,
    pub(crate) grants: RefCell<BTreeMap<RowKey, Grant>>,
    /// The counts of live codes of each network, by its widest prefix.
    pub(crate) codes_of: RefCell<BTreeMap<String, LiveCodes>>,
    pub(crate) codes: RefCell<LiveCodes>,
    pub(crate) families: RefCell<BTreeMap<FamilyId, Family>>,
    pub(crate) events: RefCell<Vec<Event>>,
    pub(crate) memory: RefCell<Memory>,
    /// The WebSockets that devices hold open.
    pub(crate) sockets: RefCell<BTreeMap<RowKey, Note>>,
    /// How WebSockets ended, in this order.
    pub(crate) partings: RefCell<Vec<Parting>>,
    pub(crate) writes: Cell<u32>,
}

impl GrantRows {
    /// Answers a device that asks for a WebSocket.
    pub(super) fn listen(&self, ask: &Listen, now: Timestamp) -> Result<Socket, Refusal> {
        let mut sockets = self.sockets.borrow_mut();
        let others: Vec<Note> = sockets.get(&ask.key).copied().into_iter().collect();
        let (grants, there) = (self.grants.borrow(), sockets.len() as u64);
        let note = ask.admit(grants.get(&ask.key), &others, &mut Seats::default(), now, || there)?;
        let replaced = sockets.insert(ask.key, note).map(|_| Parting::Replaced);
        self.partings.borrow_mut().extend(replaced);
        Ok(Socket::new(()))
    }

    /// Ends the WebSocket of a grant, if it has one.
    fn part(&self, key: RowKey, parting: Parting) {
        let ended = self.sockets.borrow_mut().remove(&key).map(|_| parting);
        self.partings.borrow_mut().extend(ended);
    }
}

#[derive(Default)]
pub(crate) struct AccountRows {
    pub(crate) accounts: RefCell<BTreeMap<AccountKey, Account>>,
    pub(crate) sessions: RefCell<BTreeMap<String, Session>>,
    pub(crate) pointers: RefCell<BTreeMap<Pointer, Target>>,
    pub(crate) devices: RefCell<BTreeMap<DeviceId, Device>>,
    pub(crate) histories: RefCell<BTreeMap<AccountKey, History>>,
    pub(crate) events: RefCell<Vec<Event>>,
    pub(crate) changes: RefCell<Vec<Change>>,
    pub(crate) sign_ins: RefCell<Vec<SignInEvent>>,
    pub(crate) writes: Cell<u32>,
    pub(crate) upkeep: RefCell<BTreeMap<AccountKey, Upkeep>>,
    pub(crate) latest_kill: Cell<Option<LatestKill>>,
}

#[derive(Default)]
pub(crate) struct LedgerRows {
    /// Identifier, record and head of each record. The number of a record is its position, from 1.
    pub(crate) records: RefCell<Vec<(String, String, String)>>,
    pub(crate) reports: RefCell<BTreeMap<String, OutboxReport>>,
    pub(crate) noted: RefCell<BTreeSet<LedgerName>>,
    pub(crate) is_closed: Cell<bool>,
    pub(crate) heads: RefCell<BTreeMap<LedgerName, Seal>>,
    /// The signed roots by their days; `None` for a day that is being closed.
    pub(crate) roots: RefCell<BTreeMap<u32, Option<String>>>,
}

#[derive(Default)]
pub(crate) struct RegistryRows {
    pub(crate) clients: RefCell<BTreeMap<String, Client>>,
    pub(crate) keys: RefCell<BTreeMap<String, StoredKey>>,
    /// The number of keys made so far, which is also the number of the newest.
    pub(crate) made: Cell<u8>,
    /// How long a key signs; `None` if keys are not rotated.
    pub(crate) rotation: Cell<Option<Duration>>,
    pub(crate) removed: RefCell<BTreeSet<String>>,
    /// The logos by owner.
    pub(crate) logos: RefCell<BTreeMap<String, StoredLogo>>,
    pub(crate) scopes: RefCell<BTreeMap<String, String>>,
    /// How often the use of a client was stamped.
    pub(crate) stamps: Cell<u32>,
    pub(crate) scope_claims: RefCell<BTreeMap<String, Rules>>,
    pub(crate) scope_demands: RefCell<BTreeMap<String, Demand>>,
    pub(crate) documents: RefCell<BTreeMap<String, Entry>>,
    pub(crate) inventory: RefCell<BTreeMap<String, inventory::Entry>>,
    pub(crate) changes: RefCell<Vec<Change>>,
    pub(crate) admin_tokens: RefCell<BTreeMap<String, AdminToken>>,
    pub(crate) invitations: RefCell<BTreeMap<String, Invitation>>,
    pub(crate) providers: RefCell<BTreeMap<ProviderId, Provider>>,
    pub(crate) sources: RefCell<BTreeMap<ProviderId, Source>>,
    pub(crate) first_issuer: RefCell<Option<String>>,
    pub(crate) revision: Cell<u64>,
    pub(crate) policies: RefCell<BTreeMap<u64, PolicyVersion>>,
    /// The exceptions, each with the time when something is due for it.
    pub(crate) exceptions: RefCell<BTreeMap<Name, (Exception, Timestamp)>>,
    pub(crate) kill_switches: RefCell<BTreeMap<Name, KillSwitch>>,
    pub(crate) access_requests: RefCell<BTreeMap<Name, AccessRequest>>,
}

impl GrantRows {
    fn note_write(&self) {
        self.writes.set(self.writes.get() + 1);
    }
}

impl AccountRows {
    /// Returns all events, oldest first, each with its time.
    pub(super) fn told(&self) -> Vec<(Timestamp, String)> {
        let (events, changes) = (self.events.borrow(), self.changes.borrow());
        let sign_ins = self.sign_ins.borrow();
        let mut told: Vec<_> = events.iter().map(|event| (event.at, json(event))).collect();
        told.extend(changes.iter().map(|change| (change.at, json(change))));
        told.extend(sign_ins.iter().map(|event| (event.at, json(event))));
        told.sort();
        told
    }
}

fn json(event: &impl Serialize) -> String {
    serde_json::to_string(event).unwrap()
}

impl Outbox for GrantRows {
    type Error = Infallible;

    fn tell(&self, event: &Event) -> Result<(), Infallible> {
        self.note_write();
        self.events.borrow_mut().push(valid(event));
        Ok(())
    }
}

impl family::rows::Rows for GrantRows {
    fn family(&self, id: FamilyId) -> Result<Option<Family>, Infallible> {
        Ok(self.families.borrow().get(&id).cloned())
    }

    fn put_family(&self, id: FamilyId, family: &Family) -> Result<(), Infallible> {
        self.note_write();
        self.families.borrow_mut().insert(id, family.clone());
        Ok(())
    }
}

impl grant::shard::Rows for GrantRows {
    fn grant(&self, key: RowKey) -> Result<Option<Grant>, Infallible> {
        Ok(self.grants.borrow().get(&key).cloned())
    }

    fn put_grant(&self, key: RowKey, grant: &Grant, now: Timestamp) -> Result<(), Infallible> {
        self.note_write();
        if let Some(parting) = parting(grant, now) {
            self.part(key, parting);
        }
        self.grants.borrow_mut().insert(key, grant.clone());
        Ok(())
    }

    fn codes_of(&self, widest: &Prefix) -> Result<LiveCodes, Infallible> {
        Ok(self.codes_of.borrow().get(&widest.to_string()).cloned().unwrap_or_default())
    }

    fn put_codes_of(&self, widest: &Prefix, codes: &LiveCodes) -> Result<(), Infallible> {
        self.note_write();
        self.codes_of.borrow_mut().insert(widest.to_string(), codes.clone());
        Ok(())
    }

    fn codes(&self) -> Result<LiveCodes, Infallible> {
        Ok(self.codes.borrow().clone())
    }

    fn put_codes(&self, codes: LiveCodes) {
        self.codes.replace(codes);
    }

    fn each(
        &self,
        after: Option<RowKey>,
        most: u32,
        now: Timestamp,
        mut see: impl FnMut(RowKey, Option<Grant>) -> bool,
    ) -> Result<(), Infallible> {
        let grants = &self.grants.borrow();
        let shown = grants.iter().filter(|(key, _)| after.is_none_or(|after| **key > after));
        let mut seen = 0;
        shown.take(most as usize).all(|(key, grant)| {
            seen += 1;
            see(*key, Some(grant.clone()).filter(|grant| grant.live_until(now) > now))
        });
        self.most_seen.set(self.most_seen.get().max(seen));
        Ok(())
    }
}

impl closing::Rows for LedgerRows {
    type Error = Infallible;

    fn is_closed(&self) -> Result<bool, Infallible> {
        Ok(self.is_closed.get())
    }

    fn close(&self) -> Result<(), Infallible> {
        self.is_closed.set(true);
        Ok(())
    }

    fn seal(&self) -> Result<Seal, Infallible> {
        let records = self.records.borrow();
        let last = i64::try_from(records.len()).unwrap();
        let head = records.last().map(|(.., head)| head.clone()).unwrap_or_default();
        Ok(Seal { first: last.min(1), last, head })
    }

    fn noted_day_after(&self, day: Option<u32>) -> Result<Option<u32>, Infallible> {
        let noted = self.noted.borrow();
        Ok(noted.iter().map(|name| name.day).find(|noted| day.is_none_or(|day| *noted > day)))
    }

    fn newest_closing(&self) -> Result<Option<NewestClosing>, Infallible> {
        let roots = self.roots.borrow();
        let newest = roots.last_key_value();
        Ok(newest.map(|(day, root)| NewestClosing { day: *day, is_signed: root.is_some() }))
    }

    fn begin_closing(&self, day: u32) -> Result<(), Infallible> {
        self.roots.borrow_mut().entry(day).or_default();
        Ok(())
    }

    fn without_head(&self, day: u32, limit: u32) -> Result<Vec<LedgerName>, Infallible> {
        let (noted, heads) = (self.noted.borrow(), self.heads.borrow());
        let open = noted.iter().filter(|name| name.day == day && !heads.contains_key(*name));
        Ok(open.take(limit as usize).cloned().collect())
    }

    fn put_head(&self, Head { ledger, seal }: &Head) -> Result<(), Infallible> {
        self.heads.borrow_mut().entry(ledger.clone()).or_insert_with(|| seal.clone());
        Ok(())
    }

    fn heads(&self, ask: &ReadHeads) -> Result<Vec<Head>, Infallible> {
        let heads = self.heads.borrow();
        let wanted = heads.iter().filter(|(name, _)| **name >= ask.first && name.day <= ask.last_day);
        let head = |(ledger, seal): (&LedgerName, &Seal)| Head { ledger: ledger.clone(), seal: seal.clone() };
        Ok(wanted.take(ask.limit as usize).map(head).collect())
    }

    fn put_root(&self, SignedRoot { day, root }: &SignedRoot) -> Result<(), Infallible> {
        if let Some(kept) = self.roots.borrow_mut().get_mut(day) {
            kept.get_or_insert_with(|| root.clone());
        }
        Ok(())
    }

    fn roots(&self, ask: &ReadRoots) -> Result<Vec<SignedRoot>, Infallible> {
        let roots = self.roots.borrow();
        let signed = roots.range(..ask.before).rev();
        let signed = signed.filter_map(|(day, root)| Some(SignedRoot { day: *day, root: root.clone()? }));
        Ok(signed.take(ask.limit as usize).collect())
    }
}

impl audit::ledger::Rows for LedgerRows {
    fn has(&self, id: &str) -> Result<bool, Infallible> {
        Ok(self.records.borrow().iter().any(|(known, ..)| known == id))
    }

    fn record(&self, id: &str) -> Result<Option<String>, Infallible> {
        let records = self.records.borrow();
        Ok(records.iter().find(|(known, ..)| known == id).map(|(_, record, _)| record.clone()))
    }

    fn head(&self) -> Result<String, Infallible> {
        Ok(self.records.borrow().last().map(|(.., head)| head.clone()).unwrap_or_default())
    }

    fn append(&self, id: &str, record: &str, head: &str) -> Result<(), Infallible> {
        self.records.borrow_mut().push((id.to_owned(), record.to_owned(), head.to_owned()));
        Ok(())
    }

    fn records_after(&self, number: i64, limit: u32) -> Result<Vec<(i64, String)>, Infallible> {
        let records = self.records.borrow();
        let numbered = (1..).zip(records.iter()).filter(|(own, _)| *own > number);
        Ok(numbered.take(limit as usize).map(|(own, (_, record, _))| (own, record.clone())).collect())
    }

    fn links_after(&self, number: i64, limit: u32) -> Result<Vec<Link>, Infallible> {
        let records = self.records.borrow();
        let links = (1..).zip(records.iter()).map(|(row, (_, record, head))| Link {
            row,
            record: record.clone(),
            head: head.clone(),
        });
        Ok(links.filter(|link| link.row > number).take(limit as usize).collect())
    }

    fn put_report(&self, report: &OutboxReport) -> Result<(), Infallible> {
        self.reports.borrow_mut().insert(report.object.clone(), report.clone());
        Ok(())
    }

    fn reports(&self) -> Result<Vec<OutboxReport>, Infallible> {
        Ok(self.reports.borrow().values().cloned().collect())
    }

    fn note(&self, name: &LedgerName, first_day: u32) -> Result<(), Infallible> {
        let mut noted = self.noted.borrow_mut();
        noted.insert(name.clone());
        noted.retain(|name| name.day >= first_day);
        Ok(())
    }

    fn noted(&self, first: &LedgerName, last_day: u32, limit: u32) -> Result<Vec<LedgerName>, Infallible> {
        let noted = self.noted.borrow();
        let wanted = noted.iter().filter(|name| *name >= first && name.day <= last_day);
        Ok(wanted.take(limit as usize).cloned().collect())
    }
}

impl identity::shard::Rows for AccountRows {
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
        self.writes.set(self.writes.get() + 1);
        self.accounts.borrow_mut().insert(account.key.clone(), account.clone());
        Ok(())
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>, Infallible> {
        Ok(self.sessions.borrow().get(&encode(id.bytes())).cloned())
    }

    fn sessions(&self, account: &AccountKey) -> Result<Vec<(Digest, Session)>, Infallible> {
        let sessions = self.sessions.borrow();
        let own = sessions.iter().filter(|(_, session)| session.account == *account);
        let digest = |id: &str| Digest::parse(id).expect("a digest");
        Ok(own.map(|(id, session)| (digest(id), session.clone())).collect())
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
        self.writes.set(self.writes.get() + 1);
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

    fn remove_pointer(&self, pointer: &Pointer) -> Result<(), Infallible> {
        self.pointers.borrow_mut().remove(pointer);
        Ok(())
    }

    fn device(&self, id: &DeviceId) -> Result<Option<Device>, Infallible> {
        Ok(self.devices.borrow().get(id).cloned())
    }

    fn put_device(&self, id: &DeviceId, device: &Device) -> Result<(), Infallible> {
        self.writes.set(self.writes.get() + 1);
        self.devices.borrow_mut().insert(id.clone(), device.clone());
        Ok(())
    }

    fn remove_device(&self, id: &DeviceId) -> Result<(), Infallible> {
        self.writes.set(self.writes.get() + 1);
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
        self.writes.set(self.writes.get() + 1);
        self.histories.borrow_mut().insert(account.clone(), history.clone());
        Ok(())
    }

    fn remove_history(&self, account: &AccountKey) -> Result<(), Infallible> {
        self.histories.borrow_mut().remove(account);
        Ok(())
    }

    fn tell_of_device(&self, event: &Event) -> Result<(), Infallible> {
        self.events.borrow_mut().push(valid(event));
        Ok(())
    }

    fn tell(&self, change: &Change) -> Result<(), Infallible> {
        self.changes.borrow_mut().push(valid(change));
        Ok(())
    }

    fn tell_of_sign_in(&self, event: &SignInEvent) -> Result<(), Infallible> {
        self.sign_ins.borrow_mut().push(valid(event));
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
}

impl registry::rows::Rows for RegistryRows {
    type Error = Infallible;

    fn each_client(&self, see: impl FnMut(Client)) -> Result<(), Infallible> {
        self.clients.borrow().values().cloned().for_each(see);
        Ok(())
    }

    fn client(&self, client_id: &str) -> Result<Option<Client>, Infallible> {
        Ok(self.clients.borrow().get(client_id).cloned())
    }

    fn size(&self, of_anyone: bool) -> Result<Size, Infallible> {
        let clients = self.clients.borrow();
        let counted = || clients.values().filter(|client| client.registered_by.is_anyone() == of_anyone);
        Ok(Size { clients: counted().count(), bytes: counted().map(length).sum() })
    }

    fn stamp_client(&self, client: &Client) -> Result<(), Infallible> {
        self.stamps.set(self.stamps.get() + 1);
        self.put_client(client)
    }

    fn ended_clients(&self, now: Timestamp, limit: u32) -> Result<Vec<Client>, Infallible> {
        let clients = self.clients.borrow();
        let ended = clients.values().filter(|client| client.has_ended(now));
        Ok(ended.take(limit as usize).cloned().collect())
    }

    fn unused_clients(&self, until: Timestamp, limit: u32) -> Result<Vec<Client>, Infallible> {
        let clients = self.clients.borrow();
        let is_unused = |client: &&Client| client.registered_by.is_anyone() && client.used_at.is_none();
        let mut unused: Vec<Client> = clients
            .values()
            .filter(is_unused)
            .filter(|client| client.history.created_at <= Some(until))
            .cloned()
            .collect();
        unused.sort_by_key(|client| client.history.created_at);
        unused.truncate(limit as usize);
        Ok(unused)
    }

    fn forget_client(&self, client_id: &str) -> Result<(), Infallible> {
        self.clients.borrow_mut().remove(client_id);
        Ok(())
    }

    fn put_client(&self, client: &Client) -> Result<(), Infallible> {
        self.clients.borrow_mut().insert(client.client_id.clone(), client.clone());
        Ok(())
    }

    fn clients_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>, Infallible> {
        let clients = self.clients.borrow();
        let later =
            clients.values().filter(|client| after.is_none_or(|after| client.client_id.as_str() > after));
        Ok(later.take(limit as usize).cloned().collect())
    }

    fn remove_client(&self, client_id: &str) -> Result<(), Infallible> {
        self.clients.borrow_mut().remove(client_id);
        self.removed.borrow_mut().insert(client_id.to_owned());
        Ok(())
    }

    fn was_removed(&self, client_id: &str) -> Result<bool, Infallible> {
        Ok(self.removed.borrow().contains(client_id))
    }

    fn logo(&self, name: &str) -> Result<Option<StoredLogo>, Infallible> {
        Ok(self.logos.borrow().values().find(|logo| logo.name == name).cloned())
    }

    fn put_logo(&self, owner: &str, logo: &StoredLogo) -> Result<(), Infallible> {
        self.logos.borrow_mut().insert(owner.to_owned(), logo.clone());
        Ok(())
    }

    fn remove_logo(&self, owner: &str) -> Result<(), Infallible> {
        self.logos.borrow_mut().remove(owner);
        Ok(())
    }

    fn scopes(&self) -> Result<BTreeMap<String, String>, Infallible> {
        Ok(standard_scopes().into_iter().chain(self.scopes.borrow().clone()).collect())
    }

    fn put_scope(&self, name: &str, description: &str) -> Result<(), Infallible> {
        self.scopes.borrow_mut().insert(name.to_owned(), description.to_owned());
        Ok(())
    }

    fn remove_scope(&self, name: &str) -> Result<(), Infallible> {
        self.scopes.borrow_mut().remove(name);
        Ok(())
    }

    fn scope_claims(&self) -> Result<BTreeMap<String, Rules>, Infallible> {
        Ok(self.scope_claims.borrow().clone())
    }

    fn put_scope_claims(&self, scope: &str, claims: &Rules) -> Result<(), Infallible> {
        let mut scopes = self.scope_claims.borrow_mut();
        scopes.insert(scope.to_owned(), claims.clone());
        scopes.retain(|_, claims| !claims.is_empty());
        Ok(())
    }

    fn scope_demands(&self) -> Result<BTreeMap<String, Demand>, Infallible> {
        Ok(self.scope_demands.borrow().clone())
    }

    fn put_scope_demand(&self, scope: &str, demand: &Demand) -> Result<(), Infallible> {
        let mut scopes = self.scope_demands.borrow_mut();
        scopes.insert(scope.to_owned(), demand.clone());
        scopes.retain(|_, demand| !demand.is_empty());
        Ok(())
    }

    fn providers(&self) -> Result<Vec<Provider>, Infallible> {
        Ok(self.providers.borrow().values().cloned().collect())
    }

    fn provider(&self, id: &ProviderId) -> Result<Option<Provider>, Infallible> {
        Ok(self.providers.borrow().get(id).cloned())
    }

    fn put_provider(&self, provider: &Provider) -> Result<(), Infallible> {
        self.sources.borrow_mut().entry(provider.id.clone()).or_insert_with(|| provider.source());
        self.providers.borrow_mut().insert(provider.id.clone(), provider.clone());
        Ok(())
    }

    fn remove_provider(&self, id: &ProviderId) -> Result<(), Infallible> {
        self.providers.borrow_mut().remove(id);
        Ok(())
    }

    fn source_of(&self, id: &ProviderId) -> Result<Option<Source>, Infallible> {
        Ok(self.sources.borrow().get(id).cloned())
    }

    fn documents(&self) -> Result<Vec<Entry>, Infallible> {
        Ok(self.documents.borrow().values().cloned().collect())
    }

    fn put_document(&self, entry: &Entry) -> Result<(), Infallible> {
        self.documents.borrow_mut().insert(entry.entry.as_str().to_owned(), entry.clone());
        Ok(())
    }

    fn remove_document(&self, entry: &str) -> Result<(), Infallible> {
        self.documents.borrow_mut().remove(entry);
        Ok(())
    }

    fn inventory_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<inventory::Entry>, Infallible> {
        let inventory = self.inventory.borrow();
        let later = inventory.iter().filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        Ok(later.take(limit as usize).map(|(_, entry)| entry.clone()).collect())
    }

    fn inventory_entry(&self, identifier: &Identifier) -> Result<Option<inventory::Entry>, Infallible> {
        Ok(self.inventory.borrow().get(identifier.as_str()).cloned())
    }

    fn put_inventory(&self, entry: &inventory::Entry) -> Result<(), Infallible> {
        self.inventory.borrow_mut().insert(entry.identifier.to_string(), entry.clone());
        Ok(())
    }

    fn remove_inventory(&self, identifier: &Identifier) -> Result<(), Infallible> {
        self.inventory.borrow_mut().remove(identifier.as_str());
        Ok(())
    }

    fn keys(&self) -> Result<Vec<StoredKey>, Infallible> {
        Ok(self.keys.borrow().values().cloned().collect())
    }

    fn put_key(&self, key: &StoredKey) -> Result<(), Infallible> {
        self.keys.borrow_mut().insert(key.public.kid.clone(), key.clone());
        Ok(())
    }

    fn remove_key(&self, kid: &str) -> Result<(), Infallible> {
        self.keys.borrow_mut().remove(kid);
        Ok(())
    }

    fn admin_tokens(&self) -> Result<Vec<AdminToken>, Infallible> {
        Ok(self.admin_tokens.borrow().values().cloned().collect())
    }

    fn admin_token(&self, digest: &Digest) -> Result<Option<AdminToken>, Infallible> {
        Ok(self.admin_tokens.borrow().values().find(|token| token.digest == *digest).cloned())
    }

    fn put_admin_token(&self, token: &AdminToken) -> Result<(), Infallible> {
        self.admin_tokens.borrow_mut().insert(token.id.clone(), token.clone());
        Ok(())
    }

    fn remove_admin_token(&self, id: &str) -> Result<(), Infallible> {
        self.admin_tokens.borrow_mut().remove(id);
        Ok(())
    }

    fn invitations(&self) -> Result<Vec<Invitation>, Infallible> {
        Ok(self.invitations.borrow().values().cloned().collect())
    }

    fn invitation(&self, digest: &Digest) -> Result<Option<Invitation>, Infallible> {
        Ok(self.invitations.borrow().values().find(|one| one.digest == *digest).cloned())
    }

    fn put_invitation(&self, invitation: &Invitation) -> Result<(), Infallible> {
        self.invitations.borrow_mut().insert(invitation.id.clone(), invitation.clone());
        Ok(())
    }

    fn remove_invitation(&self, id: &str) -> Result<(), Infallible> {
        self.invitations.borrow_mut().remove(id);
        Ok(())
    }

    fn revision(&self) -> Result<u64, Infallible> {
        Ok(self.revision.get())
    }

    fn put_revision(&self, revision: u64) -> Result<(), Infallible> {
        self.revision.set(revision);
        Ok(())
    }

    fn policy(&self, version: Option<u64>) -> Result<Option<PolicyVersion>, Infallible> {
        let policies = self.policies.borrow();
        let version = version.or_else(|| policies.keys().next_back().copied());
        Ok(version.and_then(|version| policies.get(&version)).cloned())
    }

    fn edits(&self) -> Result<Vec<Edit>, Infallible> {
        Ok(self.policies.borrow().values().rev().map(PolicyVersion::edit).collect())
    }

    fn put_policy(&self, version: &PolicyVersion) -> Result<(), Infallible> {
        self.policies.borrow_mut().insert(version.version, version.clone());
        Ok(())
    }

    fn remove_policies(&self, last: u64) -> Result<(), Infallible> {
        self.policies.borrow_mut().retain(|version, _| *version > last);
        Ok(())
    }

    fn live_exceptions(&self, now: Timestamp) -> Result<Vec<Exception>, Infallible> {
        let exceptions = self.exceptions.borrow();
        let live = exceptions.values().map(|(exception, _)| exception);
        Ok(live.filter(|exception| exception.is_live(now)).cloned().collect())
    }

    fn exception(&self, id: &Name) -> Result<Option<Exception>, Infallible> {
        Ok(self.exceptions.borrow().get(id).map(|(exception, _)| exception.clone()))
    }

    fn exceptions_after(&self, after: Option<&Name>, limit: u32) -> Result<Vec<Exception>, Infallible> {
        let exceptions = self.exceptions.borrow();
        let all = exceptions.values().map(|(exception, _)| exception);
        let later = all.filter(|exception| after.is_none_or(|after| exception.id > *after));
        Ok(later.take(limit as usize).cloned().collect())
    }

    fn exception_count(&self) -> Result<usize, Infallible> {
        Ok(self.exceptions.borrow().len())
    }

    fn due_exceptions(&self, now: Timestamp, limit: u32) -> Result<Vec<(Exception, Timestamp)>, Infallible> {
        let exceptions = self.exceptions.borrow();
        let mut due: Vec<_> = exceptions.values().filter(|(_, due)| *due <= now).cloned().collect();
        due.sort_by_key(|(_, due)| *due);
        due.truncate(limit as usize);
        Ok(due)
    }

    fn remove_exception(&self, id: &Name) -> Result<(), Infallible> {
        self.exceptions.borrow_mut().remove(id);
        Ok(())
    }

    fn put_exception(&self, exception: &Exception, due: Timestamp) -> Result<(), Infallible> {
        self.exceptions.borrow_mut().insert(exception.id.clone(), (exception.clone(), due));
        Ok(())
    }

    fn kill_switches(&self, now: Timestamp) -> Result<Vec<KillSwitch>, Infallible> {
        let switches = self.kill_switches.borrow();
        Ok(switches.values().filter(|switch| switch.is_on(now)).cloned().collect())
    }

    fn kill_switch(&self, id: &Name) -> Result<Option<KillSwitch>, Infallible> {
        Ok(self.kill_switches.borrow().get(id).cloned())
    }

    fn ended_kill_switches(&self, now: Timestamp, limit: u32) -> Result<Vec<KillSwitch>, Infallible> {
        let switches = self.kill_switches.borrow();
        let ended = switches.values().filter(|switch| !switch.is_on(now));
        Ok(ended.take(limit as usize).cloned().collect())
    }

    fn remove_kill_switch(&self, id: &Name) -> Result<(), Infallible> {
        self.kill_switches.borrow_mut().remove(id);
        Ok(())
    }

    fn put_kill_switch(&self, switch: &KillSwitch) -> Result<(), Infallible> {
        self.kill_switches.borrow_mut().insert(switch.id.clone(), switch.clone());
        Ok(())
    }

    fn access_request(&self, id: &Name) -> Result<Option<AccessRequest>, Infallible> {
        Ok(self.access_requests.borrow().get(id).cloned())
    }

    fn access_requests_after(
        &self,
        after: Option<&Name>,
        state: Option<Standing>,
        limit: u32,
    ) -> Result<Vec<AccessRequest>, Infallible> {
        let requests = self.access_requests.borrow();
        let later = requests.values().filter(|request| after.is_none_or(|after| request.id > *after));
        let wanted = later.filter(|request| state.is_none_or(|state| request.state.standing() == state));
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    fn access_requests_of(&self, account: &AccountKey, limit: u32) -> Result<Vec<AccessRequest>, Infallible> {
        let requests = self.access_requests.borrow();
        let own = requests.values().rev().filter(|request| request.asker.account == *account);
        Ok(own.take(limit as usize).cloned().collect())
    }

    fn open_access_requests(&self) -> Result<usize, Infallible> {
        let requests = self.access_requests.borrow();
        Ok(requests.values().filter(|request| request.state.standing() == Standing::Open).count())
    }

    fn access_request_count(&self) -> Result<usize, Infallible> {
        Ok(self.access_requests.borrow().len())
    }

    fn due_access_requests(&self, now: Timestamp, limit: u32) -> Result<Vec<AccessRequest>, Infallible> {
        let requests = self.access_requests.borrow();
        let mut due: Vec<_> = requests.values().filter(|request| request.due() <= now).cloned().collect();
        due.sort_by_key(AccessRequest::due);
        due.truncate(limit as usize);
        Ok(due)
    }

    fn put_access_request(&self, request: &AccessRequest) -> Result<(), Infallible> {
        self.access_requests.borrow_mut().insert(request.id.clone(), request.clone());
        Ok(())
    }

    fn remove_access_request(&self, id: &Name) -> Result<(), Infallible> {
        self.access_requests.borrow_mut().remove(id);
        Ok(())
    }

    fn forget_answered_request(&self) -> Result<(), Infallible> {
        let mut requests = self.access_requests.borrow_mut();
        let is_over = |request: &&AccessRequest| request.state.standing() != Standing::Open;
        let oldest = requests.values().find(is_over).map(|request| request.id.clone());
        oldest.map(|id| requests.remove(&id));
        Ok(())
    }

    fn first_issuer(&self) -> Result<Option<String>, Infallible> {
        Ok(self.first_issuer.borrow().clone())
    }

    fn put_first_issuer(&self, issuer: &str) -> Result<(), Infallible> {
        self.first_issuer.replace(Some(issuer.to_owned()));
        Ok(())
    }

    fn tell(&self, change: &Change) -> Result<(), Infallible> {
        self.changes.borrow_mut().push(valid(change));
        Ok(())
    }

    fn new_key(&self, alg: Algorithm) -> Option<NewKey> {
        self.made.set(self.made.get() + 1);
        Some(made(alg, self.made.get()))
    }
}
