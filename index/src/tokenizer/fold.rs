//! Letters without their accents: `Erdoğan` and `Erdogan` are one word.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Removes accents from Latin, Greek and Cyrillic letters and splits ligatures. Expects lower case.
///
/// Marks of other scripts stay: in Hindi or Arabic they are letters, not ornaments.
pub(crate) fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut folded = String::with_capacity(word.len());
    let mut is_european = true;
    for it in word.nfkd() {
        if is_combining_mark(it) {
            if !(is_european && ('\u{300}'..='\u{36f}').contains(&it)) {
                folded.push(it);
            }
            continue;
        }
        is_european = it < '\u{530}';
        match plain(it) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(it),
        }
    }
    Cow::Owned(folded.nfc().collect())
}

/// Letters that Unicode does not take apart.
fn plain(it: char) -> Option<&'static str> {
    Some(match it {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'þ' => "th",
        'ı' => "i",
        'ħ' => "h",
        'ŋ' => "n",
        'ə' => "a",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn accents_go_and_other_marks_stay() {
        for (word, expected) in [
            ("erdoğan", "erdogan"),
            ("świat", "swiat"),
            ("łódź", "lodz"),
            ("straße", "strasse"),
            ("ёлка", "елка"),
            ("αθήνα", "αθηνα"),
            ("हिन्दी", "हिन्दी"),
            ("한국", "한국"),
        ] {
            assert_eq!(fold(word), expected);
        }
    }
}
