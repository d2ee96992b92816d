//! The part of reading that does not depend on the type that is read.

use super::kind::Kind;

/// How deep lists and objects may be inside each other, so that no text exhausts the stack.
const DEPTH: u8 = 127;

/// A text, up to where it has been read.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Open lists and objects.
    depth: u8,
    /// The last string that was written with escapes.
    unescaped: String,
}

/// A number. A whole one that fits no integer is a [`Number::Float`].
pub(super) enum Number {
    Natural(u64),
    Negative(i64),
    Float(f64),
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, unescaped: String::new() }
    }

    /// Returns how many bytes have been read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), Kind> {
        match self.peek() {
            Ok(_) => Err(Kind::Syntax),
            Err(_) => Ok(()),
        }
    }

    /// Returns the first byte of what comes next, after white space.
    pub(super) fn peek(&mut self) -> Result<u8, Kind> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Kind::End)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Returns what is wrong if something else was expected here than what comes next.
    fn other(&mut self) -> Kind {
        match self.peek() {
            Ok(b'"' | b'[' | b'{' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => Kind::Data,
            Ok(_) => Kind::Syntax,
            Err(end) => end,
        }
    }

    /// Reads the bracket that begins a list or an object.
    pub(super) fn open(&mut self, bracket: u8) -> Result<(), Kind> {
        if self.peek()? != bracket {
            return Err(self.other());
        }
        if self.depth == DEPTH {
            return Err(Kind::Syntax);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Reads the bracket that ends a list or an object.
    pub(super) fn close(&mut self, bracket: u8) -> Result<(), Kind> {
        self.mark(bracket)?;
        self.depth -= 1;
        Ok(())
    }

    /// Returns whether a list or an object that ends with `bracket` goes on. Reads the comma before what comes next.
    pub(super) fn goes_on(&mut self, bracket: u8, first: &mut bool) -> Result<bool, Kind> {
        if self.peek()? == bracket {
            return Ok(false);
        }
        if !core::mem::take(first) {
            self.mark(b',')?;
        }
        Ok(true)
    }

    /// Reads the colon after the name of a member.
    pub(super) fn colon(&mut self) -> Result<(), Kind> {
        self.mark(b':')
    }

    fn mark(&mut self, mark: u8) -> Result<(), Kind> {
        if self.peek()? != mark {
            return Err(Kind::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn null(&mut self) -> Result<(), Kind> {
        self.word("null")
    }

    pub(super) fn truth(&mut self) -> Result<bool, Kind> {
        let truth = self.peek()? == b't';
        self.word(if truth { "true" } else { "false" })?;
        Ok(truth)
    }

    fn word(&mut self, word: &str) -> Result<(), Kind> {
        let first = self.peek()?;
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            // A word that only begins as this one is no JSON at all.
            return Err(if word.as_bytes().first() == Some(&first) { Kind::Syntax } else { self.other() });
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<Number, Kind> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.other());
        }
        let begin = self.at;
        let is_negative = self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        let fraction = self.takes(b'.');
        if fraction {
            self.digits()?;
        }
        let exponent = self.takes(b'e') || self.takes(b'E');
        if exponent {
            let _sign = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        let written = self.text.get(begin..self.at).unwrap_or_default();
        parsed(written, is_negative, fraction || exponent)
    }

    /// Reads one or more digits.
    fn digits(&mut self) -> Result<(), Kind> {
        let begin = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if begin < self.at { Ok(()) } else { Err(self.byte().map_or(Kind::End, |_| Kind::Syntax)) }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.byte() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    pub(super) fn string(&mut self) -> Result<&str, Kind> {
        if self.peek()? != b'"' {
            return Err(self.other());
        }
        self.at += 1;
        let begin = self.at;
        let plain = self.plain()?;
        if self.takes(b'"') {
            return Ok(plain);
        }
        let mut whole = core::mem::take(&mut self.unescaped);
        whole.clear();
        whole.push_str(self.text.get(begin..self.at).unwrap_or_default());
        while !self.takes(b'"') {
            // `plain` stops at a quotation mark, or here.
            self.at += 1;
            whole.push(self.escaped()?);
            whole.push_str(self.plain()?);
        }
        self.unescaped = whole;
        Ok(&self.unescaped)
    }

    /// Reads what comes before the next quotation mark or backslash.
    fn plain(&mut self) -> Result<&'a str, Kind> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f));
        let Some(length) = length else {
            self.at = self.text.len();
            return Err(Kind::End);
        };
        self.at += length;
        if self.byte().is_some_and(|byte| byte < 0x20) {
            Err(Kind::Syntax)
        } else {
            Ok(rest.get(..length).unwrap_or_default())
        }
    }

    /// Reads what follows a backslash.
    fn escaped(&mut self) -> Result<char, Kind> {
        let byte = self.byte().ok_or(Kind::End)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.character(),
            _ => return Err(Kind::Syntax),
        })
    }

    /// Reads one UTF-16 code unit, or the two of a character beyond U+FFFF.
    fn character(&mut self) -> Result<char, Kind> {
        let first = self.unit()?;
        if !matches!(first, 0xd800..=0xdbff) {
            return char::from_u32(first).ok_or(Kind::Syntax);
        }
        if !(self.takes(b'\\') && self.takes(b'u')) {
            return Err(Kind::Syntax);
        }
        match self.unit()? {
            second @ 0xdc00..=0xdfff => {
                char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Kind::Syntax)
            }
            _ => Err(Kind::Syntax),
        }
    }

    /// Reads four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Kind> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.byte().ok_or(Kind::End)?).to_digit(16).ok_or(Kind::Syntax)?;
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    /// Reads a value of which nothing is needed.
    pub(super) fn skip(&mut self) -> Result<(), Kind> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'[' => self.skip_each(b'[', b']', Self::skip),
            b'{' => self.skip_each(b'{', b'}', |scanner| {
                scanner.string()?;
                scanner.colon()?;
                scanner.skip()
            }),
            b'n' => self.null(),
            b't' | b'f' => self.truth().map(drop),
            _ => self.number().map(drop),
        }
    }

    fn skip_each(
        &mut self,
        open: u8,
        close: u8,
        skip: fn(&mut Self) -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        self.open(open)?;
        let mut first = true;
        while self.goes_on(close, &mut first)? {
            skip(self)?;
        }
        self.close(close)
    }
}

fn parsed(written: &str, is_negative: bool, is_float: bool) -> Result<Number, Kind> {
    if !is_float {
        if is_negative {
            // -0 is not 0.
            if let Some(number) = written.parse().ok().filter(|number| *number != 0) {
                return Ok(Number::Negative(number));
            }
        } else if let Ok(number) = written.parse() {
            return Ok(Number::Natural(number));
        }
    }
    written.parse().ok().filter(|number: &f64| number.is_finite()).map(Number::Float).ok_or(Kind::Syntax)
}
