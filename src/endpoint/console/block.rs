//! What pages of the console consist of. The pages choose and fill these blocks; `templates/console/` draws them.

use crate::endpoint::form::Form as Sent;
use crate::sharding::Replica;
use crate::time::Timestamp;

/// The hidden field with the version of the thing that a form changes. When somebody else has changed it, the page has a new one.
pub(super) const VERSION: &str = "version";

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

/// How urgent something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "near",
            Self::Good => "near good",
            Self::Warning => "warn",
            Self::Bad => "bad",
        }
    }
}

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

/// A form, which is sent to the address of its page.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// What the button is for: [`super::act`] gets it.
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

/// Bars with their numbers.
#[derive(Debug, Default)]
pub(crate) struct Chart {
    pub title: &'static str,
    /// What a number counts, such as `logins`.
    pub unit: &'static str,
    pub bars: Vec<(String, u64)>,
    /// Whether the bars stand beside each other, one for each day, with their numbers in a table that unfolds. Otherwise they lie
    /// below each other, each next to its number.
    pub upright: bool,
}

/// A bar as it is drawn, in units of the picture.
pub(crate) struct Bar<'a> {
    pub at: u64,
    pub length: u64,
    pub name: &'a str,
    pub count: u64,
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

impl Form {
    fn refill(&mut self, sent: &Sent) {
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
    fn id(&self, field: &Field) -> String {
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
    const fn is_wide(&self) -> bool {
        matches!(self.kind, Kind::Lines(4..))
    }

    pub(crate) fn with(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }
}

/// The length of the longest bar, in units of the picture.
const LONGEST: u64 = 100;
/// The distance from one bar to the next.
const STEP: u64 = 12;

impl Chart {
    /// Returns the bars, to scale. A bar that is not zero can be seen.
    fn drawn(&self) -> Vec<Bar<'_>> {
        let most = self.highest().max(1);
        let length = |count: u64| (count.saturating_mul(LONGEST) / most).max(u64::from(count > 0));
        let bars = (0..).step_by(12).zip(&self.bars);
        bars.map(|(at, (name, count))| Bar { at, length: length(*count), name, count: *count }).collect()
    }

    fn highest(&self) -> u64 {
        self.bars.iter().map(|(_, count)| *count).max().unwrap_or_default()
    }

    /// Returns the name of the first bar.
    fn first(&self) -> &str {
        self.bars.first().map_or("", |(name, _)| name)
    }

    /// Returns the name of the last bar.
    fn last(&self) -> &str {
        self.bars.last().map_or("", |(name, _)| name)
    }

    /// Returns how wide all bars are together.
    fn breadth(&self) -> u64 {
        (self.bars.len() as u64 * STEP).max(STEP)
    }

    fn is_empty(&self) -> bool {
        self.bars.iter().all(|(_, count)| *count == 0)
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
    fn the_longest_bar_is_full_and_the_shortest_can_be_seen() {
        let bars = [("a", 1_000), ("b", 1), ("c", 0)].map(|(name, count)| (name.to_owned(), count));
        let chart = Chart { bars: bars.to_vec(), ..Chart::default() };

        let lengths: Vec<u64> = chart.drawn().iter().map(|bar| bar.length).collect();
        assert_eq!(lengths, [100, 1, 0]);
        assert_eq!(chart.breadth(), 36);
        assert!(Chart::default().is_empty() && !chart.is_empty());
    }

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
