//! Articles by day as bars, each a link to its days.

use chrono::{Days as Step, NaiveDate};
use index::search::DayCount;

use crate::pages::text::counted;

/// Bars at least, so that a single day is no wall.
const N_BARS_MIN: u64 = 30;
/// Bars at most; longer ranges have several days in a bar.
const N_BARS_MAX: u64 = 120;
/// Height of the drawing.
const HEIGHT: u64 = 40;

/// The histogram.
#[derive(Debug)]
pub(crate) struct Days {
    pub(crate) bars: Vec<Bar>,
    /// Width of the drawing; a bar is 10 wide.
    pub(crate) width: u64,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) summary: String,
}

/// One bar.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) x: u64,
    pub(crate) height: u64,
    pub(crate) href: String,
    pub(crate) label: String,
}

impl Days {
    /// Draws `counts` (by day, ascending); `None` without any. `link` makes the address for a
    /// first and a last day.
    pub(crate) fn of(
        counts: &[DayCount],
        link: impl Fn(NaiveDate, NaiveDate) -> String,
    ) -> Option<Days> {
        let last = counts.last()?.day;
        let n_days_counted = (last - counts.first()?.day).num_days().unsigned_abs() + 1;
        let n_in_bar = n_days_counted.div_ceil(N_BARS_MAX);
        let n_bars = n_days_counted.div_ceil(n_in_bar).max(N_BARS_MIN);
        // The last bar ends on the last day.
        let first = last.checked_sub_days(Step::new(n_bars * n_in_bar - 1))?;
        let mut sums = vec![0; usize::try_from(n_bars).ok()?];
        for count in counts {
            let n_day = (count.day - first).num_days().unsigned_abs();
            let sum = usize::try_from(n_day / n_in_bar).ok().and_then(|it| sums.get_mut(it))?;
            *sum += count.count;
        }
        let most = sums.iter().copied().max()?.max(1);
        let bar = |(n, sum): (u64, u64)| {
            let from = first.checked_add_days(Step::new(n * n_in_bar))?;
            let to = from.checked_add_days(Step::new(n_in_bar - 1))?;
            let days = if from == to { day(from) } else { format!("{} to {}", day(from), day(to)) };
            Some(Bar {
                x: n * 10,
                height: (sum * (HEIGHT - 2)).div_ceil(most),
                href: link(from, to),
                label: format!("{days}: {}", counted(sum, "article", "articles")),
            })
        };
        let per_bar = if n_in_bar == 1 { "a day".to_owned() } else { format!("{n_in_bar} days") };
        Some(Days {
            bars: (0..).zip(sums).filter(|it| it.1 > 0).filter_map(bar).collect(),
            width: n_bars * 10,
            first: day(first),
            last: day(last),
            summary: format!("up to {} in {per_bar}", counted(most, "article", "articles")),
        })
    }
}

fn day(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str, count: u64) -> DayCount {
        DayCount { day: text.parse().expect("a day"), count }
    }

    #[test]
    fn a_single_day_stands_at_the_end_of_a_month() {
        let days =
            Days::of(&[count("2026-01-12", 7)], |from, to| format!("{from}/{to}")).expect("bars");
        let bars: Vec<_> = days.bars.iter().map(|it| (it.x, it.height, it.href.as_str())).collect();
        assert_eq!(bars, [(290, 38, "2026-01-12/2026-01-12")]);
        assert_eq!((days.width, days.first.as_str()), (300, "14 Dec 2025"));
    }

    #[test]
    fn years_are_drawn_with_several_days_in_a_bar_and_lose_no_article() {
        let counts = [count("2024-01-01", 3), count("2024-01-02", 1), count("2025-12-31", 2)];
        let days = Days::of(&counts, |from, to| format!("{from}/{to}")).expect("bars");
        assert!(days.width <= N_BARS_MAX * 10, "{}", days.width);
        assert_eq!(days.bars.len(), 2);
        assert!(days.bars[1].href.ends_with("/2025-12-31"), "{}", days.bars[1].href);
    }

    #[test]
    fn no_days_are_not_drawn() {
        assert!(Days::of(&[], |_, _| String::new()).is_none());
    }
}
