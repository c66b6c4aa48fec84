//! What pronouns and "the group" stand for.
//!
//! Simple salience: the nearest earlier noun that agrees, within a few sentences; who acted in an
//! earlier statement is preferred, and the first name of a sentence, which is mostly its subject.

use std::ops::Range;

use crate::document::AnalysedDocument;
use crate::link::LinkedMention;
use crate::statement_grammar::{ACCOUNTS, PLATFORMS};
use crate::{EntityRef, MentionKind};

/// Something that a later word may stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Antecedent {
    /// Bytes in the document's text.
    pub(crate) range: Range<usize>,
    /// Its entity; `None` for a description.
    pub(crate) entity: Option<EntityRef>,
}

/// What a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anaphor {
    /// `he`, `her`: one person.
    Person,
    /// `they`, `it`: a body, a group, several people.
    Body,
    /// `I`, `we`: whoever speaks.
    Speaker,
    /// `who`, `which`: the noun before it.
    Relative,
}

/// Sentences that are searched before the one with the pronoun.
const N_SENTENCES_BACK: usize = 4;

/// What `word` stands for; `None` when it is no pronoun.
pub(crate) fn anaphor(word: &str) -> Option<Anaphor> {
    Some(match word.to_lowercase().as_str() {
        "he" | "she" | "him" | "her" | "his" | "himself" | "herself" => Anaphor::Person,
        "they" | "them" | "their" | "it" | "its" | "themselves" | "itself" | "those" | "these" => {
            Anaphor::Body
        }
        "i" | "we" | "us" | "our" | "me" | "my" => Anaphor::Speaker,
        "who" | "which" | "that" | "whose" | "whom" => Anaphor::Relative,
        _ => return None,
    })
}

/// Whether `words` are a description that repeats something named before: `the group`.
pub(crate) fn is_definite_description(words: &str) -> bool {
    matches!(
        words.to_lowercase().as_str(),
        "group"
            | "company"
            | "firm"
            | "country"
            | "organization"
            | "organisation"
            | "gang"
            | "militants"
            | "militant group"
            | "hackers"
            | "attackers"
            | "agency"
            | "crew"
            | "terror group"
            | "terrorist group"
            | "militia"
            | "hacking group"
            | "bank"
            | "regime"
    )
}

/// Finds what the word at byte `at` of sentence `sentence` stands for.
///
/// `acted` are those who acted in the statements before, latest last, with their sentences.
pub(crate) fn antecedent(
    document: &AnalysedDocument,
    mentions: &[LinkedMention],
    acted: &[(usize, Antecedent)],
    (sentence, at): (usize, usize),
    anaphor: Anaphor,
) -> Option<Antecedent> {
    let agrees = |it: &LinkedMention| match anaphor {
        _ if is_platform(document, it) => false,
        Anaphor::Person => it.kind == MentionKind::Person,
        Anaphor::Body => is_body(it.kind) && !it.is_demonym,
        Anaphor::Relative => it.kind == MentionKind::Person || is_body(it.kind),
        Anaphor::Speaker => false,
    };
    let earliest = sentence.saturating_sub(N_SENTENCES_BACK);
    let named = mentions
        .iter()
        .filter(|it| it.range.end <= at && earliest <= it.sentence && agrees(it))
        .map(|it| {
            let distance = (sentence - it.sentence) as f32;
            let is_first = !mentions.iter().any(|other| {
                other.sentence == it.sentence && other.range.start < it.range.start && agrees(other)
            });
            let is_place = it.kind == MentionKind::Location;
            let salience =
                -distance + if is_first { 0.6 } else { 0.0 } - if is_place { 0.9 } else { 0.0 };
            let range = it.range.clone();
            (salience, Antecedent { range, entity: it.acts_for.clone().or(it.entity.clone()) })
        });
    let acted = acted
        .iter()
        .filter(|(acted_in, it)| earliest <= *acted_in && it.range.end <= at)
        .filter(|(_, it)| match anaphor {
            Anaphor::Body => is_plural_or_body(document, mentions, it),
            Anaphor::Person => mentions.iter().any(|m| m.range == it.range && agrees(m)),
            Anaphor::Relative | Anaphor::Speaker => false,
        })
        .map(|(acted_in, it)| (0.8 - (sentence - acted_in) as f32, it.clone()));
    named.chain(acted).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, it)| it)
}

/// Whether a mention is the service on which somebody speaks: `on its Telegram channel`.
fn is_platform(document: &AnalysedDocument, mention: &LinkedMention) -> bool {
    let name = document.text_of(mention.range.clone()).to_lowercase();
    let after = document.text[mention.range.end..].split_whitespace().next().unwrap_or_default();
    let after = after.trim_matches(|it: char| !it.is_alphanumeric());
    PLATFORMS.contains(&name.as_str()) && ACCOUNTS.contains(&after)
}

fn is_body(kind: MentionKind) -> bool {
    !matches!(kind, MentionKind::Person | MentionKind::Sector | MentionKind::Vulnerability)
}

/// Whether an earlier actor may be `they` or `it`: a body by name, or any description.
fn is_plural_or_body(
    document: &AnalysedDocument,
    mentions: &[LinkedMention],
    actor: &Antecedent,
) -> bool {
    let named = mentions.iter().find(|it| it.range == actor.range);
    let words = document.text_of(actor.range.clone());
    named.is_none_or(|it| is_body(it.kind)) && anaphor(words).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::AnalysedSentence;

    fn document(sentences: &[&str]) -> AnalysedDocument {
        let text = sentences.join(" ");
        let mut start = 0;
        let ranges = sentences.iter().map(|it| {
            let range = start..start + it.len();
            start = range.end + 1;
            AnalysedSentence { range, ..AnalysedSentence::default() }
        });
        AnalysedDocument { sentences: ranges.collect(), text, ..AnalysedDocument::default() }
    }

    #[track_caller]
    fn check(
        sentences: &[&str],
        names: &[(&str, MentionKind)],
        acted: &[&str],
        pronoun: &str,
        expected: Option<&str>,
    ) {
        let document = document(sentences);
        let find = |words: &str| {
            let start = document.text.find(words).expect("the text holds the words");
            let place = document.sentences.iter().position(|it| it.range.contains(&start));
            (start..start + words.len(), place.expect("within a sentence"))
        };
        let mentions: Vec<LinkedMention> = names
            .iter()
            .map(|(name, kind)| {
                let (range, sentence) = find(name);
                LinkedMention {
                    range,
                    sentence,
                    kind: *kind,
                    score: 1.0,
                    entity: None,
                    acts_for: None,
                    listed: None,
                    is_demonym: false,
                }
            })
            .collect();
        let acted: Vec<(usize, Antecedent)> = acted
            .iter()
            .map(|it| find(it))
            .map(|(range, sentence)| (sentence, Antecedent { range, entity: None }))
            .collect();
        let (range, sentence) = find(pronoun);
        let sort = anaphor(pronoun.trim()).expect("a pronoun");
        let found = antecedent(&document, &mentions, &acted, (sentence, range.start), sort);
        assert_eq!(found.map(|it| document.text_of(it.range)), expected);
    }

    #[test]
    fn they_are_who_acted_before() {
        check(
            &["Masked raiders burned a depot near Marl.", "Later they cut the mast."],
            &[("Marl", MentionKind::Location)],
            &["Masked raiders"],
            "they",
            Some("Masked raiders"),
        );
    }

    #[test]
    fn he_is_a_person_not_a_body() {
        check(
            &["Colonel Ovi Brandt leads the Dune Front.", "Then he swore revenge."],
            &[("Ovi Brandt", MentionKind::Person), ("Dune Front", MentionKind::ThreatGroup)],
            &[],
            "he",
            Some("Ovi Brandt"),
        );
    }

    #[test]
    fn they_are_not_the_service_that_carries_their_words() {
        check(
            &["Dune Front wrote on its Telegram channel.", "Later they struck."],
            &[("Dune Front", MentionKind::ThreatGroup), ("Telegram", MentionKind::Organization)],
            &[],
            "they",
            Some("Dune Front"),
        );
        let only = &[("Telegram", MentionKind::Organization)];
        check(&["A post on its Telegram channel.", "Later they struck."], only, &[], "they", None);
    }

    #[test]
    fn nothing_is_invented() {
        check(&["Rain fell.", "Then they struck."], &[], &[], "they", None);
    }
}
