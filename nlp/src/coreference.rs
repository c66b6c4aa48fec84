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
/// Bytes before a relative pronoun that make a name as unlikely as the sentence before does.
const N_BYTES_AS_A_SENTENCE: f32 = 100.0;

/// What `word` stands for, also with a verb at its end (`we'll`); `None` when it is no pronoun:
/// `US` and `WHO` are names.
pub(crate) fn anaphor(word: &str) -> Option<Anaphor> {
    let bare = word.split(['\'', '’']).next().unwrap_or_default();
    if matches!(bare, "US" | "IT" | "WHO") {
        return None;
    }
    Some(match bare.to_lowercase().as_str() {
        "he" | "she" | "him" | "her" | "his" | "himself" | "herself" => Anaphor::Person,
        "they" | "them" | "their" | "it" | "its" | "themselves" | "itself" | "those" | "these" => {
            Anaphor::Body
        }
        "i" | "we" | "us" | "our" | "me" | "my" => Anaphor::Speaker,
        "who" | "which" | "that" | "whose" | "whom" => Anaphor::Relative,
        _ => return None,
    })
}

/// What a description such as `the group` may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Described {
    /// `the hackers`: who threatens and attacks, by name.
    Group,
    /// `the company`: a body that is no group.
    Organization,
    /// `the country`: a state.
    Country,
}

/// What `words` repeat that was named before, when `the` stands before them; `None` for anything
/// else than a mere description.
pub(crate) fn described(words: &str) -> Option<Described> {
    Some(match words.to_lowercase().as_str() {
        "group" | "gang" | "militants" | "militant group" | "hackers" | "attackers" | "crew"
        | "terror group" | "terrorist group" | "militia" | "hacking group" => Described::Group,
        "company" | "firm" | "organization" | "organisation" | "agency" | "bank" => {
            Described::Organization
        }
        "country" | "regime" => Described::Country,
        _ => return None,
    })
}

/// Finds the entity that the description at byte `at` of sentence `sentence` repeats: the nearest
/// of its sort, first in its sentence before others. A body that is named for the first time is a group when it is
/// among those who `acted` in the statements before; those with the ids `hit` are none, since they were attacked.
pub(crate) fn described_entity(
    mentions: &[LinkedMention],
    acted: &[(usize, Antecedent)],
    hit: &[String],
    (sentence, at): (usize, usize),
    described: Described,
) -> Option<EntityRef> {
    let agrees = |it: &&LinkedMention| match described {
        // A place in capitals may look like a group until the text names it again.
        Described::Group => entity_of(it).is_some_and(|entity| {
            let is_other = entity.id.starts_with("name:location:") || hit.contains(&entity.id);
            let has_acted = || {
                let mut acted = acted.iter().filter_map(|it| it.1.entity.as_ref());
                entity.id.starts_with("name:organization:") && acted.any(|it| it.id == entity.id)
            };
            let is_group = it.kind == MentionKind::ThreatGroup || has_acted();
            entity.id.starts_with("group:") || is_group && !is_other
        }),
        Described::Organization => it.kind == MentionKind::Organization,
        Described::Country => entity_of(it).is_some_and(|it| it.id.starts_with("country:")),
    };
    let earliest = sentence.saturating_sub(N_SENTENCES_BACK);
    let named = mentions.iter().filter(|it| it.range.end <= at && earliest <= it.sentence);
    // A mere description, such as `Bank` at the start of a sentence, is repeated by nothing.
    let meant = named.filter(agrees).filter(|it| entity_of(it).is_some());
    let best = meant.max_by_key(|it| (it.sentence, usize::MAX - it.range.start))?;
    entity_of(best).cloned()
}

fn entity_of(mention: &LinkedMention) -> Option<&EntityRef> {
    mention.acts_for.as_ref().or(mention.entity.as_ref())
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
            // A relative pronoun follows what it stands for.
            let near = match anaphor {
                Anaphor::Relative => -((at - it.range.end) as f32) / N_BYTES_AS_A_SENTENCE,
                _ if is_first => 0.6,
                _ => 0.0,
            };
            let salience = -distance + near - if is_place { 0.9 } else { 0.0 };
            let range = it.range.clone();
            (salience, Antecedent { range, entity: entity_of(it).cloned() })
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
    fn who_is_the_name_before_it_and_not_the_first() {
        let names =
            [("Ruritania", MentionKind::Organization), ("Dune Front", MentionKind::ThreatGroup)];
        check(
            &["Ruritania blamed the Dune Front, which hit a port."],
            &names,
            &[],
            "which",
            Some("Dune Front"),
        );
    }

    #[test]
    fn names_in_capitals_are_no_pronouns() {
        assert_eq!(anaphor("US"), None);
        assert_eq!(anaphor("WHO"), None);
        assert_eq!(anaphor("US’"), None);
        assert_eq!(anaphor("us"), Some(Anaphor::Speaker));
        assert_eq!(anaphor("We’ll"), Some(Anaphor::Speaker));
        assert_eq!(anaphor("they're"), Some(Anaphor::Body));
        assert_eq!(anaphor("Weir"), None);
    }

    #[test]
    fn a_description_repeats_its_own_sort() {
        let text = "Dune Front hit Acme.";
        let document = document(&[text, "It will leak the files of the company."]);
        let group = EntityRef { id: "group:dune".to_owned(), name: "Dune Front".to_owned() };
        let acme = EntityRef { id: "name:acme".to_owned(), name: "Acme".to_owned() };
        let mention = |range: Range<usize>, kind, entity: &EntityRef| LinkedMention {
            range,
            sentence: 0,
            kind,
            score: 1.0,
            entity: Some(entity.clone()),
            acts_for: None,
            listed: None,
            is_demonym: false,
        };
        let firm =
            LinkedMention { entity: None, ..mention(16..19, MentionKind::Organization, &acme) };
        let mentions = [
            mention(0..10, MentionKind::ThreatGroup, &group),
            mention(15..19, MentionKind::Organization, &acme),
            LinkedMention { sentence: 1, range: 21..23, ..firm },
        ];
        let place = (1, document.text.len() - 8);
        let found = |words: &str| {
            described_entity(&mentions, &[], &[], place, described(words).expect("a description"))
        };
        assert_eq!(found("company"), Some(acme.clone()));
        assert_eq!(found("hackers"), Some(group.clone()));
        assert_eq!(found("country"), None);
        assert_eq!(described("port"), None);
        let found = |id: &str, hit: &[String]| {
            let group = EntityRef { id: id.to_owned(), ..group.clone() };
            let mentions = [mention(0..10, MentionKind::ThreatGroup, &group)];
            described_entity(&mentions, &[], hit, place, Described::Group).map(|it| it.id)
        };
        assert_eq!(found("name:location:dune front", &[]), None, "a place");
        let dune = "name:group:dune front".to_owned();
        assert_eq!(found(&dune, &[]), Some(dune.clone()));
        assert_eq!(found(&dune, std::slice::from_ref(&dune)), None, "who was hit");
        let body = mention(0..10, MentionKind::Organization, &acme);
        let acme = EntityRef { id: "name:organization:acme".to_owned(), ..acme };
        let body = [LinkedMention { entity: Some(acme.clone()), ..body }];
        let acted = [(0, Antecedent { range: 0..10, entity: Some(acme.clone()) })];
        assert_eq!(described_entity(&body, &[], &[], place, Described::Group), None);
        let named = described_entity(&body, &acted, &[], place, Described::Group);
        assert_eq!(named, Some(acme), "who acted before");
        let listed = "group:dune".to_owned();
        assert_eq!(found(&listed, std::slice::from_ref(&listed)), Some(listed.clone()));
    }

    #[test]
    fn nothing_is_invented() {
        check(&["Rain fell.", "Then they struck."], &[], &[], "they", None);
    }
}
