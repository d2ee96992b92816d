//! Text that people see: which characters it may have.
//!
//! What a character may be is decided by its Unicode properties, so that new invisible characters are covered when
//! the tables are. See `docs/decisions/0039-visible-text.md`.

use core::fmt;

use icu_properties::props::{
    Alphabetic, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, ExtendedPictographic,
    GeneralCategory, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Most combining marks in a row. Burmese needs five, as in လျှို့.
const MOST_MARKS: usize = 6;
const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// Asks for the colored form of the emoji before it.
const EMOJI_FORM: char = '\u{fe0f}';
/// A blank that Unicode counts among the symbols, because it belongs to the patterns of Braille.
const BLANK_BRAILLE: char = '\u{2800}';

/// Why a text must not be shown. Positions count characters from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// The text is empty.
    Empty,
    /// The text begins or ends with a space.
    Edge,
    /// The text has neither a letter, a digit nor a pictograph.
    NothingToRead,
    /// A character is invisible, turns the text after it, breaks the line, or has no fixed meaning.
    Character(char, usize),
    /// A combining mark has nothing to combine with, or follows too many others.
    Mark(char, usize),
}

/// Completes a sentence that begins with the name of the text.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("is empty"),
            Self::Edge => f.write_str("begins or ends with a space"),
            Self::NothingToRead => f.write_str("has neither a letter, a digit nor a pictograph"),
            Self::Character(symbol, at) => write!(
                f,
                "has U+{:04X} at character {at}, which is invisible, a control or not assigned",
                u32::from(symbol)
            ),
            Self::Mark(symbol, at) => write!(
                f,
                "has U+{:04X} at character {at}, a combining mark with nothing to combine with or after {MOST_MARKS} others",
                u32::from(symbol)
            ),
        }
    }
}

/// Checks that a text is visible from its first to its last character and cannot change the order of the text
/// around it.
///
/// # Errors
///
/// The first flaw.
pub fn check(text: &str) -> Result<(), Flaw> {
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    let symbols: Vec<char> = text.chars().collect();
    for (index, symbol) in symbols.iter().enumerate() {
        if !is_shown(&symbols, index) {
            return Err(Flaw::Character(*symbol, index + 1));
        }
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(Flaw::Edge);
    }
    if let Some((symbol, at)) = stray_mark(text) {
        return Err(Flaw::Mark(symbol, at));
    }
    if text.chars().any(is_readable) { Ok(()) } else { Err(Flaw::NothingToRead) }
}

/// Returns a text that came from outside, with every character that must not be shown replaced by a space, cut
/// after `longest` characters; `None` if nothing is left to read.
#[must_use]
pub fn cleaned(text: &str, longest: usize) -> Option<String> {
    let symbols: Vec<char> = text.chars().collect();
    let spaced: String = (0..symbols.len())
        .filter_map(|at| Some(if is_shown(&symbols, at) { *symbols.get(at)? } else { ' ' }))
        .collect();
    let mut kept = String::new();
    let mut marks = MOST_MARKS;
    for symbol in spaced.chars() {
        marks = marks_up_to(symbol, marks);
        let doubled = symbol == ' ' && (kept.is_empty() || kept.ends_with(' '));
        if !(doubled || is_stray(symbol, marks)) {
            kept.push(symbol);
        }
    }
    let cut: String = kept.chars().take(longest).collect();
    let cut = cut.trim_end_matches([' ', ZWNJ, ZWJ]);
    check(cut).is_ok().then(|| cut.to_owned())
}

/// Returns a text for an error message or a terminal: characters that must not be shown become `\u{…}`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let symbols: Vec<char> = text.chars().collect();
    let mut marks = MOST_MARKS;
    let mut escape = |(at, symbol): (usize, &char)| {
        marks = marks_up_to(*symbol, marks);
        let is_safe = is_shown(&symbols, at) && !is_stray(*symbol, marks);
        if is_safe { symbol.to_string() } else { symbol.escape_unicode().to_string() }
    };
    symbols.iter().enumerate().map(&mut escape).collect()
}

/// Returns whether the character at `index` may be shown where it stands.
fn is_shown(symbols: &[char], index: usize) -> bool {
    let Some(&symbol) = symbols.get(index) else { return false };
    match symbol {
        ' ' => true,
        BLANK_BRAILLE => false,
        ZWNJ => after_virama(symbols, index) || between_joining_letters(symbols, index),
        ZWJ => after_virama(symbols, index) || between_pictographs(symbols, index),
        EMOJI_FORM => before(symbols, index).is_some_and(has::<Emoji>),
        _ => !has::<DefaultIgnorableCodePoint>(symbol) && is_assigned(category(symbol)),
    }
}

const fn is_assigned(category: GeneralCategory) -> bool {
    !matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

fn is_readable(symbol: char) -> bool {
    has::<Alphabetic>(symbol) && !is_mark(symbol)
        || has::<ExtendedPictographic>(symbol)
        || matches!(
            category(symbol),
            GeneralCategory::DecimalNumber | GeneralCategory::LetterNumber | GeneralCategory::OtherNumber
        )
}

fn is_mark(symbol: char) -> bool {
    matches!(
        category(symbol),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
    ) && symbol != EMOJI_FORM
}

/// Returns the first combining mark that stands alone or follows too many others, with its position.
fn stray_mark(text: &str) -> Option<(char, usize)> {
    let mut marks = MOST_MARKS;
    text.chars().zip(1..).find(|(symbol, _)| {
        marks = marks_up_to(*symbol, marks);
        is_stray(*symbol, marks)
    })
}

/// Returns the number of combining marks in a row up to and including `symbol`, if there were `before` in front of
/// it. Joiners are invisible, so they do not end a row. After a space there is no room for any.
fn marks_up_to(symbol: char, before: usize) -> usize {
    match symbol {
        ZWNJ | ZWJ | EMOJI_FORM => before,
        ' ' => MOST_MARKS,
        _ if is_mark(symbol) => before + 1,
        _ => 0,
    }
}

fn is_stray(symbol: char, marks: usize) -> bool {
    is_mark(symbol) && marks > MOST_MARKS
}

/// RFC 5892 §A.1, §A.2: after a virama, a joiner chooses the form of a conjunct.
fn after_virama(symbols: &[char], index: usize) -> bool {
    let class = |symbol| CodePointMapData::<CanonicalCombiningClass>::new().get(symbol);
    before(symbols, index).is_some_and(|symbol| class(symbol) == CanonicalCombiningClass::Virama)
}

/// RFC 5892 §A.1: between two letters of a cursive script, a non-joiner keeps them apart.
fn between_joining_letters(symbols: &[char], index: usize) -> bool {
    let kind = |symbol: &char| CodePointMapData::<JoiningType>::new().get(*symbol);
    let solid = |symbol: &&char| kind(symbol) != JoiningType::Transparent;
    let left = symbols.iter().take(index).rev().find(solid).map(kind);
    let right = symbols.iter().skip(index + 1).find(solid).map(kind);
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// UTS 51 §2.3: between two pictographs, a joiner makes one picture of both.
fn between_pictographs(symbols: &[char], index: usize) -> bool {
    let modifies = |symbol: &char| *symbol == EMOJI_FORM || ('\u{1f3fb}'..='\u{1f3ff}').contains(symbol);
    let left = symbols.iter().take(index).rev().find(|symbol| !modifies(symbol));
    let right = symbols.get(index + 1);
    left.is_some_and(|left| has::<ExtendedPictographic>(*left))
        && right.is_some_and(|right| has::<ExtendedPictographic>(*right))
}

fn before(symbols: &[char], index: usize) -> Option<char> {
    symbols.get(index.checked_sub(1)?).copied()
}

fn has<P: icu_properties::props::BinaryProperty>(symbol: char) -> bool {
    CodePointSetData::new::<P>().contains(symbol)
}

fn category(symbol: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_scripts_are_visible() {
        for good in [
            "Wohnzimmer-Fernseher №2 📺",
            "Télé",
            "e\u{301}te\u{301}",
            "Việt Nam",
            "नमस्ते",
            "क्\u{200d}ष",
            "می\u{200c}خواهم",
            "שָׁלוֹם",
            "ไทยน้ำ",
            "လျှို့ဝှက်",
            "客厅电视",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f} TV",
            "❤\u{fe0f}\u{200d}🔥",
            "👩🏽\u{200d}🚀",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
            assert_eq!(cleaned(good, 64).as_deref(), Some(good));
            assert_eq!(escaped(good), good);
        }
    }

    #[test]
    fn a_flaw_names_the_character_and_its_position() {
        for (bad, flaw) in [
            ("\u{200b}", Flaw::Character('\u{200b}', 1)),
            ("a\u{2028}b", Flaw::Character('\u{2028}', 2)),
            ("a\u{202e}b", Flaw::Character('\u{202e}', 2)),
            ("a\u{61c}b", Flaw::Character('\u{61c}', 2)),
            ("a\u{a0}b", Flaw::Character('\u{a0}', 2)),
            ("a\u{3164}b", Flaw::Character('\u{3164}', 2)),
            ("a\u{200d}b", Flaw::Character('\u{200d}', 2)),
            ("a\u{200c}b", Flaw::Character('\u{200c}', 2)),
            ("م\u{200c}b", Flaw::Character('\u{200c}', 2)),
            ("a\u{200c}م", Flaw::Character('\u{200c}', 2)),
            ("📺\u{200d}b", Flaw::Character('\u{200d}', 2)),
            ("a\u{200d}📺", Flaw::Character('\u{200d}', 2)),
            ("a\u{fe0f}b", Flaw::Character('\u{fe0f}', 2)),
            ("a\u{e0041}", Flaw::Character('\u{e0041}', 2)),
            ("a\u{e000}", Flaw::Character('\u{e000}', 2)),
            ("ab\u{378}", Flaw::Character('\u{378}', 3)),
            ("a\u{2800}b", Flaw::Character('\u{2800}', 2)),
            ("a\nb", Flaw::Character('\n', 2)),
            ("", Flaw::Empty),
            (" a", Flaw::Edge),
            ("a ", Flaw::Edge),
            ("...", Flaw::NothingToRead),
            ("\u{301}a", Flaw::Mark('\u{301}', 1)),
            ("a \u{301}", Flaw::Mark('\u{301}', 3)),
            (&format!("e{}", "\u{301}".repeat(90)), Flaw::Mark('\u{301}', 8)),
            (&format!("क{}", "\u{94d}\u{200d}".repeat(7)), Flaw::Mark('\u{94d}', 14)),
        ] {
            assert_eq!(check(bad), Err(flaw), "{bad:?}");
        }
        assert_eq!(
            Flaw::Character('\u{200b}', 4).to_string(),
            "has U+200B at character 4, which is invisible, a control or not assigned"
        );
    }

    #[test]
    fn a_text_from_outside_is_cleaned_and_cut() {
        assert_eq!(cleaned("Lyon\u{202e}\n France", 64).as_deref(), Some("Lyon France"));
        assert_eq!(
            cleaned(&format!("q{}", "\u{301}".repeat(90)), 64).map(|text| text.chars().count()),
            Some(7)
        );
        assert_eq!(cleaned(&"a".repeat(100), 64).map(|text| text.len()), Some(64));
        assert_eq!(cleaned("\u{200b}\u{3164} ", 64), None);
    }

    #[test]
    fn an_escaped_text_shows_what_cannot_be_seen() {
        assert_eq!(escaped("a\u{1b}[2Jb\u{202e}é\u{9b}1m"), "a\\u{1b}[2Jb\\u{202e}é\\u{9b}1m");
        assert_eq!(
            escaped(&format!("a{}", "\u{301}".repeat(7))),
            format!("a{}\\u{{301}}", "\u{301}".repeat(6))
        );
    }
}
