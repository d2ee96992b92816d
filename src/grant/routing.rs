//! Which shard holds the grant of a user code, computed from the code alone.
//!
//! A keyed permutation numbers all codes of a length, and the remainder of a code's number is its slot: a region, and a
//! shard in it. So the verification pages find the grant without an index and without a routing symbol in the code, and
//! codes look uniform to anyone without the key. To draw a code for a shard, a number of its slot is drawn and permuted.
//!
//! The shard of a new code is named by the network that asks, so that all codes of a network, and of each part of it, are
//! counted in the object that stores them. Decision 58.

use rand_core::CryptoRng;

use super::permutation::{Pair, Permutation};
use super::user_code::{EXTRA_SYMBOLS, Shape, UserCode};
use crate::derived_keys::Keys;
use crate::network::Prefix;
pub use crate::row_key::RowKey;
use crate::secret;
use crate::sharding::{Region, Shard};

/// After this many draws, a code of any shard is used. Only shapes with a few thousand codes ever need two.
const MAX_DRAWS: usize = 200;

/// Where a grant is stored: the object and the row.
#[expect(missing_docs, reason = "the types say what each field is")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    pub shard: Shard,
    pub key: RowKey,
}

impl Address {
    /// Returns where the grant of `code` is stored under `keys`. `shape` is that of the server's codes.
    #[must_use]
    pub fn of(code: &UserCode, shape: &Shape, keys: &Keys) -> Self {
        let shape = shape.of(code);
        let positions = code.positions(&shape);
        let permutation = permutation(&shape, positions.len(), keys);
        let (high, low) = positions.split_at(usize::from(permutation.high_symbols()).min(positions.len()));
        let image = Pair { high: number(high, shape.radix()), low: number(low, shape.radix()) };
        let Pair { high, low } = permutation.backward(image);
        let slots = slots(keys);
        let slot = (high % slots * (permutation.lows() % slots) + low) % slots;
        Self { shard: shard_at(slot, keys), key: row_key(code, keys) }
    }
}

fn row_key(code: &UserCode, keys: &Keys) -> RowKey {
    let digest = keys.user_code(code.canonical());
    let (key, _) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
    RowKey(*key)
}

/// Returns the number of all shards of all regions.
fn slots(keys: &Keys) -> u128 {
    u128::from(keys.shards_per_region.max(1)) * Region::ALL.len() as u128
}

fn shard_at(slot: u128, keys: &Keys) -> Shard {
    let per_region = u128::from(keys.shards_per_region.max(1));
    let region = usize::try_from(slot / per_region).ok().and_then(|at| Region::ALL.get(at));
    let index = u8::try_from(slot % per_region).unwrap_or_default();
    Shard { region: region.copied().unwrap_or(Region::Weur), index }
}

fn slot_of(shard: Shard, keys: &Keys) -> u128 {
    let [region, index] = shard.to_bytes();
    u128::from(region) * u128::from(keys.shards_per_region.max(1)) + u128::from(index)
}

fn permutation(shape: &Shape, length: usize, keys: &Keys) -> Permutation {
    Permutation::new(keys, shape.radix(), u8::try_from(length).unwrap_or(u8::MAX))
}

/// Returns the shards that may have the codes of a network, `most` of those in its region, beginning with one of them at
/// random, so that each gets its share. `widest` is the widest prefix of the network.
pub fn candidates(
    region: Region,
    widest: &Prefix,
    most: u64,
    keys: &Keys,
    rng: &mut impl CryptoRng,
) -> Vec<Shard> {
    let per_region = u64::from(keys.shards_per_region.max(1));
    let most = most.clamp(1, per_region);
    let first = keys.network_shard(&widest.to_string()) % per_region;
    let begin = u64::try_from(below(most.into(), rng)).unwrap_or_default();
    let index = |step| u8::try_from((first + (begin + step) % most) % per_region).unwrap_or_default();
    (0..most).map(|step| Shard { region, index: index(step) }).collect()
}

/// Draws a code of the shape `of` for a grant in `shard`: all of these are equally likely. `longer` is as in
/// [`UserCode::draw`], and `shape` that of the server's codes, which says how the code will be read.
pub fn draw_in(
    shard: Shard,
    (of, longer): (&Shape, bool),
    shape: &Shape,
    keys: &Keys,
    rng: &mut impl CryptoRng,
) -> (UserCode, Address) {
    let length = if longer { of.length() + EXTRA_SYMBOLS } else { of.length() };
    let permutation = permutation(of, length, keys);
    for _ in 0..MAX_DRAWS {
        let code = draw_in_slot(slot_of(shard, keys), slots(keys), &permutation, rng)
            .map(|pair| code(&permutation.forward(pair), of, &permutation));
        if let Some(code) = code
            && shape.of(&code) == *of
        {
            let key = row_key(&code, keys);
            return (code, Address { shard, key });
        }
    }
    let code = UserCode::draw(of, longer, rng);
    let address = Address::of(&code, shape, keys);
    (code, address)
}

/// Draws a number whose remainder by `slots` is `slot`. Its high part is drawn from all, and its low part from those with the
/// remainder that is then missing; as some high parts leave room for one low part fewer, the last one may not exist.
fn draw_in_slot(
    slot: u128,
    slots: u128,
    permutation: &Permutation,
    rng: &mut impl CryptoRng,
) -> Option<Pair> {
    let (highs, lows) = (permutation.highs(), permutation.lows());
    let high = below(highs, rng);
    let missing = (slot + slots - high % slots * (lows % slots) % slots) % slots;
    let low = missing + slots * below(lows.div_ceil(slots), rng);
    (low < lows).then_some(Pair { high, low })
}

fn code(pair: &Pair, shape: &Shape, permutation: &Permutation) -> UserCode {
    let high = permutation.high_symbols();
    let low = permutation.low_symbols();
    let positions = [positions(pair.high, shape.radix(), high), positions(pair.low, shape.radix(), low)];
    UserCode::from_positions(shape, &positions.concat())
}

/// Returns the number with these digits, the first one highest.
fn number(digits: &[u8], radix: u8) -> u128 {
    digits.iter().fold(0, |number, digit| number * u128::from(radix) + u128::from(*digit))
}

/// Undoes [`number`].
fn positions(mut number: u128, radix: u8, length: u8) -> Vec<u8> {
    let mut digits = vec![0; length.into()];
    for digit in digits.iter_mut().rev() {
        *digit = u8::try_from(number % u128::from(radix)).unwrap_or_default();
        number /= u128::from(radix);
    }
    digits
}

/// Draws a number below `end` uniformly, by rejection.
fn below(end: u128, rng: &mut impl CryptoRng) -> u128 {
    let mask = u128::MAX.checked_shr((end.max(1) - 1).leading_zeros()).unwrap_or_default();
    loop {
        let number = u128::from_be_bytes(secret::random(rng)) & mask;
        if number < end {
            return number;
        }
    }
}

#[cfg(test)]
mod tests;
