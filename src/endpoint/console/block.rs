//! What pages of the console consist of. The pages choose and fill these blocks; `templates/console/` draws them.

mod cell;
mod chart;
mod form;
mod tone;

pub(crate) use self::cell::Cell;
pub(crate) use self::chart::Chart;
pub(crate) use self::form::{Field, Form, Kind, VERSION};
pub(crate) use self::tone::Tone;
use crate::endpoint::form::Form as Sent;
use crate::sharding::Replica;
use crate::time::Timestamp;

/// A page: its title, what to say above it, and its blocks from top to bottom.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub title: String,
    /// Where the page belongs: address below `/admin` and title of the page above it.
    pub above: Option<(String, &'static str)>,
    pub said: Option<String>,
    pub blocks: Vec<Block>,
}

/// What a form has led to.
pub(crate) enum Acted {
    /// It is done. Carries what to say above the page.
    Done(String),
    /// A page of its own comes next, such as what would end.
    Shown(Page),
}

/// A part of a page.
#[derive(Debug)]
pub(crate) enum Block {
    /// A heading, for those who read and for those who jump from heading to heading.
    Heading(&'static str),
    /// A paragraph.
    Text(String),
    /// What should not be overlooked, in one or more lines.
    Notice(Tone, String),
    /// Names and values.
    Facts(Vec<(&'static str, Cell)>),
    Table(Table),
    Form(Form),
    Chart(Chart),
    /// A document, such as JSON.
    Code(String),
    /// The call of the admin API that does or shows the same, such as `GET /admin/api/alerts`.
    Call(String),
}

/// Rows with the same columns. Lists are read by key: there is a link to the next page, and none by number.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// What the rows are, for those who do not see them.
    pub caption: &'static str,
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<Cell>>,
    /// What to say, and what to do, if there are no rows.
    pub empty: &'static str,
    /// The address of the next page, below `/admin`.
    pub next: Option<String>,
}

impl Page {
    pub(crate) fn new(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { title: title.into(), blocks, ..Self::default() }
    }

    /// Returns the page with a link to the one above it.
    pub(crate) fn below(self, path: impl Into<String>, title: &'static str) -> Self {
        Self { above: Some((path.into(), title)), ..self }
    }

    pub(crate) fn saying(self, said: String) -> Self {
        Self { said: Some(said), ..self }
    }

    /// Returns the page with a notice about the replicas of the registry that have not confirmed a change, if there are any.
    pub(crate) fn naming(mut self, unconfirmed: &[Replica]) -> Self {
        if !unconfirmed.is_empty() {
            let names: Vec<String> = unconfirmed.iter().map(ToString::to_string).collect();
            let said = format!(
                "These replicas of the registry have not confirmed the change: {}. Their leases have ended, so they answer with nothing from before it.",
                names.join(", ")
            );
            self.blocks.insert(0, Block::Notice(Tone::Warning, said));
        }
        self
    }

    /// Returns the page with what was sent in the form that sent it, so that nothing has to be written twice.
    pub(crate) fn refilled(mut self, step: &str, sent: &Sent) -> Self {
        for block in &mut self.blocks {
            if let Block::Form(form) = block
                && form.step == step
                && form
                    .hidden
                    .iter()
                    .all(|(name, value)| *name == VERSION || sent.get(name).unwrap_or_default() == value)
            {
                form.refill(sent);
            }
        }
        self
    }
}

/// Returns `2026-11-28 06:00 UTC`.
fn shown(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", rest.get(..5).unwrap_or_default())
}

/// The markup of the blocks. It is compiled once, for all pages.
#[derive(askama::Template)]
#[template(path = "console/blocks.html")]
pub(super) struct Blocks<'a> {
    pub all: &'a [Block],
    /// The address of the console, without a slash at the end.
    pub base: &'a str,
    /// The address of the page.
    pub action: &'a str,
    pub csrf: &'a str,
    /// What forms say of having been opened in time.
    pub opened: &'a str,
}

/// The markup of a value.
#[derive(askama::Template)]
#[template(path = "console/cell.html")]
struct CellMarkup<'a> {
    cell: &'a Cell,
    of: &'a Blocks<'a>,
}

impl CellMarkup<'_> {
    fn shown(at: Timestamp) -> String {
        shown(at)
    }
}

impl Blocks<'_> {
    fn cell(&self, cell: &Cell) -> String {
        askama::Template::render(&CellMarkup { cell, of: self }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_was_refused_keeps_what_was_written_and_others_stay() {
        let form = |id: &str| {
            let hidden = vec![("id", id.to_owned())];
            let fields = vec![Field::line("reason", "Reason", "").with("old")];
            Block::Form(Form { step: "end", hidden, fields, folded: true, ..Form::default() })
        };
        let sent = Sent::parse(b"id=b&reason=new").unwrap();

        let page = Page::new("", vec![form("a"), form("b")]).refilled("end", &sent);

        let kept = |block: &Block| {
            let Block::Form(form) = block else { unreachable!("both are forms") };
            (form.fields[0].value.clone(), form.folded)
        };
        assert_eq!(kept(&page.blocks[0]), ("old".to_owned(), true));
        assert_eq!(kept(&page.blocks[1]), ("new".to_owned(), false));
    }

    #[test]
    fn an_instant_is_shown_in_utc_to_the_minute() {
        assert_eq!(shown(Timestamp::from_millis(1_795_262_400_000)), "2026-11-21 12:00 UTC");
    }
}
