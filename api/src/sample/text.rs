//! Turns an article's source into dated text: placeholders become names of days and months.

use chrono::{DateTime, Datelike, Days, Months, Utc};

/// One block of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A subheading, without markup.
    Subhead(String),
    /// A paragraph, without markup.
    Paragraph(String),
}

const WEEKDAYS_EN: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEKDAYS_DE: [&str; 7] =
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// Splits `source` into blocks and fills in days and months as seen at `published_at`.
pub(super) fn blocks(source: &str, published_at: DateTime<Utc>, language: &str) -> Vec<Block> {
    let blocks = source.split("\n\n").map(str::trim).filter(|it| !it.is_empty());
    blocks
        .map(|block| {
            let text = fill_in(&block.replace('\n', " "), published_at, language);
            match text.strip_prefix("## ") {
                Some(subhead) => Block::Subhead(subhead.to_owned()),
                None => Block::Paragraph(text),
            }
        })
        .collect()
}

/// Replaces `{weekday±N}` and `{month±N}`; anything else in braces stays as it is.
fn fill_in(text: &str, published_at: DateTime<Utc>, language: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from_brace)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((inside, after)) = from_brace.split_once('}') else {
            filled.push('{');
            rest = from_brace;
            continue;
        };
        match name_of(inside, published_at, language) {
            Some(name) => filled.push_str(name),
            None => filled.push_str(&format!("{{{inside}}}")),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn name_of(placeholder: &str, published_at: DateTime<Utc>, language: &str) -> Option<&'static str> {
    let split_at = placeholder.find(['+', '-']).unwrap_or(placeholder.len());
    let (unit, offset) = placeholder.split_at(split_at);
    let offset: i32 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
    let n = offset.unsigned_abs();
    match unit {
        "weekday" => {
            let days = Days::new(u64::from(n));
            let day = match offset < 0 {
                true => published_at.checked_sub_days(days)?,
                false => published_at.checked_add_days(days)?,
            };
            let names = if language == "de" { WEEKDAYS_DE } else { WEEKDAYS_EN };
            names.get(day.weekday().num_days_from_monday() as usize).copied()
        }
        "month" => {
            let day = match offset < 0 {
                true => published_at.checked_sub_months(Months::new(n))?,
                false => published_at.checked_add_months(Months::new(n))?,
            };
            Some(month_name(day, language))
        }
        _ => None,
    }
}

fn month_name(at: DateTime<Utc>, language: &str) -> &'static str {
    let names = if language == "de" { MONTHS_DE } else { MONTHS_EN };
    names[at.month0() as usize]
}

/// An instant as a reader of the outlet would see it: `24 November 2025, 09:12 UTC`.
pub(super) fn written_date(at: DateTime<Utc>, language: &str) -> String {
    let (day, year, time) = (at.day(), at.year(), at.format("%H:%M"));
    match language {
        "de" => format!("{day}. {} {year}, {time} Uhr (UTC)", month_name(at, language)),
        _ => format!("{day} {} {year}, {time} UTC", month_name(at, language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(source: &str, language: &str, expected: &str) {
        let filled = fill_in(source, instant("2025-11-24T09:12:00Z"), language);
        assert_eq!(filled, expected);
    }

    #[test]
    fn days_are_named_as_seen_from_the_day_of_publication() {
        check(
            "on {weekday}, not {weekday-1} or {weekday+2}",
            "en",
            "on Monday, not Sunday or Wednesday",
        );
        check("am {weekday+1}", "de", "am Dienstag");
    }

    #[test]
    fn months_are_named_across_the_turn_of_the_year() {
        check("from {month-11} to {month+2}", "en", "from December to January");
    }

    #[test]
    fn other_braces_stay() {
        check("a {set} and {", "en", "a {set} and {");
    }

    #[test]
    fn subheads_and_paragraphs_are_told_apart() {
        let found =
            blocks("One\ntwo.\n\n## Later\n\nThree.", instant("2025-11-24T09:12:00Z"), "en");
        let expected = [
            Block::Paragraph("One two.".into()),
            Block::Subhead("Later".into()),
            Block::Paragraph("Three.".into()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn dates_are_written_in_the_language_of_the_outlet() {
        assert_eq!(
            written_date(instant("2025-03-04T09:02:00Z"), "de"),
            "4. März 2025, 09:02 Uhr (UTC)"
        );
        assert_eq!(written_date(instant("2025-03-04T09:02:00Z"), "en"), "4 March 2025, 09:02 UTC");
    }
}
