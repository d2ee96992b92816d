//! Limits on a network, for addresses at random.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use device_grant::limiter::Row;
use device_grant::limiter::command::{GiveBack, Room, Rule, Take};
use device_grant::network::Network;
use device_grant::time::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const LIMIT: u64 = 3;

fn network(ip: IpAddr) -> Network {
    Network::of(Some(&ip.to_string()), str::to_owned)
}

/// Returns any address in `2001:db8:1::/48`. Few of its /56 and /64 are drawn often.
fn in_a_site() -> impl Strategy<Value = IpAddr> {
    let subnet = prop_oneof![any::<u16>(), 0..4_u16, (0..4_u16).prop_map(|household| household << 8)];
    (subnet, any::<u64>()).prop_map(|(subnet, host)| {
        let base = u128::from(Ipv6Addr::new(0x2001, 0xdb8, 1, subnet, 0, 0, 0, 0));
        Ipv6Addr::from(base | u128::from(host)).into()
    })
}

/// Returns any address in 192.0.2.0/24.
fn in_a_block() -> impl Strategy<Value = IpAddr> {
    any::<u8>().prop_map(|host| Ipv4Addr::new(192, 0, 2, host).into())
}

fn taken(addresses: Vec<IpAddr>) -> (u64, Vec<Network>) {
    let (mut row, mut taken) = (Row::default(), Vec::new());
    for network in addresses.into_iter().map(network) {
        let rule = Rule::Window { limit: LIMIT, window: 300 };
        let take = Take { key: "k".to_owned(), rule, network: Some(network.clone()) };
        let room = row.apply(&take.into(), NOW).read::<Take>().expect("a reply");
        if matches!(room, Room::Taken(_)) {
            taken.push(network);
        }
    }
    (row.attempts.count(None), taken)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_prefix_takes_more_than_its_limit(
        addresses in prop_oneof![prop::collection::vec(in_a_site(), 0..80), prop::collection::vec(in_a_block(), 0..80)]
    ) {
        let (stored, taken) = taken(addresses);

        prop_assert_eq!(stored, taken.len() as u64);
        prop_assert!(stored <= 4 * LIMIT);
        for prefix in taken.iter().flat_map(Network::prefixes) {
            let within = taken.iter().filter(|network| network.is_within(prefix)).count() as u64;
            let factor = match prefix.width.bits() { 48 | 24 => 4, 56 => 2, _ => 1 };
            prop_assert!(within <= factor * LIMIT, "{} in {}", within, prefix);
        }
    }

    #[test]
    fn what_is_given_back_leaves_nothing(addresses in prop::collection::vec(in_a_site(), 1..12)) {
        let mut row = Row::default();
        let rule = Rule::Window { limit: 1_000, window: 300 };
        let networks: Vec<Network> = addresses.into_iter().map(network).collect();
        for network in &networks {
            row.apply(&Take { key: String::new(), rule, network: Some(network.clone()) }.into(), NOW);
        }
        for network in networks {
            row.apply(&GiveBack { key: String::new(), at: NOW, network: Some(network) }.into(), NOW);
        }
        prop_assert!(row.attempts.is_empty());
    }
}
