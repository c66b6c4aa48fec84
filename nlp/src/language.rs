//! Which language a text is in.

use whatlang::Lang;

/// Text that is looked at, in bytes.
const N_BYTES_READ: usize = 4_000;

/// Shorter texts, in bytes, are not told apart safely.
const N_BYTES_MIN: usize = 60;

/// ISO 639-1 code of the language of `text`; `None` when it is too short or unclear.
pub fn detect(text: &str) -> Option<&'static str> {
    let start = &text[..text.floor_char_boundary(N_BYTES_READ)];
    if start.trim().len() < N_BYTES_MIN {
        return None;
    }
    let info = whatlang::detect(start)?;
    // Another script rules English out already: an unsure answer is better than none.
    let is_sure = info.is_reliable() || info.script() != whatlang::Script::Latin;
    is_sure.then(|| iso_639_1(info.lang()))
}

/// Two-letter code of a language.
fn iso_639_1(lang: Lang) -> &'static str {
    match lang {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Ben => "bn",
        Lang::Bul => "bg",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cmn => "zh",
        Lang::Cym => "cy",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jav => "jv",
        Lang::Jpn => "ja",
        Lang::Kan => "kn",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mal => "ml",
        Lang::Mar => "mr",
        Lang::Mkd => "mk",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "no",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Sin => "si",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Sna => "sn",
        Lang::Spa => "es",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tgl => "tl",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Zul => "zu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_languages_apart_and_admits_what_it_cannot_tell() {
        let english = "The ministry said on Friday that the attack on the port had been repelled. \
            Nobody was hurt, but two ships that had waited for grain went down in the harbour.";
        let german = "Das Ministerium teilte am Freitag mit, der Angriff auf den Hafen sei \
            abgewehrt worden. Verletzt wurde niemand, zwei Schiffe gingen jedoch unter.";
        let russian = "Министерство сообщило в пятницу, что атака на порт была отражена полностью.";
        assert_eq!(detect(english), Some("en"));
        assert_eq!(detect(german), Some("de"));
        assert_eq!(detect(russian), Some("ru"));
        assert_eq!(detect("Kyiv"), None);
        assert_eq!(detect(&"7 ".repeat(5_000)), None);
    }
}
