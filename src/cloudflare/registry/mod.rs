//! `Registry`: the issuer's clients, scopes, OpenID Providers and signing keys. One object is the source; the others are its
//! replicas, which have no rows.

mod keys;
mod publishing;
mod replica;
mod replicas;
mod rows;
mod stored;

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use worker::{Env, Error, Result, State};

use self::replica::AsReplica;
use self::stored::Stored;
use super::entry::settings;
use super::exported::{Object, exported};
use super::object;
use super::object::ring_by;
use super::platform::registry_id;
use super::shipping::{self, Shipper};
use super::warnings;
use crate::alarm::{Shipping, Work, next_alarm};
use crate::ask::Answer;
use crate::endpoint::boxed::boxed;
use crate::registry::command::Command;
use crate::registry::governance::{access_requests, kills, reminders};
use crate::registry::leases::Leases;
use crate::registry::publication::Publications;
use crate::registry::rows::NewKey;
use crate::registry::{apply, clients, signing_keys};
use crate::settings::{Settings, registry_location};
use crate::sharding::Region;
use crate::time::Timestamp;

/// Stores clients, scopes, providers, signing keys and the policy, publishes snapshots of them in KV, ships the events of
/// changes, deletes clients from open registration that nobody uses, reminds the owners of exceptions that end, and lets
/// requests for access lapse.
pub(super) struct Registry {
    state: State,
    env: Env,
    /// A replica has no tables.
    table: Rc<Stored>,
    /// Whether this object is the registry itself, not one of its replicas.
    is_source: bool,
    /// The leases of the source's replicas; `None` until they are read.
    leases: RefCell<Option<Leases>>,
    replica: Rc<AsReplica>,
    /// When this object last tended its keys; `None` if the next command that waits for them must do so.
    tended_at: Cell<Option<Timestamp>>,
    /// Whether everything sealed is known to be sealed under the current `MASTER_KEY`. A new one comes with a deployment,
    /// which restarts the object.
    sealed: Cell<bool>,
    publications: Publications,
    alarm: Cell<Option<Timestamp>>,
    shipper: Shipper,
}

exported!(ExportedRegistry: Registry);

impl Object for Registry {
    fn new(state: State, env: Env) -> Self {
        let is_source = registry_id(&env).map_or(true, |source| source == state.id().to_string());
        let table = Rc::new(Stored::open(&state, &env, is_source));
        let location = location(&env);
        Self {
            state,
            env,
            table,
            is_source,
            leases: RefCell::default(),
            replica: Rc::new(AsReplica::new(location)),
            tended_at: Cell::default(),
            sealed: Cell::default(),
            publications: Publications::default(),
            alarm: Cell::default(),
            shipper: Shipper::default(),
        }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        if !self.is_source {
            return boxed(self.replica.command(&self.state, command, text)).await;
        }
        #[cfg(feature = "panic-probe")]
        super::probe::in_registry().await?;
        let now = object::now();
        if let Command::AwaitReplicas(_) = command {
            return boxed(self.await_replicas()).await;
        }
        self.reseal_once()?;
        let waits = signing_keys::waits(&command);
        if waits {
            self.tend(now).await?;
        }
        let adopted = self.prepare(&command, now).await?;
        let tended = self.table.written.get();
        self.note_change()?;
        self.table.forget_progress();
        if let Some(keeper) = command.keeper() {
            self.grant(keeper)?;
        }
        let answer = self.transact(command, adopted, now)?;
        self.note_change()?;
        self.table.made.borrow_mut().clear();
        self.log_warnings();
        if self.table.written.get() || self.table.told.get() {
            let events = shipping::has_events(&self.table.table).map(|any| any.then_some(Shipping::Soon));
            self.ring(events, now).await;
        }
        if self.table.written.replace(false) || tended {
            self.follow_up(waits, now).await;
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        let now = object::now();
        self.alarm.set(None);
        let table = Rc::clone(&self.table);
        let swept = object::transaction(&self.state, move || clients::sweep(&*table, now));
        self.attend_to_governance(now);
        let (table, webhook) = (&self.table.table, self.table.webhook.as_ref());
        let rest = self.shipper.ship_and_warn(&self.state, table, None, webhook).await;
        self.ring(Ok(rest), object::now()).await;
        match swept {
            Ok(true) => {
                self.note_change()?;
                self.table.written.set(false);
                self.publish_change().await;
            }
            Ok(false) => {}
            Err(error) => object::complain("sweep", &error),
        }
        Ok(())
    }
}

/// Returns where the platform creates the registry.
fn location(env: &Env) -> Option<Region> {
    registry_location(|name| env.var(name).ok().map(|value| value.to_string()))
}

impl Registry {
    /// Applies a command in one transaction.
    fn transact(&self, command: Command, adopted: Option<NewKey>, now: Timestamp) -> Result<Answer> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || apply(&*table, command, adopted, now))
    }

    /// Reminds the owners of exceptions that end, and reports exceptions, kill switches and requests for access that have
    /// lapsed.
    fn attend_to_governance(&self, now: Timestamp) {
        let table = Rc::clone(&self.table);
        match object::transaction(&self.state, move || {
            kills::attend(&*table, now)?;
            access_requests::attend(&*table, now)?;
            reminders::attend(&*table, now)
        }) {
            Ok(()) => self.log_warnings(),
            Err(error) => {
                self.table.warnings.take();
                object::complain("governance", &error);
            }
        }
    }

    /// Writes the warnings of a transaction that has succeeded to the log.
    fn log_warnings(&self) {
        for line in self.table.warnings.take() {
            worker::console_warn!("{line}");
        }
    }

    /// Makes sure that the alarm rings when `events` are to be shipped, when a warning is to be delivered, when a client
    /// ends, and when something is due for an exception, a kill switch or a request for access.
    async fn ring(&self, events: Result<Option<Shipping>>, now: Timestamp) {
        let due = events.and_then(|events| {
            let first_end = [self.table.first_end()?, self.table.first_due()?].into_iter().flatten().min();
            let first_delivery = warnings::first_due(&self.table.table)?;
            Ok(next_alarm(Work { first_end, events, first_delivery, ..Work::default() }, now))
        });
        ring_by(&self.state, &self.alarm, due).await;
    }

    /// Tends the keys after a change whose command waits for them, and publishes the change. The change stands even if
    /// tending fails: the next command that waits tends again.
    async fn follow_up(&self, waits: bool, now: Timestamp) {
        self.tended_at.set(None);
        if waits && let Err(error) = self.tend(now).await {
            object::complain("tend", &error);
        }
        self.publish_change().await;
    }

    fn settings(&self) -> Result<Settings> {
        settings(&self.env).map_err(|bad| Error::RustError(bad.to_string()))
    }
}
