//! Two Workers with clocks that differ, over objects that lose and double messages.
//!
//! Random waves of requests run side by side, message by message in random order. Whatever happens, an
//! approval gives tokens at most once, a refusal none, and no limit is passed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the members of a response, and two Workers"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::iter::once;
use std::time::Duration;

use device_grant::endpoint::answer;
use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::server::Server;
use device_grant::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::support::person::Person;
use crate::support::wire::{Delivery, Wire, interleaved};
use crate::support::{DEVICE_CODE, START, get, json, post, settings};

/// `LIVE_CODES_PER_CLIENT_AND_NETWORK` of both Workers.
const LIVE_CODES: u32 = 3;
/// Wrong codes that an account may enter in a code's lifetime. All waves together are shorter.
const WRONG_CODES: u32 = 5;

#[derive(Clone, Copy, Debug)]
enum Move {
    Poll,
    Approve,
    Deny,
    Guess,
    Start,
    Refresh,
}

/// Requests that run side by side, each at one of the Workers.
#[derive(Clone, Debug)]
struct Wave {
    moves: Vec<(Move, usize)>,
    order: Vec<u8>,
    deliveries: Vec<Delivery>,
    /// Milliseconds before the next wave.
    wait: u64,
}

fn wave() -> impl Strategy<Value = Wave> {
    let moves = prop_oneof![
        4 => Just(Move::Poll),
        2 => Just(Move::Approve),
        1 => Just(Move::Deny),
        2 => Just(Move::Guess),
        1 => Just(Move::Start),
        2 => Just(Move::Refresh),
    ];
    let deliveries = prop_oneof![
        7 => Just(Delivery::Once),
        1 => Just(Delivery::Lost),
        1 => Just(Delivery::ReplyLost),
        1 => Just(Delivery::Twice),
    ];
    let moves = prop::collection::vec((moves, 0..2_usize), 1..5);
    let (order, deliveries) =
        (prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(deliveries, 0..12));
    (moves, order, deliveries, 0..6_000_u64).prop_map(|(moves, order, deliveries, wait)| Wave {
        moves,
        order,
        deliveries,
        wait,
    })
}

/// Two Workers and their objects. `skew` is how far the clock of each Worker is ahead, in milliseconds.
struct Two {
    wire: Wire,
    workers: [Server<Wire>; 2],
    skew: [i64; 2],
    now: Cell<Timestamp>,
    requests: Cell<u64>,
}

impl Two {
    fn new(skew: [i64; 2]) -> Self {
        let wire = Wire::default();
        let settings = settings(&[("LIVE_CODES_PER_CLIENT_AND_NETWORK", &LIVE_CODES.to_string())]);
        let workers = [(); 2].map(|()| Server::new(settings.clone(), wire.clone()));
        let two = Self { wire, workers, skew, now: Cell::default(), requests: Cell::new(0) };
        two.set_clock(Timestamp::from_millis(START));
        // The first request makes the signing keys. A Worker whose clock is behind could not use them yet.
        two.calm(&Request { path: "/.well-known/openid-configuration".to_owned(), ..get() });
        two.set_clock(Timestamp::from_millis(START) + Duration::from_secs(60));
        two
    }

    fn set_clock(&self, now: Timestamp) {
        self.now.set(now);
        self.wire.set_clock(now);
    }

    /// Sends a request to a Worker.
    async fn ask(&self, worker: usize, request: Request) -> Response {
        let now = self.now.get().millis().saturating_add_signed(self.skew[worker]);
        self.requests.set(self.requests.get() + 1);
        let mut rng = ChaCha20Rng::seed_from_u64(self.requests.get());
        answer(&self.workers[worker], &request, Timestamp::from_millis(now), &mut rng).await
    }

    /// Sends a request to the first Worker, while nothing else happens and no message is lost.
    fn calm(&self, request: &Request) -> Response {
        self.wire.plan(&[]);
        interleaved(vec![self.ask(0, request.clone())], &[]).remove(0)
    }

    fn person(&self, address: &str) -> Person<'_> {
        Person::before(|request| self.calm(request), address)
    }
}

/// A code, the people who have pages open, and what they and the device have been told.
struct Life<'a> {
    two: &'a Two,
    alice: Person<'a>,
    bob: Person<'a>,
    device_code: String,
    refresh_tokens: Vec<String>,
    told: BTreeMap<&'static str, u32>,
    /// What was told over all lives.
    met: &'a RefCell<BTreeMap<&'static str, u32>>,
}

/// Returns whether a decision came after another one, and changed nothing.
fn is_kept(response: &Response) -> bool {
    response.header("location").is_some_and(|location| location.ends_with("&kept=yes"))
}

impl<'a> Life<'a> {
    /// Starts a grant, and opens its consent page. Another person has entered one wrong code.
    fn new(two: &'a Two, met: &'a RefCell<BTreeMap<&'static str, u32>>) -> Self {
        let started = json(&two.calm(&start()));
        let text = |name: &str| started[name].as_str().unwrap().to_owned();
        let (alice, bob) = (two.person("198.51.100.23"), two.person("198.51.100.77"));
        alice.enter_as("alice", "wonderland-8787", &text("user_code"));
        bob.enter_as("bob", "builder-8787", "BBBB-BBBB");
        let told = BTreeMap::from([("started", 1), ("wrong code", 1)]);
        let device_code = text("device_code");
        Self { two, alice, bob, device_code, refresh_tokens: Vec::new(), told, met }
    }

    fn request(&self, step: Move) -> Request {
        match step {
            Move::Poll => self.poll(),
            Move::Approve => {
                self.alice.form(&[("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")])
            }
            Move::Deny => self.alice.form(&[("step", "decide"), ("decision", "deny")]),
            Move::Guess => self.bob.form(&[("step", "code"), ("user_code", "BBBB-BBBB")]),
            Move::Start => start(),
            Move::Refresh => {
                let token = self.refresh_tokens.last().map_or("none", String::as_str);
                let form =
                    [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", token)];
                post("/token", &form)
            }
        }
    }

    fn poll(&self) -> Request {
        let form =
            [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", &self.device_code)];
        post("/token", &form)
    }

    /// Sends the requests of a wave, and checks what they and the objects say.
    fn go(&mut self, wave: &Wave) {
        let requests = wave.moves.iter().map(|(step, worker)| self.two.ask(*worker, self.request(*step)));
        let requests = requests.collect();
        self.two.wire.plan(&wave.deliveries);
        for (step, _) in &wave.moves {
            match step {
                Move::Approve => self.tell("approval sent"),
                Move::Deny => self.tell("refusal sent"),
                Move::Poll | Move::Guess | Move::Start | Move::Refresh => {}
            }
        }
        let responses = interleaved(requests, &wave.order);
        for ((step, _), response) in wave.moves.iter().zip(&responses) {
            let status = response.status;
            let faulty = self.two.wire.faults() > 0;
            assert!(status < 500 || status == 503 && faulty, "{step:?}: {status} {}", response.body);
            self.note(*step, response);
        }
        self.check();
        self.two.set_clock(self.two.now.get() + Duration::from_millis(wave.wait));
    }

    fn note(&mut self, step: Move, response: &Response) {
        match (step, response.status) {
            (_, 503) => self.tell("unavailable"),
            (Move::Poll, 200) => {
                self.tell("tokens");
                self.keep(response);
            }
            (Move::Refresh, 200) => {
                self.tell("refreshed");
                self.keep(response);
            }
            (Move::Approve | Move::Deny, 303) if is_kept(response) => {}
            (Move::Approve, 303) => self.tell("approved"),
            (Move::Deny, 303) => self.tell("refused"),
            (Move::Guess, 400) => self.tell("wrong code"),
            (Move::Guess, 429) => self.tell("too many codes"),
            (Move::Start, 200) => self.tell("started"),
            (Move::Start, 429) => self.tell("too many starts"),
            (Move::Poll | Move::Refresh, 400) | (Move::Approve | Move::Deny, 409) => {}
            (step, status) => panic!("{step:?}: {status} {}", response.body),
        }
    }

    fn keep(&mut self, response: &Response) {
        self.refresh_tokens.push(json(response)["refresh_token"].as_str().unwrap().to_owned());
    }

    fn tell(&mut self, what: &'static str) {
        *self.told.entry(what).or_default() += 1;
        *self.met.borrow_mut().entry(what).or_default() += 1;
    }

    fn told(&self, what: &str) -> u32 {
        self.told.get(what).copied().unwrap_or_default()
    }

    /// Checks what must hold at any time.
    fn check(&self) {
        let (told, now) = (|what| self.told(what), self.two.now.get());
        assert!(told("tokens") <= 1, "one approval gave tokens twice");
        assert!(told("tokens") == 0 || told("approval sent") > 0, "tokens without an approval");
        assert!(told("approved") == 0 || told("refused") == 0, "both decisions were confirmed");
        assert!(told("tokens") == 0 || told("refused") == 0, "tokens after a refusal");
        assert!(self.two.wire.live_families(now) <= 1, "two live families of one approval");
        assert!(told("wrong code") <= WRONG_CODES, "more wrong codes than the limit");
        let ended = u32::from(told("approval sent") + told("refusal sent") > 0);
        assert!(told("started") <= LIVE_CODES + ended, "more live codes than the limit");
    }

    /// Checks that, once all is quiet, the device is told what was decided.
    fn end(&mut self) {
        self.two.set_clock(self.two.now.get() + Duration::from_secs(60));
        let response = self.two.calm(&self.poll());
        self.note(Move::Poll, &response);
        self.check();
        let error = json(&response)["error"].as_str().map(str::to_owned);
        let expected: &[_] = match (self.told("approval sent"), self.told("refusal sent")) {
            (0, 0) => &["authorization_pending", "slow_down"],
            _ if self.told("refused") > 0 => &["access_denied"],
            // The approval or the tokens may have been lost on the way.
            (_, 0) => &["invalid_grant", "expired_token", "authorization_pending", "slow_down"],
            (_, _) => {
                &["invalid_grant", "expired_token", "authorization_pending", "slow_down", "access_denied"]
            }
        };
        assert!(error.as_deref().is_none_or(|error| expected.contains(&error)), "{error:?}");
    }
}

fn start() -> Request {
    post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "openid offline_access")])
}

#[test]
fn two_workers_keep_every_promise_over_a_network_that_loses_and_doubles_messages() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) };
    let skew = [-2_000..2_000_i64, -2_000..2_000];
    let lives = (skew, prop::collection::vec(wave(), 1..12));
    let met = RefCell::default();

    // The same lives in every run, so that all outcomes are met in every run.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&lives, |(skew, waves)| {
        let two = Two::new(skew);
        let mut life = Life::new(&two, &met);
        for wave in &waves {
            life.go(wave);
        }
        life.end();
        Ok(())
    });

    if let Err(broken) = outcome {
        panic!("{broken}");
    }
    let met = met.into_inner();
    // A promise that no life has put to the test would prove nothing.
    for needed in OUTCOMES.into_iter().chain(once("unavailable")) {
        assert!(met.contains_key(needed), "no life has met: {needed}; {met:?}");
    }
}

const OUTCOMES: [&str; 7] =
    ["tokens", "refreshed", "approved", "refused", "wrong code", "too many codes", "too many starts"];
