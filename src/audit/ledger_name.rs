//! The names of ledgers, such as `20412/weur/3/0`.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A ledger: a day, an object, and the block of the object's events. Ordered in this way.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LedgerName {
    /// The day of its events, counted from 1970.
    pub day: u32,
    /// The object that the events come from, such as `weur/3` or `registry`.
    pub object: String,
    /// The million that the numbers of the events are in.
    pub block: u32,
}

impl LedgerName {
    /// Returns a name that comes before those of all ledgers of a day.
    #[must_use]
    pub const fn before_all_of(day: u32) -> Self {
        Self { day, object: String::new(), block: 0 }
    }
}

impl fmt::Display for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.day, self.object, self.block)
    }
}

impl FromStr for LedgerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a ledger is named by day, object and block";
        let (day, rest) = text.split_once('/').ok_or(FORM)?;
        let (object, block) = rest.rsplit_once('/').ok_or(FORM)?;
        let number = |text: &str| text.parse().map_err(|_| FORM);
        Ok(Self { day: number(day)?, object: object.to_owned(), block: number(block)? })
    }
}

impl TryFrom<String> for LedgerName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LedgerName> for String {
    fn from(name: LedgerName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        for text in ["20412/weur/3/0", "20412/registry/12", "7//0"] {
            assert_eq!(text.parse::<LedgerName>().unwrap().to_string(), text);
        }
        for text in ["outboxes", "20412/weur", "x/weur/3/0", "20412/weur/3/x", "-1/weur/3/0"] {
            assert!(text.parse::<LedgerName>().is_err(), "{text}");
        }
    }
}
