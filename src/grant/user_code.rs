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

    /// Returns the shape of which `code` is one, where codes have this shape or, for some clients, only digits. A code of
    /// digits that fits both counts as one of digits.
    pub(super) fn of(&self, code: &UserCode) -> Self {
        let digits = self.in_digits();
        let is_digits = code.0.bytes().all(|symbol| symbol.is_ascii_digit());
        if is_digits && digits.fits(code.0.len()) { digits } else { self.clone() }
    }

    fn fits(&self, length: usize) -> bool {
        length == self.length || length == self.length + EXTRA_SYMBOLS
    }

    /// Returns the number of different symbols.
    pub(super) fn radix(&self) -> u8 {
        u8::try_from(self.alphabet.len()).unwrap_or(u8::MAX)
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
        shape.fits(code.len()).then_some(Self(code))
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

    /// Returns the code whose symbols have these positions in the alphabet.
    pub(super) fn from_positions(shape: &Shape, positions: &[u8]) -> Self {
        let symbol = |at: &u8| shape.alphabet.as_bytes().get(usize::from(*at)).copied().map(char::from);
        Self(positions.iter().filter_map(symbol).collect())
    }

    /// Returns the positions of the symbols in the alphabet.
    pub(super) fn positions(&self, shape: &Shape) -> Vec<u8> {
        let position = |symbol: u8| shape.alphabet.bytes().position(|other| other == symbol);
        self.0.bytes().filter_map(position).filter_map(|at| u8::try_from(at).ok()).collect()
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
mod tests;
