//! The languages that words are stemmed in: [`Language`]. They are those that Tantivy enables in
//! `frostem`; more would need features of it, and a full build of Tantivy.

use frostem::{Algorithm, Stemmer};

macro_rules! languages {
    ($($code:literal $name:literal $variant:ident;)*) => {
        /// A language with stemming rules (Snowball), or none of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Language {
            $(#[doc = $name] $variant,)*
            /// Any other language, and text whose language is unknown: words stay as they are.
            Other,
        }

        impl Language {
            /// All languages, [`Language::Other`] last.
            pub const ALL: &[Language] = &[$(Language::$variant,)* Language::Other];

            /// Finds the language with an ISO 639-1 code such as `de` or `pt-BR`.
            pub fn of(code: Option<&str>) -> Language {
                match base_code(code.unwrap_or_default()).as_str() {
                    $($code => Language::$variant,)*
                    _ => Language::Other,
                }
            }

            /// The code that terms carry.
            pub(crate) fn tag(self) -> &'static str {
                match self {
                    $(Language::$variant => $code,)*
                    Language::Other => "xx",
                }
            }

            pub(crate) fn stemmer(self) -> Option<Stemmer> {
                match self {
                    $(Language::$variant => Some(Stemmer::new(Algorithm::$variant)),)*
                    Language::Other => None,
                }
            }
        }

        /// ISO 639-1 codes and English names of the languages with stemming rules.
        const STEMMED: &[(&str, &str)] = &[$(($code, $name),)*];
    };
}

languages! {
    "ar" "Arabic" Arabic;
    "da" "Danish" Danish;
    "de" "German" German;
    "el" "Greek" Greek;
    "en" "English" English;
    "es" "Spanish" Spanish;
    "fi" "Finnish" Finnish;
    "fr" "French" French;
    "hu" "Hungarian" Hungarian;
    "it" "Italian" Italian;
    "nl" "Dutch" Dutch;
    "no" "Norwegian" Norwegian;
    "pt" "Portuguese" Portuguese;
    "ro" "Romanian" Romanian;
    "ru" "Russian" Russian;
    "sv" "Swedish" Swedish;
    "ta" "Tamil" Tamil;
    "tr" "Turkish" Turkish;
}

/// Other languages of news, by ISO 639-1 code.
const UNSTEMMED: &[(&str, &str)] = &[
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("et", "Estonian"),
    ("fa", "Persian"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hy", "Armenian"),
    ("id", "Indonesian"),
    ("ja", "Japanese"),
    ("ka", "Georgian"),
    ("ko", "Korean"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("ms", "Malay"),
    ("pl", "Polish"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sr", "Serbian"),
    ("th", "Thai"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// `pt-BR` is `pt`; both written forms of Norwegian are `no`.
fn base_code(code: &str) -> String {
    let base = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match base.as_str() {
        "nb" | "nn" => "no".to_owned(),
        _ => base,
    }
}

/// English name of the language with an ISO 639-1 code; the code itself when it is not a common
/// language of news.
pub fn language_name(code: &str) -> &str {
    let mut names = STEMMED.iter().chain(UNSTEMMED);
    names.find(|(it, _)| *it == code).map_or(code, |(_, name)| name)
}

/// The code meant by a code or an English name: `german` and `DE` are `de`.
pub(crate) fn language_code(word: &str) -> String {
    let lower = word.to_lowercase();
    let mut names = STEMMED.iter().chain(UNSTEMMED);
    names
        .find(|(_, name)| name.to_lowercase() == lower)
        .map_or(lower, |(code, _)| (*code).to_owned())
}
