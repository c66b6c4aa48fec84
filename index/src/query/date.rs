//! Dates in queries: [`DatePoint`] and [`DateRange`].

use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// A moment or a period, as precise as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePoint {
    /// `2026`
    Year(i32),
    /// `2026-01`; the date is the first of the month.
    Month(NaiveDate),
    /// `2026-01-31`
    Day(NaiveDate),
    /// `2026-01-31T12:00:00Z`
    Instant(DateTime<Utc>),
    /// `today` is 0, `yesterday` is 1.
    DaysAgo(u32),
    /// `7d`, `24h`, `90m`, `2w`: so long before now.
    Ago {
        /// How many.
        n: u32,
        /// Of what.
        unit: AgoUnit,
    },
}

/// Units of [`DatePoint::Ago`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgoUnit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
}

/// A period of time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// Start; `None` is unbounded.
    pub from: Option<DateBound>,
    /// End; `None` is unbounded.
    pub to: Option<DateBound>,
}

/// One end of a [`DateRange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateBound {
    /// The day, month, instant…
    pub point: DatePoint,
    /// Whether all of that day, month… belongs to the range.
    pub is_inclusive: bool,
}

impl DatePoint {
    /// Reads a date; `None` when `text` is none.
    pub fn parse(text: &str) -> Option<DatePoint> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "today" => return Some(DatePoint::DaysAgo(0)),
            "yesterday" => return Some(DatePoint::DaysAgo(1)),
            "now" => return Some(DatePoint::Ago { n: 0, unit: AgoUnit::Minute }),
            _ => (),
        }
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            let instant = instant.with_timezone(&Utc);
            let is_sane = (1..=9999).contains(&instant.year());
            return is_sane.then_some(DatePoint::Instant(instant));
        }
        let parts: Vec<&str> = text.split('-').collect();
        match parts.as_slice() {
            [year] => date(year, "01", "01").map(|it| DatePoint::Year(it.year())),
            [year, month] => date(year, month, "01").map(DatePoint::Month),
            [year, month, day] => date(year, month, day).map(DatePoint::Day),
            _ => None,
        }
        .or_else(|| DatePoint::parse_ago(text))
    }

    fn parse_ago(text: &str) -> Option<DatePoint> {
        let text = text.strip_prefix("now").unwrap_or(text);
        let text = text.strip_prefix('-').unwrap_or(text);
        let (at, letter) = text.char_indices().last()?;
        let unit = match letter.to_ascii_lowercase() {
            'm' => AgoUnit::Minute,
            'h' => AgoUnit::Hour,
            'd' => AgoUnit::Day,
            'w' => AgoUnit::Week,
            _ => return None,
        };
        let digits = &text[..at];
        let is_number =
            (1..=6).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
        let n = is_number.then(|| digits.parse().ok()).flatten()?;
        Some(DatePoint::Ago { n, unit })
    }

    /// The half-open period that the point covers, seen from `now`; instants cover one second.
    pub fn period(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let day = |date: NaiveDate, next: Option<NaiveDate>| {
            let start = date.and_time(chrono::NaiveTime::MIN).and_utc();
            let end = next.map_or(start, |it| it.and_time(chrono::NaiveTime::MIN).and_utc());
            (start, end)
        };
        match self {
            DatePoint::Year(year) => {
                let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
                day(first, first.checked_add_months(Months::new(12)))
            }
            DatePoint::Month(first) => day(first, first.checked_add_months(Months::new(1))),
            DatePoint::Day(date) => day(date, date.succ_opt()),
            DatePoint::Instant(at) => (at, at + TimeDelta::seconds(1)),
            DatePoint::DaysAgo(n) => {
                let date = now.date_naive().checked_sub_days(Days::new(n.into()));
                let date = date.unwrap_or_default();
                day(date, date.succ_opt())
            }
            DatePoint::Ago { n, unit } => {
                let at = now - TimeDelta::minutes(i64::from(n) * unit.n_minutes());
                (at, at)
            }
        }
    }
}

fn date(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    let is_number = |it: &str, n_digits: std::ops::RangeInclusive<usize>| {
        n_digits.contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_date = is_number(year, 4..=4) && is_number(month, 1..=2) && is_number(day, 1..=2);
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    (is_date && year > 0).then_some(date)
}

impl AgoUnit {
    fn n_minutes(self) -> i64 {
        match self {
            AgoUnit::Minute => 1,
            AgoUnit::Hour => 60,
            AgoUnit::Day => 24 * 60,
            AgoUnit::Week => 7 * 24 * 60,
        }
    }

    fn letter(self) -> char {
        match self {
            AgoUnit::Minute => 'm',
            AgoUnit::Hour => 'h',
            AgoUnit::Day => 'd',
            AgoUnit::Week => 'w',
        }
    }
}

impl DateRange {
    /// The range that one point stands for: a day is that day, `7d` is from then until now.
    pub fn of(point: DatePoint) -> DateRange {
        let bound = Some(DateBound { point, is_inclusive: true });
        let to = if matches!(point, DatePoint::Ago { .. }) { None } else { bound };
        DateRange { from: bound, to }
    }

    /// The half-open period in seconds since 1970, seen from `now`.
    pub fn seconds(self, now: DateTime<Utc>) -> (Option<i64>, Option<i64>) {
        let from = self.from.map(|it| {
            let (start, end) = it.point.period(now);
            if it.is_inclusive { start } else { end }
        });
        let to = self.to.map(|it| {
            let (start, end) = it.point.period(now);
            if it.is_inclusive { end } else { start }
        });
        (from.map(|it| it.timestamp()), to.map(|it| it.timestamp()))
    }
}

impl fmt::Display for DatePoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatePoint::Year(year) => write!(out, "{year:04}"),
            DatePoint::Month(first) => write!(out, "{}", first.format("%Y-%m")),
            DatePoint::Day(date) => write!(out, "{date}"),
            DatePoint::Instant(at) => {
                out.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            DatePoint::DaysAgo(0) => out.write_str("today"),
            DatePoint::DaysAgo(_) => out.write_str("yesterday"),
            DatePoint::Ago { n, unit } => write!(out, "{n}{}", unit.letter()),
        }
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_open = |it: &Option<DateBound>| it.is_some_and(|it| !it.is_inclusive);
        out.write_str(if is_open(&self.from) { "{" } else { "[" })?;
        match self.from {
            Some(bound) => write!(out, "{}", bound.point)?,
            None => out.write_str("*")?,
        }
        out.write_str(" TO ")?;
        match self.to {
            Some(bound) => write!(out, "{}", bound.point)?,
            None => out.write_str("*")?,
        }
        out.write_str(if is_open(&self.to) { "}" } else { "]" })
    }
}
