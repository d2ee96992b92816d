//! What holds for every ceremony.

use device_grant::passkey::assertion::Assertion;
use device_grant::passkey::cbor::Value;
use device_grant::passkey::der::raw;
use device_grant::passkey::registration::Registration;
use device_grant::secret::{decode, encode};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::ceremonies::{authenticator, ceremony, challenge, registered, verifies};
use crate::support::authenticator::{Authenticator, der};

/// Flips one bit of a part of a response.
fn flipped(response: &str, part: &str, bit: usize) -> String {
    let mut response: Json = serde_json::from_str(response).unwrap();
    let value = &mut response["response"][part];
    let mut bytes = decode(value.as_str().unwrap()).unwrap();
    let at = bit / 8 % bytes.len();
    bytes[at] ^= 1 << (bit % 8);
    *value = json!(encode(&bytes));
    response.to_string()
}

/// Returns whether a response would sign the owner in.
fn signs_in(response: &str) -> bool {
    let key = registered(&authenticator().create(&challenge())).unwrap().key;
    let challenge = challenge();
    let Ok(assertion) = Assertion::parse(response) else { return false };
    let checked = assertion.check(ceremony(&challenge));
    checked.and_then(|_| assertion.signed(&key, b"alice")).is_ok_and(|signed| verifies(&key, &signed))
}

/// Writes a value in canonical CBOR.
fn write(value: &Value<'_>) -> Vec<u8> {
    let head = |major: u8, number: u64| match number {
        0..=23 => vec![major << 5 | u8::try_from(number).unwrap()],
        24..=0xff => vec![major << 5 | 0x18, u8::try_from(number).unwrap()],
        0x100..=0xffff => [&[major << 5 | 0x19][..], &u16::try_from(number).unwrap().to_be_bytes()].concat(),
        0x1_0000..=0xffff_ffff => {
            [&[major << 5 | 0x1a][..], &u32::try_from(number).unwrap().to_be_bytes()].concat()
        }
        _ => [&[major << 5 | 0x1b][..], &number.to_be_bytes()].concat(),
    };
    let length = |length: usize| u64::try_from(length).unwrap();
    match value {
        Value::Unsigned(number) => head(0, *number),
        Value::Negative(number) => head(1, *number),
        Value::Bytes(bytes) => [head(2, length(bytes.len())), bytes.to_vec()].concat(),
        Value::Text(text) => [head(3, length(text.len())), text.as_bytes().to_vec()].concat(),
        Value::Array(values) => {
            [head(4, length(values.len())), values.iter().flat_map(write).collect()].concat()
        }
        Value::Map(entries) => {
            let entries_written = entries.iter().flat_map(|(key, value)| [write(key), write(value)].concat());
            [head(5, length(entries.len())), entries_written.collect()].concat()
        }
        Value::Bool(on) => head(7, 20 + u64::from(*on)),
        Value::Null => head(7, 22),
    }
}

/// Bytes that are CBOR more often than random ones.
fn nearly_cbor() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        0..=0x18_u8,
        Just(0x20),
        0x40..=0x42_u8,
        0x60..=0x62_u8,
        0x80..=0x82_u8,
        0xa0..=0xa2_u8,
        Just(0xf5),
        any::<u8>()
    ];
    prop::collection::vec(byte, 0..24)
}

proptest! {
    #[test]
    fn a_response_with_any_bit_changed_signs_nobody_in(
        part in prop::sample::select(vec!["clientDataJSON", "authenticatorData", "signature", "userHandle"]),
        bit in any::<usize>(),
        counter in any::<u32>(),
    ) {
        let authenticator = Authenticator { counter, ..authenticator() };
        let response = authenticator.get(&challenge());
        prop_assert!(signs_in(&response));
        prop_assert!(!signs_in(&flipped(&response, part, bit)));
    }

    #[test]
    fn a_self_attested_passkey_with_any_bit_changed_is_not_registered(
        part in prop::sample::select(vec!["clientDataJSON", "attestationObject"]),
        bit in any::<usize>(),
    ) {
        let authenticator = Authenticator { attests_itself: true, ..authenticator() };
        let response = flipped(&authenticator.create(&challenge()), part, bit);
        let genuine = registered(&authenticator.create(&challenge())).unwrap();
        let challenge = challenge();
        let checked = Registration::parse(&response).and_then(|read| read.check(ceremony(&challenge)));
        // A flipped bit of the key gives another key, perhaps of a point that is not on the curve.
        let is_good = checked.is_ok_and(|changed| {
            let proof = changed.proof.expect("it attests itself");
            changed.key == genuine.key && verifies(&changed.key, &proof)
        });
        prop_assert!(!is_good);
    }

    #[test]
    fn cbor_that_is_read_has_no_other_spelling(bytes in nearly_cbor()) {
        if let Some((value, rest)) = Value::first(&bytes) {
            let read = bytes.len() - rest.len();
            prop_assert_eq!(write(&value), &bytes[..read]);
            prop_assert_eq!(Value::read(&bytes[..read]), Some(value));
        }
    }

    #[test]
    fn a_signature_survives_the_round_trip_through_der(numbers in any::<([u8; 32], [u8; 32])>(), zeros in 0..32_usize) {
        let mut numbers = [numbers.0, numbers.1].concat();
        numbers[..zeros].fill(0);
        prop_assert_eq!(raw(&der(&numbers)), Some(numbers));
    }

    #[test]
    fn der_that_is_read_has_no_other_spelling(bytes in prop::collection::vec(any::<u8>(), 0..6), more in any::<u8>()) {
        let numbers = [vec![2, 1, more & 0x7f, 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let text = [vec![0x30, u8::try_from(numbers.len()).unwrap()], numbers].concat();
        if let Some(raw) = raw(&text) {
            prop_assert_eq!(der(&raw), text);
        }
    }
}
