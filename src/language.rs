//! The languages of the pages, and the choice between them (RFC 4647 §3.4).

use core::cmp::Reverse;

use crate::order;

/// A language that every page exists in. `messages/` has a file for each.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Language {
    #[default]
    English,
    German,
    French,
    Spanish,
    BrazilianPortuguese,
    Japanese,
    SimplifiedChinese,
    Arabic,
}

/// The language that a range means, apart from longer ranges that begin with it.
const RANGES: [(&str, Language); 8] = [
    ("en", Language::English),
    ("de", Language::German),
    ("fr", Language::French),
    ("es", Language::Spanish),
    ("pt", Language::BrazilianPortuguese),
    ("ja", Language::Japanese),
    ("zh", Language::SimplifiedChinese),
    ("ar", Language::Arabic),
];

/// Ranges of Chinese in traditional characters, which we do not have.
const TRADITIONAL: [&str; 4] = ["zh-hant", "zh-tw", "zh-hk", "zh-mo"];

/// Most ranges of an `Accept-Language` header that are read.
const MOST_RANGES: usize = 32;

impl Language {
    /// All languages, in the order of the menu.
    pub const ALL: [Self; 8] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::BrazilianPortuguese,
        Self::Japanese,
        Self::SimplifiedChinese,
        Self::Arabic,
    ];

    /// Returns the tag (BCP 47), which is also the name of the file in `messages/`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::BrazilianPortuguese => "pt-BR",
            Self::Japanese => "ja",
            Self::SimplifiedChinese => "zh-Hans",
            Self::Arabic => "ar",
        }
    }

    /// Returns the direction of the script, as the attribute `dir` names it.
    #[must_use]
    pub const fn direction(self) -> &'static str {
        match self {
            Self::Arabic => "rtl",
            Self::English
            | Self::German
            | Self::French
            | Self::Spanish
            | Self::BrazilianPortuguese
            | Self::Japanese
            | Self::SimplifiedChinese => "ltr",
        }
    }

    /// Returns the language with exactly this tag.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// Returns the best language for an `Accept-Language` header (RFC 9110 §12.5.4); `None` if it names none of ours.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        let ranges = header.split(',').take(MOST_RANGES).filter_map(weighed);
        let mut ranges: Vec<(u16, &str)> = ranges.filter(|(weight, _)| *weight > 0).collect();
        order::sort_by_key(&mut ranges, |(weight, _)| Reverse(*weight));
        Self::preferred(ranges.into_iter().map(|(_, range)| range))
    }

    /// Returns the language of the first range that names one of ours, best range first (RFC 4647 §3.4).
    ///
    /// Browsers add `zh` to `zh-TW` by themselves, so after such a range a bare `zh` does not mean that its reader
    /// wants simplified characters; `zh-CN` and `zh-Hans` do.
    pub fn preferred<'a>(mut ranges: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut reads_traditional = false;
        ranges.find_map(|range| {
            let is_traditional = is_traditional(range);
            reads_traditional |= is_traditional;
            let is_unwanted = is_traditional || (reads_traditional && range.eq_ignore_ascii_case("zh"));
            Self::look_up(range).filter(|_| !is_unwanted)
        })
    }

    /// Shortens the range, subtag by subtag, until it names one of ours.
    fn look_up(range: &str) -> Option<Self> {
        let found = RANGES.iter().find(|(known, _)| range.eq_ignore_ascii_case(known));
        match found {
            Some((_, language)) => Some(*language),
            None => Self::look_up(range.rsplit_once('-')?.0),
        }
    }
}

fn is_traditional(range: &str) -> bool {
    let range = range.to_ascii_lowercase();
    TRADITIONAL.iter().any(|traditional| {
        range.strip_prefix(traditional).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// Splits `de;q=0.8` into the range and its weight in thousandths. `None` if the weight is malformed.
fn weighed(item: &str) -> Option<(u16, &str)> {
    let (range, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
    let weight = parameter.trim().strip_prefix("q=")?;
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let is_sound = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| is_sound)?;
    match whole {
        "0" => Some((thousandths, range.trim())),
        "1" if thousandths == 0 => Some((1_000, range.trim())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_range_that_we_have_decides() {
        for (header, language) in [
            ("de", Some(Language::German)),
            ("DE-at", Some(Language::German)),
            ("de-CH-1996, en", Some(Language::German)),
            ("en;q=0.5, de;q=0.8", Some(Language::German)),
            ("sv, en;q=0.9, de;q=0.8", Some(Language::English)),
            ("de;q=0, en;q=0.1", Some(Language::English)),
            ("pt", Some(Language::BrazilianPortuguese)),
            ("pt-PT", Some(Language::BrazilianPortuguese)),
            ("zh", Some(Language::SimplifiedChinese)),
            ("zh-CN", Some(Language::SimplifiedChinese)),
            ("zh-Hans-HK", Some(Language::SimplifiedChinese)),
            ("zh-TW", None),
            ("zh-Hant-HK", None),
            ("zh-TW,zh;q=0.9,en-US;q=0.8", Some(Language::English)),
            ("zh-hk,zh-CN;q=0.9,en;q=0.8", Some(Language::SimplifiedChinese)),
            ("zh-Hantx", Some(Language::SimplifiedChinese)),
            ("ar-EG", Some(Language::Arabic)),
            ("de;q=2, en;q=x, sv", None),
            ("de;q=0.1234", None),
            ("de;q=0", None),
            ("de;q=1.5", None),
            ("*", None),
            ("", None),
            ("deu, den", None),
            (&"sv,".repeat(5_000), None),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn a_tag_names_its_language_and_nothing_else_does() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.tag()), Some(language));
            assert_eq!(Language::accepted(language.tag()), Some(language));
        }
        assert_eq!(Language::parse("DE"), None);
        assert_eq!(Language::parse(""), None);
    }
}
