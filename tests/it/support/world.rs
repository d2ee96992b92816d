//! The server in memory, and what tests do with it.

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use device_grant::ask::Ask;
use device_grant::audit::change::Actor;
use device_grant::audit::closing::CloseLedger;
use device_grant::audit::ledger::{NoteLedger, OUTBOXES, OutboxReport, ReportOutbox, Rows as _};
use device_grant::audit::outbox::{Batch, Row};
use device_grant::audit::sign_in::SignInEvent;
use device_grant::audit::{Event, What};
use device_grant::client::Client;
use device_grant::client::history::Expected;
use device_grant::counts::destination_command::ListDestinations;
use device_grant::counts::{COUNTS, telling};
use device_grant::courier::feeding::step;
use device_grant::derived_keys::DEVELOPMENT_KEY;
use device_grant::endpoint::answer;
use device_grant::endpoint::courier::Course;
use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::Platform as _;
use device_grant::endpoint::server::Server;
use device_grant::grant::Grant;
use device_grant::grant::instant::Parting;
use device_grant::identity::account::{Account, Authority, Standing};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::demo;
use device_grant::identity::recheck::Upkeep;
use device_grant::network::Network;
use device_grant::policy::exception::Exception;
use device_grant::policy::kill::KillSwitch;
use device_grant::policy::written;
use device_grant::registry::clients::sweep;
use device_grant::registry::command::RetireKey;
use device_grant::registry::governance::{PolicyChange, ReplacePolicy};
use device_grant::registry::outline::Outline;
use device_grant::registry::quota::Size;
use device_grant::registry::rows::Rows as _;
use device_grant::registry::snapshot;
use device_grant::settings::Settings;
use device_grant::sub::Sub;
use device_grant::time::Timestamp;
use device_grant::upstream::provider::{Provider, ProviderId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::memories::{Memories, OneCourier};
use super::messages::{self, get, outcome, post};
use super::rows::GrantRows;
use super::{DEVICE_CODE, START, now_or_never, person, poll};

/// Returns the settings of a development server with these values; all others have their defaults.
pub(crate) fn settings(vars: &[(&str, &str)]) -> Settings {
    let base = [("ENVIRONMENT", "development"), ("MASTER_KEY", DEVELOPMENT_KEY)];
    let vars = [&base, vars].concat();
    let find = |name: &str| vars.iter().rev().find(|(other, _)| *other == name);
    let settings = Settings::read(|name| find(name).map(|(_, value)| (*value).to_owned()));
    settings.unwrap_or_else(|bad| panic!("{bad}"))
}

/// A server in memory, with its clock and its seeded random generator.
pub(crate) struct World {
    pub(crate) server: Server<Memories>,
    now: Cell<Timestamp>,
    rng: RefCell<ChaCha20Rng>,
}

impl World {
    /// Creates a development server with the default settings.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// Creates a development server with these settings; all others have their defaults.
    pub(crate) fn with(vars: &[(&str, &str)]) -> Self {
        let settings = settings(vars);
        let start = Timestamp::from_millis(START);
        let memories = Memories::default();
        memories.now.set(start);
        memories.registry.rotation.set(settings.signing_key_rotation);
        Self {
            server: Server::new(settings, memories),
            now: Cell::new(start),
            rng: RefCell::new(ChaCha20Rng::seed_from_u64(42)),
        }
    }

    /// Creates a server with these settings, and with a policy that allows everything.
    pub(crate) fn with_policy(vars: &[(&str, &str)]) -> Self {
        let world = Self::with(vars);
        world.allow_all();
        world
    }

    /// Writes a policy that allows everything.
    pub(crate) fn allow_all(&self) {
        self.set_policy(&json!({
            "default": "enforced",
            "rules": [{ "id": "all", "description": "Everything is allowed", "effect": "allow" }],
        }));
    }

    /// Replaces the policy, past the admin API. This isolate notices, as if the change had come through it.
    pub(crate) fn set_policy(&self, document: &Value) {
        let Value::Object(members) = document.clone() else { panic!("a policy is an object") };
        let policy = Box::new(written::parse(members, self.now()).unwrap());
        let (expected, reason) = (Expected::Any, "for a test".to_owned());
        let administrators = self.settings().admin_groups.all().to_vec();
        let by = Actor::Registration;
        let change = PolicyChange { expected, reason, administrators, dry_run: false, by };
        self.registry(ReplacePolicy { policy, change }).unwrap();
        self.follow_change();
    }

    /// Writes exceptions and kill switches, past the admin API. This isolate notices.
    pub(crate) fn set_governance(&self, exceptions: &[Exception], kill_switches: &[KillSwitch]) {
        let rows = &self.server.platform.registry;
        let due = Timestamp::from_millis(u64::MAX);
        let Ok(()) = exceptions.iter().try_for_each(|exception| rows.put_exception(exception, due));
        let Ok(()) = kill_switches.iter().try_for_each(|switch| rows.put_kill_switch(switch));
        rows.revision.set(rows.revision.get() + 1);
        self.follow_change();
    }

    /// Does what follows a change of the registry.
    fn follow_change(&self) {
        if self.server.platform.published.borrow().is_some() {
            self.publish();
        }
        self.server.forget_snapshot();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// Moves the clock forward.
    pub(crate) fn wait(&self, seconds: u64) {
        self.wait_millis(seconds * 1_000);
    }

    /// Moves the clock forward.
    pub(crate) fn wait_millis(&self, millis: u64) {
        self.now.set(self.now.get() + Duration::from_millis(millis));
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.server.settings
    }

    /// Returns the stored record of a provider.
    pub(crate) fn provider(&self, id: &str) -> Option<Provider> {
        let Ok(provider) = self.server.platform.registry.provider(&ProviderId::parse(id)?);
        provider
    }

    /// Returns the outline that requests read.
    pub(crate) fn outline(&self) -> Rc<Outline> {
        now_or_never(self.server.outline(self.now())).unwrap()
    }

    /// Returns the text of the snapshot that the registry would publish.
    pub(crate) fn snapshot_text(&self) -> String {
        let Ok(text) = snapshot::take(&self.server.platform.registry, self.now());
        text.unwrap()
    }

    /// Restarts the server with these settings. The objects keep their rows; the memory of the isolate is
    /// gone.
    pub(crate) fn restarted(self, vars: &[(&str, &str)]) -> Self {
        let fresh = Self::with(vars);
        let Self { server, now, rng } = self;
        Self { server: Server::new(fresh.server.settings.clone(), server.platform), now, rng }
    }

    /// Sends a request, and does what the server has left to do after the response.
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.finish(self.answer(request))
    }

    /// Does what is left to do after a response.
    pub(crate) fn finish(&self, mut response: Response) -> Response {
        now_or_never(self.server.finish(std::mem::take(&mut response.afterwards), self.now()));
        response
    }

    /// Sends a request, and returns the response with what is left to do after it.
    pub(crate) fn answer(&self, request: &Request) -> Response {
        self.server.platform.now.set(self.now());
        let mut rng = self.rng.borrow_mut();
        now_or_never(answer(&self.server, request, self.now(), &mut *rng))
    }

    /// Begins to answer a request, without waiting for the end.
    pub(crate) fn begin(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + '_>> {
        self.server.platform.now.set(self.now());
        let (now, mut rng) = (self.now(), ChaCha20Rng::seed_from_u64(self.rng.borrow_mut().next_u64()));
        let mut answer = Box::pin(async move { answer(&self.server, &request, now, &mut rng).await });
        if let Poll::Ready(response) = poll(answer.as_mut()) { Box::pin(ready(response)) } else { answer }
    }

    /// Answers a request of which every call of an object takes a round. Returns also the number of rounds.
    pub(crate) fn in_rounds(&self, request: Request) -> (u32, Response) {
        self.server.platform.in_rounds.set(true);
        let mut answer = self.begin(request);
        let mut rounds = (1..).map(|round| {
            self.server.platform.waiting.take().into_iter().for_each(Waker::wake);
            (round, poll(answer.as_mut()))
        });
        let ended = rounds.find_map(|(round, polled)| match polled {
            Poll::Ready(response) => Some((round, response)),
            Poll::Pending => None,
        });
        self.server.platform.in_rounds.set(false);
        ended.expect("it ends")
    }

    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send(&post(path, form))
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.send(&Request { path: path.to_owned(), query: query.to_owned(), ..get() })
    }

    /// Starts a grant of `demo-tv` for all scopes that it may have.
    pub(crate) fn start(&self) -> Started {
        self.start_with(&[("client_id", "demo-tv"), ("scope", "openid profile email offline_access")])
    }

    /// Starts a grant with the parameters in `form`.
    pub(crate) fn start_with(&self, form: &[(&str, &str)]) -> Started {
        let response = self.post("/device_authorization", form);
        assert_eq!(response.status, 200, "{}", response.body);
        let answer = messages::json(&response);
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Started { device_code: text("device_code"), user_code: text("user_code"), answer }
    }

    /// Polls as `demo-tv`.
    pub(crate) fn poll(&self, device_code: &str) -> Response {
        let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
        self.post("/token", &form)
    }

    /// Polls as `demo-tv`, and returns the `error` of the response, or `issued`.
    pub(crate) fn poll_outcome(&self, device_code: &str) -> String {
        outcome(&self.poll(device_code))
    }

    /// Uses a refresh token as `demo-tv`.
    pub(crate) fn refresh(&self, refresh_token: &str) -> Response {
        let form =
            [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", refresh_token)];
        self.post("/token", &form)
    }

    /// Starts a grant of `demo-tv`, and lets alice approve it.
    pub(crate) fn approved(&self) -> Started {
        let started = self.start();
        person::Person::of(self).approve_as("alice", "wonderland-8787", &started.user_code);
        started
    }

    /// Returns all events so far, oldest first.
    pub(crate) fn recorded(&self) -> Vec<Event> {
        let shards = self.server.platform.shards.borrow();
        let mut events: Vec<Event> = shards.values().flat_map(|rows| rows.events.borrow().clone()).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Returns all events of people who signed in or were refused, oldest first.
    pub(crate) fn sign_ins(&self) -> Vec<SignInEvent> {
        let shards = self.server.platform.accounts.borrow();
        shards.values().flat_map(|rows| rows.sign_ins.borrow().clone()).collect()
    }

    /// Returns all events of account shards about devices so far, oldest first.
    pub(crate) fn account_events(&self) -> Vec<Event> {
        let shards = self.server.platform.accounts.borrow();
        let mut events: Vec<Event> = shards.values().flat_map(|rows| rows.events.borrow().clone()).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Ships the events of all objects to their ledgers.
    pub(crate) fn ship(&self) {
        let platform = &self.server.platform;
        for (object, rows) in platform.shards.borrow().iter() {
            let events = rows.events.borrow();
            self.ship_from(
                object,
                events.iter().map(|event| (event.at, serde_json::to_string(event).unwrap())),
            );
        }
        for (shard, rows) in platform.accounts.borrow().iter() {
            self.ship_from(&shard.to_string(), rows.told().into_iter());
        }
        let changes = platform.registry.changes.borrow();
        let changes = changes.iter().map(|change| (change.at, serde_json::to_string(change).unwrap()));
        self.ship_from("registry", changes);
    }

    /// Ships all events, and lets each ledger tell what it has recorded, twice.
    pub(crate) fn count(&self) {
        self.ship();
        let platform = &self.server.platform;
        platform.now.set(self.now());
        let names = platform.ledger_names();
        for name in names.iter().chain(&names).filter(|name| *name != OUTBOXES) {
            let records = platform.with_ledger(name, |rows| rows.records_after(0, u32::MAX)).unwrap();
            let ledger = name.parse().expect("the name of a ledger");
            let Some(message) = telling::message(&ledger, records) else { continue };
            now_or_never(platform.counts(message)).expect("the object can be reached");
        }
        let told = platform.counts.told.borrow();
        let told = told.iter().map(|event| (event.at, serde_json::to_string(event).unwrap()));
        let changes = platform.counts.changes.borrow();
        let changes = changes.iter().map(|change| (change.at, serde_json::to_string(change).unwrap()));
        let mut told: Vec<_> = told.chain(changes).collect();
        told.sort();
        self.ship_from(COUNTS, told.into_iter());
    }

    /// Feeds every courier with all records of all ledgers, twice, and lets each deliver what is due. Returns what each learned.
    pub(crate) fn deliver(&self) -> Vec<Course> {
        self.count();
        let platform = &self.server.platform;
        let destinations =
            now_or_never(platform.counts(ListDestinations {})).expect("the object can be reached");
        let names = platform.ledger_names();
        for (name, destination) in
            names.iter().chain(&names).flat_map(|name| destinations.iter().map(move |one| (name, one)))
        {
            if name == OUTBOXES {
                continue;
            }
            let records = platform.with_ledger(name, |rows| rows.records_after(0, u32::MAX)).unwrap();
            let step = step(&name.parse().expect("the name of a ledger"), destination, records);
            let Some(message) = step.and_then(|step| step.message) else { continue };
            now_or_never(platform.courier(&destination.courier(), message))
                .expect("the courier can be reached");
        }
        destinations.iter().map(|destination| self.deliver_to(&destination.courier())).collect()
    }

    /// Lets a courier deliver what is due, as its alarm does.
    pub(crate) fn deliver_to(&self, courier: &str) -> Course {
        let platform = &self.server.platform;
        platform.now.set(self.now());
        let mailbox = OneCourier(platform, courier.to_owned());
        now_or_never(self.server.deliver(courier, &mailbox)).expect("the rows can be read")
    }

    /// Reports the state of an outbox, as its object does after an alarm.
    pub(crate) fn report(&self, report: OutboxReport) {
        tell_ledger(self, OUTBOXES, ReportOutbox { report });
    }

    fn ship_from(&self, object: &str, events: impl Iterator<Item = (Timestamp, String)>) {
        for (number, (at, event)) in (1..).zip(events) {
            let row = Row { number, at: i64::try_from(at.millis()).unwrap(), event: Some(event) };
            let batch = Batch::first(object, [row]).expect("an event");
            let note = NoteLedger { name: batch.ledger.parse().expect("the name of a ledger") };
            if !tell_ledger(self, OUTBOXES, note) {
                tell_ledger(self, &batch.ledger, CloseLedger {});
            }
            let receipt = tell_ledger(self, &batch.ledger, batch.record());
            if let Some((name, record)) = batch.late(&receipt, self.now()) {
                assert!(tell_ledger(self, OUTBOXES, NoteLedger { name: name.clone() }), "today is open");
                tell_ledger(self, &name.to_string(), record);
            }
        }
    }

    /// Ships the first event of an object, which happened `at`. Returns its identifier.
    pub(crate) fn tell_late(&self, object: &str, at: Timestamp) -> String {
        let event = Event::of(What::Expired, at, "grant".to_owned(), "demo-tv".to_owned());
        self.ship_from(object, [(at, serde_json::to_string(&event).unwrap())].into_iter());
        format!("{object}/1")
    }

    /// Closes the days that are over, as the alarm of the object does that keeps the roots. Returns when it would try
    /// again after a failure.
    pub(crate) fn close_days(&self) -> Option<Timestamp> {
        self.server.platform.now.set(self.now());
        now_or_never(self.server.close_days(&self.server.platform, self.now()))
    }

    /// Returns the names of all events so far, oldest first.
    pub(crate) fn events(&self) -> Vec<String> {
        let name = |event: &Event| serde_json::to_value(event.what).unwrap().as_str().unwrap().to_owned();
        self.recorded().iter().map(name).collect()
    }

    /// Returns the events of all changes of the registry so far, as JSON.
    pub(crate) fn changes(&self) -> Vec<Value> {
        let changes = self.server.platform.registry.changes.borrow();
        changes.iter().map(|change| serde_json::to_value(change).unwrap()).collect()
    }

    /// Returns the events of all changes of accounts so far, as JSON.
    pub(crate) fn account_changes(&self) -> Vec<Value> {
        let shards = self.server.platform.accounts.borrow();
        let changes = shards.values().flat_map(|rows| rows.changes.borrow().clone());
        let mut changes: Vec<_> = changes.collect();
        changes.sort_by_key(|change| change.at);
        changes.iter().map(|change| serde_json::to_value(change).unwrap()).collect()
    }

    /// Returns how many WebSockets are open, and how the others ended.
    pub(crate) fn sockets(&self) -> (usize, Vec<Parting>) {
        let shards = self.server.platform.shards.borrow();
        let open = shards.values().map(|rows| rows.sockets.borrow().len()).sum();
        (open, shards.values().flat_map(|rows| rows.partings.borrow().clone()).collect())
    }

    /// Returns all stored grants.
    pub(crate) fn grants(&self) -> Vec<Grant> {
        let shards = self.server.platform.shards.borrow();
        shards.values().flat_map(|rows| rows.grants.borrow().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Returns the hops to grant shards, account shards and limiters, and the rows written there, since the last call.
    pub(crate) fn cost(&self) -> Cost {
        let platform = &self.server.platform;
        let shards = platform.shards.borrow();
        Cost {
            grant_hops: platform.grant_hops.replace(0),
            grant_writes: shards.values().map(|rows| rows.writes.replace(0)).sum(),
            account_hops: platform.account_hops.replace(0),
            account_writes: platform.accounts.borrow().values().map(|rows| rows.writes.replace(0)).sum(),
            limit_hops: platform.limit_hops.replace(0),
            limit_writes: platform.limit_writes.replace(0),
        }
    }

    /// Returns the key of the platform's rate limit of `what` for an address.
    pub(crate) fn rate_key(&self, what: &str, address: &str) -> String {
        let network =
            Network::of(Some(address), |prefix| self.server.settings.keyring.current.pseudonym(prefix));
        format!("{what}/{}", network.subscriber())
    }

    /// Changes a client in the registry, past the admin API. The snapshot of the isolate stays as it is.
    pub(crate) fn change_client(&self, client_id: &str, change: impl FnOnce(&mut Client)) {
        self.get("/.well-known/openid-configuration");
        let mut clients = self.server.platform.registry.clients.borrow_mut();
        change(clients.get_mut(client_id).expect("the client is registered"));
    }

    /// Registers `count` copies of a client.
    pub(crate) fn multiply_client(&self, client_id: &str, count: usize) {
        self.get("/.well-known/openid-configuration");
        let mut clients = self.server.platform.registry.clients.borrow_mut();
        let one = clients.get(client_id).expect("the client is registered").clone();
        clients.extend((0..count).map(|number| {
            let client_id = format!("{client_id}-{number}");
            (client_id.clone(), Client { client_id, ..one.clone() })
        }));
    }

    /// Returns the size of the clients from open registration.
    pub(crate) fn open_clients(&self) -> Size {
        let Ok(size) = self.server.platform.registry.size(true);
        size
    }

    /// Rings the alarm of the registry. Returns whether it deleted clients.
    pub(crate) fn sweep_registry(&self) -> bool {
        let Ok(has_swept) = sweep(&self.server.platform.registry, self.now());
        has_swept
    }

    /// Returns how many deleted clients the registry remembers.
    pub(crate) fn removed_clients(&self) -> usize {
        self.server.platform.registry.removed.borrow().len()
    }

    /// Returns how often the registry wrote down the use of a client.
    pub(crate) fn stamps(&self) -> u32 {
        self.server.platform.registry.stamps.get()
    }

    /// Retires a key in the registry, as another isolate would. The isolate of this server does not notice.
    pub(crate) fn retire_elsewhere(&self, kid: &str) {
        let Ok(retired) = self
            .server
            .platform
            .apply_to_registry(RetireKey { kid: kid.to_owned(), by: Actor::Registration });
        assert_eq!(retired, Ok(()));
    }

    /// Sends a command to the registry, as an endpoint would.
    pub(crate) fn registry<A>(&self, ask: A) -> A::Reply
    where
        A: Ask<Command = device_grant::registry::command::Command>,
    {
        self.server.platform.now.set(self.now());
        now_or_never(self.server.platform.registry(ask)).unwrap_or_else(|_| panic!("the registry is down"))
    }

    /// Publishes a snapshot of the registry as it is now.
    pub(crate) fn publish(&self) {
        let Ok(taken) = snapshot::take(&self.server.platform.registry, self.now());
        self.server.platform.published.replace(Some(taken.expect("every scope is described")));
    }

    /// Changes an account that has been used before.
    pub(crate) fn change_account(&self, key: &str, change: impl FnOnce(&mut Account)) {
        let key = AccountKey::parse(key).expect("the key of an account");
        let shards = self.server.platform.accounts.borrow();
        let rows = shards.get(&key.shard()).expect("the shard was used before");
        change(rows.accounts.borrow_mut().get_mut(&key).expect("the account was used before"));
    }

    /// Adds somebody whose rows are in the object of alice's, which was used before. Returns the username; the password is bob's.
    pub(crate) fn neighbor_of_alice(&self) -> String {
        let shard = AccountKey::local("alice").shard();
        let mut names = (0..1_000).map(|number| format!("neighbor{number}"));
        let username =
            names.find(|name| AccountKey::local(name).shard() == shard).expect("a name in any of 32 shards");
        let key = AccountKey::local(&username);
        let bob = demo::accounts().remove(1);
        let neighbor =
            Account { key: key.clone(), sub: Sub::from("acct-neighbor"), username: username.clone(), ..bob };
        let shards = self.server.platform.accounts.borrow();
        let rows = shards.get(&shard).expect("the shard was used before");
        rows.accounts.borrow_mut().insert(key, neighbor);
        username
    }

    /// Blocks an account that has been used before, or lifts its block, past the rules of its shard.
    pub(crate) fn set_blocked(&self, key: &str, is_blocked: bool) {
        let (at, by) = (self.now(), Authority::Administrator);
        let blocked = Standing::Blocked { at, by, why: None };
        let standing = if is_blocked { blocked } else { Standing::Active };
        self.change_account(key, |account| account.standing = standing);
    }

    /// Stores a provider.
    pub(crate) fn add_provider(&self, provider: &Provider) {
        let Ok(()) = self.server.platform.registry.put_provider(provider);
    }

    /// Changes a stored provider.
    pub(crate) fn change_provider(&self, id: &str, change: impl FnOnce(&mut Provider)) {
        let mut provider = self.provider(id).expect("it was added");
        change(&mut provider);
        self.add_provider(&provider);
    }

    /// Returns an account as its shard has it.
    pub(crate) fn find_account(&self, key: &AccountKey) -> Option<Account> {
        let shards = self.server.platform.accounts.borrow();
        shards.get(&key.shard()).and_then(|rows| rows.accounts.borrow().get(key).cloned())
    }

    /// Returns how many families are live.
    pub(crate) fn live_families(&self) -> usize {
        let shards = self.server.platform.shards.borrow();
        let live =
            |rows: &GrantRows| rows.families.borrow().values().filter(|one| one.is_live(self.now())).count();
        shards.values().map(live).sum()
    }

    /// Returns the rows of leaver checks.
    pub(crate) fn upkeep(&self) -> Vec<Upkeep> {
        let shards = self.server.platform.accounts.borrow();
        shards.values().flat_map(|rows| rows.upkeep.borrow().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Returns how many sessions have rows.
    pub(crate) fn sessions(&self) -> usize {
        let shards = self.server.platform.accounts.borrow();
        shards.values().map(|rows| rows.sessions.borrow().len()).sum()
    }

    /// Removes the rows of all sessions.
    pub(crate) fn end_all_sessions(&self) {
        let shards = self.server.platform.accounts.borrow();
        shards.values().for_each(|rows| rows.sessions.borrow_mut().clear());
    }

    /// Makes an object, or another part of the platform, unreachable or reachable again: see
    /// [`Memories::down`].
    pub(crate) fn set_down(&self, object: &'static str, down: bool) {
        let mut objects = self.server.platform.down.borrow_mut();
        if down {
            objects.insert(object)
        } else {
            objects.remove(object)
        };
    }
}

fn tell_ledger<A>(world: &World, name: &str, ask: A) -> A::Reply
where
    A: Ask<Command = device_grant::audit::ledger::Command>,
{
    now_or_never(world.server.platform.ledger(name, ask)).expect("the ledger can be reached")
}

/// The response to a device authorization request.
pub(crate) struct Started {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    /// The whole JSON of the response.
    pub(crate) answer: Value,
}

/// How often objects were called, and how many rows they wrote.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cost {
    /// Calls of grant shards.
    pub(crate) grant_hops: u32,
    /// Grants, families and events that grant shards wrote.
    pub(crate) grant_writes: u32,
    /// Calls of account shards.
    pub(crate) account_hops: u32,
    /// Accounts, sessions and devices that account shards wrote.
    pub(crate) account_writes: u32,
    /// Calls of limiters.
    pub(crate) limit_hops: u32,
    /// Rows that limiters changed.
    pub(crate) limit_writes: u32,
}
