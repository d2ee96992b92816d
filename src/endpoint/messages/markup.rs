//! Messages as HTML. The files know no HTML: `{name}` stands for a value, and `*…*` makes text strong.

use core::fmt;

use askama::filters::{Escaper as _, Html as HtmlEscaper, HtmlSafe};

/// The attributes of a host, origin or URI.
const URI: &str = r#" class="uri" dir="ltr" translate="no""#;

/// A piece of HTML that templates show as it is: text without markup, or a filled-in message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Html(String);

/// What takes the place of `{name}` in a message. Whatever was written by others is isolated, so that letters written
/// from right to left cannot reorder the sentence around them.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// The number that the plural form depends on.
    Count(u64),
    /// Text of this server.
    Html(&'a Html),
    /// Text that others wrote.
    Text(&'a str),
    /// The name of a client.
    Client(&'a str),
    /// The name of an account.
    Account(&'a str),
    /// A host, origin or URI that others chose.
    Uri(&'a str),
    /// A host of which nobody needs to beware.
    Host(&'a str),
    /// A user code, or what one looks like.
    Code(&'a str),
}

impl Html {
    /// Escapes a text.
    pub(crate) fn text(text: &str) -> Self {
        let mut html = Self(String::new());
        html.push(text);
        html
    }

    /// Escapes and isolates a text.
    pub(crate) fn isolated(text: &str) -> Self {
        let mut html = Self(String::new());
        html.isolate("", text);
        html
    }

    /// Escapes and isolates a host, origin or URI.
    pub(crate) fn uri(uri: &str) -> Self {
        let mut html = Self(String::new());
        html.isolate(URI, uri);
        html
    }

    /// Returns a link to a page of this server.
    pub(crate) fn link(path: &str, label: &Self) -> Self {
        Self(format!("<a href=\"{}\">{label}</a>", Self::text(path)))
    }

    pub(super) const fn trusted(html: String) -> Self {
        Self(html)
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn push(&mut self, text: &str) {
        HtmlEscaper.write_escaped_str(&mut self.0, text).expect("writing to a String cannot fail");
    }

    /// Adds an isolated text, in an element with these attributes.
    fn isolate(&mut self, attributes: &str, text: &str) {
        self.0.push_str("<bdi");
        self.0.push_str(attributes);
        self.0.push('>');
        self.push(text);
        self.0.push_str("</bdi>");
    }

    fn value(&mut self, value: Value<'_>, number: &dyn Fn(u64) -> String) {
        match value {
            Value::Count(count) => self.push(&number(count)),
            Value::Html(html) => self.0.push_str(&html.0),
            Value::Text(text) => self.isolate("", text),
            Value::Client(name) => self.isolate(r#" class="client""#, name),
            Value::Account(name) => self.isolate(r#" class="account-name""#, name),
            Value::Uri(uri) => self.isolate(URI, uri),
            Value::Host(host) => self.isolate(r#" dir="ltr" translate="no""#, host),
            Value::Code(code) => self.isolate(r#" class="mono" dir="ltr" translate="no""#, code),
        }
    }
}

impl Value<'_> {
    pub(super) const fn count(&self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Html(_)
            | Self::Text(_)
            | Self::Client(_)
            | Self::Account(_)
            | Self::Uri(_)
            | Self::Host(_)
            | Self::Code(_) => None,
        }
    }
}

/// Fills the values into a text. `number` writes a number in the text's language.
pub(super) fn fill(text: &str, values: &[(&str, Value<'_>)], number: &dyn Fn(u64) -> String) -> Html {
    let mut html = Html(String::with_capacity(text.len()));
    let (mut rest, mut is_strong) = (text, false);
    while let Some((plain, mark, after)) = next_mark(rest) {
        html.push(plain);
        rest = after;
        match mark {
            Mark::Value(name) => {
                let value = values.iter().find(|(other, _)| *other == name);
                if let Some((_, value)) = value {
                    html.value(*value, number);
                }
            }
            Mark::Strong => {
                is_strong = !is_strong;
                html.0.push_str(if is_strong { "<strong>" } else { "</strong>" });
            }
        }
    }
    html.push(rest);
    html
}

/// A mark in a text.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Mark<'a> {
    /// `{name}`.
    Value(&'a str),
    /// `*`, at both ends of strong text.
    Strong,
}

/// Returns the text before the next mark, the mark, and the text after it.
pub(super) fn next_mark(text: &str) -> Option<(&str, Mark<'_>, &str)> {
    let (plain, marked) = text.split_at(text.find(['{', '*'])?);
    if let Some(after) = marked.strip_prefix('*') {
        return Some((plain, Mark::Strong, after));
    }
    let (name, after) = marked.strip_prefix('{')?.split_once('}')?;
    Some((plain, Mark::Value(name), after))
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}
