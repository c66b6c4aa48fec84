//! Dates as feeds and pages write them: [`parse_date`].

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Returns `date` unless it is absurd: before 1990, or later than a day after `now`.
pub fn plausible(date: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let latest = now.checked_add_days(Days::new(1)).unwrap_or(now);
    (date.year() >= 1990 && date <= latest).then_some(date)
}

/// Parses a date in the forms of RFC 3339, W3C-DTF, ISO 8601, RFC 822 with its usual mistakes,
/// and `asctime`. A date without a zone is taken as UTC, one without a time as midnight.
pub fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    parse_local_date(text).map(|it| it.to_utc())
}

/// The same as [`parse_date`], but keeps the zone, and with it the day as its writer saw it.
pub fn parse_local_date(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    if text.len() < 4 || text.len() > 80 || !text.is_ascii() {
        return None;
    }
    iso(text).or_else(|| rfc_822(text))
}

/// `2025-11-03T10:15:00+01:00` and everything shorter or sloppier, down to a year.
fn iso(text: &str) -> Option<DateTime<FixedOffset>> {
    let (date, rest) = iso_day(text)?;
    let rest = rest.trim_start_matches(['T', 't', ' ', ',']);
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc().fixed_offset());
    }
    let (time, zone) = clock(rest)?;
    in_zone(date.and_time(time), offset(zone)?)
}

/// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, `YYYY/MM/DD`, `YYYYMMDD` and `YYYY-DDD`.
fn iso_day(text: &str) -> Option<(NaiveDate, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let number = |text: &str| text.parse::<u32>().ok();
    let n_first = digits(text);
    let (first, rest) = text.split_at(n_first);
    if n_first == 8 {
        let date = NaiveDate::parse_from_str(first, "%Y%m%d").ok()?;
        return Some((date, rest));
    }
    if n_first != 4 {
        return None;
    }
    let year: i32 = first.parse().ok()?;
    let Some(rest) = rest.strip_prefix(['-', '/', '.']) else {
        return rest.is_empty().then(|| Some((NaiveDate::from_ymd_opt(year, 1, 1)?, rest)))?;
    };
    let (second, rest) = rest.split_at(digits(rest));
    if second.len() == 3 {
        return Some((NaiveDate::from_yo_opt(year, number(second)?)?, rest));
    }
    let Some(tail) = rest.strip_prefix(['-', '/', '.']) else {
        return Some((NaiveDate::from_ymd_opt(year, number(second)?, 1)?, rest));
    };
    let (third, rest) = tail.split_at(digits(tail));
    Some((NaiveDate::from_ymd_opt(year, number(second)?, number(third)?)?, rest))
}

/// Reads `10:15`, `10:15:30`, `10:15:30.5`, `101530` and returns what follows.
fn clock(text: &str) -> Option<(NaiveTime, &str)> {
    let is_clock = |it: char| it.is_ascii_digit() || matches!(it, ':' | '.');
    let (clock, rest) = text.split_at(text.find(|it| !is_clock(it)).unwrap_or(text.len()));
    let clock = clock.split('.').next().unwrap_or_default();
    let parts: Vec<&str> = if clock.contains(':') {
        clock.split(':').collect()
    } else {
        (0..clock.len()).step_by(2).filter_map(|at| clock.get(at..at + 2)).collect()
    };
    let number = |at: usize| parts.get(at).map_or(Some(0), |it| it.parse::<u32>().ok());
    let (mut hour, rest) = (number(0)?, rest.trim_start());
    let afternoon = rest.get(..2).filter(|it| it.eq_ignore_ascii_case("pm"));
    let morning = rest.get(..2).filter(|it| it.eq_ignore_ascii_case("am"));
    if afternoon.is_some() && hour < 12 {
        hour += 12;
    } else if morning.is_some() && hour == 12 {
        hour = 0;
    }
    let rest = if afternoon.or(morning).is_some() { &rest[2..] } else { rest };
    // 24:00 is midnight, 23:59:60 a leap second.
    let time = NaiveTime::from_hms_opt(hour % 24, number(1)?, number(2)?.min(59))?;
    (hour <= 24).then_some((time, rest))
}

fn in_zone(local: NaiveDateTime, zone: FixedOffset) -> Option<DateTime<FixedOffset>> {
    local.and_local_timezone(zone).single()
}

/// The zone written as `Z`, `+01:00`, `+0100`, `+1`, `GMT+2` or one of the usual abbreviations.
fn offset(text: &str) -> Option<FixedOffset> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let name_end = text.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(text.len());
    let (name, digits) = text.split_at(name_end);
    let hours = match name.to_ascii_uppercase().as_str() {
        "" | "Z" | "UT" | "UTC" | "GMT" | "WET" => 0.0,
        "BST" | "CET" | "MEZ" | "WEST" | "WAT" => 1.0,
        "CEST" | "MESZ" | "EET" | "SAST" | "CAT" => 2.0,
        "EEST" | "MSK" | "AST" if name != "AST" => 3.0,
        "IST" => 5.5,
        "SGT" | "HKT" | "AWST" => 8.0,
        "JST" | "KST" => 9.0,
        "AEST" => 10.0,
        "AEDT" => 11.0,
        "NZST" => 12.0,
        "NZDT" => 13.0,
        "NDT" => -2.5,
        "ADT" => -3.0,
        "AST" | "EDT" | "AT" => -4.0,
        "EST" | "CDT" | "ET" => -5.0,
        "CST" | "MDT" | "CT" => -6.0,
        "MST" | "PDT" | "MT" => -7.0,
        "PST" | "AKDT" | "PT" => -8.0,
        "AKST" => -9.0,
        "HST" => -10.0,
        _ => 0.0,
    };
    let digits = digits.trim();
    let sign = if digits.starts_with('-') { -1 } else { 1 };
    let number = digits.trim_start_matches(['+', '-']);
    let (hour, minute) = match number.split_once(':') {
        Some((hour, minute)) => (hour, minute.get(..2).unwrap_or("0")),
        None if number.len() >= 4 => (number.get(..2)?, number.get(2..4)?),
        None => (number, "0"),
    };
    let whole = |it: &str| if it.is_empty() { Some(0) } else { it.parse::<i32>().ok() };
    let (hour, minute) = (whole(hour).unwrap_or(0), whole(minute).unwrap_or(0));
    let seconds = hour.saturating_mul(3_600).saturating_add(minute.saturating_mul(60));
    FixedOffset::east_opt((sign * seconds).saturating_add((hours * 3_600.0) as i32))
}

/// `Mon, 3 Nov 2025 10:15:00 GMT` with its mistakes (no weekday, two-digit years, full month
/// names, dashes), `Mon Nov 3 10:15:00 2025` and `November 3, 2025`.
fn rfc_822(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.replace(',', " ");
    let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.first().is_some_and(|it| it.contains('-') && month_in(it)) {
        let parts: Vec<&str> = words.remove(0).split('-').collect();
        words.splice(0..0, parts);
    } else if words.get(1).is_some_and(|it| it.contains('-') && month_in(it)) {
        let parts: Vec<&str> = words.remove(1).split('-').collect();
        words.splice(1..1, parts);
    }
    let month_at = words.iter().position(|it| month(it).is_some())?;
    let month = month(words[month_at])?;
    let mut rest: Vec<&str> = words.clone();
    rest.remove(month_at);
    rest.retain(|it| !is_weekday(it));
    let clock_at = rest.iter().position(|it| it.contains(':'));
    let numbers: Vec<&str> = rest
        .iter()
        .enumerate()
        .filter(|(at, it)| Some(*at) != clock_at && it.starts_with(|c: char| c.is_ascii_digit()))
        .map(|(_, it)| *it)
        .take(2)
        .collect();
    let [first, second] = numbers.as_slice() else { return None };
    let (day, year) =
        if first.len() == 4 && second.len() <= 2 { (second, first) } else { (first, second) };
    let day: u32 = day.trim_end_matches(|it: char| !it.is_ascii_digit()).parse().ok()?;
    let date = NaiveDate::from_ymd_opt(full_year(year)?, month, day)?;
    let Some(at) = clock_at else {
        return Some(date.and_time(NaiveTime::MIN).and_utc().fixed_offset());
    };
    let (time, tail) = clock(rest[at])?;
    let following = rest[at + 1..].iter().filter(|it| !numbers.contains(it)).copied();
    let zone: Vec<&str> =
        std::iter::once(tail).chain(following).filter(|it| !it.is_empty()).collect();
    let (time, zone) = match zone.first() {
        Some(half) if half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm") => {
            let (time, _) = clock(&format!("{} {half}", rest[at]))
                .filter(|_| tail.is_empty())
                .unwrap_or((time, ""));
            (time, zone.get(1).copied())
        }
        first => (time, first.copied()),
    };
    in_zone(date.and_time(time), offset(zone.unwrap_or_default())?)
}

fn month_in(text: &str) -> bool {
    text.split('-').any(|it| month(it).is_some())
}

fn month(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const FULL: [&str; 12] = [
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
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    let at = MONTHS.iter().position(|it| word.starts_with(it))?;
    FULL[at].starts_with(word.as_str()).then_some(at as u32 + 1)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let word = word.to_ascii_lowercase();
    DAYS.iter().any(|it| word.starts_with(it))
}

fn full_year(text: &str) -> Option<i32> {
    let year: i32 = text.parse().ok()?;
    match (text.len(), year) {
        (2, 0..70) => Some(2000 + year),
        (2, _) => Some(1900 + year),
        (4, _) => Some(year),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let date = parse_date(text).map(|it| it.to_rfc3339());
        let expected = (!expected.is_empty()).then(|| expected.to_owned());
        assert_eq!(date, expected, "{text}");
    }

    #[test]
    fn iso_dates_of_any_length() {
        check("2025-11-03T10:15:30+01:00", "2025-11-03T09:15:30+00:00");
        check("2025-11-03T10:15:30.123Z", "2025-11-03T10:15:30+00:00");
        check("2025-11-03T10:15-0500", "2025-11-03T15:15:00+00:00");
        check("2025-11-03 10:15:30", "2025-11-03T10:15:30+00:00");
        check("2025-11-03", "2025-11-03T00:00:00+00:00");
        check("2025/11/03", "2025-11-03T00:00:00+00:00");
        check("20251103", "2025-11-03T00:00:00+00:00");
        check("2025-11", "2025-11-01T00:00:00+00:00");
        check("2025-307", "2025-11-03T00:00:00+00:00");
        check("2025", "2025-01-01T00:00:00+00:00");
    }

    #[test]
    fn mail_dates_with_their_usual_mistakes() {
        check("Mon, 03 Nov 2025 10:15:30 GMT", "2025-11-03T10:15:30+00:00");
        check("Mon, 3 November 2025 10:15 +0200", "2025-11-03T08:15:00+00:00");
        check("3 Nov 25 10:15:30 EST", "2025-11-03T15:15:30+00:00");
        check("Mon, 03-Nov-2025 10:15:30 PDT", "2025-11-03T17:15:30+00:00");
        check("Mon Nov  3 10:15:30 2025", "2025-11-03T10:15:30+00:00");
        check("Mon Nov 3 10:15:30 GMT 2025", "2025-11-03T10:15:30+00:00");
        check("November 3, 2025", "2025-11-03T00:00:00+00:00");
        check("November 3, 2025 3:05 PM", "2025-11-03T15:05:00+00:00");
        check("3 Nov 2025", "2025-11-03T00:00:00+00:00");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "yesterday", "2025-13-40", "31 Feb 2025", "10:15", "May"] {
            check(text, "");
        }
    }

    #[test]
    fn an_offset_beyond_all_bounds_does_not_overflow() {
        for offset in ["+999999:00", "-2147483647:2147483647", "CET+596523:59"] {
            parse_date(&format!("2025-11-03T10:15:30{offset}"));
            parse_date(&format!("Mon, 03 Nov 2025 10:15:30 {offset}"));
        }
    }

    #[test]
    fn absurd_dates_are_unknown() {
        let now = parse_date("2025-11-03T10:00:00Z").unwrap();
        let is_kept = |text: &str| plausible(parse_date(text).unwrap(), now).is_some();
        assert!(is_kept("2025-11-04T09:59:00Z"));
        assert!(!is_kept("2025-11-04T10:01:00Z"));
        assert!(!is_kept("1970-01-01"));
        assert!(is_kept("1990-01-01"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_none(text in "[ -~]{0,40}") {
            parse_date(&text);
        }

        #[test]
        fn any_mix_of_date_words_is_a_date_or_none(
            words in prop::collection::vec("Mon,|Nov|3|2025|10:15|GMT|-|:|[0-9:+-]{1,6}|PM", 0..7),
        ) {
            parse_date(&words.join(" "));
        }
    }
}
