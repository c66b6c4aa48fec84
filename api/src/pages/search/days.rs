//! Articles by day or week as bars, each a link to its days. Without a script the drawing is all;
//! `charts.js` makes a chart of it in which a range can be marked.

use chrono::{Datelike, Days as Step, NaiveDate};
use index::search::DayCount;

use crate::pages::text::counted;

/// Bars at least, so that a single day is no wall.
const N_BARS_MIN: u64 = 30;
/// Bars at most; longer ranges have several days in a bar.
const N_BARS_MAX: u64 = 120;
/// Weeks shown at most.
const N_WEEKS_MAX: u64 = 53;
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
    /// Day on which the first bar begins, as `2026-01-31`.
    pub(crate) begin: String,
    /// Bars, empty ones included.
    pub(crate) n_bars: u64,
    /// Days that a bar stands for.
    pub(crate) n_in_bar: u64,
}

/// One bar.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) x: u64,
    /// Place among all bars, and articles.
    pub(crate) place: u64,
    pub(crate) n: u64,
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
        Days::drawn(counts, last, n_bars, n_in_bar, link)
    }

    /// As [`Days::of`], a bar for each of the last weeks, from Monday to Sunday.
    pub(crate) fn by_week(
        counts: &[DayCount],
        link: impl Fn(NaiveDate, NaiveDate) -> String,
    ) -> Option<Days> {
        let newest = counts.last()?.day;
        let to_sunday = 6 - u64::from(newest.weekday().num_days_from_monday());
        let last = newest.checked_add_days(Step::new(to_sunday))?;
        let n_days = (last - counts.first()?.day).num_days().unsigned_abs() + 1;
        let n_weeks = n_days.div_ceil(7).clamp(13, N_WEEKS_MAX);
        let first = last.checked_sub_days(Step::new(n_weeks * 7 - 1))?;
        let shown = counts.partition_point(|it| it.day < first);
        Days::drawn(&counts[shown..], last, n_weeks, 7, link)
    }

    /// Draws `n_bars` bars of `n_in_bar` days, the last of which ends on `last`.
    fn drawn(
        counts: &[DayCount],
        last: NaiveDate,
        n_bars: u64,
        n_in_bar: u64,
        link: impl Fn(NaiveDate, NaiveDate) -> String,
    ) -> Option<Days> {
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
                place: n,
                n: sum,
                height: (sum * (HEIGHT - 2)).div_ceil(most),
                href: link(from, to),
                label: format!("{days}: {}", counted(sum, "article", "articles")),
            })
        };
        let per_bar = match n_in_bar {
            1 => "a day".to_owned(),
            7 => "a week".to_owned(),
            n => format!("{n} days"),
        };
        Some(Days {
            bars: (0..).zip(sums).filter(|it| it.1 > 0).filter_map(bar).collect(),
            width: n_bars * 10,
            first: day(first),
            last: day(last),
            begin: first.to_string(),
            n_bars,
            n_in_bar,
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
    fn weeks_begin_on_monday_and_old_ones_are_left_out() {
        // A Monday, the Sunday before it, and a day years ago.
        let counts = [count("2020-01-01", 9), count("2026-01-11", 3), count("2026-01-12", 1)];
        let days = Days::by_week(&counts, |from, to| format!("{from}/{to}")).expect("bars");
        let bars: Vec<_> = days.bars.iter().map(|it| (it.place, it.n, it.href.as_str())).collect();
        assert_eq!(bars, [(51, 3, "2026-01-05/2026-01-11"), (52, 1, "2026-01-12/2026-01-18")]);
        assert_eq!((days.n_bars, days.n_in_bar, days.begin.as_str()), (53, 7, "2025-01-13"));
    }

    #[test]
    fn no_days_are_not_drawn() {
        assert!(Days::of(&[], |_, _| String::new()).is_none());
    }
}
