//! Reads CBOR (RFC 8949) in the canonical form that authenticators must use, as far as WebAuthn needs it.
//!
//! The form is that of CTAP2, "CTAP2 canonical CBOR encoding form": the shortest form of every number and length, no
//! indefinite lengths, no tags, keys in order and therefore none twice, four levels at most. WebAuthn §2 says to refuse
//! anything else. Floating-point numbers are refused as well, because nothing here has any.

/// Most levels of arrays and maps inside each other.
const DEEPEST: u8 = 4;

/// A value that borrows its strings from the input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value<'a> {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: the number is −1 less this one.
    Negative(u64),
    /// Major type 2.
    Bytes(&'a [u8]),
    /// Major type 3.
    Text(&'a str),
    /// Major type 4.
    Array(Vec<Value<'a>>),
    /// Major type 5, in the order of the input.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

impl<'a> Value<'a> {
    /// Reads a text that is one value; `None` if anything follows the value, or if it is not canonical.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (value, rest) = Self::first(bytes)?;
        rest.is_empty().then_some(value)
    }

    /// Reads the first value of a text, and returns what follows it.
    #[must_use]
    pub fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(DEEPEST)?;
        Some((value, reader.rest))
    }

    /// Returns a small integer, which may be negative.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            Self::Negative(number) => i64::try_from(*number).ok().map(|number| -1 - number),
            Self::Bytes(_) | Self::Text(_) | Self::Array(_) | Self::Map(_) | Self::Bool(_) | Self::Null => {
                None
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, levels: u8) -> Option<Value<'a>> {
        let (major, number) = self.head()?;
        Some(match major {
            0 => Value::Unsigned(number),
            1 => Value::Negative(number),
            2 => Value::Bytes(self.take(number)?),
            3 => Value::Text(core::str::from_utf8(self.take(number)?).ok()?),
            4 => self.array(number, levels.checked_sub(1)?)?,
            5 => self.map(number, levels.checked_sub(1)?)?,
            7 if number == 20 => Value::Bool(false),
            7 if number == 21 => Value::Bool(true),
            7 if number == 22 => Value::Null,
            _ => return None,
        })
    }

    /// Reads the major type, and the number that follows it in its shortest form (RFC 8949 §3).
    fn head(&mut self) -> Option<(u8, u64)> {
        let [first] = *self.take(1)? else { return None };
        let (major, short) = (first >> 5, first & 0x1f);
        let (number, least) = match short {
            0..=23 => return Some((major, u64::from(short))),
            24 => (self.number::<1>()?, 24),
            25 => (self.number::<2>()?, 1 << 8),
            26 => (self.number::<4>()?, 1 << 16),
            27 => (self.number::<8>()?, 1 << 32),
            _ => return None,
        };
        // With major type 7, these would be simple values and floating-point numbers.
        (number >= least && major != 7).then_some((major, number))
    }

    fn number<const N: usize>(&mut self) -> Option<u64> {
        let bytes = self.take(N as u64)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn array(&mut self, length: u64, levels: u8) -> Option<Value<'a>> {
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(self.value(levels)?);
        }
        Some(Value::Array(values))
    }

    fn map(&mut self, length: u64, levels: u8) -> Option<Value<'a>> {
        let mut entries = Vec::new();
        let mut before = None;
        for _ in 0..length {
            let start = self.rest;
            let key = self.value(levels)?;
            let written = start.get(..start.len() - self.rest.len())?;
            let rank = Some((written.first()? >> 5, written.len(), written));
            if rank <= before {
                return None;
            }
            before = rank;
            entries.push((key, self.value(levels)?));
        }
        Some(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_are_read() {
        let bytes = [0xa2, 0x01, 0x20, 0x61, b'a', 0x84, 0xf5, 0xf4, 0xf6, 0x41, 0x09];
        let array = vec![Value::Bool(true), Value::Bool(false), Value::Null, Value::Bytes(&[9])];
        let map =
            vec![(Value::Unsigned(1), Value::Negative(0)), (Value::Text("a"), Value::Array(array.clone()))];

        assert_eq!(Value::read(&bytes), Some(Value::Map(map)));
        assert_eq!(Value::first(&[0x00, 0x01]), Some((Value::Unsigned(0), &[1][..])));
    }

    #[test]
    fn numbers_are_read_in_their_shortest_form_only() {
        for (bytes, number) in [
            (&[0x17][..], Some(23)),
            (&[0x18, 0x18], Some(24)),
            (&[0x18, 0x17], None),
            (&[0x19, 0x01, 0x00], Some(256)),
            (&[0x19, 0x00, 0xff], None),
            (&[0x1a, 0x00, 0x01, 0x00, 0x00], Some(65_536)),
            (&[0x1a, 0x00, 0x00, 0xff, 0xff], None),
            (&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0], Some(4_294_967_296)),
            (&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], None),
            (&[0x39, 0x01, 0x00], Some(-257)),
            (&[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0], None),
        ] {
            assert_eq!(Value::read(bytes).and_then(|value| value.integer()), number, "{bytes:?}");
        }
    }

    #[test]
    fn anything_that_is_not_canonical_is_refused() {
        for (bytes, why) in [
            (&[][..], "nothing"),
            (&[0x00, 0x00], "two values"),
            (&[0x42, 0x00], "too short"),
            (&[0x61, 0xff], "not UTF-8"),
            (&[0x5f, 0x41, 0x00, 0xff], "an indefinite length"),
            (&[0xc0, 0x00], "a tag"),
            (&[0xf9, 0x00, 0x00], "a floating-point number"),
            (&[0xf8, 0x20], "a simple value"),
            (&[0xf7], "undefined"),
            (&[0x1c], "a reserved length"),
            (&[0xa2, 0x01, 0x00, 0x01, 0x00], "a key twice"),
            (&[0xa2, 0x02, 0x00, 0x01, 0x00], "keys out of order"),
            (&[0xa2, 0x61, b'a', 0x00, 0x20, 0x00], "text before a number"),
            (&[0xa2, 0x62, b'a', b'a', 0x00, 0x61, b'b', 0x00], "a long key before a short one"),
            (&[0x81, 0x81, 0x81, 0x81, 0x80], "five levels"),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "more entries than bytes"),
        ] {
            assert_eq!(Value::read(bytes), None, "{why}");
        }
        assert!(Value::read(&[0x81, 0x81, 0x81, 0x80]).is_some(), "four levels");
    }
}
