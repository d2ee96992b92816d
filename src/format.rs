//! The format number that every stored record carries, and conditions for leaving members out of a record.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The format of a record: serializes as `N`, and deserializes only from `N`.
///
/// A change of meaning needs a new number, so that a record of another format is refused instead of misread.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Format<const N: u8>;

impl<const N: u8> Serialize for Format<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(N)
    }
}

impl<'de, const N: u8> Deserialize<'de> for Format<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            number if number == N => Ok(Self),
            number => Err(de::Error::custom(format_args!("expected format {N}, found format {number}"))),
        }
    }
}

/// Returns whether to leave out a member whose default is `false`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Returns whether to leave out a member whose default is zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) const fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// Returns whether to leave out a member whose default is `true`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) const fn is_true(flag: &bool) -> bool {
    *flag
}

/// Reads the value of a member that is present, which `null` is not for most types.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_is_refused() {
        assert_eq!(serde_json::to_string(&Format::<1>).unwrap(), "1");
        assert!(serde_json::from_str::<Format<1>>("1").is_ok());
        assert!(serde_json::from_str::<Format<1>>("2").is_err());
    }
}
