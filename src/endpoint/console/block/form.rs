//! Forms and their fields.

use crate::endpoint::form::Form as Sent;

/// The hidden field with the version of the thing that a form changes. When somebody else has changed it, the page has a new one.
pub(crate) const VERSION: &str = "version";

/// A form, which is sent to the address of its page.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// What the button is for: [`act`](crate::endpoint::console::act) gets it.
    pub step: &'static str,
    /// What the form does, above its fields.
    pub intro: String,
    pub hidden: Vec<(&'static str, String)>,
    pub fields: Vec<Field>,
    pub button: &'static str,
    /// Whether the button ends something.
    pub ends: bool,
    /// Whether the form only searches, so that its fields become the query of the page.
    pub searches: bool,
    /// Whether the form is folded away behind its button's text until somebody wants it.
    pub folded: bool,
}

/// A field of a form.
#[derive(Debug, Default)]
pub(crate) struct Field {
    pub name: &'static str,
    pub label: &'static str,
    /// What to write, and what it means.
    pub hint: &'static str,
    pub value: String,
    pub kind: Kind,
}

/// What a field takes.
#[derive(Debug, Default)]
pub(crate) enum Kind {
    #[default]
    Line,
    /// Several lines, as many as this are shown.
    Lines(u32),
    /// A day and a time in UTC.
    Instant,
    Number,
    /// One of these values, with what to call them.
    Choice(Vec<(String, String)>),
    /// Ticked or not.
    Tick,
}

impl Form {
    pub(super) fn refill(&mut self, sent: &Sent) {
        self.folded = false;
        for field in &mut self.fields {
            field.value = sent.get(field.name).unwrap_or_default().to_owned();
        }
    }

    /// Returns a form that is a single button.
    pub(crate) fn button(
        step: &'static str,
        hidden: Vec<(&'static str, String)>,
        button: &'static str,
    ) -> Self {
        Self { step, hidden, button, ..Self::default() }
    }

    /// Returns the identifier of a field in the document, where several forms can have fields of the same name.
    pub(super) fn id(&self, field: &Field) -> String {
        // What names a thing is short, unlike a document.
        let names = self.hidden.iter().map(|(_, value)| value.as_str()).filter(|value| value.len() <= 64);
        let of: Vec<&str> = names.collect();
        format!("{}-{}-{}", self.step, field.name, of.join("-").replace(' ', "-"))
    }
}

impl Field {
    pub(crate) fn line(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint, ..Self::default() }
    }

    pub(crate) fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Returns whether the field takes so much that no other one fits next to it.
    pub(super) const fn is_wide(&self) -> bool {
        matches!(self.kind, Kind::Lines(4..))
    }

    pub(crate) fn with(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }
}
