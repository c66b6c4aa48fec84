//! Abbreviations that end in a full stop, and what it says about the end of a sentence.

/// What a full stop after a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopKind {
    /// An ordinary word: the sentence ends.
    End,
    /// Never the end: a title, an initial.
    Inner,
    /// Not the end when a number follows: `No. 7`, `Jan. 4`.
    InnerBeforeNumber,
    /// `a.m.`, `p.m.`: the end, unless a time zone or day follows.
    TimeOfDay,
    /// The end only when the next word usually starts a sentence: `U.S.`, `Inc.`.
    EndBeforeStarter,
}

/// Titles and words that always want something behind them; lower case.
const INNER: &[&str] = &[
    "adm", "amb", "approx", "atty", "brig", "bros", "capt", "cf", "cllr", "cmdr", "col", "cpl",
    "cpt", "det", "dir", "dr", "e.g", "fr", "ft", "gen", "gov", "hon", "i.e", "insp", "lt", "maj",
    "mgr", "messrs", "mlle", "mme", "mr", "mrs", "ms", "mt", "mx", "ph", "pfc", "pres", "prof",
    "pvt", "rep", "reps", "rev", "sec", "sen", "sens", "sgt", "spc", "sr", "sra", "st", "ste",
    "supt", "v", "viz", "vs",
];

/// Words that are abbreviated before numbers; lower case.
const BEFORE_NUMBER: &[&str] = &[
    "apr", "art", "aug", "ca", "ch", "circa", "dec", "eq", "feb", "fig", "figs", "jan", "jul",
    "jun", "mar", "no", "nos", "nov", "nr", "oct", "op", "p", "par", "pp", "ref", "sect", "sep",
    "sept", "tel", "vol",
];

/// Abbreviations that stand in the middle or at the end; lower case.
const AMBIGUOUS: &[&str] = &[
    "ave", "blvd", "co", "corp", "dept", "est", "etc", "al", "inc", "jr", "llc", "ltd", "plc",
    "rd", "univ", "assn", "ariz", "calif", "colo", "conn", "fla", "mass", "mich", "minn", "okla",
    "ore", "penn", "tenn", "wash", "wis",
];

/// Words that often open a sentence and seldom follow an abbreviation within one.
const STARTERS: &[&str] = &[
    "A",
    "According",
    "After",
    "Also",
    "Although",
    "An",
    "And",
    "Another",
    "As",
    "At",
    "Before",
    "Both",
    "But",
    "By",
    "Despite",
    "During",
    "Each",
    "Earlier",
    "Even",
    "For",
    "From",
    "He",
    "Her",
    "His",
    "How",
    "However",
    "I",
    "If",
    "In",
    "Instead",
    "It",
    "Its",
    "Last",
    "Later",
    "Many",
    "Meanwhile",
    "More",
    "Most",
    "My",
    "No",
    "Now",
    "On",
    "One",
    "Other",
    "Our",
    "She",
    "Since",
    "So",
    "Some",
    "Such",
    "That",
    "The",
    "Their",
    "Then",
    "There",
    "These",
    "They",
    "This",
    "Those",
    "Though",
    "To",
    "Two",
    "Under",
    "Until",
    "We",
    "What",
    "When",
    "Where",
    "Whether",
    "Which",
    "While",
    "Who",
    "Why",
    "With",
    "You",
    "Your",
];

/// Days and time zones, which follow a time of day.
const AFTER_TIME: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Eastern",
    "Central",
    "Pacific",
    "Mountain",
    "Moscow",
    "Beijing",
    "Jan",
    "Feb",
    "March",
    "April",
    "May",
    "June",
    "July",
    "Aug",
    "Sept",
    "Oct",
    "Nov",
    "Dec",
];

/// What a full stop after `word` means; `word` is without it.
pub(super) fn stop_kind(word: &str) -> StopKind {
    let lower = word.to_lowercase();
    let is_in = |list: &[&str]| list.contains(&lower.as_str());
    let is_title = is_in(INNER) && (word.starts_with(char::is_uppercase) || !is_plain_word(word));
    if matches!(lower.as_str(), "a.m" | "p.m") {
        StopKind::TimeOfDay
    } else if is_title || is_initial(word) {
        StopKind::Inner
    } else if is_in(BEFORE_NUMBER) {
        StopKind::InnerBeforeNumber
    } else if is_in(AMBIGUOUS) || is_dotted(word) {
        StopKind::EndBeforeStarter
    } else {
        StopKind::End
    }
}

/// Whether `word` usually starts a sentence.
pub(super) fn starts_sentence(word: &str) -> bool {
    STARTERS.contains(&word)
}

/// Whether `word` after `a.m.` or `p.m.` belongs to the time.
pub(super) fn goes_on_after_time(word: &str) -> bool {
    let is_zone = 1 < word.len() && word.chars().all(char::is_uppercase);
    is_zone || AFTER_TIME.contains(&word)
}

/// Lower-case words of the list that are also English words.
fn is_plain_word(word: &str) -> bool {
    matches!(word, "col" | "det" | "dir" | "gen" | "rep" | "reps" | "rev" | "sec" | "pres")
}

/// A single capital: `J.`; `I` may end a sentence but hardly does.
fn is_initial(word: &str) -> bool {
    let mut chars = word.chars();
    matches!((chars.next(), chars.next()), (Some(c), None) if c.is_uppercase())
}

/// Single letters with full stops between them: `U.S`, `U.N`, `D.C`.
fn is_dotted(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|it| it.chars().count() == 1)
}
