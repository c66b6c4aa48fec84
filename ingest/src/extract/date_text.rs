//! Dates as people write them, in many languages: [`find`].

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::NaiveDate;

/// Characters of a text in which a date is looked for.
const TEXT_CHARS_MAX: usize = 400;

/// Names and abbreviations of the months, in lower case, in the languages of most pages.
const MONTHS: [&str; 12] = [
    "january jan januar jänner jän janvier janv enero ene gennaio genn gen janeiro januari stycznia styczeń sty января январь янв ocak oca ledna leden tammikuuta tammikuu januára ianuarie január siječnja січня ιανουαρίου ιανουάριος يناير",
    "february feb februar feber février févr fév fevrier fevr febrero febbraio febbr fevereiro fev februari lutego luty lut февраля февраль фев şubat şub února únor helmikuuta helmikuu februarie február veljače лютого φεβρουαρίου φεβρουάριος فبراير",
    "march mar märz maerz mrz mär mars marzo março marco maart mrt marca marzec марта март мар mart března březen maaliskuuta maaliskuu martie március ožujka березня μαρτίου μάρτιος مارس maret",
    "april apr avril avr abril abr aprile kwietnia kwiecień kwi апреля апрель апр nisan nis dubna duben huhtikuuta huhtikuu aprilie április travnja квітня απριλίου απρίλιος أبريل ابريل",
    "may mai mayo maggio magg mag maio mei maja maj мая май mayıs květen května toukokuuta toukokuu május svibnja травня μαΐου μαίου μάιος مايو",
    "june jun juni juin junio giugno giu junho czerwca czerwiec cze июня июнь июн haziran haz června červen kesäkuuta kesäkuu iunie június lipnja червня ιουνίου ιούνιος يونيو",
    "july jul juli juillet juil julio luglio lug julho lipca lipiec lip июля июль июл temmuz tem července červenec heinäkuuta heinäkuu iulie július липня ιουλίου ιούλιος يوليو",
    "august aug août aout agosto ago augustus sierpnia sierpień sie августа август авг ağustos agustos ağu srpen elokuuta elokuu augusti augusztus kolovoza серпня αυγούστου αύγουστος أغسطس agustus",
    "september sep sept septembre septiembre setiembre settembre sett set setembro września wrzesień wrz сентября сентябрь сен сент eylül eyl září syyskuuta syyskuu septembrie szeptember rujna вересня σεπτεμβρίου σεπτέμβριος سبتمبر",
    "october oct oktober okt octobre octubre ottobre ott outubro out października październik paź октября октябрь окт ekim eki října říjen lokakuuta lokakuu octombrie október жовтня οκτωβρίου οκτώβριος أكتوبر",
    "november nov novembre noviembre novembro listopada listopad lis ноября ноябрь ноя нояб kasım kas listopadu marraskuuta marraskuu noiembrie листопада νοεμβρίου νοέμβριος نوفمبر",
    "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro grudnia grudzień gru декабря декабрь дек aralık ara prosince prosinec joulukuuta joulukuu decembrie грудня δεκεμβρίου δεκέμβριος ديسمبر desember des",
];

static MONTH_OF: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let rows = MONTHS.iter().zip(1..);
    rows.flat_map(|(row, month)| row.split(' ').map(move |it| (it, month))).collect()
});

#[derive(Debug, PartialEq)]
enum Token {
    Number {
        value: u32,
        n_digits: usize,
    },
    Month(u32),
    /// A mark or a short word that may stand inside a date.
    Filler(char),
    /// Anything else; no date runs over it.
    Other,
}

/// The first day that `text` names. `is_american` tells how `3/4/2025` is meant.
pub(super) fn find(text: &str, is_american: bool) -> Option<NaiveDate> {
    if !text.contains(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let tokens = tokens(text);
    (0..tokens.len()).find_map(|at| day_at(&tokens[at..], is_american))
}

/// Whether `text` begins with a day.
pub(super) fn is_at_start(text: &str, is_american: bool) -> bool {
    let tokens = tokens(text.trim_start());
    !tokens.is_empty() && day_at(&tokens, is_american).is_some()
}

fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text.chars().take(TEXT_CHARS_MAX).collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let first = characters[at];
        let run = |is_part: fn(&char) -> bool| {
            characters[at..].iter().take_while(|it| is_part(it)).count()
        };
        if first.is_ascii_digit() {
            let n_digits = run(char::is_ascii_digit);
            let digits: String = characters[at..at + n_digits.min(9)].iter().collect();
            tokens.push(Token::Number { value: digits.parse().unwrap_or(u32::MAX), n_digits });
            at += n_digits;
        } else if matches!(first, '年' | '月' | '日' | '년' | '월' | '일') {
            tokens.push(Token::Filler('年'));
            at += 1;
        } else if first.is_alphabetic() {
            let n_letters = run(|it| it.is_alphabetic() || matches!(it, '\u{300}'..='\u{36f}'));
            let word: String = characters[at..at + n_letters].iter().collect();
            tokens.push(word_token(&word.to_lowercase()));
            at += n_letters;
        } else {
            match first {
                '.' | '-' | '/' => tokens.push(Token::Filler(first)),
                '–' | '‐' | '‑' => tokens.push(Token::Filler('-')),
                ',' | '\'' | '’' | 'º' | 'ª' => tokens.push(Token::Filler(',')),
                it if it.is_whitespace() || it == '|' => {}
                _ => tokens.push(Token::Other),
            }
            at += 1;
        }
    }
    tokens
}

fn word_token(word: &str) -> Token {
    if let Some(month) = MONTH_OF.get(word) {
        return Token::Month(*month);
    }
    match word {
        "st" | "nd" | "rd" | "th" | "er" | "de" | "of" | "del" | "den" | "do" | "e" | "º" | "г"
        | "a" => Token::Filler(','),
        _ => Token::Other,
    }
}

/// The day that the first token begins.
fn day_at(tokens: &[Token], is_american: bool) -> Option<NaiveDate> {
    match tokens[0] {
        Token::Number { value, n_digits: 4 } if (1990..2100).contains(&value) => year_first(tokens),
        Token::Number { value, n_digits: 1 | 2 } => day_first(tokens, value, is_american),
        Token::Month(month) => {
            let (day, rest) = next_number(&tokens[1..], 2)?;
            let (year, _) = next_number(rest, 4)?;
            date(year, month, day)
        }
        _ => None,
    }
}

/// `2025-11-03`, `2025/11/3`, `2025年11月3日`, `2025 November 3`.
fn year_first(tokens: &[Token]) -> Option<NaiveDate> {
    let Token::Number { value: year, .. } = tokens[0] else { return None };
    let (month, rest) = match tokens.get(1)? {
        Token::Filler(_) => next_number(&tokens[1..], 2)?,
        Token::Month(month) => (*month, &tokens[2..]),
        _ => return None,
    };
    let (day, _) = next_number(rest, 2)?;
    date(year, month, day)
}

/// `3. November 2025`, `3 de noviembre de 2025`, `03.11.2025`, `3.11.25`, `11/3/2025`.
fn day_first(tokens: &[Token], day: u32, is_american: bool) -> Option<NaiveDate> {
    let mut at = 1;
    while matches!(tokens.get(at), Some(Token::Filler(_))) && at < 4 {
        at += 1;
    }
    match tokens.get(at)? {
        Token::Month(month) => {
            let (year, _) = next_number(&tokens[at + 1..], 4)?;
            date(year, *month, day)
        }
        Token::Number { value: second, n_digits: 1 | 2 } if at == 2 => {
            let mark = &tokens[1];
            if tokens.get(3)? != mark {
                return None;
            }
            let year = match tokens.get(4)? {
                Token::Number { value, n_digits: 4 } => *value,
                Token::Number { value, n_digits: 2 } if *mark == Token::Filler('.') => 2000 + value,
                _ => return None,
            };
            let is_month_first = is_american && *mark == Token::Filler('/');
            let (day, month) = if is_month_first { (*second, day) } else { (day, *second) };
            date(year, month, day).or_else(|| date(year, day, month))
        }
        _ => None,
    }
}

/// The next number with at most (of a year: exactly) so many digits, over fillers only.
fn next_number(tokens: &[Token], n_digits_wanted: usize) -> Option<(u32, &[Token])> {
    let skipped = tokens.iter().take(3).take_while(|it| matches!(it, Token::Filler(_))).count();
    match tokens.get(skipped)? {
        Token::Number { value, n_digits }
            if n_digits == &n_digits_wanted || (n_digits_wanted == 2 && *n_digits == 1) =>
        {
            Some((*value, &tokens[skipped + 1..]))
        }
        _ => None,
    }
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    if !(1990..2100).contains(&year) {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = find(text, true).map(|it| it.to_string());
        assert_eq!(found.unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn days_are_read_in_many_languages() {
        check("Veröffentlicht am 3. November 2025, 10:15 Uhr", "2025-11-03");
        check("Le 3 novembre 2025 à 10h15", "2025-11-03");
        check("1er août 2025", "2025-08-01");
        check("3 de noviembre de 2025", "2025-11-03");
        check("3 listopada 2025", "2025-11-03");
        check("3 ноября 2025 г.", "2025-11-03");
        check("03 Kasım 2025 Pazartesi", "2025-11-03");
        check("2025年11月3日 10時15分", "2025-11-03");
        check("2025년 11월 3일", "2025-11-03");
        check("Posted on November 3rd, 2025", "2025-11-03");
        check("Nov. 3, 2025", "2025-11-03");
        check("3 November, 2025", "2025-11-03");
    }

    #[test]
    fn numbers_are_days_where_they_are_written_so() {
        check("am 03.11.2025, 11:51", "2025-11-03");
        check("3.11.25", "2025-11-03");
        check("Stand: 2025-11-03", "2025-11-03");
        check("11/03/2025", "2025-11-03");
        check("23/11/2025", "2025-11-23");
        assert_eq!(find("3/11/2025", false), NaiveDate::from_ymd_opt(2025, 11, 3));
    }

    #[test]
    fn other_numbers_are_no_days() {
        for text in [
            "",
            "May 2025",
            "32.13.2025",
            "2025",
            "+49 30 2025 11 3",
            "1.2.3",
            "in 3 of 2025 cases",
            "12/25",
        ] {
            check(text, "");
        }
    }

    proptest! {
        #[test]
        fn any_mix_is_a_day_or_none(words in prop::collection::vec("Nov|3|2025|[.,/-]|年|de|[0-9]{1,12}| ", 0..9)) {
            find(&words.concat(), false);
        }
    }
}
