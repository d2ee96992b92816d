//! Nonces for DPoP proofs (RFC 9449 §8): the number of a period and a MAC over it, so that the server stores
//! nothing.
//!
//! All clients get the same nonce in a period. The nonce dates a proof; the `jti` makes the proof unique.

use core::time::Duration;

use crate::derived_keys::{Keyring, Keys, same};
use crate::secret;
use crate::time::Timestamp;

/// Length of a period. A nonce is valid in its own period and in the next one. A period is longer than the
/// longest polling interval, so a device that uses the nonce of each response in its next request always has
/// a valid one.
pub const PERIOD: Duration = Duration::from_secs(180);
const TAG: usize = 16;

/// Returns the nonce of the period that `now` is in.
#[must_use]
pub fn issue(keys: &Keys, now: Timestamp) -> String {
    let number = period(now).to_be_bytes();
    let mut nonce = number.to_vec();
    nonce.extend(keys.dpop_nonce(number).iter().take(TAG));
    secret::encode(&nonce)
}

/// Returns when a nonce becomes invalid; `None` if it is invalid already, or if this server did not issue it.
#[must_use]
pub fn good_until(nonce: &str, keyring: &Keyring, now: Timestamp) -> Option<Timestamp> {
    let bytes = secret::decode(nonce)?;
    let (number, tag) = bytes.split_first_chunk::<8>()?;
    let expected = |keys: &Keys| keys.dpop_nonce(*number).first_chunk::<TAG>().copied();
    if !keyring.pairs().filter_map(expected).any(|expected| same(&expected, tag)) {
        return None;
    }
    let (issued, current) = (u64::from_be_bytes(*number), period(now));
    // One period ahead is allowed: the clock of the issuing machine may be a little ahead of this one's.
    let good = issued <= current.saturating_add(1) && current <= issued.saturating_add(1);
    good.then(|| Timestamp::default() + PERIOD.saturating_mul(u32::try_from(issued + 2).unwrap_or(u32::MAX)))
}

const fn period(now: Timestamp) -> u64 {
    now.seconds() / PERIOD.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::MasterKey;

    /// The first instant of a period.
    const START: Timestamp = Timestamp::from_millis(1_763_733_600_000);

    fn keys(fill: u8) -> Keys {
        Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8)
    }

    fn ring(current: u8, previous: Option<u8>) -> Keyring {
        Keyring { current: keys(current), previous: previous.map(keys), retired: Vec::new() }
    }

    #[test]
    fn a_nonce_is_valid_in_its_period_and_in_the_next() {
        let nonce = issue(&keys(1), START);
        let at = |seconds| good_until(&nonce, &ring(1, None), START + Duration::from_secs(seconds));
        let end = Some(START + PERIOD + PERIOD);

        assert_eq!(START.millis() % 180_000, 0);
        assert_eq!((at(0), at(180), at(359)), (end, end, end));
        assert_eq!(at(360), None);
    }

    #[test]
    fn a_nonce_from_a_clock_slightly_ahead_is_valid_and_from_one_far_ahead_is_not() {
        let made = |seconds| issue(&keys(1), START + Duration::from_secs(seconds));

        assert!(good_until(&made(180), &ring(1, None), START).is_some());
        assert!(good_until(&made(360), &ring(1, None), START).is_none());
    }

    #[test]
    fn a_nonce_survives_one_change_of_key_but_not_two() {
        let nonce = issue(&keys(1), START);

        assert!(good_until(&nonce, &ring(2, Some(1)), START).is_some());
        assert!(good_until(&nonce, &ring(3, Some(2)), START).is_none());
    }

    #[test]
    fn an_altered_or_invented_nonce_is_refused() {
        let bytes = secret::decode(&issue(&keys(1), START)).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(good_until(&secret::encode(&forged), &ring(1, None), START), None, "bit {bit}");
        }
        for other in ["", "AAAA", "not base64!", &secret::encode(&[&bytes[..], b"x"].concat())] {
            assert_eq!(good_until(other, &ring(1, None), START), None, "{other:?}");
        }
    }
}
