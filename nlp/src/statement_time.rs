//! Days that a sentence names: `yesterday`, `on 3 March 2012`, `in 2012`, `two years later`.
//!
//! Only what can be told without much doubt. What counts from the day of publication goes back
//! for an act of the past and forward for one of the future; a weekday on which somebody *said*
//! something is not the act's.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use regex::{Captures, Regex};

use crate::Tense;
use crate::document::AnalysedDocument;

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
        r"(?ix)\b(?P<how>in|since|during|of|from|between)\s+(?:early\s+|late\s+|mid-)?
            (?P<from>(?:19|20)\d\d)(?:\s*(?:and|to|until|-|–)\s*(?P<to>(?:19|20)\d\d))?\b
            (?P<noun>\s+[a-z])?",
    )
    .expect("a constant pattern")
});

static NEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(yesterday|today|tomorrow|last night|tonight|(?:last|this|next) (?:week|month|year))\b",
    )
    .expect("a constant pattern")
});

/// `3 March`, `March 3`, `in March`; no year behind.
static DAY_OF_YEAR: LazyLock<Regex> = LazyLock::new(|| {
    let months = "(January|February|March|April|May|June|July|August|September|October|November|\
                  December|Jan\\.|Feb\\.|Mar\\.|Apr\\.|Jun\\.|Jul\\.|Aug\\.|Sept?\\.|Oct\\.|Nov\\.|Dec\\.)";
    Regex::new(&format!(
        r"\b(?:(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{months}|{months}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b|[Ii]n\s+(?:early\s+|late\s+|mid-)?{months})"
    ))
    .expect("a constant pattern")
});

static WEEKDAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b").expect("a constant pattern")
});

static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s+(day|week|month|year)s?\s+(ago|earlier|later)\b",
    )
    .expect("a constant pattern")
});

/// Sentences before, in which the day may stand from which `two years later` counts.
const N_SENTENCES_BACK: usize = 4;
/// Words before a weekday among which somebody may say something on it.
const N_WORDS_OF_SAYING: usize = 4;
/// Who does that on a weekday speaks of an act of another day.
const SAYING: &[&str] =
    &["said", "says", "told", "announced", "reported", "stated", "wrote", "added", "warned"];

/// The days on which an act that sentence `sentence` tells lies; `None` when it names none or
/// several, or such as do not agree with `tense`.
pub(crate) fn days_of_act(
    document: &AnalysedDocument,
    sentence: usize,
    tense: Tense,
) -> Option<RangeInclusive<NaiveDate>> {
    let published = document.published_at.map(|it| it.date_naive());
    let earlier = (0..sentence).rev().take(N_SENTENCES_BACK);
    let mut named = earlier.map(|it| document.sentence_text(it));
    let before = || named.find_map(|it| only(absolute(it, published)));
    days(document.sentence_text(sentence), published, tense, before)
}

/// The days of an act in `sentence`, seen from the day of publication; `before` tells the days
/// named last in the sentences before.
fn days(
    sentence: &str,
    published: Option<NaiveDate>,
    tense: Tense,
    before: impl FnOnce() -> Option<RangeInclusive<NaiveDate>>,
) -> Option<RangeInclusive<NaiveDate>> {
    let mut found = absolute(sentence, published);
    if found.is_empty() {
        found.extend(counted(sentence, published, before));
    }
    if let Some(published) = published {
        if found.is_empty() {
            found.extend(near(sentence, published));
        }
        if found.is_empty() {
            found.extend(of_year(sentence, published, tense));
        }
        if found.is_empty() {
            found.extend(weekdays(sentence, published, tense));
        }
    }
    let days = only(found)?;
    let agrees = match (tense, published) {
        (Tense::Past, Some(published)) => *days.start() <= published,
        (Tense::Future, Some(published)) => published <= *days.end(),
        _ => true,
    };
    agrees.then_some(days)
}

/// The only element, when it is a range at all.
fn only(mut found: Vec<RangeInclusive<NaiveDate>>) -> Option<RangeInclusive<NaiveDate>> {
    found.dedup();
    match found.as_slice() {
        [only] if only.start() <= only.end() => Some(only.clone()),
        _ => None,
    }
}

/// Days, months and years with their year.
fn absolute(sentence: &str, published: Option<NaiveDate>) -> Vec<RangeInclusive<NaiveDate>> {
    let mut found: Vec<RangeInclusive<NaiveDate>> =
        DAY.captures_iter(sentence).filter_map(|it| day_of(&it)).map(|it| it..=it).collect();
    if found.is_empty() {
        found.extend(
            MONTH
                .captures_iter(sentence)
                .filter_map(|it| month_range(it[2].parse().ok()?, month_of(&it[1])?)),
        );
    }
    if found.is_empty() {
        found.extend(YEARS.captures_iter(sentence).filter_map(|it| {
            // `of 2000 fighters` is an amount.
            let how = it["how"].to_lowercase();
            if how == "of" && it.name("noun").is_some() {
                return None;
            }
            let from = year_range(it["from"].parse().ok()?)?;
            let to = match it.name("to") {
                Some(to) => *year_range(to.as_str().parse().ok()?)?.end(),
                None if how == "since" => published?,
                None if how == "between" => return None,
                None => *from.end(),
            };
            Some(*from.start()..=to)
        }));
    }
    found
}

/// `two years ago`, `two years later`: whole years and months, single days.
fn counted(
    sentence: &str,
    published: Option<NaiveDate>,
    before: impl FnOnce() -> Option<RangeInclusive<NaiveDate>>,
) -> Option<RangeInclusive<NaiveDate>> {
    let found = COUNTED.captures(sentence)?;
    let n = number(&found[1])?;
    let how = found[3].to_lowercase();
    let base = if how == "ago" { published?..=published? } else { before()? };
    let unit = found[2].to_lowercase();
    let (n_months, n_days, n_days_of_unit) = match unit.as_str() {
        "year" => (n.checked_mul(12)?, 0, 366),
        "month" => (n, 0, 31),
        "week" => (0, u64::from(n) * 7, 7),
        _ => (0, n.into(), 1),
    };
    // Days counted from a whole year are none that anybody named.
    if n_days_of_unit <= (*base.end() - *base.start()).num_days() {
        return None;
    }
    let from = *base.start();
    let day = if how == "later" {
        from.checked_add_months(Months::new(n_months))?.checked_add_days(Days::new(n_days))?
    } else {
        from.checked_sub_months(Months::new(n_months))?.checked_sub_days(Days::new(n_days))?
    };
    match unit.as_str() {
        "year" => year_range(day.year()),
        "month" => of_month(day),
        "week" => Some(week_range(day)),
        _ => Some(day..=day),
    }
}

/// `yesterday`, `last month`.
fn near(sentence: &str, published: NaiveDate) -> Vec<RangeInclusive<NaiveDate>> {
    let range = |words: &str| {
        let day = |it: NaiveDate| Some(it..=it);
        match words {
            "yesterday" | "last night" => day(published.pred_opt()?),
            "tomorrow" => day(published.succ_opt()?),
            "last week" => Some(week_range(published.checked_sub_days(Days::new(7))?)),
            "this week" => Some(week_range(published)),
            "next week" => Some(week_range(published.checked_add_days(Days::new(7))?)),
            "last month" => of_month(published.checked_sub_months(Months::new(1))?),
            "this month" => of_month(published),
            "next month" => of_month(published.checked_add_months(Months::new(1))?),
            "last year" => year_range(published.year() - 1),
            "this year" => year_range(published.year()),
            "next year" => year_range(published.year() + 1),
            _ => day(published),
        }
    };
    NEAR.find_iter(sentence).filter_map(|it| range(&it.as_str().to_lowercase())).collect()
}

/// `3 March` and `in March`: those nearest to publication on the side that `tense` tells.
fn of_year(sentence: &str, published: NaiveDate, tense: Tense) -> Vec<RangeInclusive<NaiveDate>> {
    let range = |it: Captures| {
        let day = it.get(1).or(it.get(4)).map(|it| it.as_str().parse());
        let month = it.get(2).or(it.get(3)).or(it.get(5))?.as_str().trim_end_matches('.');
        let month = month_of(month)?;
        let of = |year: i32| match &day {
            Some(day) => {
                let day = NaiveDate::from_ymd_opt(year, month, *day.as_ref().ok()?)?;
                Some(day..=day)
            }
            None => month_range(year, month),
        };
        let year = published.year();
        let this = of(year)?;
        match tense {
            Tense::Future if *this.end() < published => of(year + 1),
            Tense::Past | Tense::Present if published < *this.start() => of(year - 1),
            _ => Some(this),
        }
    };
    DAY_OF_YEAR.captures_iter(sentence).filter_map(range).collect()
}

/// `on Monday`: the last one for what was, the next one where `next` says so.
fn weekdays(sentence: &str, published: NaiveDate, tense: Tense) -> Vec<RangeInclusive<NaiveDate>> {
    let range = |it: regex::Match| {
        let before = sentence[..it.start()].split_whitespace().rev();
        let before: Vec<String> = before.take(N_WORDS_OF_SAYING).map(str::to_lowercase).collect();
        if before.iter().any(|it| SAYING.contains(&it.as_str())) {
            return None;
        }
        let n_back = published.weekday().days_since(it.as_str().parse().ok()?);
        let word = before.first().map_or("", String::as_str);
        let day = match (tense, word) {
            (_, "next") | (Tense::Future, "by" | "before") => {
                published.checked_add_days(Days::new((7 - n_back).into()))
            }
            (Tense::Future, _) => None,
            (_, "last") if n_back == 0 => published.checked_sub_days(Days::new(7)),
            _ => published.checked_sub_days(Days::new(n_back.into())),
        }?;
        Some(day..=day)
    };
    WEEKDAY.find_iter(sentence).filter_map(range).collect()
}

fn number(word: &str) -> Option<u32> {
    const WORDS: [&str; 12] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let word = word.to_lowercase();
    let named = WORDS.iter().position(|it| *it == word).map(|it| it as u32 + 1);
    let article = matches!(word.as_str(), "a" | "an").then_some(1);
    named.or(article).or_else(|| word.parse().ok())
}

fn year_range(year: i32) -> Option<RangeInclusive<NaiveDate>> {
    Some(NaiveDate::from_ymd_opt(year, 1, 1)?..=NaiveDate::from_ymd_opt(year, 12, 31)?)
}

fn month_range(year: i32, month: u32) -> Option<RangeInclusive<NaiveDate>> {
    let from = NaiveDate::from_ymd_opt(year, month, 1)?;
    Some(from..=from.checked_add_months(Months::new(1))?.pred_opt()?)
}

fn of_month(day: NaiveDate) -> Option<RangeInclusive<NaiveDate>> {
    month_range(day.year(), day.month())
}

/// Monday to Sunday around a day.
fn week_range(day: NaiveDate) -> RangeInclusive<NaiveDate> {
    let week = day.week(Weekday::Mon);
    week.first_day()..=week.last_day()
}

fn day_of(captures: &Captures) -> Option<NaiveDate> {
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

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    /// Checks the days of an act; publication is Sunday, 1 March 2026, and the text named 2012
    /// before.
    #[track_caller]
    fn check_tense(sentence: &str, tense: Tense, expected: Option<(&str, &str)>) {
        let found = days(sentence, Some(day("2026-03-01")), tense, || year_range(2012));
        let found = found.map(|it| (it.start().to_string(), it.end().to_string()));
        assert_eq!(found, expected.map(|it| (it.0.to_owned(), it.1.to_owned())), "{sentence}");
    }

    #[track_caller]
    fn check(sentence: &str, expected: Option<(&str, &str)>) {
        check_tense(sentence, Tense::Past, expected);
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
        check("They have struck since 2012.", Some(("2012-01-01", "2026-03-01")));
        check("The raids of 2012 were the worst.", None);
        check("They fear raids like those of 2012.", Some(("2012-01-01", "2012-12-31")));
    }

    #[test]
    fn near_days_count_from_publication() {
        check("They struck yesterday.", Some(("2026-02-28", "2026-02-28")));
        check_tense("They strike tomorrow.", Tense::Future, Some(("2026-03-02", "2026-03-02")));
        check("They struck last week.", Some(("2026-02-16", "2026-02-22")));
        check("They struck last month.", Some(("2026-02-01", "2026-02-28")));
        check_tense(
            "They will strike next year.",
            Tense::Future,
            Some(("2027-01-01", "2027-12-31")),
        );
        assert_eq!(days("They struck yesterday.", None, Tense::Past, || None), None);
    }

    #[test]
    fn counted_years_count_from_publication_or_from_the_year_named_before() {
        check("Two years later they wiped servers.", Some(("2014-01-01", "2014-12-31")));
        check("Three days later they struck.", None);
        check("Three days ago they struck.", Some(("2026-02-26", "2026-02-26")));
        check("A year ago they struck.", Some(("2025-01-01", "2025-12-31")));
        let none =
            days("Two years later they struck.", Some(day("2026-03-01")), Tense::Past, || None);
        assert_eq!(none, None);
    }

    #[test]
    fn days_without_a_year_are_the_nearest_of_their_tense() {
        check("On 3 March they struck.", Some(("2025-03-03", "2025-03-03")));
        check_tense(
            "On March 3 they will strike.",
            Tense::Future,
            Some(("2026-03-03", "2026-03-03")),
        );
        check("In October they struck.", Some(("2025-10-01", "2025-10-31")));
        check("They may march 40 miles.", None);
    }

    #[test]
    fn weekdays_are_those_of_the_act() {
        check("On Friday they struck.", Some(("2026-02-27", "2026-02-27")));
        check("He said on Friday that they had struck.", None);
        check("The mayor told reporters on Friday that they had struck.", None);
        check_tense(
            "They will strike next Friday.",
            Tense::Future,
            Some(("2026-03-06", "2026-03-06")),
        );
        check_tense("They would strike, he said on Friday.", Tense::Future, None);
    }

    #[test]
    fn days_that_contradict_the_tense_are_not_the_acts() {
        let text = "They will avenge the strike of 3 January 2020.";
        check_tense(text, Tense::Future, None);
    }

    #[test]
    fn what_is_no_date_is_left_alone() {
        check("All 2012 of them may come in 40 days.", None);
        check("A force of 2000 fighters attacked.", None);
        check("Room 2012 was hit.", None);
        check("First in 2012, then in 2015.", None);
    }
}
