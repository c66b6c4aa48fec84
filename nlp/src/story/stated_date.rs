//! The date that a text without known date states in its first lines.

use chrono::NaiveDate;
use unicode_segmentation::UnicodeSegmentation;

use crate::statement_time::month_of;

/// Characters in which such a date is looked for.
const N_CHARS: usize = 400;

/// The first full date within the first 400 characters: `November 12, 2011`, `12 Nov 2011`,
/// `2011-11-12`, `11/12/2011` (month first, unless that cannot be).
pub(super) fn stated_date(text: &str) -> Option<NaiveDate> {
    let end = text.char_indices().nth(N_CHARS).map_or(text.len(), |(at, _)| at);
    let parts: Vec<Part> = text[..end].unicode_words().flat_map(parts_of).collect();
    parts.windows(3).find_map(date_of)
}

/// A word as a part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year(i32),
    Month(u32),
    Number(u32),
    Other,
}

fn parts_of(word: &str) -> Vec<Part> {
    let pieces = word.split(['-', '/', '.']).filter(|it| !it.is_empty());
    pieces.map(part_of).collect()
}

fn part_of(piece: &str) -> Part {
    let piece = piece.to_lowercase();
    let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        let rest = &piece[digits.len()..];
        // `02T08` of `2013-08-02T08:06`.
        let is_before_time =
            rest.strip_prefix('t').is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()));
        let is_ordinal = matches!(rest, "" | "st" | "nd" | "rd" | "th") || is_before_time;
        return match digits.parse::<u32>() {
            Ok(number) if digits.len() == 4 && (1900..2100).contains(&number) => {
                Part::Year(number as i32)
            }
            Ok(number) if is_ordinal && digits.len() <= 2 => Part::Number(number),
            _ => Part::Other,
        };
    }
    month_of(&piece).map_or(Part::Other, Part::Month)
}

fn date_of(parts: &[Part]) -> Option<NaiveDate> {
    let of = NaiveDate::from_ymd_opt;
    match *parts {
        [Part::Month(month), Part::Number(day), Part::Year(year)]
        | [Part::Number(day), Part::Month(month), Part::Year(year)] => of(year, month, day),
        [Part::Year(year), Part::Number(month), Part::Number(day)] => of(year, month, day),
        [Part::Number(first), Part::Number(second), Part::Year(year)] => {
            of(year, first, second).or_else(|| of(year, second, first))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(stated_date(text).map(|it| it.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn dates_are_read_as_datelines_write_them() {
        check("Warship foils raid\nNovember 12, 2011\nA warship", Some("2011-11-12"));
        check("Sat Nov 12 2011 , 01 : 19 hrs", Some("2011-11-12"));
        check("By Ann Author, 28th Sept. 2005", Some("2005-09-28"));
        check("Published 2013-08-02T08:06", Some("2013-08-02"));
        check("Posted : 10 / 25 / 2011", Some("2011-10-25"));
        check("Posted 25.10.2011", Some("2011-10-25"));
    }

    #[test]
    fn what_is_no_full_date_is_none() {
        check("In May 2011 about 12 people", None);
        check("On 31 February 2011", None);
        check(&format!("{} 12 May 2011", "word ".repeat(100)), None);
    }
}
