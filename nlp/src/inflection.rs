//! Endings and prefixes that names take in running text, by language.
//!
//! One bounded rule per family of languages, precision first: a name loses at most one listed
//! ending, keeps a stem of [`N_STEM_MIN`] letters or more, and takes one listed ending. Forms that no
//! rule makes are names of their own in the list. All words here are folded (`folded`).

/// Letters that a stem keeps.
const N_STEM_MIN: usize = 3;
/// Letters that a stem keeps when the name lost no ending.
const N_WHOLE_MIN: usize = 4;

/// What is cut from the end of a name, and what stands there instead.
pub(crate) type Cases = &'static [(&'static str, &'static [&'static str])];

/// How the names of a language change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Not at all, or by words beside them.
    Still,
    /// Case endings after a stem.
    Cases(Cases),
    /// Endings after the whole name, when it has so many letters.
    Endings(usize, &'static [&'static str]),
    /// Possessive `s` at the end.
    Germanic,
    /// Endings after the whole name, whose last vowel grows longer.
    Hungarian,
    /// Particles after the whole name, which are no part of it.
    Korean,
    /// Particles before the name.
    Arabic,
    /// Particles before the name.
    Hebrew,
}

/// Whether and how `word` is a form of `name`: exact or with an ending that its language allows.
///
/// `is_part` says that the name has other words, which may be adjectives.
pub(crate) fn is_form(language: &str, name: &str, word: &str, is_part: bool) -> bool {
    if name == word {
        return true;
    }
    match family(language) {
        Family::Still | Family::Arabic | Family::Hebrew => false,
        Family::Germanic => {
            !name.ends_with(['s', 'ß', 'x', 'z'])
                && N_WHOLE_MIN <= n_letters(name)
                && word.strip_prefix(name) == Some("s")
        }
        Family::Endings(n_min, endings) => {
            n_min <= n_letters(name)
                && word.strip_prefix(name).is_some_and(|it| endings.contains(&it))
        }
        Family::Korean => word.strip_prefix(name).is_some_and(|it| KOREAN.contains(&it)),
        Family::Hungarian => {
            let long = match name.char_indices().next_back() {
                Some((at, 'a')) => format!("{}á", &name[..at]),
                Some((at, 'e')) => format!("{}é", &name[..at]),
                _ => name.to_owned(),
            };
            N_WHOLE_MIN <= n_letters(name)
                && word.strip_prefix(&*long).is_some_and(|it| HUNGARIAN.contains(&it))
        }
        Family::Cases(cases) => {
            takes(name, word, cases)
                || is_part && adjective(language).is_some_and(|it| takes_any(name, word, it))
        }
    }
}

/// Whether `word` is a form of the adjective `name`, given as dictionaries have it.
pub(crate) fn is_adjective(language: &str, name: &str, word: &str) -> bool {
    let endings = adjective(language);
    name == word || endings.is_some_and(|it| takes_any(name, word, it))
}

/// What may stand before a name as one word with it, and the letters that the name then has.
pub(crate) fn prefixes(language: &str) -> &'static [(&'static str, usize)] {
    match family(language) {
        Family::Arabic => ARABIC,
        Family::Hebrew => HEBREW,
        _ => &[],
    }
}

/// Bytes at the end of `word` that are a particle after `name`.
pub(crate) fn particle(language: &str, name: &str, word: &str) -> usize {
    match family(language) {
        Family::Korean => word.len().saturating_sub(name.len()),
        _ => 0,
    }
}

/// The first case whose ending the name has says what may follow its stem.
fn takes(name: &str, word: &str, cases: Cases) -> bool {
    let case =
        cases.iter().find_map(|(cut, endings)| Some((name.strip_suffix(*cut)?, cut, endings)));
    let Some((stem, cut, endings)) = case else { return false };
    let n_min = if cut.is_empty() { N_WHOLE_MIN } else { N_STEM_MIN };
    // A last vowel changes or nothing does.
    let is_fixed = cut.is_empty() && name.ends_with(|it: char| VOWELS.contains(it));
    if n_letters(stem) < n_min || is_fixed {
        return false;
    }
    word.strip_prefix(stem).is_some_and(|it| endings.contains(&it) && !is_adjectival(stem, it))
}

/// `-skie`, `-gie`: adjectives of a country's name.
fn is_adjectival(stem: &str, ending: &str) -> bool {
    ending == "ie" && stem.ends_with(['k', 'g'])
}

fn takes_any(name: &str, word: &str, (cuts, endings): (&[&str], &[&str])) -> bool {
    let stem = cuts.iter().find_map(|it| name.strip_suffix(*it)).unwrap_or(name);
    N_STEM_MIN <= n_letters(stem) && word.strip_prefix(stem).is_some_and(|it| endings.contains(&it))
}

fn n_letters(word: &str) -> usize {
    word.chars().count()
}

/// How names change in `language`, a code of ISO 639-1.
pub(crate) fn family(language: &str) -> Family {
    match language {
        "ru" | "uk" | "bg" | "sr" => Family::Cases(CYRILLIC),
        "pl" => Family::Cases(POLISH),
        "cs" => Family::Cases(CZECH),
        "sk" => Family::Cases(SLOVAK),
        "hr" => Family::Cases(CROATIAN),
        "ro" => Family::Cases(ROMANIAN),
        "lt" => Family::Cases(LITHUANIAN),
        "lv" => Family::Cases(LATVIAN),
        "fi" => Family::Endings(N_WHOLE_MIN, FINNISH),
        "et" => Family::Endings(N_WHOLE_MIN, ESTONIAN),
        "el" => Family::Cases(GREEK),
        "bn" => Family::Endings(N_STEM_MIN, BENGALI),
        "de" | "nl" | "sv" | "no" | "da" => Family::Germanic,
        "hu" => Family::Hungarian,
        "ko" => Family::Korean,
        "ar" => Family::Arabic,
        "he" => Family::Hebrew,
        _ => Family::Still,
    }
}

const VOWELS: &str = "aeiouyąęáéíóúůýěāēīūėįųаеиоуыіїєюяэαεηιουω";

const CYRILLIC: Cases = &[
    ("а", &["ы", "и", "у", "е", "ой", "ою", "і"]),
    ("я", &["и", "ю", "е", "ей", "ею", "єю", "ї", "і"]),
    ("о", &["а", "у", "ом", "е", "і"]),
    ("е", &["я", "ю", "ем", "и"]),
    ("ь", &["я", "ю", "ем", "е", "єм", "і", "и", "ью"]),
    ("й", &["я", "ю", "ем", "е", "єм", "ї"]),
    ("ы", &["ов", "ам", "ами", "ах"]),
    ("", &["а", "у", "ом", "е", "і", "ові", "ем"]),
];
const POLISH: Cases = &[
    ("a", &["y", "i", "ie", "ę", "ą"]),
    ("o", &["a", "u", "em"]),
    ("e", &["i"]),
    ("y", &["ów", "om", "ami", "ach"]),
    ("", &["u", "a", "owi", "em", "iem", "ie"]),
];
const CZECH: Cases = &[
    ("a", &["y", "i", "ě", "u", "ou"]),
    ("o", &["a", "u", "em"]),
    ("e", &["i", "í"]),
    ("y", &["ů", "ům", "ech"]),
    ("", &["u", "a", "ovi", "em", "ě", "e", "i"]),
];
const SLOVAK: Cases = &[
    ("a", &["y", "e", "i", "u", "ou"]),
    ("o", &["a", "u", "om"]),
    ("", &["u", "a", "ovi", "om", "e", "i"]),
];
const CROATIAN: Cases = &[
    ("a", &["e", "i", "u", "om", "oj"]),
    ("o", &["a", "u", "om"]),
    ("", &["a", "u", "om", "em", "e"]),
];
const ROMANIAN: Cases = &[("a", &["ei"]), ("", &["ul", "ului"])];
const LITHUANIAN: Cases = &[
    ("as", &["o", "ui", "ą", "e", "u"]),
    ("is", &["io", "iui", "į", "yje", "iu"]),
    ("a", &["os", "ai", "ą", "oje"]),
    ("ė", &["ės", "ei", "ę", "ėje"]),
];
const LATVIAN: Cases =
    &[("a", &["as", "ai", "u", "ā"]), ("e", &["es", "ei", "i", "ē"]), ("s", &["a", "u", "ā"])];
const FINNISH: &[&str] = &[
    "n", "a", "ä", "ssa", "ssä", "sta", "stä", "an", "än", "on", "en", "in", "lla", "llä", "lle",
    "lta", "ltä", "na", "nä", "ksi", "ia", "iin", "issa", "ista", "illa", "ille", "ilta",
];
const ESTONIAN: &[&str] = &[
    "s", "st", "le", "l", "lt", "ga", "ni", "ks", "sse", "i", "is", "ist", "ile", "il", "ilt", "t",
];
const GREEK: Cases = &[("α", &["ας"]), ("η", &["ης"]), ("ος", &["ου", "ο"]), ("ο", &["ου"])];
const BENGALI: &[&str] = &["র", "ের", "যের", "তে", "ে", "য", "কে"];
const HUNGARIAN: &[&str] = &[
    "ban", "ben", "ba", "be", "ból", "ből", "nak", "nek", "t", "ot", "at", "et", "on", "en", "ön",
    "n", "ra", "re", "ról", "ről", "tól", "től", "hoz", "hez", "höz", "val", "vel", "ig", "ért",
    "ként", "gal", "gel", "nal", "nel", "ral", "rel", "lal", "lel", "kal", "kel",
];
const KOREAN: &[&str] = &[
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "에서",
    "에게",
    "와",
    "과",
    "로",
    "으로",
    "만",
    "까지",
    "부터",
    "측",
    "발",
    "인",
    "인들",
    "계",
    "과의",
    "와의",
    "에는",
    "에도",
    "에서는",
    "에서도",
    "으로부터",
    "로부터",
    "이다",
];
const ARABIC: &[(&str, usize)] = &[
    ("و", 5),
    ("ف", 5),
    ("ب", 5),
    ("ل", 5),
    ("ك", 5),
    ("وب", 5),
    ("ول", 5),
    ("وك", 5),
    ("فب", 5),
    ("فل", 5),
];
const HEBREW: &[(&str, usize)] = &[
    ("ב", 4),
    ("ו", 5),
    ("ל", 5),
    ("ה", 5),
    ("מ", 5),
    ("כ", 5),
    ("ש", 5),
    ("וב", 5),
    ("ול", 5),
    ("וה", 5),
    ("ומ", 5),
    ("וש", 5),
    ("שב", 5),
    ("של", 5),
    ("שה", 5),
    ("מה", 5),
];

/// What adjectives lose, longest first, and what they take instead.
fn adjective(language: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match language {
        "ru" | "uk" | "bg" | "sr" => (
            &["ая", "яя", "ое", "ее", "ый", "ий", "ой", "ые", "ие", "а", "е"],
            &[
                "ая", "ой", "ую", "ого", "ому", "ом", "ым", "им", "ый", "ий", "ое", "ые", "ых",
                "ыми", "их", "ими", "ої", "ій", "у", "ою", "а", "е", "і", "ој", "ог",
            ],
        ),
        "pl" => (
            &["a", "e", "y", "i"],
            &[
                "a", "ej", "iej", "ą", "e", "ie", "ego", "iego", "emu", "iemu", "y", "i", "ym",
                "im", "ych", "ich", "ymi", "imi",
            ],
        ),
        "cs" | "sk" => (
            &["á", "é", "ý", "í"],
            &["é", "ej", "ou", "ú", "ého", "ému", "ém", "ým", "ých", "ými", "á", "ý"],
        ),
        "hr" => (&["a", "o"], &["e", "oj", "u", "om", "og", "a"]),
        "de" => (&[], &["e", "en", "er", "em", "es"]),
        "es" | "it" | "pt" => (&["o", "e", "a"], &["o", "a", "os", "as", "e", "es", "i", "s"]),
        "fr" => (&[], &["s"]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: &str, name: &str, forms: &[&str], others: &[&str]) {
        for form in forms {
            assert!(is_form(language, name, form, false), "{form} of {name}");
        }
        for other in others {
            assert!(!is_form(language, name, other, false), "{other} of {name}");
        }
    }

    #[test]
    fn slavic_names_have_cases() {
        check("ru", "россия", &["россия", "россии", "россию", "россией"], &["росси", "российский"]);
        check("ru", "иран", &["ирана", "ирану", "ираном", "иране"], &["иранский", "иранов"]);
        check("ru", "донецк", &["донецка", "донецке"], &["донецкой", "донецкий"]);
        check("ru", "дели", &["дели"], &["делам", "делах"]);
        check("uk", "україна", &["україни", "україні", "україною"], &["український"]);
        check("pl", "rosja", &["rosji", "rosję", "rosją"], &["rosjanin"]);
        check("pl", "polska", &["polski", "polską"], &["polskie", "polsko"]);
        check("pl", "dania", &["danii"], &["danie"]);
        check("cs", "rusko", &["ruska", "rusku", "ruskem"], &["ruský"]);
        check("cs", "čína", &["číny", "číně", "čínou"], &["čínský"]);
        check("hr", "kina", &["kine", "kini", "kinom"], &["kino"]);
    }

    #[test]
    fn other_families_have_their_endings() {
        check("de", "iran", &["irans"], &["irane"]);
        check("de", "laos", &["laos"], &["laoss"]);
        check("ro", "rusia", &["rusiei"], &["rusă"]);
        check("lt", "rusija", &["rusijos", "rusijoje"], &["rusijietis"]);
        check("fi", "venäjä", &["venäjän", "venäjällä"], &["venäjänkielinen"]);
        check("hu", "ukrajna", &["ukrajnában", "ukrajnát"], &["ukrajnai"]);
        check("el", "ρωσία", &["ρωσίας"], &["ρωσικός"]);
        check("ko", "이란", &["이란은", "이란에서"], &["이란어"]);
        check("bn", "ইরান", &["ইরানের", "ইরানে"], &["ইরানি"]);
        check("fr", "iran", &["iran"], &["irans"]);
    }

    #[test]
    fn short_stems_take_nothing() {
        check("ru", "чад", &["чад"], &["чада", "чаду"]);
        check("fi", "oma", &["oma"], &["oman"]);
    }

    #[test]
    fn adjectives_are_bent_too() {
        for (language, name, form) in [
            ("ru", "российский", "российского"),
            ("uk", "російський", "російської"),
            ("pl", "rosyjski", "rosyjskiej"),
            ("de", "iranisch", "iranischen"),
            ("es", "ruso", "rusas"),
            ("it", "cinese", "cinesi"),
        ] {
            assert!(is_adjective(language, name, form), "{form}");
        }
        assert!(!is_adjective("de", "iranisch", "iranischstämmig"));
        assert!(is_form("ru", "саудовская", "саудовской", true));
    }
}
