//! What a line is made of.

/// Counts of kinds of characters.
#[derive(Clone, Debug, Default)]
pub(super) struct Characters {
    pub(super) n_words: f32,
    pub(super) n_letters: f32,
    pub(super) n_digits: f32,
    pub(super) n_upper: f32,
    pub(super) n_capital_words: f32,
    pub(super) n_short_words: f32,
    pub(super) n_ends: f32,
    pub(super) n_commas: f32,
    pub(super) n_separators: f32,
    pub(super) n_quotes: f32,
    /// 0 letter, 1 full stop, 2 question or exclamation, 3 colon, 4 ellipsis, 5 comma, 6 digit,
    /// 7 closing quote or bracket, 8 other.
    pub(super) last: f32,
    /// 0 small letter, 1 capital, 2 letter without case, 3 digit, 4 quote, 5 bullet or dash,
    /// 6 other.
    pub(super) first: f32,
    pub(super) has_year: bool,
}

impl Characters {
    pub(super) fn of(text: &str) -> Characters {
        let mut out = Characters::default();
        let mut n_in_word = 0;
        let mut n_digits_run = 0;
        for character in text.chars() {
            if character.is_alphanumeric() {
                let is_ideograph =
                    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
                if is_ideograph {
                    out.n_words += 0.5;
                    out.n_letters += 1.0;
                    continue;
                }
                if n_in_word == 0 {
                    out.n_words += 1.0;
                    out.n_capital_words += f32::from(character.is_uppercase());
                }
                n_in_word += 1;
                if character.is_numeric() {
                    out.n_digits += 1.0;
                    n_digits_run += 1;
                } else {
                    out.n_letters += 1.0;
                    out.n_upper += f32::from(character.is_uppercase());
                    n_digits_run = 0;
                }
                continue;
            }
            out.n_short_words += f32::from((1..=3).contains(&n_in_word));
            out.has_year |= n_digits_run == 4 && n_in_word == 4;
            (n_in_word, n_digits_run) = (0, 0);
            match character {
                '.' | '!' | '?' | '。' | '！' | '？' | '…' | '।' | '؟' => out.n_ends += 1.0,
                ',' | '،' | '、' | '，' | ';' => out.n_commas += 1.0,
                '|' | '·' | '•' | '/' | '›' | '»' | '>' | '→' => out.n_separators += 1.0,
                '"' | '“' | '”' | '„' | '«' | '‘' | '「' => out.n_quotes += 1.0,
                _ => {}
            }
        }
        out.n_short_words += f32::from((1..=3).contains(&n_in_word));
        out.has_year |= n_digits_run == 4 && n_in_word == 4;
        out.last = text.chars().next_back().map_or(8.0, |it| match it {
            '.' | '。' | '।' => 1.0,
            '!' | '?' | '！' | '？' | '؟' => 2.0,
            ':' | '：' => 3.0,
            '…' => 4.0,
            ',' | ';' | '、' => 5.0,
            '"' | '”' | '’' | '»' | '“' | ')' | ']' | '」' => 7.0,
            it if it.is_alphabetic() => 0.0,
            it if it.is_numeric() => 6.0,
            _ => 8.0,
        });
        out.first = text.chars().next().map_or(6.0, |it| match it {
            it if it.is_lowercase() => 0.0,
            it if it.is_uppercase() => 1.0,
            it if it.is_alphabetic() => 2.0,
            it if it.is_numeric() => 3.0,
            '"' | '“' | '„' | '«' | '‘' | '\'' | '「' => 4.0,
            '-' | '–' | '—' | '•' | '·' | '*' | '►' | '→' => 5.0,
            _ => 6.0,
        });
        out
    }
}
