//! Characters that look like a Latin letter or a digit.
//!
//! The tables have only what people can type on the keyboards of their languages, and what looks the same in the case
//! that is typed: the Greek letter nu is a look-alike of N as a capital, but not as a small letter.

/// Latin letters, each with the Cyrillic, Greek and other letters that look like it.
const LETTERS: [(char, &str); 21] = [
    ('A', "АаΑα"),
    ('B', "ВвΒβ"),
    ('C', "Ссϲ"),
    ('E', "ЕеΕε"),
    ('G', "Ԍԍ"),
    ('H', "НнΗ"),
    ('I', "ІіΙι"),
    ('J', "Јј"),
    ('K', "КкΚκ"),
    ('L', "Լ"),
    ('M', "МмΜ"),
    ('N', "Ν"),
    ('O', "ОоΟο"),
    ('P', "РрΡρ"),
    ('Q', "Ԛԛ"),
    ('S', "Ѕѕ"),
    ('T', "ТтΤτ"),
    ('W', "Ԝԝ"),
    ('X', "ХхΧχ"),
    ('Y', "УуΥҮү"),
    ('Z', "Ζζ"),
];

/// The zeros of the scripts whose digits are folded: Arabic, Persian, Devanagari, Bengali and Thai.
const ZEROS: [char; 5] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}'];

/// Returns the Latin letter or the digit that a character looks like or stands for; any other character unchanged.
#[must_use]
pub fn latin(symbol: char) -> char {
    match symbol {
        // Full-width characters, which some keyboards type instead.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(symbol) - 0xfee0).unwrap_or(symbol),
        _ if symbol.is_ascii() => symbol,
        _ => digit(symbol).or_else(|| letter(symbol)).unwrap_or(symbol),
    }
}

fn letter(symbol: char) -> Option<char> {
    LETTERS.iter().find(|(_, others)| others.contains(symbol)).map(|(letter, _)| *letter)
}

fn digit(symbol: char) -> Option<char> {
    ZEROS.iter().find_map(|zero| char::from_digit(u32::from(symbol).checked_sub(u32::from(*zero))?, 10))
}

/// Returns the digit that a letter looks like (RFC 8628 §6.1).
#[must_use]
pub const fn as_digit(letter: char) -> char {
    match letter {
        'O' => '0',
        'I' | 'L' => '1',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_the_same_is_folded() {
        let folded = |text: &str| text.chars().map(latin).collect::<String>();

        assert_eq!(folded("ＷＤＪＢ－１"), "WDJB-1");
        assert_eq!(folded("٠١٢٣٤٥٦٧٨٩ ۰۹ ०९"), "0123456789 09 09");
        assert_eq!(folded("СВТ свт ХР"), "CBT CBT XP", "Cyrillic");
        assert_eq!(folded("ΒΗΜ"), "BHM", "Greek capitals");
        assert_eq!(folded("νημ дж"), "νημ дж", "small letters that look like others, or like none");
    }
}
