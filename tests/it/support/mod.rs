//! A whole server in memory: the real endpoints and the real rules over maps instead of objects, with a
//! clock that is turned by hand.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a world that is broken fails its test")]

pub(crate) mod admin;
pub(crate) mod dpop;
pub(crate) mod person;
pub(crate) mod signer;
pub(crate) mod siteverify;

use device_grant::ask::Ask;
use device_grant::audit::outbox::Outbox;
use device_grant::family;
use device_grant::family::id::FamilyId;
use device_grant::identity::account::{Account, AccountKey};
use device_grant::registry::command::{RetireKey, TakeSnapshot};
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use device_grant::audit::Event;
use device_grant::client::Client;
use device_grant::derived_keys::DEVELOPMENT_KEY;
use device_grant::endpoint::answer;
use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::{Platform, Unavailable};
use device_grant::endpoint::server::Server;
use device_grant::family::Family;
use device_grant::grant::Grant;
use device_grant::grant::routing::RowKey;
use device_grant::grant::shard::Memory;
use device_grant::identity::session::Session;
use device_grant::registry::quota::{Size, length};
use device_grant::registry::rows::NewKey;
use device_grant::registry::signing_keys;
use device_grant::registry::snapshot::{Snapshot, standard_scopes};
use device_grant::secret::{Digest, decode, encode};
use device_grant::settings::Settings;
use device_grant::sharding::Shard;
use device_grant::time::Timestamp;
use device_grant::token::mapping::Rules;
use device_grant::token::signing_key::{Algorithm, Material, PublicKey, StoredKey};
use device_grant::{grant, identity, limiter, registry};
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmExt as _, AlgorithmSignature as _, UntrustedToken};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;

/// The grant type of RFC 8628 §3.4.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Where the world's server is.
pub(crate) const ISSUER: &str = "http://127.0.0.1:8787";
/// Where every story begins: 2026-11-21T12:00:00Z.
pub(crate) const START: u64 = 1_795_262_400_000;

/// Runs a future that never waits, as nothing native does.
pub(crate) fn now_or_never<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("something native waited"),
    }
}

/// A server, its clock and its source of randomness.
pub(crate) struct World {
    /// The server.
    pub(crate) server: Server<Memories>,
    now: Cell<Timestamp>,
    rng: RefCell<ChaCha20Rng>,
}

/// What the objects remember.
#[derive(Default)]
pub(crate) struct Memories {
    shards: RefCell<BTreeMap<String, GrantRows>>,
    accounts: AccountRows,
    counters: RefCell<BTreeMap<String, limiter::Row>>,
    registry: RegistryRows,
    now: Cell<Timestamp>,
    /// Objects that cannot be reached.
    pub(crate) down: RefCell<BTreeSet<&'static str>>,
    /// What is published beside the registry.
    pub(crate) published: RefCell<Option<Snapshot>>,
    /// What knows the tokens of Turnstile.
    pub(crate) siteverify: siteverify::Siteverify,
    /// Documents that can be fetched, by their URLs.
    pub(crate) documents: RefCell<BTreeMap<String, String>>,
    /// How often anything was fetched.
    pub(crate) fetches: Cell<u32>,
    /// Hops to shards of grants, since this was last reset.
    pub(crate) grant_hops: Cell<u32>,
    /// Hops to limiters, since this was last reset.
    pub(crate) limit_hops: Cell<u32>,
    /// The keys whose rate limit is used up.
    pub(crate) full: RefCell<BTreeSet<String>>,
    limit_writes: Cell<u32>,
}

#[derive(Default)]
struct GrantRows {
    grants: RefCell<BTreeMap<RowKey, Grant>>,
    families: RefCell<BTreeMap<FamilyId, Family>>,
    events: RefCell<Vec<Event>>,
    memory: RefCell<Memory>,
    writes: Cell<u32>,
}

#[derive(Default)]
struct AccountRows {
    accounts: RefCell<BTreeMap<AccountKey, Account>>,
    sessions: RefCell<BTreeMap<String, Session>>,
}

#[derive(Default)]
struct RegistryRows {
    clients: RefCell<BTreeMap<String, Client>>,
    keys: RefCell<BTreeMap<String, StoredKey>>,
    /// How many keys were made.
    made: Cell<u8>,
    /// How long a key signs.
    rotation: Cell<Option<Duration>>,
    removed: RefCell<BTreeSet<String>>,
    scopes: RefCell<BTreeMap<String, String>>,
    scope_claims: RefCell<BTreeMap<String, Rules>>,
}

impl World {
    /// A development server with its defaults.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A development server with other settings.
    pub(crate) fn with(vars: &[(&str, &str)]) -> Self {
        let base = [("ENVIRONMENT", "development"), ("MASTER_KEY", DEVELOPMENT_KEY)];
        let vars = [&base, vars].concat();
        let find = |name: &str| vars.iter().rev().find(|(other, _)| *other == name);
        let settings = Settings::read(|name| find(name).map(|(_, value)| (*value).to_owned()));
        let settings = settings.unwrap_or_else(|bad| panic!("{bad}"));
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

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// Turns the clock.
    pub(crate) fn wait(&self, seconds: u64) {
        self.wait_millis(seconds * 1_000);
    }

    /// Turns the clock.
    pub(crate) fn wait_millis(&self, millis: u64) {
        self.now.set(self.now.get() + Duration::from_millis(millis));
    }

    /// The server with its isolate's memory gone, and with other settings.
    pub(crate) fn restarted(self, vars: &[(&str, &str)]) -> Self {
        let fresh = Self::with(vars);
        let Self { server, now, rng } = self;
        Self { server: Server::new(fresh.server.settings.clone(), server.platform), now, rng }
    }

    /// Sends a request.
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.server.platform.now.set(self.now());
        let mut rng = self.rng.borrow_mut();
        let mut response = now_or_never(answer(&self.server, request, self.now(), &mut *rng));
        if let Some(name) = response.afterwards.take() {
            // The runtime sends this after the response and ignores the reply.
            let _: Result<bool, Unavailable> = now_or_never(self.server.platform.limits(name));
        }
        response
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send(&post(path, form))
    }

    /// Fetches a document.
    pub(crate) fn get(&self, path: &str) -> Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.send(&Request { path: path.to_owned(), query: query.to_owned(), ..get() })
    }

    /// Starts a grant for `demo-tv` and returns the answer.
    pub(crate) fn start(&self) -> Started {
        self.start_with(&[("client_id", "demo-tv"), ("scope", "openid profile email offline_access")])
    }

    /// Starts a grant.
    pub(crate) fn start_with(&self, form: &[(&str, &str)]) -> Started {
        let response = self.post("/device_authorization", form);
        assert_eq!(response.status, 200, "{}", response.body);
        let answer = json(&response);
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Started { device_code: text("device_code"), user_code: text("user_code"), answer }
    }

    /// Polls as `demo-tv`.
    pub(crate) fn poll(&self, device_code: &str) -> Response {
        let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
        self.post("/token", &form)
    }

    /// The `error` of a poll, or `issued`.
    pub(crate) fn poll_outcome(&self, device_code: &str) -> String {
        outcome(&self.poll(device_code))
    }

    /// Uses a refresh token as `demo-tv`.
    pub(crate) fn refresh(&self, refresh_token: &str) -> Response {
        let form =
            [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", refresh_token)];
        self.post("/token", &form)
    }

    /// A started grant that alice approved.
    pub(crate) fn approved(&self) -> Started {
        let started = self.start();
        person::Person::of(self).approve_as("alice", "wonderland-8787", &started.user_code);
        started
    }

    /// Every event so far, by name.
    pub(crate) fn events(&self) -> Vec<String> {
        let shards = self.server.platform.shards.borrow();
        let mut events: Vec<Event> = shards.values().flat_map(|rows| rows.events.borrow().clone()).collect();
        events.sort_by_key(|event| event.at);
        let name = |event: &Event| serde_json::to_value(event.what).unwrap().as_str().unwrap().to_owned();
        events.iter().map(name).collect()
    }

    /// How many grants are stored.
    pub(crate) fn grants(&self) -> Vec<Grant> {
        let shards = self.server.platform.shards.borrow();
        shards.values().flat_map(|rows| rows.grants.borrow().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Hops to shards of grants and to limiters, and rows written in either, since this was last asked.
    pub(crate) fn cost(&self) -> Cost {
        let platform = &self.server.platform;
        let shards = platform.shards.borrow();
        Cost {
            grant_hops: platform.grant_hops.replace(0),
            grant_writes: shards.values().map(|rows| rows.writes.replace(0)).sum(),
            limit_hops: platform.limit_hops.replace(0),
            limit_writes: platform.limit_writes.replace(0),
        }
    }

    /// Changes a client in the registry.
    pub(crate) fn change_client(&self, client_id: &str, change: impl FnOnce(&mut Client)) {
        self.get("/.well-known/openid-configuration");
        let mut clients = self.server.platform.registry.clients.borrow_mut();
        change(clients.get_mut(client_id).expect("the client is registered"));
    }

    /// Registers so many more clients like one that is there.
    pub(crate) fn multiply_client(&self, client_id: &str, count: usize) {
        self.get("/.well-known/openid-configuration");
        let mut clients = self.server.platform.registry.clients.borrow_mut();
        let one = clients.get(client_id).expect("the client is registered").clone();
        clients.extend((0..count).map(|number| {
            let client_id = format!("{client_id}-{number}");
            (client_id.clone(), Client { client_id, ..one.clone() })
        }));
    }

    /// Retires a key without this server's isolate being told.
    pub(crate) fn retire_elsewhere(&self, kid: &str) {
        let Ok(retired) = self.server.platform.apply_to_registry(RetireKey { kid: kid.to_owned() });
        assert_eq!(retired, Ok(()));
    }

    /// Publishes the registry as it is now.
    pub(crate) fn publish(&self) {
        let Ok(taken) = self.server.platform.apply_to_registry(TakeSnapshot {});
        self.server.platform.published.replace(Some(*taken.expect("every scope is described")));
    }

    /// Changes an account.
    pub(crate) fn change_account(&self, key: &str, change: impl FnOnce(&mut Account)) {
        let mut accounts = self.server.platform.accounts.accounts.borrow_mut();
        change(
            accounts
                .get_mut(&AccountKey::local(key.trim_start_matches("local:")))
                .expect("the account was used before"),
        );
    }

    /// Removes every session.
    pub(crate) fn end_all_sessions(&self) {
        self.server.platform.accounts.sessions.borrow_mut().clear();
    }

    /// Makes an object unreachable, or reachable again.
    pub(crate) fn set_down(&self, object: &'static str, down: bool) {
        let mut objects = self.server.platform.down.borrow_mut();
        if down {
            objects.insert(object)
        } else {
            objects.remove(object)
        };
    }
}

/// The answer to a device authorization request.
pub(crate) struct Started {
    /// The code to poll with.
    pub(crate) device_code: String,
    /// The code to type.
    pub(crate) user_code: String,
    /// The whole answer.
    pub(crate) answer: Value,
}

/// What was asked of objects, and what they had to store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cost {
    /// Hops to shards of grants.
    pub(crate) grant_hops: u32,
    /// Grants, families and events that were written there.
    pub(crate) grant_writes: u32,
    /// Hops to limiters.
    pub(crate) limit_hops: u32,
    /// Rows of limiters that changed.
    pub(crate) limit_writes: u32,
}

/// A GET of `/`.
pub(crate) fn get() -> Request {
    Request {
        method: "GET".to_owned(),
        host: "127.0.0.1:8787".to_owned(),
        path: "/".to_owned(),
        ..Request::default()
    }
}

/// A POST of a form.
pub(crate) fn post(path: &str, form: &[(&str, &str)]) -> Request {
    post_raw(path, encode_form(form).as_bytes())
}

/// A POST of bytes that say they are a form.
pub(crate) fn post_raw(path: &str, body: &[u8]) -> Request {
    Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        content_type: Some("application/x-www-form-urlencoded".to_owned()),
        address: Some("192.0.2.7".to_owned()),
        body: Some(body.to_vec()),
        ..get()
    }
}

fn encode_form(form: &[(&str, &str)]) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    form.iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The body of a response.
pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.body))
}

/// The `error` of a response, or `issued`.
pub(crate) fn outcome(response: &Response) -> String {
    match response.status {
        200 => "issued".to_owned(),
        _ => json(response)["error"].as_str().unwrap_or("no error").to_owned(),
    }
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&decode(payload).unwrap()).unwrap()
}

/// The header of a token.
pub(crate) fn header(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&decode(header).unwrap()).unwrap()
}

/// The claims of a token whose signature by the world's first ES256 key holds.
pub(crate) fn verified(token: &str) -> Value {
    let token = UntrustedToken::new(token).unwrap();
    let key = es256(1).verifying_key().to_owned();
    let token = Es256.validator::<Value>(&key).validate(&token).expect("the signature holds");
    serde_json::to_value(token.claims()).unwrap()
}

/// The key that was made as number so many.
fn es256(number: u8) -> <Es256 as jwt_compact::Algorithm>::SigningKey {
    <Es256 as jwt_compact::Algorithm>::SigningKey::from_slice(&[number; 32]).unwrap()
}

/// The key, if it is for ES256; the other algorithms are WebCrypto's alone.
fn p256(key: &PublicKey) -> Option<<Es256 as jwt_compact::Algorithm>::VerifyingKey> {
    use jwt_compact::alg::VerifyingKey as _;

    let Material::Ec { x, y, .. } = &key.material else { return None };
    let point = [vec![4], decode(x)?, decode(y)?].concat();
    <Es256 as jwt_compact::Algorithm>::VerifyingKey::from_slice(&point).ok()
}

/// The private key that was made as number so many, as an operator would bring it.
pub(crate) fn own_key(number: u8) -> Value {
    let public = serde_json::to_value(made(Algorithm::Es256, number).public).unwrap();
    let mut key = public.as_object().unwrap().clone();
    key.insert("d".to_owned(), encode(&[number; 32]).into());
    key.into()
}

/// A key of its own number. Those that run in WebCrypto only are stand-ins, and what they sign is not verified.
fn made(alg: Algorithm, number: u8) -> NewKey {
    let material = match alg {
        Algorithm::Es256 => {
            let point = es256(number).verifying_key().to_encoded_point(false);
            let (x, y) = (point.x().unwrap(), point.y().unwrap());
            Material::Ec { crv: "P-256".to_owned(), x: encode(x), y: encode(y) }
        }
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => {
            Material::Rsa { e: "AQAB".to_owned(), n: encode(&[number; 256]) }
        }
        Algorithm::EdDsa => Material::Okp { crv: "Ed25519".to_owned(), x: encode(&[number; 32]) },
    };
    NewKey { public: PublicKey::new(alg, material), wrapped: number.to_string() }
}

/// The command as the object reads it: through JSON.
fn sent<A: Ask>(ask: A) -> A::Command
where
    A::Command: DeserializeOwned,
{
    let command: A::Command = ask.into();
    serde_json::from_str(&serde_json::to_string(&command).unwrap()).unwrap()
}

impl Memories {
    fn apply_to_registry<A>(&self, ask: A) -> Result<A::Reply, Infallible>
    where
        A: Ask<Command = registry::command::Command>,
    {
        let command: registry::command::Command = sent(ask);
        let adopted = if let registry::command::Command::ImportKey(ask) = &command {
            // As `made` seals a key whose bytes all are its number.
            let number = ask.key.members["d"].as_str().and_then(decode).unwrap()[0];
            Some(NewKey { public: ask.key.public.clone(), wrapped: number.to_string() })
        } else {
            None
        };
        let answer = registry::apply(&self.registry, command, adopted, self.now.get())?;
        Ok(answer.read::<A>().unwrap())
    }

    fn tend(&self) {
        let Ok(unmade) = signing_keys::tend(&self.registry, self.registry.rotation.get(), self.now.get());
        assert_eq!(unmade, None, "every key can be made here");
    }

    /// Every counter as it is stored; one that counts nothing is not.
    pub(crate) fn stored_counters(&self) -> BTreeMap<String, limiter::Row> {
        let counters = self.counters.borrow();
        let stored = counters.iter().filter(|(_, row)| **row != limiter::Row::default());
        stored.map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// Forgets the counters whose names start so.
    pub(crate) fn reset_counters(&self, prefix: &str) {
        self.counters.borrow_mut().retain(|key, _| !key.starts_with(prefix));
    }

    fn reach(&self, object: &'static str) -> Result<(), Unavailable> {
        if self.down.borrow().contains(object) { Err(Unavailable) } else { Ok(()) }
    }
}

impl Platform for Memories {
    async fn grants<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        self.reach("grants")?;
        self.grant_hops.set(self.grant_hops.get() + 1);
        let mut shards = self.shards.borrow_mut();
        let rows = shards.entry(shard.to_string()).or_default();
        let Ok(answer) = grant::shard::apply(rows, &mut rows.memory.borrow_mut(), sent(ask), self.now.get());
        Ok(answer.read::<A>().unwrap())
    }

    async fn accounts<A>(&self, _: &AccountKey, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::shard::Command>,
    {
        self.reach("accounts")?;
        let Ok(answer) = identity::shard::apply(&self.accounts, sent(ask), self.now.get());
        Ok(answer.read::<A>().unwrap())
    }

    async fn limits<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>,
    {
        self.reach("limits")?;
        self.limit_hops.set(self.limit_hops.get() + 1);
        let command: limiter::command::Command = sent(ask);
        let mut counters = self.counters.borrow_mut();
        let row = counters.entry(command.key().to_owned()).or_default();
        let before = row.clone();
        let answer = row.apply(&command, self.now.get());
        self.limit_writes.set(self.limit_writes.get() + u32::from(*row != before));
        Ok(answer.read::<A>().unwrap())
    }

    async fn registry<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        self.reach("registry")?;
        self.tend();
        let Ok(reply) = self.apply_to_registry(ask);
        self.tend();
        Ok(reply)
    }

    async fn published(&self) -> Option<Snapshot> {
        self.published.borrow().clone()
    }

    async fn within_limit(&self, key: &str) -> bool {
        !self.down.borrow().contains("rate limit") && !self.full.borrow().contains(key)
    }

    async fn sign(&self, key: &StoredKey, input: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.reach("signing")?;
        Ok(match key.public.alg {
            Algorithm::Es256 => {
                Es256.sign(&es256(key.wrapped.parse().unwrap()), input).as_bytes().into_owned()
            }
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => vec![0; 256],
            Algorithm::EdDsa => vec![0; 64],
        })
    }

    async fn verify(&self, key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool, Unavailable> {
        let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(signature);
        let Ok(signature) = signature else { return Ok(false) };
        let Some(key) = p256(key) else { return Ok(false) };
        Ok(Es256.verify_signature(&signature, &key, input))
    }

    async fn post_form(&self, url: &str, form: &str) -> Result<String, Unavailable> {
        self.reach("siteverify")?;
        Ok(self.siteverify.answer(url, form))
    }

    async fn fetch_text(&self, url: &str) -> Result<String, Unavailable> {
        self.fetches.set(self.fetches.get() + 1);
        self.reach("documents")?;
        self.documents.borrow().get(url).cloned().ok_or(Unavailable)
    }

    fn version(&self) -> String {
        "0.0.0-test".to_owned()
    }
}

impl GrantRows {
    fn note_write(&self) {
        self.writes.set(self.writes.get() + 1);
    }
}

impl Outbox for GrantRows {
    type Error = Infallible;

    fn tell(&self, event: &Event) -> Result<(), Infallible> {
        self.note_write();
        self.events.borrow_mut().push(event.clone());
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

    fn put_grant(&self, key: RowKey, grant: &Grant, _: Timestamp) -> Result<(), Infallible> {
        self.note_write();
        self.grants.borrow_mut().insert(key, grant.clone());
        Ok(())
    }

    fn live(&self, now: Timestamp) -> Result<(u64, Option<Timestamp>), Infallible> {
        let grants = self.grants.borrow();
        let ends: Vec<Timestamp> =
            grants.values().map(|grant| grant.live_until(now)).filter(|end| *end > now).collect();
        Ok((ends.len() as u64, ends.into_iter().min()))
    }
}

impl identity::shard::Rows for AccountRows {
    type Error = Infallible;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>, Infallible> {
        Ok(self.accounts.borrow().get(key).cloned())
    }

    fn put_account(&self, account: &Account) -> Result<(), Infallible> {
        self.accounts.borrow_mut().insert(account.key.clone(), account.clone());
        Ok(())
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>, Infallible> {
        Ok(self.sessions.borrow().get(&encode(id.bytes())).cloned())
    }

    fn put_session(&self, id: &Digest, session: &Session) -> Result<(), Infallible> {
        self.sessions.borrow_mut().insert(encode(id.bytes()), session.clone());
        Ok(())
    }

    fn remove_session(&self, id: &Digest) -> Result<(), Infallible> {
        self.sessions.borrow_mut().remove(&encode(id.bytes()));
        Ok(())
    }
}

impl registry::rows::Rows for RegistryRows {
    type Error = Infallible;

    fn clients(&self) -> Result<Vec<Client>, Infallible> {
        Ok(self.clients.borrow().values().cloned().collect())
    }

    fn client(&self, client_id: &str) -> Result<Option<Client>, Infallible> {
        Ok(self.clients.borrow().get(client_id).cloned())
    }

    fn size(&self) -> Result<Size, Infallible> {
        let clients = self.clients.borrow();
        Ok(Size { clients: clients.len(), bytes: clients.values().map(length).sum() })
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

    fn new_key(&self, alg: Algorithm) -> Option<NewKey> {
        self.made.set(self.made.get() + 1);
        Some(made(alg, self.made.get()))
    }
}
