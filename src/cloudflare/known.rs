//! Values of JavaScript that are made once for each text: to make one takes longer than most of what is done with it.

use std::collections::HashMap;

use wasm_bindgen::JsValue;

/// How many are remembered: far more than there are shards, or statements of SQL.
const MOST: usize = 10_000;

/// The values that were made so far.
#[derive(Default)]
pub(super) struct Known(HashMap<String, JsValue>);

impl Known {
    /// Returns the value of a text.
    pub(super) fn of<E>(
        &mut self,
        text: &str,
        make: impl FnOnce() -> Result<JsValue, E>,
    ) -> Result<JsValue, E> {
        if let Some(value) = self.0.get(text) {
            return Ok(value.clone());
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let value = make()?;
        self.0.insert(text.to_owned(), value.clone());
        Ok(value)
    }
}
