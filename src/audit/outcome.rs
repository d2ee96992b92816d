//! What an event means for access: the same few words for every kind of event.

use serde::{Deserialize, Serialize};

/// What became of access.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody or something got what was asked for: a code, an approval, tokens, a session.
    Granted,
    /// Somebody or something was refused.
    Refused,
    /// Something that was granted is over, or was never used.
    Ended,
    /// Nothing changed for anybody, but somebody should know.
    Noted,
    /// The registry or an account was changed.
    Changed,
}

impl Outcome {
    /// All of them, by the names that filters have.
    pub const ALL: [(&'static str, Self); 5] = [
        ("granted", Self::Granted),
        ("refused", Self::Refused),
        ("ended", Self::Ended),
        ("noted", Self::Noted),
        ("changed", Self::Changed),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_written_as_filters_name_it() {
        for (name, outcome) in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), name);
        }
    }
}
