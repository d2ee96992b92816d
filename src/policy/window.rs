//! When a rule applies: on which days, at which hours, and between which dates.

use serde::{Deserialize, Serialize};

use crate::time::{Timestamp, rfc3339};

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// The longest interval that is compared with days and hours: a week and a day.
const LONGEST: i64 = 8 * DAY;
/// Half of what an `i64` holds, so that sums of instants and offsets fit.
const LATEST: i64 = i64::MAX / 2;

/// An interval from `from` to `until`, or the instant `from` if that is not before `until`.
#[expect(missing_docs, reason = "the type's comment says what they are")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Span {
    /// Returns an instant.
    #[must_use]
    pub const fn at(instant: Timestamp) -> Self {
        Self { from: instant, until: instant }
    }

    /// Returns the interval in milliseconds, of one millisecond at least.
    fn bounds(self) -> (i64, i64) {
        let from = millis(self.from);
        (from, millis(self.until).max(from + 1))
    }
}

/// A day of the week.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// Every day, with the word for it in a rule, from Monday on.
    pub const ALL: [(&str, Self); 7] = [
        ("mon", Self::Mon),
        ("tue", Self::Tue),
        ("wed", Self::Wed),
        ("thu", Self::Thu),
        ("fri", Self::Fri),
        ("sat", Self::Sat),
        ("sun", Self::Sun),
    ];

    /// Returns the day of the week of a day that is counted from 1970-01-01, a Thursday.
    fn of(day: i64) -> Self {
        let index = usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default();
        Self::ALL.get(index).map_or(Self::Mon, |(_, day)| *day)
    }
}

/// A time of day in minutes. Written as in `08:00`; `24:00` is the end of the day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Clock(u16);

impl Clock {
    fn parse(text: &str) -> Option<Self> {
        let minutes = minutes(text)?;
        (minutes <= 24 * 60).then_some(Self(minutes))
    }

    /// Returns whether this is the end of a day, at which no hours can begin.
    const fn is_end(self) -> bool {
        self.0 == 24 * 60
    }
}

/// The difference of a local time from UTC in minutes. Written as in `+01:00`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset(i16);

impl Offset {
    /// What an offset may look like, for errors.
    pub const ALLOWED: &str = "a difference from UTC of at most 14 hours, such as \"+01:00\"";

    /// Reads a sign and a time of at most 14 hours; `None` for text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, rest) =
            text.strip_prefix('+').map(|rest| (1, rest)).or_else(|| Some((-1, text.strip_prefix('-')?)))?;
        let minutes = i16::try_from(minutes(rest)?).ok()?;
        (minutes <= 14 * 60).then_some(Self(sign * minutes))
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_utc(&self) -> bool {
        self.0 == 0
    }
}

/// Reads `hh:mm`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes)
}

fn written(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl From<Clock> for String {
    fn from(Clock(minutes): Clock) -> Self {
        written(minutes)
    }
}

impl From<Offset> for String {
    fn from(Offset(minutes): Offset) -> Self {
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{}", written(minutes.unsigned_abs()))
    }
}

impl TryFrom<String> for Offset {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(Self::ALLOWED)
    }
}

/// Hours of a day, as in `08:00-18:00`. If they end before they begin, they end on the next day.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    from: Clock,
    to: Clock,
}

impl Hours {
    /// What hours may look like, for errors.
    pub const ALLOWED: &str =
        "two different times of day with a hyphen between them, such as \"08:00-18:00\"";

    /// Reads hours; `None` for text of another form, and for hours that end when they begin.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (Clock::parse(from)?, Clock::parse(to)?);
        (from != to && !from.is_end()).then_some(Self { from, to })
    }

    /// Returns whether the hours end on the day after the one on which they begin.
    const fn is_overnight(self) -> bool {
        self.to.0 <= self.from.0
    }
}

impl From<Hours> for String {
    fn from(Hours { from, to }: Hours) -> Self {
        format!("{}-{}", Self::from(from), Self::from(to))
    }
}

impl TryFrom<String> for Hours {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(Self::ALLOWED)
    }
}

/// When a rule applies. Every member that is set must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Window {
    /// The days on which the hours begin; empty for every day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// The hours of those days; `None` for the whole day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Where days and hours are counted.
    #[serde(skip_serializing_if = "Offset::is_utc")]
    pub offset: Offset,
    /// The first instant.
    #[serde(skip_serializing_if = "Option::is_none", with = "rfc3339::optional")]
    pub not_before: Option<Timestamp>,
    /// The instant after the last one.
    #[serde(skip_serializing_if = "Option::is_none", with = "rfc3339::optional")]
    pub before: Option<Timestamp>,
}

impl Window {
    /// Returns whether an interval is in the window; `None` if only a part of it is.
    #[must_use]
    pub fn holds(&self, span: Span) -> Option<bool> {
        match (self.dates(span), self.weekly(span)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            (None, _) | (_, None) => None,
        }
    }

    fn dates(&self, span: Span) -> Option<bool> {
        let (from, until) = span.bounds();
        let first = self.not_before.map_or(from, millis);
        let last = self.before.map_or(until, millis);
        covered(overlap((from, until), (first, last)), until - from)
    }

    fn weekly(&self, span: Span) -> Option<bool> {
        if self.days.is_empty() && self.hours.is_none() {
            return Some(true);
        }
        let offset = i64::from(self.offset.0) * MINUTE;
        let (from, until) = span.bounds();
        let (from, until) = (from + offset, until + offset);
        if until - from > LONGEST {
            return None;
        }
        let mut day = from.div_euclid(DAY);
        // The hours that are open then may have begun on the day before.
        day -= i64::from(self.hours.is_some_and(Hours::is_overnight));
        let mut open = 0;
        while day * DAY < until {
            if self.has(day) {
                open += overlap((from, until), self.of_day(day));
            }
            day += 1;
        }
        covered(open, until - from)
    }

    fn has(&self, day: i64) -> bool {
        self.days.is_empty() || self.days.contains(&Day::of(day))
    }

    /// Returns the hours that begin on a day, in local milliseconds since 1970.
    fn of_day(&self, day: i64) -> (i64, i64) {
        let begin = day * DAY;
        let Some(hours) = self.hours else { return (begin, begin + DAY) };
        let at = |Clock(minutes)| begin + i64::from(minutes) * MINUTE;
        (at(hours.from), at(hours.to) + if hours.is_overnight() { DAY } else { 0 })
    }
}

fn overlap(one: (i64, i64), other: (i64, i64)) -> i64 {
    (one.1.min(other.1) - one.0.max(other.0)).max(0)
}

/// Returns whether a part covers the `whole`; `None` if it covers some of it.
fn covered(part: i64, whole: i64) -> Option<bool> {
    if part == whole { Some(true) } else { (part == 0).then_some(false) }
}

fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.millis()).unwrap_or(LATEST).min(LATEST)
}

#[cfg(test)]
mod tests;
