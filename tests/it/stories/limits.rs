//! Limits on live codes and requests.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::task::Poll;

use device_grant::endpoint::http::{Request, Response};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::{ALICE, enter};
use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, get, json, poll, post};

fn start_as(world: &World, client_id: &str, address: &str) -> Response {
    let request = post("/device_authorization", &[("client_id", client_id)]);
    world.send(&Request { address: Some(address.to_owned()), ..request })
}

fn start_at(world: &World, address: &str) -> Response {
    start_as(world, "demo-tv", address)
}

/// Returns an address in the /64 with this number of `2001:db8:666::/48`.
fn of_attacker(subnet: u16) -> String {
    Ipv6Addr::new(0x2001, 0xdb8, 0x666, subnet, 0, 0, 0, 1).to_string()
}

#[test]
fn live_codes_are_capped_per_client_and_network() {
    let world = World::with(&[("LIVE_CODES_PER_CLIENT_AND_NETWORK", "20")]);
    let started: Vec<_> = (0..20).map(|_| world.start()).collect();
    let one_more = || world.post("/device_authorization", &[("client_id", "demo-tv")]);

    let refused = one_more();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("300")));

    let person = enter(&world, ALICE, &started[0].user_code);
    person.decide("deny");
    assert_eq!(one_more().status, 200, "a refused code is not live");
    assert_eq!(one_more().status, 429);
    enter(&world, ALICE, &started[1].user_code).decide("approve");
    world.poll(&started[1].device_code);
    assert_eq!(one_more().status, 200, "a redeemed code is not live");
    world.wait(300);
    assert_eq!(one_more().status, 200, "an expired code is not live");
}

#[test]
fn a_shard_takes_no_more_codes_than_its_cap() {
    let world = World::with(&[("SHARDS_PER_REGION", "1"), ("LIVE_CODES_PER_SHARD", "3")]);
    for block in 1..=3 {
        assert_eq!(start_at(&world, &format!("198.51.{block}.1")).status, 200);
    }
    world.wait(100);

    let full = start_at(&world, "198.51.4.1");

    assert_eq!((full.status, full.header("retry-after")), (429, Some("200")));
    let expected = "Too many pending codes in this part of the server; try again in 200 seconds.";
    assert_eq!(json(&full)["error_description"], expected);
}

#[test]
fn an_address_with_as_many_codes_as_an_eighth_of_the_room_gets_no_more() {
    let world = World::with(&[("SHARDS_PER_REGION", "1"), ("LIVE_CODES_PER_SHARD", "9")]);

    assert_eq!(start_at(&world, "198.51.100.1").status, 200);
    let refused = start_at(&world, "198.51.100.1");
    assert_eq!(refused.status, 429, "one code, and room for eight");
    let expected = "Too many pending codes from this network (/32); try again in 300 seconds.";
    assert_eq!(json(&refused)["error_description"], expected);
    assert_eq!(start_at(&world, "203.0.113.9").status, 200);
}

#[test]
fn the_platforms_rate_limit_is_a_429() {
    let world = World::new();
    world.set_down("rate limit", true);

    let refused = world.post("/device_authorization", &[("client_id", "demo-tv")]);

    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
}

#[test]
fn an_attacker_with_a_slash_48_cannot_fill_a_region() {
    let world = World::with(&[("SHARDS_PER_REGION", "2"), ("LIVE_CODES_PER_SHARD", "300")]);
    world.multiply_client("demo-tv", 30);
    let mut taken = 0;

    // 3,000 subnets of the same /48 try every client that anybody may use, more often than the region has room.
    for subnet in 0..3_000_u16 {
        let client = format!("demo-tv-{}", subnet % 30);
        let answer = start_as(&world, &client, &of_attacker(subnet.wrapping_mul(21)));
        assert!(answer.status == 200 || answer.status == 429, "{}", answer.body);
        taken += u32::from(answer.status == 200);
    }

    assert_eq!(taken, 100, "a third of the one shard that has its codes");
    let refused = start_as(&world, "demo-tv-0", &of_attacker(1));
    let description = json(&refused)["error_description"].as_str().unwrap().to_owned();
    let expected = "Too many pending codes from this network (/48); try again in 300 seconds.";
    assert_eq!((refused.status, description.as_str()), (429, expected));
    for honest in ["2001:db8:777::1", "203.0.113.9"] {
        for _ in 0..10 {
            assert_eq!(start_as(&world, "demo-tv-0", honest).status, 200, "{honest}");
        }
    }
}

#[test]
fn a_client_has_four_times_as_many_live_codes_in_a_slash_48_as_in_a_slash_64() {
    let world = World::with(&[("LIVE_CODES_PER_CLIENT_AND_NETWORK", "5")]);
    let taken =
        (0..400_u16).filter(|subnet| start_at(&world, &of_attacker(subnet * 160)).status == 200).count();

    assert_eq!(taken, 20);
    let refused = start_at(&world, &of_attacker(7));
    let description = json(&refused)["error_description"].as_str().unwrap().to_owned();
    let expected = "Too many pending codes of this client from this network (/48); try again in 300 seconds.";
    assert_eq!((description.as_str(), refused.header("retry-after")), (expected, Some("300")));
    assert_eq!(start_at(&world, "2001:db8:777::1").status, 200, "another network");
}

#[test]
fn however_many_networks_fill_a_shard_one_without_codes_gets_its_first() {
    let world = World::with(&[("SHARDS_PER_REGION", "1"), ("LIVE_CODES_PER_SHARD", "200")]);
    for round in 0..200_u16 {
        for site in 0..15_u16 {
            start_at(&world, &format!("2001:db8:{site:x}:{round:x}::1"));
        }
    }

    let live = world.grants().len();
    assert!((150..=180).contains(&live), "fifteen networks leave more than a tenth of the room: {live}");
    assert_eq!(start_at(&world, "203.0.113.9").status, 200);
}

#[test]
fn a_start_takes_one_hop() {
    let world = World::new();
    start_at(&world, "2001:db8::1");
    world.cost();

    assert_eq!(start_at(&world, "2001:db8::1").status, 200);

    let cost = world.cost();
    assert_eq!((cost.limit_hops, cost.grant_hops), (0, 1));
    assert_eq!(cost.grant_writes, 3, "the grant, its event, and one row that counts all prefixes");
}

/// What a thousand starts a second of one address need, with codes that live for 300 s: see docs/operating.md.
const A_THOUSAND_A_SECOND: [u64; 3] = [32, 350_000, 100_000];

/// Returns a server with a client that may have codes of a network in every shard, and an address of a carrier's gateway.
fn with_a_gateway([shards, most, in_shard]: [u64; 3]) -> (World, &'static str) {
    let world = World::with(&[
        ("SHARDS_PER_REGION", &shards.to_string()),
        ("LIVE_CODES_PER_CLIENT_AND_NETWORK", &most.to_string()),
        ("LIVE_CODES_PER_SHARD", &in_shard.to_string()),
    ]);
    assert_eq!(Admin(&world).patch("demo-tv", &serde_json::json!({ "shards_per_network": 64 })).status, 200);
    (world, "203.0.113.9")
}

#[test]
fn an_address_of_a_client_with_all_shards_starts_a_thousand_grants_in_a_second() {
    let (world, gateway) = with_a_gateway(A_THOUSAND_A_SECOND);
    world.cost();

    for _ in 0..1_000 {
        assert_eq!(start_at(&world, gateway).status, 200);
    }

    assert_eq!(world.cost().grant_hops, 1_000, "no shard is full");
    let live = world.server.platform.live_codes();
    assert_eq!((live.len(), live.iter().sum::<u64>()), (32, 1_000));
    assert!(live.iter().all(|codes| (5..80).contains(codes)), "{live:?}");
}

/// Only what falls on one of the shards, by chance as in the whole server: each has an equal part of the limit.
#[test]
fn an_address_starts_a_thousand_grants_a_second_for_longer_than_a_code_lives() {
    let [shards, most, in_shard] = A_THOUSAND_A_SECOND;
    let (world, gateway) = with_a_gateway([1, most / shards, in_shard]);
    let mut rng = ChaCha20Rng::seed_from_u64(1_000);
    let mut started = 0;

    for second in 0..330 {
        let share = (0..1_000).filter(|_| u64::from(rng.next_u32()) % shards == 0).count();
        for _ in 0..share {
            let answer = start_at(&world, gateway);
            assert_eq!(answer.status, 200, "in second {second}, after {started}: {}", answer.body);
            started += 1;
        }
        world.wait(1);
    }

    let live: u64 = world.server.platform.live_codes().iter().sum();
    assert!(
        (10_000..10_700).contains(&started) && (9_300..10_000).contains(&live),
        "{live} of {started} live"
    );
    assert_eq!(start_at(&world, "198.51.100.1").status, 200, "another network");
}

#[test]
fn a_client_has_as_many_rate_limits_of_the_platform_as_shards() {
    let (world, gateway) = with_a_gateway([8, 1_000, 20_000]);
    let full = |number| world.rate_key(&format!("demo-tv/{number}"), gateway);
    let counted: BTreeSet<String> = (0..8).map(full).collect();

    (0..200).for_each(|_| assert_eq!(start_at(&world, gateway).status, 200));
    assert_eq!(*world.server.platform.rate_keys.borrow(), counted);
    *world.server.platform.full.borrow_mut() = counted;

    assert_eq!(start_at(&world, gateway).status, 429);
}

#[test]
fn all_shards_of_a_network_together_have_as_many_codes_as_the_limit_says() {
    let (world, gateway) = with_a_gateway([8, 1_000, 20_000]);
    world.cost();

    for _ in 0..1_000 {
        assert_eq!(start_at(&world, gateway).status, 200);
    }

    let hops = world.cost().grant_hops;
    assert!(hops < 1_400, "hardly any shard is full before the others are: {hops}");
    assert_eq!(world.server.platform.live_codes(), [125; 8]);
    let refused = start_at(&world, gateway);
    let expected = "Too many pending codes of this client from this network (/32); try again in 300 seconds.";
    assert_eq!((refused.status, json(&refused)["error_description"].as_str()), (429, Some(expected)));
    assert_eq!(start_at(&world, "203.0.113.10").status, 200, "another address of the gateway");
}

#[test]
fn a_start_that_is_refused_has_asked_eight_shards() {
    let (world, gateway) = with_a_gateway([32, 320, 20_000]);
    let started = (0..2_000).filter(|_| start_at(&world, gateway).status == 200).count();
    world.cost();

    assert_eq!(start_at(&world, gateway).status, 429);

    assert_eq!(world.cost().grant_hops, 8);
    assert!(started > 300, "hardly any shard has room left: {started} of 320");
}

#[test]
fn without_it_an_address_has_one_shard() {
    let world = World::with(&[("LIVE_CODES_PER_CLIENT_AND_NETWORK", "40")]);
    (0..40).for_each(|_| assert_eq!(start_at(&world, "203.0.113.9").status, 200));

    assert_eq!(world.server.platform.live_codes(), [40]);
    assert_eq!(start_at(&world, "203.0.113.9").status, 429);
}

#[test]
fn where_a_shard_cannot_be_reached_the_next_one_has_the_code() {
    let (world, gateway) = with_a_gateway([8, 1_000, 20_000]);
    for shard in ["weur/0", "weur/1", "weur/2", "weur/4", "weur/5", "weur/6", "weur/7"] {
        world.set_down(shard, true);
    }

    (0..20).for_each(|_| assert_eq!(start_at(&world, gateway).status, 200));

    assert_eq!(world.server.platform.shard_names(), ["weur/3"]);
    world.set_down("weur/3", true);
    assert_eq!(start_at(&world, gateway).status, 503);
}

#[test]
fn a_client_with_more_shards_than_codes_has_as_many_codes_as_it_may() {
    let (world, gateway) = with_a_gateway([8, 3, 20_000]);

    let started = (0..9).filter(|_| start_at(&world, gateway).status == 200).count();

    assert_eq!(started, 3);
}

#[test]
fn passwords_tried_from_many_subnets_of_a_slash_48_have_to_wait() {
    let world = World::new();
    let code = world.start().user_code;
    // Each try is at another account, so that only the network is counted.
    let tries = |subnet: u16| {
        let person = Person::at(&world, &of_attacker(subnet));
        person.enter_as(&format!("nobody{subnet}"), "wrong", &code).status
    };

    let answered = (0..200_u16).filter(|subnet| tries(subnet * 300) == 400).count();

    assert_eq!(answered, 80, "four times what a /64 has");
    assert_eq!(Person::at(&world, "2001:db8:777::1").enter_as(ALICE.0, ALICE.1, &code).status, 200);
}

#[test]
fn admin_tokens_tried_from_many_subnets_of_a_slash_48_have_to_wait_and_the_right_one_is_let_in() {
    let token = "0123456789abcdef0123456789abcdef";
    let digest = device_grant::secret::encode(device_grant::secret::Digest::of(token.as_bytes()).bytes());
    let world = World::with(&[("ADMIN_TOKEN_SHA256", &digest)]);
    let ask = |token: &str, subnet: u16| {
        let authorization = Some(format!("Bearer {token}"));
        let path = "/admin/api/clients".to_owned();
        world.send(&Request { path, authorization, address: Some(of_attacker(subnet)), ..get() }).status
    };

    let answered = (0..200_u16).filter(|subnet| ask("guess", subnet * 300) == 401).count();

    assert_eq!(answered, 80, "four times what a /64 has");
    assert_eq!(ask("guess", 0), 429);
    world.cost();
    assert_eq!(ask(token, 0), 200, "the right token, from the same network");
    assert_eq!(world.cost().limit_hops, 0);
}

#[test]
fn a_confidential_client_is_not_slowed_by_strangers_who_guess_secrets_on_its_network() {
    let world = World::new();
    let secret = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let guess = [("client_id", "demo-printer"), ("client_secret", "wrong")];
    world.server.platform.full.borrow_mut().insert(world.rate_key("unproven", "192.0.2.7"));

    assert_eq!(world.post("/device_authorization", &guess).status, 429);
    assert_eq!(world.post("/device_authorization", &secret).status, 200);
}

#[test]
fn secrets_tried_from_many_subnets_of_a_slash_48_count_on_the_keys_of_its_slash_56s() {
    let world = World::new();
    let guess = [("client_id", "demo-printer"), ("client_secret", "wrong"), ("grant_type", "refresh_token")];
    let keys = |subnets: &mut dyn Iterator<Item = u16>| {
        world.server.platform.rate_keys.take();
        for subnet in subnets {
            let request = Request { address: Some(of_attacker(subnet)), ..post("/token", &guess) };
            assert_eq!(world.send(&request).status, 401);
        }
        world.server.platform.rate_keys.take().len()
    };

    assert_eq!(keys(&mut (0..256)), 1, "a subscriber has a /56");
    assert_eq!(keys(&mut (0..2_048).map(|number| number * 32)), 256);
}

#[test]
fn initial_access_tokens_tried_from_many_subnets_of_a_slash_48_have_to_wait() {
    let digest = device_grant::secret::encode(device_grant::secret::Digest::of(b"test").bytes());
    let world = World::with(&[("INITIAL_ACCESS_TOKEN_SHA256", &digest)]);
    let register = |address: &str| {
        let authorization = Some("Bearer guess".to_owned());
        world
            .send(&Request { authorization, address: Some(address.to_owned()), ..post("/register", &[]) })
            .status
    };

    let answered = (0..200_u16).filter(|subnet| register(&of_attacker(subnet * 300)) == 401).count();

    assert_eq!(answered, 80, "four times what a /64 has");
    assert_eq!(register("2001:db8:777::1"), 401, "another network");
}

#[test]
fn codes_tried_from_many_subnets_of_a_slash_48_have_to_wait() {
    let world = World::new();
    let mut person = Person::at(&world, &of_attacker(0));
    let mut tried = u32::from(person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB").status == 400);

    for subnet in 1..200_u16 {
        // As with a new account for every five tries.
        world.server.platform.reset_counters("code/account");
        person.address = of_attacker(subnet * 300);
        tried += u32::from(person.enter("BBBB-BBBB").status == 400);
    }

    assert_eq!(tried, 120, "four times what a /64 has");
    world.server.platform.reset_counters("code/account");
    person.address = "2001:db8:777::1".to_owned();
    assert_eq!(person.enter("BBBB-BBBB").status, 400, "another network");
}

#[test]
fn where_a_shard_does_not_answer_the_next_one_has_the_code_and_nobody_waits() {
    let (world, gateway) = with_a_gateway([8, 1_000, 20_000]);
    let hanging = ["weur/0", "weur/1", "weur/2", "weur/4", "weur/5", "weur/6", "weur/7"].map(str::to_owned);
    world.server.platform.slow.borrow_mut().extend(hanging);

    let codes: Vec<_> = (0..8).map(|_| json(&start_at(&world, gateway))).collect();

    world.server.platform.slow.borrow_mut().clear();
    let polled = codes.iter().map(|codes| world.poll_outcome(codes["device_code"].as_str().unwrap()));
    assert_eq!(polled.collect::<Vec<_>>(), ["authorization_pending"; 8]);
    let live: u64 = world.server.platform.live_codes().iter().sum();
    assert!(live > 8, "shards that hang have stored codes that nobody has seen");
    world.wait(3_600);
    world.get("/healthz");
    assert_eq!(world.server.platform.live_codes().iter().sum::<u64>(), 0, "they end by themselves");
}

#[test]
fn where_there_is_no_next_shard_a_start_waits_for_its_only_one() {
    let world = World::new();
    world.server.platform.slow.borrow_mut().insert("grants".to_owned());
    let form = [("client_id", "demo-tv")];
    let mut answer = world.begin(post("/device_authorization", &form));

    assert!(poll(answer.as_mut()).is_pending());
    world.server.platform.slow.borrow_mut().clear();
    let Poll::Ready(response) = poll(answer.as_mut()) else { panic!("it waits for something else") };
    assert_eq!(response.status, 200);
}
