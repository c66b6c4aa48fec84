//! From what the tagger says about a sentence to the names in it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::MentionKind;
use crate::bio::{self, LabelledSpan, Transitions};
use crate::software_names;
use crate::tagger::{EncodedSentence, Labels, WordLabels};

/// A name in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    /// Bytes in the sentence.
    pub(crate) range: Range<usize>,
    /// What sort of thing is named.
    pub(crate) kind: MentionKind,
    /// Mean probability over its words.
    pub(crate) score: f32,
}

/// What is known about a sentence before its names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameContext {
    /// Whether the passage speaks of [computers under attack](crate::cyber_context).
    pub(crate) is_cyber: bool,
    /// Whether the text is in English, which the model has learnt.
    pub(crate) is_english: bool,
}

// Chosen on `ner.ww_dev` (news) and `cyber.anno_dev` (security reports).
const NEWS_MIN: f32 = 0.5;
const FOREIGN_MIN: f32 = 0.8;
const CYBER_MIN: f32 = 0.5;
const CYBER_MIN_ELSEWHERE: f32 = 0.95;
/// Tools are seldom right: on `cyber.anno_dev` none below this is.
const TOOL_MIN: f32 = 0.9;
/// Below this mostly people who are told of in general are taken for a group.
const GROUP_MIN: f32 = 0.7;
const SECTOR_MIN: f32 = 0.6;
/// Part of a capitalised word's probability as a tool that counts as malware: security reports
/// disagree on which is which, and the tagger has learnt from several of them.
const TOOL_AS_MALWARE: f32 = 0.5;
/// Score of malware that is known by the noun after it.
const NOUN_SCORE: f32 = 0.75;

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:https?|ftp)\s?:\s?//\S+|\bwww\.\S+|\S+@\S+\.\w+")
        .expect("a constant pattern")
});

/// What is left of `Iran-backed` when the name ends before the hyphen.
static SUFFIX: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"[-‐‑](?:affiliated|aligned|allied|approved|assembled|backed|based|born|brokered|",
        r"built|controlled|educated|flagged|funded|held|imposed|installed|led|linked|listed|",
        r"made|mediated|occupied|owned|registered|run|ruled|sponsored|style|supplied|",
        r"supported|trained|wide)$",
    ))
    .expect("a constant pattern")
});

/// The names in `sentence`, in order; they do not overlap.
pub(crate) fn names(
    sentence: &str,
    encoded: &EncodedSentence,
    labels: &Labels,
    context: NameContext,
) -> Vec<Name> {
    let addresses: Vec<Range<usize>> = ADDRESS.find_iter(sentence).map(|it| it.range()).collect();
    let news: Vec<(LabelledSpan<'_>, MentionKind)> =
        bio::spans(&encoded.ner, Transitions::of_news())
            .into_iter()
            .filter_map(|it| news_kind(it.class).map(|kind| (it, kind)))
            .collect();
    let of_software = with_tools_as_malware(sentence, encoded, &labels.cyber);
    let transitions = Transitions::of_scheme(&labels.cyber);
    let cyber: Vec<(LabelledSpan<'_>, MentionKind)> = bio::spans(&of_software, &transitions)
        .into_iter()
        .filter_map(|it| cyber_kind(it.class).map(|kind| (it, kind)))
        .map(|(span, kind)| match tool_probability(&span, encoded, &labels.cyber) {
            probability if kind == MentionKind::Malware && TOOL_MIN <= probability => {
                (LabelledSpan { probability, ..span }, MentionKind::Tool)
            }
            _ => (span, kind),
        })
        .filter(|(span, kind)| is_trusted(span, *kind, &news, context))
        .collect();
    let min = if context.is_english { NEWS_MIN } else { FOREIGN_MIN };
    let is_free = |span: &LabelledSpan<'_>| !cyber.iter().any(|(it, _)| overlap(it, span));
    let news = news.iter().filter(|(it, _)| min <= it.probability && is_free(it));
    let mut names: Vec<Name> = news
        .chain(&cyber)
        .filter_map(|(span, kind)| {
            let words = &encoded.words[span.words.clone()];
            let whole = words.first()?.start..words.last()?.end;
            let (range, is_cut) = trimmed(sentence, whole)?;
            let kind = match is_cut && *kind == MentionKind::Misc {
                true => kind_without_misc(encoded, labels, span.words.end - 1),
                false => *kind,
            };
            let mut range = with_its_stop(sentence, range);
            if kind == MentionKind::Person {
                range.start = range.end - without_titles(&sentence[range.clone()]).len();
            }
            if kind == MentionKind::Malware {
                range.end =
                    range.start + software_names::without_noun(&sentence[range.clone()]).len();
            }
            Some(Name { range, kind, score: span.probability })
        })
        .filter(|it| {
            it.kind != MentionKind::Person || !is_form_of_address(&sentence[it.range.clone()])
        })
        .flat_map(|it| places_apart(sentence, it))
        .filter(|it| !addresses.iter().any(|other| overlaps(other, &it.range)))
        .collect();
    if context.is_cyber && context.is_english {
        add_named_by_noun(sentence, &mut names);
    }
    names.sort_by_key(|it| it.range.start);
    names
}

/// A place and what it lies in are two names: `Toronto` and `Canada`, `Manbij` and the `Syria` of
/// `Manbij, northern Syria`.
fn places_apart(sentence: &str, name: Name) -> Vec<Name> {
    let text = &sentence[name.range.clone()];
    if name.kind != MentionKind::Location || !text.contains(',') || text.contains('(') {
        return vec![name];
    }
    let mut end = name.range.start;
    let part = |part: &str| {
        let start = end;
        end = start + part.len() + 1;
        let word = part.split(' ').find(|it| it.starts_with(char::is_uppercase))?;
        let first = start + part.find(word)?;
        Some(Name { range: first..start + part.trim_end().len(), ..name.clone() })
    };
    text.split(',').filter_map(part).collect()
}

/// Adds the malware that only the noun after it tells of, `ShadowQuill loader`; what the tagger
/// took for malware, a group or a tool stays.
fn add_named_by_noun(sentence: &str, names: &mut Vec<Name>) {
    use MentionKind as M;
    for range in software_names::named_by_noun(sentence) {
        let is_known = |it: &Name| {
            overlaps(&it.range, &range)
                && (it.range != range || matches!(it.kind, M::Malware | M::ThreatGroup | M::Tool))
        };
        if !names.iter().any(is_known) {
            names.retain(|it| it.range != range);
            names.push(Name { range, kind: M::Malware, score: NOUN_SCORE });
        }
    }
}

/// The labels of the cyber head, with a part of what speaks for a tool counted as malware.
fn with_tools_as_malware(
    sentence: &str,
    encoded: &EncodedSentence,
    labels: &[String],
) -> WordLabels {
    let mut answer = encoded.cyber.clone();
    for position in ["B", "I"] {
        let place = |class: &str| labels.iter().position(|it| *it == format!("{position}-{class}"));
        let (Some(tool), Some(malware)) = (place("TOOL"), place("MALWARE")) else { continue };
        for (word, range) in encoded.words.iter().enumerate().take(answer.n_words()) {
            if sentence[range.clone()].contains(char::is_uppercase) {
                let row = answer.row_mut(word);
                row[malware] += TOOL_AS_MALWARE * row[tool];
                row[tool] *= 1.0 - TOOL_AS_MALWARE;
            }
        }
    }
    answer
}

/// How likely the tagger itself finds `span` to be a tool.
fn tool_probability(span: &LabelledSpan<'_>, encoded: &EncodedSentence, labels: &[String]) -> f32 {
    let of_word = |word: usize| -> f32 {
        let row = labels.iter().zip(encoded.cyber.row(word));
        row.filter(|(label, _)| label.ends_with("-TOOL")).map(|(_, p)| *p).sum()
    };
    span.words.clone().map(of_word).sum::<f32>() / span.words.len() as f32
}

/// Whether a span of the cyber head stands, against the names of the other head where they overlap.
fn is_trusted(
    span: &LabelledSpan<'_>,
    kind: MentionKind,
    news: &[(LabelledSpan<'_>, MentionKind)],
    context: NameContext,
) -> bool {
    if context.is_cyber {
        let min = match kind {
            MentionKind::Tool => TOOL_MIN,
            MentionKind::ThreatGroup => GROUP_MIN,
            MentionKind::Sector => SECTOR_MIN,
            _ => CYBER_MIN,
        };
        return min <= span.probability;
    }
    let rival = news.iter().filter(|(it, _)| overlap(it, span));
    let rival = rival.map(|(it, _)| it.probability).fold(0.0, f32::max);
    context.is_english
        && kind != MentionKind::Tool
        && CYBER_MIN_ELSEWHERE.max(rival) <= span.probability
}

fn overlap(a: &LabelledSpan<'_>, b: &LabelledSpan<'_>) -> bool {
    overlaps(&a.words, &b.words)
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn news_kind(class: &str) -> Option<MentionKind> {
    Some(match class {
        "PER" => MentionKind::Person,
        "ORG" => MentionKind::Organization,
        "LOC" => MentionKind::Location,
        "MISC" => MentionKind::Misc,
        _ => return None,
    })
}

/// Organisations and places are left to the other head.
fn cyber_kind(class: &str) -> Option<MentionKind> {
    Some(match class {
        "GROUP" => MentionKind::ThreatGroup,
        "MALWARE" => MentionKind::Malware,
        "TOOL" => MentionKind::Tool,
        "VULN" => MentionKind::Vulnerability,
        "SECTOR" => MentionKind::Sector,
        _ => return None,
    })
}

/// The tagger calls `Iran-backed` MISC; this is what it thinks of it besides that.
fn kind_without_misc(encoded: &EncodedSentence, labels: &Labels, word: usize) -> MentionKind {
    let row = labels.ner.iter().zip(encoded.ner.row(word));
    let kinds = row.filter_map(|(label, p)| Some((news_kind(label.split_once('-')?.1)?, p)));
    let best =
        kinds.filter(|(kind, _)| *kind != MentionKind::Misc).max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(MentionKind::Misc, |(kind, _)| kind)
}

/// Whether `text` is only the title of somebody.
fn is_form_of_address(text: &str) -> bool {
    const TITLES: &[&str] = &[
        "Adm",
        "Amb",
        "Capt",
        "Chancellor",
        "Col",
        "Dr",
        "Gen",
        "General",
        "Gov",
        "Judge",
        "King",
        "Lt",
        "Maj",
        "Minister",
        "Mr",
        "Mrs",
        "Ms",
        "Pope",
        "President",
        "Prime Minister",
        "Prof",
        "Queen",
        "Rep",
        "Rev",
        "Sen",
        "Senator",
        "Sgt",
        "Sheikh",
        "Sir",
    ];
    TITLES.contains(&text.trim_end_matches('.'))
}

/// `name` without what is short for a title before it: `Gen. Omar Haddad`, `Lt. Col. Boro`.
fn without_titles(name: &str) -> &str {
    let mut left = name;
    while let Some((title, rest)) = left.split_once(' ')
        && title.ends_with('.')
        && is_form_of_address(title)
    {
        left = rest.trim_start();
    }
    left
}

/// Without a possessive, a `-backed` and signs around, and whether a `-backed` was cut; `None` when
/// nothing is left.
fn trimmed(sentence: &str, range: Range<usize>) -> Option<(Range<usize>, bool)> {
    let whole = &sentence[range.clone()];
    let text = whole.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '@' | '#'));
    let start = range.start + (whole.len() - text.len());
    let text = text.trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ')' | '+'));
    let text = ["'s", "’s", "'S", "’S"].iter().find_map(|it| text.strip_suffix(it)).unwrap_or(text);
    let suffix = SUFFIX.find(text);
    let text = suffix.map_or(text, |it| &text[..it.start()]);
    let text = match text.contains('(') {
        true => text,
        false => text.trim_end_matches(')'),
    };
    let end = start + text.len() + closing(text, &sentence[start + text.len()..]);
    (!text.is_empty()).then(|| (start..end, suffix.is_some()))
}

/// Bytes up to the bracket behind `text` that closes the one in it: `JD (S)`.
fn closing(text: &str, rest: &str) -> usize {
    let is_open = text.matches('(').count() == text.matches(')').count() + 1;
    match rest.trim_start().strip_prefix(')') {
        Some(after) if is_open && rest.find(')').is_some_and(|it| it <= 1) => {
            rest.len() - after.len()
        }
        _ => 0,
    }
}

/// With the full stop that belongs to an abbreviation: `U.S.`, `Acme Inc.`.
fn with_its_stop(sentence: &str, range: Range<usize>) -> Range<usize> {
    let last = sentence[range.clone()].rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_dotted = last.contains('.') && last.split('.').all(|it| it.chars().count() == 1);
    let is_form = matches!(last, "Bros" | "Co" | "Corp" | "Inc" | "Jr" | "Ltd" | "Sr");
    let rest = &sentence[range.end..];
    let has_stop = rest.starts_with('.') && (is_dotted || is_form);
    // `U . S .`, where a text was cut into words.
    let has_spaced_stop =
        is_spaced_abbreviation(&sentence[range.clone()]) && rest.starts_with(" .");
    range.start..range.end + usize::from(has_stop) + 2 * usize::from(has_spaced_stop)
}

/// Whether `text` is capitals with full stops between, all apart: `U . S`.
fn is_spaced_abbreviation(text: &str) -> bool {
    let is_capital = |it: &str| it.len() == 1 && it.starts_with(|c: char| c.is_ascii_uppercase());
    let in_order = text.split(' ').enumerate().all(|(at, it)| match at % 2 {
        0 => is_capital(it),
        _ => it == ".",
    });
    in_order && text.len() >= 5 && text.ends_with(|c: char| c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_range(sentence: &str, words: &str, expected: &str) {
        let start = sentence.find(words).expect("the words are there");
        let (range, _) = trimmed(sentence, start..start + words.len()).expect("something is left");
        assert_eq!(&sentence[with_its_stop(sentence, range)], expected);
    }

    #[test]
    fn names_are_trimmed_to_what_an_entity_is_called() {
        check_range("Iran’s navy", "Iran’s", "Iran");
        check_range("the Moscow-based bank", "Moscow-based", "Moscow");
        check_range("met Jean-Claude Roy", "Jean-Claude Roy", "Jean-Claude Roy");
        check_range("in the U.S. today", "U.S", "U.S.");
        check_range("of Acme Inc.", "Acme Inc", "Acme Inc.");
        check_range("in Qom.", "Qom.", "Qom");
        check_range("(Bank of Oman)", "(Bank of Oman)", "Bank of Oman");
        check_range("the JD (S) won", "JD (S", "JD (S)");
        check_range("the JD ( S ) won", "JD ( S", "JD ( S )");
        check_range("an aide (of Oman) left", "of Oman", "of Oman");
        check_range("U . S . pressure", "U . S", "U . S .");
        check_range("plan B . Then", "B", "B");
    }

    #[test]
    fn a_place_and_what_it_lies_in_are_two_names() {
        let check = |text: &str, kind: MentionKind, expected: &[&str]| {
            let name = Name { range: 3..3 + text.len(), kind, score: 0.9 };
            let sentence = format!("In {text} rain fell.");
            let parts = places_apart(&sentence, name);
            let parts: Vec<&str> = parts.iter().map(|it| &sentence[it.range.clone()]).collect();
            assert_eq!(parts, expected);
        };
        check("Évian, west", MentionKind::Location, &["Évian"]);
        check("Arzew , Oran , Algeria", MentionKind::Location, &["Arzew", "Oran", "Algeria"]);
        check("Manbij, northern Syria", MentionKind::Location, &["Manbij", "Syria"]);
        check("Marl (Ruhr, west)", MentionKind::Location, &["Marl (Ruhr, west)"]);
        check("Marl, Boro and Sons", MentionKind::Organization, &["Marl, Boro and Sons"]);
    }

    #[test]
    fn nothing_is_left_of_signs() {
        assert_eq!(trimmed("— …", 0.."— …".len()), None);
    }
}
