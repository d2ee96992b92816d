//! The values in tables and among facts.

use super::tone::Tone;
use crate::time::Timestamp;

/// A value in a table or among facts.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    /// An identifier or another text for machines.
    Mono(String),
    /// An address below `/admin`, and its text.
    Link(String, String),
    /// When, in UTC.
    Time(Timestamp),
    /// A state that should catch the eye.
    Badge(Tone, String),
    /// Several values, each on a line of its own.
    Lines(Vec<Cell>),
    /// A button that does something with the thing in its row.
    Button(Button),
}

/// A form that is a button in a row.
#[derive(Clone, Debug)]
pub(crate) struct Button {
    pub step: &'static str,
    /// The field that names the thing, and its value.
    pub of: (&'static str, String),
    pub text: &'static str,
    /// What the thing is, for those who do not see its row.
    pub about: String,
}

impl Cell {
    /// Returns a button that does something with the thing that a field names.
    pub(crate) fn button(
        step: &'static str,
        of: (&'static str, &str),
        text: &'static str,
        about: &str,
    ) -> Self {
        Self::Button(Button { step, of: (of.0, of.1.to_owned()), text, about: about.to_owned() })
    }

    /// Returns a text, or a dash if there is none.
    pub(crate) fn of(text: Option<&str>) -> Self {
        Self::Text(text.filter(|text| !text.is_empty()).unwrap_or("–").to_owned())
    }

    /// Returns an instant of the API in seconds since 1970; a dash if there is none, or if it is 0, as for the accounts that every
    /// development server has.
    pub(crate) fn seconds(seconds: Option<u64>) -> Self {
        let known = seconds.filter(|seconds| *seconds > 0);
        known.map_or_else(|| Self::of(None), |seconds| Self::Time(Timestamp::from_millis(seconds * 1_000)))
    }

    /// Returns a link to a page.
    pub(crate) fn link(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link(path.into(), text.into())
    }
}
