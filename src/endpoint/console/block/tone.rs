//! How urgent a notice or a state is.

/// How urgent something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Tone {
    /// Returns the classes of its element.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "near",
            Self::Good => "near good",
            Self::Warning => "warn",
            Self::Bad => "bad",
        }
    }
}
