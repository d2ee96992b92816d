//! Charts: bars with their numbers.

/// Bars with their numbers.
#[derive(Debug, Default)]
pub(crate) struct Chart {
    pub title: &'static str,
    /// What a number counts, such as `logins`.
    pub unit: &'static str,
    pub bars: Vec<(String, u64)>,
    /// Whether the bars stand beside each other, one for each day, with their numbers in a table that unfolds. Otherwise they lie
    /// below each other, each next to its number.
    pub upright: bool,
}

/// A bar as it is drawn, in units of the picture.
pub(crate) struct Bar<'a> {
    pub at: u64,
    pub length: u64,
    pub name: &'a str,
    pub count: u64,
}

/// The length of the longest bar, in units of the picture.
const LONGEST: u64 = 100;
/// The distance from one bar to the next.
const STEP: u64 = 12;

impl Chart {
    /// Returns the bars, to scale. A bar that is not zero can be seen.
    pub(super) fn drawn(&self) -> Vec<Bar<'_>> {
        let most = self.highest().max(1);
        let length = |count: u64| (count.saturating_mul(LONGEST) / most).max(u64::from(count > 0));
        let bars = (0..).step_by(12).zip(&self.bars);
        bars.map(|(at, (name, count))| Bar { at, length: length(*count), name, count: *count }).collect()
    }

    pub(super) fn highest(&self) -> u64 {
        self.bars.iter().map(|(_, count)| *count).max().unwrap_or_default()
    }

    /// Returns the name of the first bar.
    pub(super) fn first(&self) -> &str {
        self.bars.first().map_or("", |(name, _)| name)
    }

    /// Returns the name of the last bar.
    pub(super) fn last(&self) -> &str {
        self.bars.last().map_or("", |(name, _)| name)
    }

    /// Returns how wide all bars are together.
    pub(super) fn breadth(&self) -> u64 {
        (self.bars.len() as u64 * STEP).max(STEP)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bars.iter().all(|(_, count)| *count == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_full_and_the_shortest_can_be_seen() {
        let bars = [("a", 1_000), ("b", 1), ("c", 0)].map(|(name, count)| (name.to_owned(), count));
        let chart = Chart { bars: bars.to_vec(), ..Chart::default() };

        let lengths: Vec<u64> = chart.drawn().iter().map(|bar| bar.length).collect();
        assert_eq!(lengths, [100, 1, 0]);
        assert_eq!(chart.breadth(), 36);
        assert!(Chart::default().is_empty() && !chart.is_empty());
    }
}
