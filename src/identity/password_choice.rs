//! Whether a password may be chosen: neither too short nor easy to guess (NIST SP 800-63B §3.1.1.2).

use core::ops::RangeInclusive;

use crate::order;

/// Allowed lengths in characters.
pub const LENGTH: RangeInclusive<usize> = 12..=256;
/// Letters that a password must have besides common words, names and runs of keys.
const REST: usize = 5;

/// Why a password is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasswordFlaw {
    /// It is not as long as [`LENGTH`] allows.
    Length,
    /// It consists of common words, of the person's names, of runs of keys, or of few different characters.
    Common,
}

/// Judges a new password. `names` are the username, the full name, and whatever else strangers can know.
///
/// # Errors
///
/// Why the password is refused.
pub fn judge(password: &str, names: &[&str]) -> Result<(), PasswordFlaw> {
    if !LENGTH.contains(&password.chars().count()) {
        return Err(PasswordFlaw::Length);
    }
    let letters = letters(password);
    let names = names.iter().flat_map(|name| name.split(|symbol: char| !symbol.is_alphanumeric()));
    let names: Vec<String> = names.map(self::letters).filter(|name| name.chars().count() > 2).collect();
    let words = COMMON.split_whitespace().chain(names.iter().map(String::as_str));
    let rest = words.fold(letters, |rest, word| rest.replace(word, " "));
    let mut different: Vec<char> = rest.chars().filter(|symbol| *symbol != ' ').collect();
    order::sort(&mut different);
    different.dedup();
    if different.len() < REST { Err(PasswordFlaw::Common) } else { Ok(()) }
}

/// Returns the letters in lower case. Digits and signs that look like letters count as these; the others are left out,
/// because most people add them at the end.
fn letters(text: &str) -> String {
    let letter = |symbol: char| match symbol {
        '0' => Some('o'),
        '1' | '!' | '|' => Some('i'),
        '3' => Some('e'),
        '4' | '@' => Some('a'),
        '5' | '$' => Some('s'),
        '7' => Some('t'),
        _ => symbol.is_alphabetic().then_some(symbol),
    };
    text.trim().to_lowercase().chars().filter_map(letter).collect()
}

/// Words that lists of leaked passwords have most often, and the rows of keyboards. Longer words come before those that
/// they contain.
const COMMON: &str = "
    abcdefghijklmnopqrstuvwxyz abcdefghijkl abcdefgh abcdef qwertyuiop qwertyui qwertz qwerty azerty asdfghjkl asdfgh
    zxcvbnm zxcvbn yxcvbnm oiea ieas
    passwords password passwort passwoerter motdepasse contrasena contraseña senha passphrase passwd
    administrator administrador administrateur admin root toor user benutzer guest gast test default changeme letmein
    welcome willkommen bienvenue bienvenido bemvindo hello hallo bonjour hola login master secret geheim server system
    company firma office computer internet google facebook microsoft windows apple samsung android linkedin amazon
    iloveyou loveyou ichliebedich jetaime teamo love liebe lovely forever sweetheart darling honey baby angel princess
    sunshine flower butterfly rainbow summer sommer winter spring autumn january february march april june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday
    dragon monkey tiger eagle shadow superman batman spiderman pokemon starwars naruto minecraft fortnite football
    fussball futebol baseball basketball soccer hockey liverpool chelsea arsenal barcelona realmadrid juventus
    michael jennifer jessica jordan thomas daniel charlie andrew joshua matthew ashley michelle robert nicole hunter
    trustno one freedom whatever nothing cheese chocolate coffee pepper ginger cookie banana orange purple
    killer computer mustang ferrari porsche mercedes harley corvette yankees cowboys ranger soldier
    correct horse battery staple wonderland
";

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), PasswordFlaw> {
        judge(password, &["alice", "Alice Liddell", "alice.l@example.com"])
    }

    #[test]
    fn a_password_has_12_to_256_characters_whatever_they_are() {
        assert_eq!(judged("kopf-Tisch-9"), Ok(()));
        assert_eq!(judged("kopf-Tisch9"), Err(PasswordFlaw::Length));
        assert_eq!(judged("日本語のパスワードを作る"), Ok(()));
        assert_eq!(judged(&"lantern quietly ".repeat(16)), Ok(()));
        assert_eq!(judged(&"x".repeat(257)), Err(PasswordFlaw::Length));
    }

    #[test]
    fn common_words_names_and_runs_of_keys_are_easy_to_guess() {
        for easy in [
            "password1234",
            "P@ssw0rd!2026",
            "Passwort-Passwort",
            "qwertyuiop[]12",
            "123456789012",
            "aaaaaaaaaaaaaa",
            "ababababababab",
            "iloveyou-2026!",
            "Sommer2026!!!!",
            "AliceLiddell99",
            "alice-password",
            "correct horse battery staple",
            "            ",
        ] {
            assert_eq!(judged(easy), Err(PasswordFlaw::Common), "{easy}");
        }
        assert_eq!(judged("7rus7no1-7rus7no1"), Err(PasswordFlaw::Common), "trustno, and one letter more");
        assert_eq!(judged("boxk-boxk-boxk"), Err(PasswordFlaw::Common), "four letters");
        for good in
            ["lantern quietly drums", "my password is turnips", "ze8-kdpw-q2rm-vy", "boxkq-boxkq-boxkq"]
        {
            assert_eq!(judged(good), Ok(()), "{good}");
        }
    }
    #[test]
    fn a_name_of_three_letters_is_easy_to_guess_and_one_of_two_occurs_in_many_words() {
        assert_eq!(judge("boxkq-boxkq-boxkq", &["bo"]), Ok(()));
        assert_eq!(judge("boxkq-boxkq-boxkq", &["box"]), Err(PasswordFlaw::Common));
    }
}
