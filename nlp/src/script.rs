//! What letters and signs of other scripts than the Latin ask for when names are compared.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// A system of writing, as far as languages are told by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Arabic,
    Bengali,
    Cyrillic,
    Devanagari,
    Greek,
    Hangul,
    Hebrew,
    /// Chinese signs and kana.
    Signs,
    Thai,
}

/// Whether `text` starts with a letter of another script than the Latin.
pub(crate) fn is_in_other_script(text: &str) -> bool {
    text.chars().next().is_some_and(|it| script_of(it) != Script::Latin)
}

/// The script that `c` belongs to; signs that all share count as Latin.
pub(crate) fn script_of(c: char) -> Script {
    match c {
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{590}'..='\u{5ff}' => Script::Hebrew,
        '\u{600}'..='\u{77f}' | '\u{fb50}'..='\u{fdff}' => Script::Arabic,
        '\u{900}'..='\u{97f}' => Script::Devanagari,
        '\u{980}'..='\u{9ff}' => Script::Bengali,
        '\u{e00}'..='\u{e7f}' => Script::Thai,
        '\u{ac00}'..='\u{d7af}' => Script::Hangul,
        '\u{3005}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' => Script::Signs,
        _ => Script::Latin,
    }
}

/// Byte ranges of the runs of letters, digits and marks in `text`.
pub(crate) fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = vec![];
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (c.is_alphanumeric() || is_combining_mark(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// `word` in small letters, without marks and in one of several spellings.
pub(crate) fn folded(word: &str) -> String {
    word.chars().filter_map(folded_char).collect()
}

/// What a letter is compared as; `None` for vowel points and other marks that writers leave out.
fn folded_char(c: char) -> Option<char> {
    Some(match c {
        '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{652}' | '\u{640}' | '\u{670}' => return None,
        '\u{93c}' | '\u{9bc}' => return None,
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ی' => 'ي',
        'ک' => 'ك',
        'ہ' | 'ۀ' => 'ه',
        'İ' => 'i',
        'ё' | 'Ё' => 'е',
        // Devanagari and Bengali letters with a dot below.
        '\u{958}' => '\u{915}',
        '\u{959}' => '\u{916}',
        '\u{95a}' => '\u{917}',
        '\u{95b}' => '\u{91c}',
        '\u{95c}' => '\u{921}',
        '\u{95d}' => '\u{922}',
        '\u{95e}' => '\u{92b}',
        '\u{95f}' => '\u{92f}',
        '\u{9dc}' => '\u{9a1}',
        '\u{9dd}' => '\u{9a2}',
        '\u{9df}' => '\u{9af}',
        _ => c.to_lowercase().next().unwrap_or(c),
    })
}

/// Bytes of `word` before its letter number `n_letters`, marks left out of the count.
pub(crate) fn offset_after(word: &str, n_letters: usize) -> usize {
    let mut letters = word.char_indices().filter(|it| folded_char(it.1).is_some());
    letters.nth(n_letters).map_or(word.len(), |it| it.0)
}

/// The first `n_chars` characters of `text`, or all of it.
pub(crate) fn start(text: &str, n_chars: usize) -> &str {
    let end = text.char_indices().nth(n_chars).map_or(text.len(), |it| it.0);
    &text[..end]
}

/// Whether what stands between two words of a text may stand between those of a name.
pub(crate) fn joins(gap: &str, listed: &str) -> bool {
    const SPACES: [&str; 5] = [" ", "-", "\u{a0}", "\u{200c}", "‑"];
    const MARKS: [&str; 6] = ["'", "’", "׳", "״", "\"", "ʼ"];
    gap == listed
        || SPACES.contains(&gap) && SPACES.contains(&listed)
        || MARKS.contains(&gap) && MARKS.contains(&listed)
}

/// Whether nothing at the edges of a name shows that a longer word is meant: kana, Latin letters
/// and Thai vowels belong together.
pub(crate) fn stands_alone(text: &str, range: Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let first = text[range.clone()].chars().next();
    let last = text[range].chars().next_back();
    let is_thai_lead = |it: char| matches!(it, 'เ'..='ไ');
    !goes_on(before, first)
        && !goes_on(last, after)
        && !after.is_some_and(is_combining_mark)
        && !before.is_some_and(is_thai_lead)
}

fn goes_on(a: Option<char>, b: Option<char>) -> bool {
    let is_kana = |it: char| matches!(it, 'ァ'..='ヺ' | 'ー'..='ヿ');
    let is_latin = |it: char| it.is_ascii_alphanumeric();
    a.zip(b).is_some_and(|(a, b)| is_kana(a) && is_kana(b) || is_latin(a) && is_latin(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_are_compared_as_one() {
        for (a, b) in [
            ("إيران", "ایران"),
            ("يِسرائيل", "يسرائيل"),
            ("İran", "iran"),
            ("Соединённые", "соединенные"),
            ("फ़िलिस्तीन", "फिलिस्तीन"),
        ] {
            assert_eq!(folded(a), folded(b));
        }
        assert_eq!(offset_after("وَإيران", 1), "وَ".len());
    }

    #[test]
    fn a_name_in_kana_is_no_part_of_a_longer_word() {
        let check = |text: &str, name: &str| {
            let from = text.find(name).expect("the name is there");
            stands_alone(text, from..from + name.len())
        };
        assert!(check("米国とイランの協議", "イラン"));
        assert!(!check("インドネシアで", "インド"));
        assert!(!check("SNATOX", "NATO"));
        assert!(!check("เปรู้", "เปรู"));
    }
}
