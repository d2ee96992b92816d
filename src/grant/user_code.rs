//! The code that a person types (RFC 8628 §6.1).

use core::fmt;

use rand_core::CryptoRng;

use crate::look_alike::{as_digit, latin};

/// Consonants, which are hard to misread and spell no words (RFC 8628 §6.1). The default.
pub const CONSONANTS: &str = "BCDFGHJKLMNPQRSTVWXZ";
/// For people who cannot easily type Latin letters (RFC 8628 §6.1).
pub const DIGITS: &str = "0123456789";
/// Number of symbols added to new codes while wrong entries times live codes exceed
/// [`allowed_exposure`](crate::limiter::budgets::allowed_exposure).
pub const EXTRA_SYMBOLS: usize = 2;
/// Codes need at least this many bits of entropy: those of eight consonants (20^8), rounded down.
pub const FLOOR_BITS: f64 = 34.5;
/// Codes that consist of digits need at least this many digits.
pub const DIGITS_FLOOR: usize = 12;

/// The most symbols that a code can have, apart from the [`EXTRA_SYMBOLS`].
const LONGEST: usize = 24;

/// The form of user codes: their symbols and their length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shape {
    alphabet: String,
    length: usize,
}

/// Why a shape is refused. Displays as a sentence for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadShape {
    /// This symbol appears twice in the alphabet, which would make it likelier than the others.
    Repeated(char),
    /// This symbol is neither a capital letter A–Z nor a digit.
    Symbol(char),
    /// The alphabet has fewer than two symbols.
    TooFew,
    /// A code would have fewer than 4 or more than 24 symbols.
    Length,
    /// Codes would have less entropy than [`FLOOR_BITS`], or fewer digits than [`DIGITS_FLOOR`].
    Weak {
        /// The length that would suffice with the same alphabet.
        needed: usize,
    },
}

impl fmt::Display for BadShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated(symbol) => write!(f, "{symbol:?} appears twice in the character set"),
            Self::Symbol(symbol) => write!(f, "{symbol:?} is neither a capital letter A-Z nor a digit"),
            Self::TooFew => f.write_str("a character set needs at least two characters"),
            Self::Length => f.write_str("a code must have 4 to 24 characters"),
            Self::Weak { needed } => write!(
                f,
                "such codes are too easy to guess; with this character set, {needed} characters would pass \
                 (ALLOW_WEAK_USER_CODES=true overrides this)"
            ),
        }
    }
}

impl Shape {
    /// Returns the shape of codes with `length` symbols out of `alphabet`.
    ///
    /// # Errors
    ///
    /// [`BadShape`] if the alphabet or the length is not allowed, or, unless `allow_weak`, if codes would be
    /// too easy to guess.
    pub fn new(alphabet: &str, length: usize, allow_weak: bool) -> Result<Self, BadShape> {
        for (at, symbol) in alphabet.char_indices() {
            if !symbol.is_ascii_uppercase() && !symbol.is_ascii_digit() {
                return Err(BadShape::Symbol(symbol));
            }
            if alphabet.char_indices().any(|(other, same)| other > at && same == symbol) {
                return Err(BadShape::Repeated(symbol));
            }
        }
        if alphabet.len() < 2 {
            return Err(BadShape::TooFew);
        }
        if !(4..=LONGEST).contains(&length) {
            return Err(BadShape::Length);
        }
        let shape = Self { alphabet: alphabet.to_owned(), length };
        let needed = shape.floor();
        if length < needed && !allow_weak { Err(BadShape::Weak { needed }) } else { Ok(shape) }
    }

    /// Returns the length that codes with this alphabet need.
    fn floor(&self) -> usize {
        let enough = |length: &usize| self.bits_at(*length) >= FLOOR_BITS;
        let length = (1..=64).find(enough).unwrap_or(64);
        if self.is_digits() { length.max(DIGITS_FLOOR) } else { length }
    }

    /// Returns whether codes are shorter than they need to be, which only `ALLOW_WEAK_USER_CODES` permits.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.length < self.floor()
    }

    /// Returns a shape with digits only that is no easier to guess than this one, as far as 24 digits
    /// suffice. It has at least [`DIGITS_FLOOR`] digits. A shape that has only digits already is returned
    /// unchanged, because that is what the operator configured.
    #[must_use]
    pub fn in_digits(&self) -> Self {
        if self.is_digits() {
            return self.clone();
        }
        let mut shape = Self { alphabet: DIGITS.to_owned(), length: DIGITS_FLOOR };
        while shape.bits() < self.bits() && shape.length < LONGEST {
            shape.length += 1;
        }
        shape
    }

    /// Returns whether every symbol is a digit, so that a phone can show its number pad.
    #[must_use]
    pub fn is_digits(&self) -> bool {
        self.alphabet.bytes().all(|symbol| symbol.is_ascii_digit())
    }

    /// Returns the number of symbols in a code, without the [`EXTRA_SYMBOLS`].
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Returns the entropy of a code in bits, without the [`EXTRA_SYMBOLS`].
    #[must_use]
    pub fn bits(&self) -> f64 {
        self.bits_at(self.length)
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 36 symbols and 64 characters")]
    fn bits_at(&self, length: usize) -> f64 {
        (self.alphabet.len() as f64).log2() * length as f64
    }

    /// Returns the symbol that a typed character stands for. A letter that looks like a digit counts as that digit,
    /// where the alphabet has only the digit.
    fn symbol(&self, typed: char) -> Option<char> {
        let upper = latin(typed).to_ascii_uppercase();
        [upper, as_digit(upper)].into_iter().find(|symbol| self.alphabet.contains(*symbol))
    }
}

/// Why a typed text cannot be a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CodeFlaw {
    /// It has neither a letter nor a digit.
    Nothing,
    /// It has letters of another script, which look like none in a code.
    Script,
    /// It has this letter or digit, which is in no code.
    Symbol(char),
    /// It has too few symbols.
    Short {
        /// The fewest symbols of a code.
        needed: usize,
    },
    /// It has too many symbols.
    Long {
        /// The most symbols of a code.
        longest: usize,
    },
    /// It has more symbols than a usual code, and fewer than a longer one.
    Length {
        /// The number of symbols that were typed.
        typed: usize,
    },
}

impl CodeFlaw {
    /// Returns what is wrong with a text from which no code of this shape can be read.
    fn of(typed: &str, shape: &Shape) -> Self {
        let is_foreign = |symbol: &char| !symbol.is_ascii() && !matches!(symbol, '\u{c0}'..='\u{24f}');
        let mut signs = typed.chars().filter(|symbol| latin(*symbol).is_alphanumeric()).peekable();
        if signs.peek().is_none() {
            return Self::Nothing;
        }
        if signs.clone().any(|symbol| is_foreign(&latin(symbol))) {
            return Self::Script;
        }
        if let Some(stray) = signs.clone().find(|symbol| shape.symbol(*symbol).is_none()) {
            return Self::Symbol(stray);
        }
        let (typed, needed) = (signs.count(), shape.length);
        let longest = needed + EXTRA_SYMBOLS;
        if typed < needed {
            Self::Short { needed }
        } else if typed > longest {
            Self::Long { longest }
        } else {
            Self::Length { typed }
        }
    }
}

/// A user code in canonical form: only symbols of its [`Shape`], without separators.
#[derive(Clone, Eq, PartialEq)]
pub struct UserCode(String);

impl UserCode {
    /// Draws a code uniformly at random, with [`EXTRA_SYMBOLS`] if `longer`.
    pub fn draw(shape: &Shape, longer: bool, rng: &mut impl CryptoRng) -> Self {
        let length = if longer { shape.length + EXTRA_SYMBOLS } else { shape.length };
        Self((0..length).map(|_| draw_symbol(shape.alphabet.as_bytes(), rng)).collect())
    }

    /// Reads a code as a person typed it, ignoring case, spaces, punctuation and stray characters. Returns
    /// `None` if the number of symbols is wrong.
    ///
    /// ```
    /// use device_grant::grant::user_code::{CONSONANTS, Shape, UserCode};
    ///
    /// let shape = Shape::new(CONSONANTS, 8, false).unwrap();
    /// let code = UserCode::parse(" wdjb mjht ", &shape).unwrap();
    /// assert_eq!(code.to_string(), "WDJB-MJHT");
    /// assert!(UserCode::parse("AEIO-UAEI", &shape).is_none(), "vowels are not in the alphabet");
    /// ```
    #[must_use]
    pub fn parse(typed: &str, shape: &Shape) -> Option<Self> {
        let longest = shape.length + EXTRA_SYMBOLS;
        let code: String = typed.chars().filter_map(|typed| shape.symbol(typed)).take(longest + 1).collect();
        let fits = code.len() == shape.length || code.len() == longest;
        fits.then_some(Self(code))
    }

    /// Reads a code as a person typed it, where codes have `shape` or, for some clients, only digits.
    #[must_use]
    pub fn parse_either(typed: &str, shape: &Shape) -> Option<Self> {
        Self::read_either(typed, shape).ok()
    }

    /// Does what [`UserCode::parse_either`] does, and says why a text is not a code.
    ///
    /// Text without letters is first read as digits, because a mixed alphabet that lacks some digit would
    /// drop it.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, as a code of the kind that it looks like.
    pub fn read_either(typed: &str, shape: &Shape) -> Result<Self, CodeFlaw> {
        let digits = shape.in_digits();
        let has_letters = typed.chars().map(latin).any(char::is_alphabetic);
        let (likely, other) = if has_letters { (shape, &digits) } else { (&digits, shape) };
        let code = Self::parse(typed, likely).or_else(|| Self::parse(typed, other));
        code.ok_or_else(|| CodeFlaw::of(typed, likely))
    }

    /// Returns a placeholder that shows what codes look like: `XXXX-XXXX`.
    #[must_use]
    pub fn example(shape: &Shape) -> Self {
        Self(if shape.is_digits() { "0" } else { "X" }.repeat(shape.length))
    }

    /// Returns the symbols without separators. The address of the grant is computed from them.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.0
    }
}

/// Displays the code in groups of about four symbols, longer groups first: `XXXX-XXXX`, `XXXX-XXX-XXX`.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = (self.0.len() + 2) / 4;
        let mut symbols = self.0.chars();
        for group in 0..groups.max(1) {
            if group > 0 {
                f.write_str("-")?;
            }
            let size = symbols.as_str().len().div_ceil(groups.max(1) - group);
            for symbol in symbols.by_ref().take(size) {
                write!(f, "{symbol}")?;
            }
        }
        Ok(())
    }
}

/// Hides the code, because it is a credential while it is live.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(..)")
    }
}

/// Draws by rejection sampling: `byte % 20` alone would favor the first sixteen symbols.
fn draw_symbol(alphabet: &[u8], rng: &mut impl CryptoRng) -> char {
    let fair = 256 - 256 % alphabet.len();
    loop {
        let mut byte = [0];
        rng.fill_bytes(&mut byte);
        let byte = usize::from(byte[0]);
        if byte < fair
            && let Some(symbol) = alphabet.get(byte % alphabet.len())
        {
            return char::from(*symbol);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn shape() -> Shape {
        Shape::new(CONSONANTS, 8, false).unwrap()
    }

    #[test]
    fn every_spelling_of_a_code_is_the_same_code() {
        for typed in [
            "WDJB-MJHT",
            "wdjbmjht",
            " wdjb mjht ",
            "W.D.J.B/M_J_H_T",
            "ＷＤＪＢ－ＭＪＨＴ",
            "WDJВ–МЈНТ",
            "WDJB-MJHT!!aeiou",
        ] {
            assert_eq!(UserCode::parse(typed, &shape()).unwrap().canonical(), "WDJBMJHT", "{typed}");
        }
    }

    #[test]
    fn codes_that_are_too_short_or_too_long_are_refused() {
        for typed in ["", "WDJB", "WDJB-MJHTW", "WDJB-MJHT-WDJB", "\0"] {
            assert!(UserCode::parse(typed, &shape()).is_none(), "{typed:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_code_says_why() {
        let flaw = |typed: &str| UserCode::read_either(typed, &shape()).expect_err(typed);

        assert_eq!(flaw(""), CodeFlaw::Nothing);
        assert_eq!(flaw(" -- "), CodeFlaw::Nothing);
        assert_eq!(flaw("WDJB"), CodeFlaw::Short { needed: 8 });
        assert_eq!(flaw("WDJB-MJHT-W"), CodeFlaw::Length { typed: 9 });
        assert_eq!(flaw("WDJB-MJHT-WDJB"), CodeFlaw::Long { longest: 10 });
        assert_eq!(flaw("ЦДЖБ-МЖХТ"), CodeFlaw::Script);
        assert_eq!(flaw("コード"), CodeFlaw::Script);
        assert_eq!(flaw("WDJA-MJHT"), CodeFlaw::Symbol('A'));
        assert_eq!(flaw("WDJÉ-MJHT"), CodeFlaw::Symbol('É'));
        assert_eq!(flaw("1234"), CodeFlaw::Short { needed: 12 }, "some clients have codes of digits");
    }

    #[test]
    fn digits_of_other_scripts_are_read() {
        let digits = Shape::new(DIGITS, 12, false).unwrap();

        assert_eq!(UserCode::parse("١٢٣٤-٥٦٧٨-٩٠١٢", &digits).unwrap().canonical(), "123456789012");
        assert_eq!(UserCode::parse("۱۲۳۴ ۵۶۷۸ ۹۰۱۲", &digits).unwrap().canonical(), "123456789012");
    }

    #[test]
    fn a_letter_counts_as_a_digit_only_where_the_alphabet_has_no_such_letter() {
        let read = |typed, alphabet| {
            let shape = Shape::new(alphabet, 4, true).unwrap();
            UserCode::parse(typed, &shape).map(|code| code.canonical().to_owned())
        };

        assert_eq!(read("o1BC", "BC01").as_deref(), Some("01BC"));
        assert_eq!(read("o1BC", "BCO01").as_deref(), Some("O1BC"));
    }

    #[test]
    fn in_a_code_of_digits_letters_that_look_like_digits_are_read_as_them() {
        let digits = Shape::new(DIGITS, 12, false).unwrap();

        let code = UserCode::parse("o1l2-3456-7890", &digits).unwrap();

        assert_eq!(code.to_string(), "0112-3456-7890");
    }

    #[test]
    fn u9_digits_are_as_hard_to_guess_as_the_configured_codes() {
        let length =
            |alphabet: &str, length| Shape::new(alphabet, length, true).unwrap().in_digits().length();

        assert_eq!(length(CONSONANTS, 8), 12, "39.9 bits instead of 34.6");
        assert_eq!(length(CONSONANTS, 10), 14, "46.5 bits instead of 43.2");
        assert_eq!(length("BCDFGHJKLM", 14), 14, "ten letters are as hard to guess as ten digits");
        assert_eq!(length("ABCD1234", 4), 12, "digits have their own floor, even if codes are weak");
        assert_eq!(length("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 24), 24);
        assert_eq!(length(DIGITS, 9), 9, "configured digits stay as they are");
    }

    #[test]
    fn u9_either_kind_of_code_is_read() {
        let plain = shape();
        let mixed = Shape::new("BCDFGHJKLMNPQRSTVWXZ23456789", 8, false).unwrap();
        let read =
            |typed, shape| UserCode::parse_either(typed, shape).map(|code| code.canonical().to_owned());

        assert_eq!(read("wdjb mjht", &plain).as_deref(), Some("WDJBMJHT"));
        assert_eq!(read("1234 5678-9012", &plain).as_deref(), Some("123456789012"));
        assert_eq!(read("I234-5678-9O12", &plain).as_deref(), Some("123456789012"), "letters read as digits");
        assert_eq!(read("1001-2345-6789", &mixed).as_deref(), Some("100123456789"), "not 23456789");
        assert_eq!(read("2345-6789", &mixed).as_deref(), Some("23456789"));
        assert_eq!(read("WDJB-2345", &mixed).as_deref(), Some("WDJB2345"));
        assert_eq!(read("1234", &plain), None);
    }

    #[test]
    fn codes_are_shown_in_groups_of_about_four() {
        let shown = |code: &str| UserCode(code.to_owned()).to_string();

        assert_eq!(shown("WDJBMJHT"), "WDJB-MJHT");
        assert_eq!(shown("WDJBMJHTBC"), "WDJB-MJH-TBC");
        assert_eq!(shown("123456789"), "12345-6789");
    }

    #[test]
    fn symbols_are_drawn_evenly() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut counts = [0_u32; 20];

        for _ in 0..20_000 {
            for symbol in UserCode::draw(&shape(), false, &mut rng).canonical().chars() {
                counts[CONSONANTS.find(symbol).unwrap()] += 1;
            }
        }

        // Chi-squared with 19 degrees of freedom: a fair generator exceeds 43.8 once in a thousand runs.
        let expected = 20_000.0 * 8.0 / 20.0;
        let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!(chi < 43.8, "{chi}");
    }

    #[test]
    fn a_shape_below_the_floor_says_what_would_pass() {
        assert_eq!(Shape::new("ABCD1234", 7, false), Err(BadShape::Weak { needed: 12 }));
        assert_eq!(Shape::new(DIGITS, 9, false), Err(BadShape::Weak { needed: 12 }));
        assert_eq!(Shape::new("01", 12, false), Err(BadShape::Weak { needed: 35 }), "one bit per digit");
        assert!(Shape::new("ABCD1234", 7, true).unwrap().is_weak());
        assert!(!shape().is_weak());
    }

    #[test]
    fn a_shape_with_repeated_or_strange_characters_is_refused() {
        assert_eq!(Shape::new("BCDB", 24, true), Err(BadShape::Repeated('B')));
        assert_eq!(Shape::new("bcdf", 24, true), Err(BadShape::Symbol('b')));
        assert_eq!(Shape::new("", 8, true), Err(BadShape::TooFew));
        assert_eq!(Shape::new(CONSONANTS, 3, true), Err(BadShape::Length));
    }
}
