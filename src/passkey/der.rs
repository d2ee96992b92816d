//! Signatures of ECDSA in DER (RFC 3279 §2.2.3), as authenticators write them, and as two numbers, as WebCrypto reads them.

/// Bytes of each of the two numbers on P-256.
const NUMBER: usize = 32;

/// Returns the two numbers of a signature on P-256, one after the other, 32 bytes each; `None` if it is not in DER.
#[must_use]
pub fn raw(der: &[u8]) -> Option<Vec<u8>> {
    let (numbers, rest) = element(0x30, der)?;
    let (r, numbers) = element(0x02, numbers)?;
    let (s, none) = element(0x02, numbers)?;
    let numbers = [padded(r)?, padded(s)?].concat();
    (rest.is_empty() && none.is_empty()).then_some(numbers)
}

/// Splits an element with this tag, at most 127 bytes long, from what follows it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [found, length @ 0..=0x7f, rest @ ..] if *found == tag => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}

/// Returns the 32 bytes of a number that is written in its shortest form, and not negative.
fn padded(number: &[u8]) -> Option<[u8; NUMBER]> {
    let digits = match number {
        [0, rest @ ..] if matches!(rest, [0x80..=0xff, ..]) => rest,
        [0x01..=0x7f, ..] | [0] => number,
        _ => return None,
    };
    let mut padded = [0; NUMBER];
    padded.get_mut(NUMBER.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_two_numbers_of_32_bytes() {
        let mut expected = [0; 64];
        (expected[31], expected[63]) = (0x7f, 0x80);

        assert_eq!(raw(&[0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]), Some(expected.to_vec()));
    }

    #[test]
    fn anything_but_the_shortest_form_is_refused() {
        for (der, why) in [
            (&[0x30, 6, 2, 1, 1, 2, 1][..], "too short"),
            (&[0x30, 6, 2, 1, 1, 2, 1, 1, 0], "something follows"),
            (&[0x30, 7, 2, 1, 1, 2, 1, 1, 0], "something follows inside"),
            (&[0x31, 6, 2, 1, 1, 2, 1, 1], "a set"),
            (&[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1], "a long length"),
            (&[0x30, 7, 2, 2, 0, 1, 2, 1, 1], "a needless zero"),
            (&[0x30, 6, 2, 1, 0x80, 2, 1, 1], "a negative number"),
            (&[0x30, 5, 2, 0, 2, 1, 1], "an empty number"),
        ] {
            assert_eq!(raw(der), None, "{why}");
        }
        let long = [&[0x30, 38, 2, 33, 1][..], &[0; 32], &[2, 1, 1]].concat();
        assert_eq!(raw(&long), None, "33 bytes");
    }
}
