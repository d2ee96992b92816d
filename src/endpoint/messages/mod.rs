//! The texts of the pages, in the language of the person who reads them.
//!
//! A text is a line of a file in `messages/`, and a method of [`Messages`]; see `list.rs`. So a page cannot name a
//! message that does not exist, and the compiler warns about a message that no page names. Tests check the rest.

mod catalogue;
mod list;
mod markup;
#[cfg(test)]
mod tests;

use core::time::Duration;

use super::intl::{Intl, Plural, Unit};
use crate::language::Language;
use crate::place::LazyPlace;
use crate::settings::Service;
use crate::time::Timestamp;
pub use markup::Html;
use markup::Value;

/// The messages in one language, with the rules of that language.
#[derive(Clone, Copy)]
pub struct Messages<'a> {
    /// The language of the page.
    pub language: Language,
    /// Whose pages these are.
    pub service: &'a Service,
    /// Path of the issuer, which the addresses of images begin with.
    pub base: &'a str,
    intl: &'a dyn Intl,
    now: Timestamp,
    /// Where the person is, whose time zone the pages use.
    place: &'a LazyPlace,
}

const HOUR: Duration = Duration::from_secs(3_600);
/// After so long, a time of day needs its day.
const HALF_A_DAY: Duration = Duration::from_secs(43_200);

/// A language in the menu.
pub(crate) struct Choice {
    pub(crate) language: Language,
    pub(crate) name: Html,
    pub(crate) is_current: bool,
}

impl<'a> Messages<'a> {
    /// Returns the messages in `language`.
    pub(crate) const fn new(
        language: Language,
        service: &'a Service,
        base: &'a str,
        intl: &'a dyn Intl,
        (now, place): (Timestamp, &'a LazyPlace),
    ) -> Self {
        Self { language, service, base, intl, now, place }
    }

    /// Returns the operator's name for the service, or else what such pages are called.
    pub(crate) fn service(self) -> Html {
        self.service.name.as_deref().map_or_else(|| self.service_name(), Html::isolated)
    }

    /// Returns the same for the title of a window, which has no markup.
    pub(crate) fn service_in_title(self) -> Html {
        self.service.name.as_deref().map_or_else(|| self.service_name(), Html::text)
    }

    /// Returns all languages, each by its own name.
    pub(crate) fn choices(self) -> Vec<Choice> {
        let choice = |language| Choice {
            language,
            name: Self { language, ..self }.language_name(),
            is_current: language == self.language,
        };
        Language::ALL.into_iter().map(choice).collect()
    }

    /// Returns a number as the language writes it.
    pub(crate) fn number(self, number: u64) -> Html {
        Html::text(&self.intl.number(self.language, number))
    }

    /// Returns the name of a country; `None` for what is no country, such as Cloudflare's `T1` for Tor.
    pub(crate) fn country(self, code: &str) -> Option<Html> {
        self.intl.country(self.language, code).map(|name| Html::isolated(&name))
    }

    /// Returns a text such as `2 minutes ago, 14:03 GMT+1`.
    pub(crate) fn when(self, at: Timestamp) -> Html {
        let ago = |number, unit| Html::text(&self.intl.ago(self.language, number, unit));
        let ago = match self.now.since(at).as_secs() {
            0..=9 => self.just_now(),
            seconds @ 10..=59 => ago(seconds, Unit::Second),
            seconds => ago(seconds / 60, Unit::Minute),
        };
        self.time_and_clock(&ago, &self.clock(at))
    }

    /// Returns the same for the last hour; for earlier instants, a text such as `November 27, 2026, 14:03 GMT+1`.
    pub(crate) fn moment(self, at: Timestamp) -> Html {
        if self.now.since(at) < HOUR {
            return self.when(at);
        }
        let day = Html::text(&self.intl.day(self.language, at, self.place.zone.as_deref()));
        self.time_and_clock(&day, &self.clock(at))
    }

    /// Returns a time of day such as `14:03 GMT+1`.
    pub(crate) fn clock(self, at: Timestamp) -> Html {
        Html::text(&self.intl.clock(self.language, at, self.place.zone.as_deref()))
    }

    /// Returns a day such as `November 27, 2026`.
    pub(crate) fn day(self, at: Timestamp) -> Html {
        Html::text(&self.intl.day(self.language, at, self.place.zone.as_deref()))
    }

    /// Says when a link has expired: at what time, or long afterwards on which day.
    pub(crate) fn link_end(self, end: Timestamp) -> Html {
        if self.now.since(end) < HALF_A_DAY {
            return self.link_expired(&self.clock(end));
        }
        self.link_expired_on(&self.day(end))
    }

    /// Returns how long to wait before the next try, rounded up.
    pub(crate) fn wait(self, seconds: u64) -> Html {
        match seconds {
            0..=90 => self.wait_seconds(seconds.max(1)),
            _ => self.wait_minutes(seconds.div_ceil(60)),
        }
    }

    /// Returns when a request expires.
    pub(crate) fn expires(self, minutes: u64) -> Html {
        if minutes == 0 { self.expires_soon() } else { self.expires_in_minutes(minutes) }
    }

    /// Joins texts as a list.
    pub(crate) fn list(self, items: impl Iterator<Item = Html>) -> Html {
        let items: Vec<String> = items.map(Html::into_string).collect();
        Html::trusted(self.intl.list(self.language, &items))
    }

    /// Fills a message in.
    fn fill(self, key: &str, values: &[(&str, Value<'_>)]) -> Html {
        let count = values.iter().find_map(|(_, value)| value.count());
        let text = match count {
            Some(count) => self.plural(key, self.intl.plural(self.language, count)),
            None => catalogue::find(self.language, key),
        };
        let number = |number| self.intl.number(self.language, number);
        markup::fill(text.unwrap_or(key), values, &number)
    }

    fn plural(self, key: &str, category: Plural) -> Option<&'static str> {
        let of = |category: Plural| catalogue::find(self.language, &format!("{key}[{}]", category.name()));
        of(category).or_else(|| of(Plural::Other))
    }
}
