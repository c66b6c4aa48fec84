//! The language of a text.

/// Characters of a text that are looked at; more do not change the answer.
const SAMPLE_CHARS: usize = 1_500;
/// Below this many characters the page's own word counts more than the text.
const SURE_CHARS: usize = 200;

/// The ISO 639-1 code of the language of `text`. `declared` is the page's `lang`, which templates
/// often get wrong: it decides only where the text cannot.
pub(super) fn of(text: &str, declared: Option<&str>) -> Option<String> {
    let sample: String = text.chars().take(SAMPLE_CHARS).collect();
    let declared = declared.and_then(primary_tag);
    let detected = whatlang::detect(&sample);
    let is_sure = sample.chars().count() >= SURE_CHARS
        && detected.as_ref().is_some_and(|it| it.is_reliable());
    let detected = detected.and_then(|it| iso_639_1(it.lang().code()));
    match (detected, declared) {
        (Some(detected), Some(_)) if is_sure => Some(detected.to_owned()),
        (_, Some(declared)) => Some(declared),
        (detected, None) => detected.map(str::to_owned),
    }
}

/// The two-letter code at the start of a language tag such as `en-GB`.
fn primary_tag(tag: &str) -> Option<String> {
    let primary = tag.split(['-', '_']).next()?.trim().to_ascii_lowercase();
    (primary.len() == 2 && primary.bytes().all(|it| it.is_ascii_alphabetic())).then_some(primary)
}

/// ISO 639-3 to ISO 639-1, for the languages that can be told apart.
fn iso_639_1(code: &str) -> Option<&'static str> {
    const CODES: &[(&str, &str)] = &[
        ("afr", "af"),
        ("aka", "ak"),
        ("amh", "am"),
        ("ara", "ar"),
        ("aze", "az"),
        ("bel", "be"),
        ("ben", "bn"),
        ("bul", "bg"),
        ("cat", "ca"),
        ("ces", "cs"),
        ("cmn", "zh"),
        ("cym", "cy"),
        ("dan", "da"),
        ("deu", "de"),
        ("ell", "el"),
        ("eng", "en"),
        ("epo", "eo"),
        ("est", "et"),
        ("fin", "fi"),
        ("fra", "fr"),
        ("guj", "gu"),
        ("heb", "he"),
        ("hin", "hi"),
        ("hrv", "hr"),
        ("hun", "hu"),
        ("hye", "hy"),
        ("ind", "id"),
        ("ita", "it"),
        ("jav", "jv"),
        ("jpn", "ja"),
        ("kan", "kn"),
        ("kat", "ka"),
        ("khm", "km"),
        ("kor", "ko"),
        ("lat", "la"),
        ("lav", "lv"),
        ("lit", "lt"),
        ("mal", "ml"),
        ("mar", "mr"),
        ("mkd", "mk"),
        ("mya", "my"),
        ("nep", "ne"),
        ("nld", "nl"),
        ("nob", "no"),
        ("ori", "or"),
        ("pan", "pa"),
        ("pes", "fa"),
        ("pol", "pl"),
        ("por", "pt"),
        ("ron", "ro"),
        ("rus", "ru"),
        ("sin", "si"),
        ("slk", "sk"),
        ("slv", "sl"),
        ("sna", "sn"),
        ("spa", "es"),
        ("srp", "sr"),
        ("swe", "sv"),
        ("tam", "ta"),
        ("tel", "te"),
        ("tgl", "tl"),
        ("tha", "th"),
        ("tuk", "tk"),
        ("tur", "tr"),
        ("ukr", "uk"),
        ("urd", "ur"),
        ("uzb", "uz"),
        ("vie", "vi"),
        ("yid", "yi"),
        ("zul", "zu"),
    ];
    let at = CODES.binary_search_by_key(&code, |(long, _)| long).ok()?;
    Some(CODES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_that_is_detected_has_a_code() {
        for language in whatlang::Lang::all() {
            assert!(iso_639_1(language.code()).is_some(), "{}", language.code());
        }
    }

    #[test]
    fn the_text_decides_before_the_template() {
        let german = "Die Behörden teilten am Montag mit, dass der Angriff auf das Stromnetz \
            abgewehrt worden sei. Verletzt wurde nach ersten Angaben niemand, doch blieb die \
            Versorgung in mehreren Gemeinden bis zum Abend unterbrochen, sagte eine Sprecherin.";
        assert_eq!(of(german, Some("en-US")).as_deref(), Some("de"));
        assert_eq!(of(german, None).as_deref(), Some("de"));
        assert_eq!(of("Kurz.", Some("fr_FR")).as_deref(), Some("fr"));
        assert_eq!(of("", None), None);
    }
}
