//! Reads JSON (RFC 8259) into types that derive `Deserialize`.
//!
//! `serde_json` could do so, too, but its reader is compiled for every type with what this server never needs: objects written
//! as lists of their values, messages that quote the input, two kinds of texts. Here an object is an object, a fault is one
//! byte, and whatever does not depend on the type is compiled once. That makes the Worker a tenth smaller: see decision 72.

mod kind;
mod reader;
mod scanner;

use core::fmt;

use serde::de::DeserializeOwned;

use kind::Kind;
use reader::Value;
use scanner::Scanner;

/// Reads the one value that `text` consists of.
///
/// # Errors
///
/// The text is not JSON, or not the JSON of a `T`.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Flaw> {
    let mut scanner = Scanner::new(text);
    let read = T::deserialize(Value(&mut scanner));
    let whole = read.and_then(|value| scanner.end().map(|()| value));
    whole.map_err(|kind| Flaw { kind, at: scanner.at() })
}

/// Reads a text in UTF-8, as [`read`] does.
///
/// # Errors
///
/// Those of [`read`] and [`text`].
pub fn read_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    read(text(bytes)?)
}

/// Returns bytes as a text.
///
/// # Errors
///
/// The bytes are not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, Flaw> {
    core::str::from_utf8(bytes).map_err(|error| Flaw { kind: Kind::Syntax, at: error.valid_up_to() })
}

/// Returns whether `text` is the name of a `T`, such as a variant without content.
#[must_use]
pub fn is_name<T: DeserializeOwned>(text: &str) -> bool {
    named::<T>(text).is_some()
}

/// Returns the `T` with this name, such as a variant without content; `None` if there is none.
#[must_use]
pub fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    read(&serde_json::Value::from(name).to_string()).ok()
}

/// Why a text could not be read. It quotes nothing of the text, so it may be logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flaw {
    kind: Kind,
    /// Bytes of the text before the fault.
    at: usize,
}

impl Flaw {
    /// Returns line and column of the fault in the text that was read, counted from 1. A column is a byte.
    #[must_use]
    pub fn line_and_column(self, text: &[u8]) -> (usize, usize) {
        let before = text.get(..self.at.min(text.len().saturating_sub(1))).unwrap_or_default();
        let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
        (before.split(|byte| *byte == b'\n').count(), column + 1)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {} bytes", self.kind.name(), self.at)
    }
}

impl std::error::Error for Flaw {}

#[cfg(test)]
mod tests;
