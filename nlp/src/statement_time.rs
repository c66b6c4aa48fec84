//! Days that a sentence names: `yesterday`, `on 3 March 2012`, `in 2012`.
//!
//! Only what can be told without doubt; weekdays and "two years later" stay open.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::{Days, NaiveDate};
use regex::Regex;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

static DAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)\b(?:
            (?P<d1>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>[A-Z][a-z]+),?\s+(?P<y1>(?:19|20)\d\d)
            | (?P<m2>[A-Z][a-z]+)\.?\s+(?P<d2>\d{1,2})(?:st|nd|rd|th)?,\s+(?P<y2>(?:19|20)\d\d)
            | (?P<y3>(?:19|20)\d\d)-(?P<m3>\d\d)-(?P<d3>\d\d)
        )\b",
    )
    .expect("a constant pattern")
});

static MONTH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b([A-Z][a-z]+),?\s+(?:of\s+)?((?:19|20)\d\d)\b").expect("a constant pattern")
});

static YEARS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:in|since|during|of)\s+(?:early\s+|late\s+|mid-)?((?:19|20)\d\d)(?:\s+(?:and|to)\s+((?:19|20)\d\d))?\b",
    )
    .expect("a constant pattern")
});

static NEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(yesterday|today|tomorrow|last night|tonight)\b")
        .expect("a constant pattern")
});

/// The days that `sentence` names, seen from the day of publication; `None` when it names none
/// or several.
pub(crate) fn days(
    sentence: &str,
    published: Option<NaiveDate>,
) -> Option<RangeInclusive<NaiveDate>> {
    let mut found: Vec<RangeInclusive<NaiveDate>> =
        DAY.captures_iter(sentence).filter_map(|it| day_of(&it)).map(|it| it..=it).collect();
    if found.is_empty() {
        found.extend(MONTH.captures_iter(sentence).filter_map(|it| {
            let month = month_of(&it[1])?;
            let from = NaiveDate::from_ymd_opt(it[2].parse().ok()?, month, 1)?;
            Some(from..=(from + chrono::Months::new(1)).pred_opt()?)
        }));
    }
    if found.is_empty() {
        found.extend(YEARS.captures_iter(sentence).filter_map(|it| {
            let from: i32 = it[1].parse().ok()?;
            let to: i32 = it.get(2).map_or(Some(from), |it| it.as_str().parse().ok())?;
            Some(NaiveDate::from_ymd_opt(from, 1, 1)?..=NaiveDate::from_ymd_opt(to, 12, 31)?)
        }));
    }
    if let Some(published) = published.filter(|_| found.is_empty()) {
        found.extend(NEAR.find_iter(sentence).filter_map(|it| {
            let day = match it.as_str().to_lowercase().as_str() {
                "yesterday" | "last night" => published.checked_sub_days(Days::new(1))?,
                "tomorrow" => published.checked_add_days(Days::new(1))?,
                _ => published,
            };
            Some(day..=day)
        }));
    }
    found.dedup();
    match found.as_slice() {
        [only] if only.start() <= only.end() => Some(only.clone()),
        _ => None,
    }
}

fn day_of(captures: &regex::Captures) -> Option<NaiveDate> {
    let number = |name: &str| captures.name(name).and_then(|it| it.as_str().parse::<u32>().ok());
    let month = |name: &str| captures.name(name).and_then(|it| month_of(it.as_str()));
    let year = number("y1").or(number("y2")).or(number("y3"))?;
    let month = month("m1").or_else(|| month("m2")).or(number("m3"))?;
    let day = number("d1").or(number("d2")).or(number("d3"))?;
    NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)
}

/// 1 to 12, for names and their first three letters.
pub(crate) fn month_of(name: &str) -> Option<u32> {
    let name = name.to_lowercase();
    let is_short = name.len() == 3 || name == "sept";
    let is_it = |it: &&str| *it == name || (is_short && it.starts_with(&name));
    MONTHS.iter().position(is_it).map(|it| it as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sentence: &str, expected: Option<(&str, &str)>) {
        let published = NaiveDate::from_ymd_opt(2026, 3, 1);
        let found = days(sentence, published);
        let found = found.map(|it| (it.start().to_string(), it.end().to_string()));
        assert_eq!(found, expected.map(|it| (it.0.to_owned(), it.1.to_owned())), "{sentence}");
    }

    #[test]
    fn whole_dates_are_read_in_three_ways() {
        check("On 3 March 2012 it burned.", Some(("2012-03-03", "2012-03-03")));
        check("On Feb. 28, 2024 it burned.", Some(("2024-02-28", "2024-02-28")));
        check("Logged 2024-02-28 at noon.", Some(("2024-02-28", "2024-02-28")));
    }

    #[test]
    fn months_and_years_are_ranges() {
        check("In February 2024 it burned.", Some(("2024-02-01", "2024-02-29")));
        check("In 2012 and 2013 they came.", Some(("2012-01-01", "2013-12-31")));
    }

    #[test]
    fn near_days_count_from_publication() {
        check("They struck yesterday.", Some(("2026-02-28", "2026-02-28")));
        check("They strike tomorrow.", Some(("2026-03-02", "2026-03-02")));
        assert_eq!(days("They struck yesterday.", None), None);
    }

    #[test]
    fn what_is_no_date_is_left_alone() {
        check("All 2012 of them may come in 40 days.", None);
        check("Room 2012 was hit.", None);
        check("First in 2012, then in 2015.", None);
    }
}
