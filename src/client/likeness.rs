//! Names that look alike, and words that a client that registers itself must not have in its name.
//!
//! A name is compared by its skeleton: case, accents, spaces and punctuation do not count, and letters of other scripts
//! count as the Latin ones that they look like. See `docs/decisions/0037-clients-of-mcp-servers.md`.

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::uts46::Uts46MapperBorrowed;

use crate::look_alike::latin;

/// Words with which a program would speak for the service. Compared by their skeletons.
const RESERVED: [&str; 13] = [
    "admin",
    "administrator",
    "authentication",
    "helpdesk",
    "login",
    "official",
    "password",
    "security",
    "service desk",
    "sign in",
    "support",
    "verification",
    "verified",
];

/// Returns the reserved word in a name, or the name of the service that it equals. A reserved word counts only as a whole
/// word of the name, or as several of them: `Sup Port`, but not `Supporter`.
#[must_use]
pub fn reserved<'a>(name: &str, service: &[&'a str]) -> Option<&'a str> {
    let words = words(name);
    let ends = |from: usize| (from + 1..=words.len()).map(move |to| from..to);
    let runs = (0..words.len()).flat_map(ends).filter_map(|run| words.get(run));
    let parts: Vec<String> = runs.map(<[String]>::concat).collect();
    let whole = words.concat();
    let is_in = |word: &&str| parts.contains(&skeleton(word));
    let is_same = |word: &&&str| skeleton(word) == whole;
    RESERVED.iter().copied().find(is_in).or_else(|| service.iter().find(is_same).copied())
}

/// Returns what is left of a name when everything is removed that people overlook.
#[must_use]
pub fn skeleton(name: &str) -> String {
    words(name).concat()
}

/// Returns the skeletons of the words of a name.
fn words(name: &str) -> Vec<String> {
    let (fold, decompose) = (Uts46MapperBorrowed::new(), DecomposingNormalizerBorrowed::new_nfd());
    let decomposed = decompose.normalize_iter(fold.map_normalize(name.chars().map(latin)));
    let plain: String = decomposed.filter(|symbol| !is_mark(*symbol)).map(latin).collect();
    let words = plain.split(|symbol: char| !symbol.is_alphanumeric() && symbol != '|');
    words.filter(|word| !word.is_empty()).map(alike).collect()
}

/// Returns whether a character is one of the accents that decomposed letters have.
const fn is_mark(symbol: char) -> bool {
    matches!(symbol, '\u{300}'..='\u{36f}')
}

/// Replaces letters and digits that look like others.
fn alike(word: &str) -> String {
    let same = |symbol: char| match symbol.to_ascii_lowercase() {
        '0' => 'o',
        '1' | 'l' | '|' => 'i',
        '5' => 's',
        other => other,
    };
    word.chars().map(same).collect::<String>().replace("rn", "m").replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for other in [
            "demo tv",
            "DEMO-TV",
            "DemoTV",
            "Dеmo ТV",
            "Démo TV",
            "Ḍemo TV",
            "Demo  TV!",
            "Ｄemo TV",
            "Derno TV",
        ] {
            assert_eq!(skeleton(other), skeleton("Demo TV"), "{other}");
        }
        for other in ["Demo TV 2", "Demon TV", "Demo", "電視"] {
            assert_ne!(skeleton(other), skeleton("Demo TV"), "{other}");
        }
        assert_ne!(skeleton("電視"), "", "other scripts stay");
    }

    #[test]
    fn reserved_words_are_found_however_they_are_spelled() {
        for (name, word) in [
            ("Example Support", "support"),
            ("Official TV", "official"),
            ("Secur1ty check", "security"),
            ("Ѕuррort", "support"),
            ("Sign-In", "sign in"),
            ("SignIn helper", "sign in"),
            ("Sup Port", "support"),
            ("TV.example.com", "tv.example.com"),
        ] {
            assert_eq!(reserved(name, &["tv.example.com"]), Some(word), "{name}");
        }
        for name in ["TV", "Supporter's club", "Supporťer", "Securities", "Visual Studio Code", "Design Inc"]
        {
            assert_eq!(reserved(name, &["tv.example.com"]), None, "{name}");
        }
    }
}
