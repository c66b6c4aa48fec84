//! Words of a sentence as the tagger was trained on them, and their casing.
//!
//! The rules are those of the training scripts, which are Python: a word is
//! `\w+(?:[-'’.]\w+)*|[^\w\s]`, where `\w` is a letter, a number or `_` (no combining marks, unlike
//! in the `regex` crate) and `\s` also takes the four ASCII information separators.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{L}\p{N}_]+(?:[-'’.][\p{L}\p{N}_]+)*|[^\p{L}\p{N}_\s\x1c-\x1f]")
        .expect("a constant pattern")
});

static LETTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\p{L}").expect("a constant pattern"));

/// Byte ranges of the words of `text`: words with inner hyphens, apostrophes and full stops
/// stay whole, every other sign stands alone.
pub fn words(text: &str) -> Vec<Range<usize>> {
    WORD.find_iter(text).map(|it| it.range()).collect()
}

/// Casing of a word, fed to the model as the token type of all its pieces:
/// 0 no capitals, 1 Capitalised, 2 ALL CAPITALS (two characters or more), 3 mIxed.
///
/// Letters of scripts without case count as mixed, as in training.
pub fn case_id(word: &str) -> u8 {
    let Some(first) = word.chars().next() else { return 0 };
    let has_lower = word.chars().any(char::is_lowercase);
    let has_upper = word.chars().any(char::is_uppercase);
    let has_title = !word.is_ascii() && word.chars().any(is_titlecase);
    let is_lower = has_lower && !has_upper && !has_title;
    let is_upper = has_upper && !has_lower && !has_title;
    if is_lower || !has_letter(word) {
        0
    } else if is_upper && word.chars().nth(1).is_some() {
        2
    } else if first.is_uppercase() {
        1
    } else {
        3
    }
}

fn has_letter(word: &str) -> bool {
    if word.is_ascii() {
        return word.bytes().any(|it| it.is_ascii_alphabetic());
    }
    LETTER.is_match(word)
}

/// Whether `c` is in Unicode category Lt.
fn is_titlecase(c: char) -> bool {
    matches!(c,
        'ǅ' | 'ǈ' | 'ǋ' | 'ǲ'
        | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}'
        | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, u8)]) {
        let found: Vec<(&str, u8)> =
            words(text).into_iter().map(|it| (&text[it.clone()], case_id(&text[it]))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn keeps_hyphens_apostrophes_and_inner_full_stops_in_words() {
        check(
            "Iran’s state-backed U.S. crew.",
            &[("Iran’s", 1), ("state-backed", 0), ("U.S", 2), (".", 0), ("crew", 0), (".", 0)],
        );
    }

    #[test]
    fn tells_the_four_casings() {
        check(
            "nato NATO Nato eBay X 1990s 1990",
            &[
                ("nato", 0),
                ("NATO", 2),
                ("Nato", 1),
                ("eBay", 3),
                ("X", 1),
                ("1990s", 0),
                ("1990", 0),
            ],
        );
    }

    #[test]
    fn follows_python_on_marks_and_scripts_without_case() {
        // A combining mark is no word character in Python: it stands alone.
        check("e\u{301}a", &[("e", 0), ("\u{301}", 0), ("a", 0)]);
        check("東京 ⅣX", &[("東京", 3), ("ⅣX", 2)]);
        check("a\u{1c}b", &[("a", 0), ("b", 0)]);
    }
}
