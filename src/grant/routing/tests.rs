use std::collections::BTreeMap;

use super::*;
use crate::derived_keys::{DEVELOPMENT_KEY, DIGESTS, MasterKey};
use crate::grant::user_code::{CONSONANTS, DIGITS};
use crate::network::Network;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

fn keys_of(shards: u8) -> Keys {
    Keys::derive(&MasterKey::parse(DEVELOPMENT_KEY).unwrap(), shards)
}

fn keys() -> Keys {
    keys_of(8)
}

fn consonants() -> Shape {
    Shape::new(CONSONANTS, 8, false).unwrap()
}

fn shard(region: Region, index: u8) -> Shard {
    Shard { region, index }
}

#[test]
fn a_code_is_drawn_for_every_shard_and_the_code_alone_leads_back() {
    let (shape, keys, mut rng) = (consonants(), keys(), ChaCha20Rng::seed_from_u64(7));
    for region in Region::ALL {
        for index in 0..8 {
            for longer in [false, true] {
                let (code, address) =
                    draw_in(shard(region, index), (&shape, longer), &shape, &keys, &mut rng);

                assert_eq!(address.shard, shard(region, index));
                assert_eq!(Address::of(&code, &shape, &keys), address);
                assert_eq!(code.canonical().len(), if longer { 10 } else { 8 });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn codes_of_any_shape_lead_back_to_their_shard(
        (radix, length, shards) in (2..=36_usize, 4..=24_usize, 1..=64_u8),
        (region, index, longer, digits) in (0..6_usize, any::<u8>(), any::<bool>(), any::<bool>()),
        seed in any::<u64>(),
    ) {
        let alphabet: String = ALPHANUMERIC.chars().skip(36 - radix).collect();
        let shape = Shape::new(&alphabet, length, true).unwrap();
        let of = if digits { shape.in_digits() } else { shape.clone() };
        let (keys, wanted) = (keys_of(shards), shard(Region::ALL[region], index % shards));

        let (code, address) =
            draw_in(wanted, (&of, longer), &shape, &keys, &mut ChaCha20Rng::seed_from_u64(seed));

        prop_assert_eq!(Address::of(&code, &shape, &keys), address);
        prop_assert_eq!(code.canonical().len(), of.length() + if longer { EXTRA_SYMBOLS } else { 0 });
        if of.bits() > 20.0 {
            prop_assert_eq!(address.shard, wanted);
        }
    }

    #[test]
    fn the_permutation_of_the_longest_codes_can_be_undone(high in any::<u128>(), low in any::<u128>()) {
        let keys = keys();
        let permutation = Permutation::new(&keys, 36, 26);
        let pair = Pair { high: high % permutation.highs(), low: low % permutation.lows() };
        prop_assert_eq!(permutation.backward(permutation.forward(pair)), pair);
    }
}

#[test]
fn every_code_of_a_small_space_is_drawn_for_its_own_slot_only() {
    let (shape, keys) = (Shape::new("BCDF", 5, true).unwrap(), keys_of(2));
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let mut drawn: BTreeMap<String, Shard> = BTreeMap::new();
    for region in Region::ALL {
        for index in 0..2 {
            for _ in 0..1_500 {
                let (code, address) = draw_in(shard(region, index), (&shape, false), &shape, &keys, &mut rng);
                assert_eq!(address.shard, shard(region, index));
                let first = drawn.entry(code.canonical().to_owned()).or_insert(address.shard);
                assert_eq!(*first, address.shard);
            }
        }
    }
    assert_eq!(drawn.len(), 4_usize.pow(5), "no code is left out");
}

#[test]
fn drawing_a_code_and_finding_it_take_ten_digests_each() {
    let (shape, keys, mut rng) = (consonants(), keys(), ChaCha20Rng::seed_from_u64(3));
    let mut codes = Vec::new();
    DIGESTS.set(0);
    for _ in 0..1_000 {
        let (code, _) = draw_in(shard(Region::Weur, 7), (&shape, false), &shape, &keys, &mut rng);
        codes.push(code);
    }
    assert_eq!(DIGESTS.take(), 10_000);

    for code in &codes {
        assert_eq!(Address::of(code, &shape, &keys).shard, shard(Region::Weur, 7));
    }
    assert_eq!(DIGESTS.take(), 10_000);
}

/// Returns the chi-square statistic of counts that should be equal.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn chi_square<'a>(counts: impl ExactSizeIterator<Item = &'a u32> + Clone) -> f64 {
    let mean = f64::from(counts.clone().sum::<u32>()) / counts.len() as f64;
    counts.map(|count| (f64::from(*count) - mean).powi(2) / mean).sum()
}

#[test]
fn codes_at_random_are_spread_over_all_slots_evenly() {
    let (shape, keys, mut rng) = (consonants(), keys(), ChaCha20Rng::seed_from_u64(8));
    let mut counts: BTreeMap<Shard, u32> = BTreeMap::new();
    for _ in 0..48_000 {
        let code = UserCode::draw(&shape, false, &mut rng);
        *counts.entry(Address::of(&code, &shape, &keys).shard).or_default() += 1;
    }
    assert_eq!(counts.len(), 48);
    // Of 10,000 such samples, one exceeds 92 with 47 degrees of freedom.
    assert!(chi_square(counts.values()) < 92.0, "{counts:?}");
}

#[test]
fn the_codes_of_one_slot_have_every_symbol_equally_often_at_every_place() {
    let (shape, keys, mut rng) = (consonants(), keys(), ChaCha20Rng::seed_from_u64(8));
    let mut counts = [[0_u32; 20]; 8];
    for _ in 0..20_000 {
        let (code, _) = draw_in(shard(Region::Apac, 3), (&shape, false), &shape, &keys, &mut rng);
        for (place, position) in counts.iter_mut().zip(code.positions(&shape)) {
            place[usize::from(position)] += 1;
        }
    }
    for place in &counts {
        // Of 10,000 such samples, one exceeds 50 with 19 degrees of freedom.
        assert!(chi_square(place.iter()) < 50.0, "{place:?}");
    }
}

#[test]
fn every_code_of_a_slot_is_equally_likely() {
    let (shape, keys) = (Shape::new("BCDF", 4, true).unwrap(), keys_of(1));
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..8_600 {
        let (code, _) = draw_in(shard(Region::Oc, 0), (&shape, false), &shape, &keys, &mut rng);
        *counts.entry(code.canonical().to_owned()).or_default() += 1;
    }
    // 256 codes in six slots: some have 42, some 43. Of 10,000 such samples, one exceeds 83 with 42 degrees of freedom.
    assert!((42..=43).contains(&counts.len()));
    assert!(chi_square(counts.values()) < 83.0, "{counts:?}");
}

#[test]
fn networks_are_spread_over_the_shards_of_their_region_evenly() {
    let (keys, mut rng) = (keys(), ChaCha20Rng::seed_from_u64(3));
    let mut counts = [0_u32; 8];
    for block in 0..8_000_u16 {
        let [high, low] = block.to_be_bytes();
        let shard =
            candidates(Region::Weur, &widest(&format!("203.{high}.{low}.9"), &keys), 1, &keys, &mut rng);
        counts[usize::from(shard[0].index)] += 1;
    }
    // Of 10,000 such samples, one exceeds 30 with 7 degrees of freedom.
    assert!(chi_square(counts.iter()) < 30.0, "{counts:?}");
}

fn widest(address: &str, keys: &Keys) -> Prefix {
    Network::of(Some(address), |prefix| keys.pseudonym(prefix)).widest().clone()
}

#[test]
fn all_parts_of_a_network_have_the_same_shards_and_more_on_demand() {
    let (keys, mut rng) = (keys(), ChaCha20Rng::seed_from_u64(3));
    let mut of = |address: &str, most| candidates(Region::Oc, &widest(address, &keys), most, &keys, &mut rng);

    let one = of("2001:db8:1:2::3", 1);
    assert_eq!(one.len(), 1);
    assert_eq!(of("2001:db8:1:ffff::9", 1), one);
    let mut three = of("2001:db8:1:ffff::9", 3);
    three.sort();
    let mut same = of("2001:db8:1:7::9", 3);
    same.sort();
    assert_eq!((three.len(), &three), (3, &same));
    assert!(three.contains(&one[0]));
    let mut all = of("2001:db8:1::1", 64);
    all.sort();
    assert_eq!(all, (0..8).map(|index| shard(Region::Oc, index)).collect::<Vec<_>>());
    let begins: std::collections::BTreeSet<Shard> = (0..200).map(|_| of("2001:db8:1::1", 8)[0]).collect();
    assert_eq!(begins.len(), 8, "any of them is the first");
}

#[test]
fn codes_of_digits_that_fit_two_shapes_are_read_as_they_were_drawn() {
    // Such a code of twelve symbols can have no letter, and codes of digits have twelve symbols as well.
    let shape = Shape::new("0123456789A", 12, false).unwrap();
    let digits = shape.in_digits();
    let (keys, mut rng) = (keys(), ChaCha20Rng::seed_from_u64(4));
    for of in [&shape, &digits] {
        for _ in 0..200 {
            let (code, address) = draw_in(shard(Region::Enam, 1), (of, false), &shape, &keys, &mut rng);
            let read = UserCode::parse_either(code.canonical(), &shape).unwrap();
            assert_eq!(Address::of(&read, &shape, &keys), address);
        }
    }
    assert_eq!(Shape::new(DIGITS, 12, false).unwrap().in_digits().length(), 12);
}

/// A broken generator that always returns zero.
struct Zero;

impl rand_core::TryRng for Zero {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Zero {}

#[test]
fn a_code_is_drawn_even_if_there_is_none_for_the_shard() {
    let shape = Shape::new("BC", 4, true).unwrap();
    let keys = keys_of(64);
    for index in 0..64 {
        let (code, address) = draw_in(shard(Region::Oc, index), (&shape, false), &shape, &keys, &mut Zero);
        assert_eq!(Address::of(&code, &shape, &keys), address);
    }
}
