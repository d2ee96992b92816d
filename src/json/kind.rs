//! What can be wrong with a text.

use core::fmt;

use serde::de;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The text is not JSON.
    Syntax,
    /// The text ends too early.
    End,
    /// The text is JSON, but of something else.
    Data,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "Syntax",
            Self::End => "Eof",
            Self::Data => "Data",
        }
    }
}

/// A type says what is wrong with a value, but a fault quotes nothing, and texts that nobody reads are not compiled.
impl de::Error for Kind {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Data
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::Data
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::Data
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Self::Data
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Data
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::Data
    }

    fn missing_field(_: &'static str) -> Self {
        Self::Data
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::Data
    }
}

impl std::error::Error for Kind {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
