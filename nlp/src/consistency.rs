//! One name, one class: what a document says surely of a name in one sentence holds in the others.
//!
//! The tagger reads each sentence alone, so an unknown surname may be a person where he speaks, a
//! place where something happens to him, and nothing in a headline.

use std::collections::HashMap;
use std::ops::Range;

use crate::MentionKind;
use crate::document::{AnalysedDocument, AnalysedSentence, RawMention};
use crate::tagger::WordLabels;

/// Mentions count as sure from this score on.
const SURE_MIN: f32 = 0.9;
/// So often a name has to be sure before it is looked for where the tagger saw none.
const N_SURE_MIN: usize = 2;
/// Where the tagger is surer than this that a word names nothing, it names nothing.
const NOTHING_MAX: f32 = 0.98;
/// Score of a name that only the rest of the document tells of.
const FOUND_SCORE: f32 = 0.6;
/// Shorter names are words too often.
const N_CHARS_MIN: usize = 3;

/// Makes the names in `mentions` agree with each other, and adds those that the tagger missed in
/// some sentences of `document` only. `mentions` stay in order and apart from each other.
pub(crate) fn agree(document: &AnalysedDocument, mentions: &mut Vec<RawMention>) {
    let votes = votes(document, mentions);
    for mention in mentions.iter_mut().filter(|it| has_rivals(it.kind)) {
        let of_name = &votes[document.text_of(mention.range.clone())];
        let own = of_name.sum_of(mention.kind);
        if let Some((kind, sum)) = of_name.best()
            && own < sum
        {
            mention.kind = kind;
        }
    }
    let mut found = vec![];
    for (name, of_name) in &votes {
        if let Some(kind) = of_name.sure_kind(name) {
            add_missed(document, mentions, name, kind, &mut found);
        }
    }
    mentions.append(&mut found);
    mentions.sort_by_key(|it| (it.range.start, std::cmp::Reverse(it.range.end)));
    mentions.dedup_by(|later, earlier| later.range.start < earlier.range.end);
}

/// Classes between which the tagger wavers.
fn has_rivals(kind: MentionKind) -> bool {
    use MentionKind as M;
    matches!(
        kind,
        M::Person | M::Organization | M::Location | M::Misc | M::ThreatGroup | M::Malware
    )
}

/// What the mentions of one name say.
#[derive(Default)]
struct Votes {
    /// Sum of the scores for each class, and how many of them are sure.
    by_kind: Vec<(MentionKind, f32, usize)>,
}

impl Votes {
    fn add(&mut self, kind: MentionKind, score: f32, is_sure: bool) {
        match self.by_kind.iter_mut().find(|it| it.0 == kind) {
            Some(of_kind) => {
                (of_kind.1, of_kind.2) = (of_kind.1 + score, of_kind.2 + usize::from(is_sure))
            }
            None => self.by_kind.push((kind, score, usize::from(is_sure))),
        }
    }

    fn sum_of(&self, kind: MentionKind) -> f32 {
        self.by_kind.iter().find(|it| it.0 == kind).map_or(0.0, |it| it.1)
    }

    fn best(&self) -> Option<(MentionKind, f32)> {
        let best = self.by_kind.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        best.map(|it| (it.0, it.1))
    }

    /// The class for which the document vouches wherever `name` stands.
    fn sure_kind(&self, name: &str) -> Option<MentionKind> {
        let &(kind, sum, n_sure) = self.by_kind.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let total: f32 = self.by_kind.iter().map(|it| it.1).sum();
        let is_name = name.starts_with(char::is_uppercase)
            && N_CHARS_MIN <= name.chars().count()
            && name.chars().any(char::is_alphabetic);
        // `ShadowQuill` is no word besides: named once is enough.
        let is_enough = N_SURE_MIN <= n_sure || (kind == MentionKind::Malware && is_mixed(name));
        (is_name && is_enough && kind != MentionKind::Misc && 0.8 * total <= sum).then_some(kind)
    }
}

/// Whether `name` is one word with capitals and small letters inside.
fn is_mixed(name: &str) -> bool {
    let rest = || name.chars().skip(1);
    name.chars().all(char::is_alphanumeric)
        && rest().any(char::is_uppercase)
        && rest().any(char::is_lowercase)
}

fn votes<'a>(document: &'a AnalysedDocument, mentions: &[RawMention]) -> HashMap<&'a str, Votes> {
    let mut votes: HashMap<&str, Votes> = HashMap::new();
    for mention in mentions.iter().filter(|it| has_rivals(it.kind)) {
        let name = &document.text[mention.range.clone()];
        let is_sure = SURE_MIN <= mention.score;
        votes.entry(name).or_default().add(mention.kind, mention.score, is_sure);
        let surname = name.rsplit(char::is_whitespace).next().unwrap_or(name);
        if mention.kind == MentionKind::Person && surname != name {
            // A surname is looked for only when it stood alone: `Theresa May` makes no month a person.
            votes.entry(surname).or_default().add(mention.kind, mention.score, false);
        }
    }
    votes
}

/// Adds to `found` where `name` stands in `document` outside all `mentions`.
fn add_missed(
    document: &AnalysedDocument,
    mentions: &[RawMention],
    name: &str,
    kind: MentionKind,
    found: &mut Vec<RawMention>,
) {
    for (start, _) in document.text.match_indices(name) {
        let range = start..start + name.len();
        // Mentions do not overlap, so their ends are in order, too.
        let next = mentions.partition_point(|it| it.range.end <= range.start);
        let is_taken = mentions.get(next).is_some_and(|it| it.range.start < range.end);
        if is_taken || !stands_alone(&document.text, &range) {
            continue;
        }
        let number = document.sentences.partition_point(|it| it.range.end <= range.start);
        let Some(sentence) = document.sentences.get(number) else { continue };
        let is_inside = sentence.range.start <= range.start && range.end <= sentence.range.end;
        if is_inside && may_name(sentence, &range, name, kind) {
            found.push(RawMention { range, kind, score: FOUND_SCORE, sentence: number });
        }
    }
}

/// Whether `range` is made of whole words that belong to no address, handle or compound.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let joins = |c: char| c.is_alphanumeric() || "-_@#/\\&".contains(c);
    let before = text[..range.start].chars().next_back();
    let mut after = text[range.end..].chars();
    let next = after.next();
    let is_in_address = next == Some('.') && after.next().is_some_and(char::is_alphanumeric);
    let is_joined = before.is_some_and(|c| joins(c) || c == '.') || next.is_some_and(joins);
    !is_joined && !is_in_address
}

/// Whether the tagger leaves room for a name at `range`.
fn may_name(
    sentence: &AnalysedSentence,
    range: &Range<usize>,
    name: &str,
    kind: MentionKind,
) -> bool {
    let head: &WordLabels = match kind {
        MentionKind::Malware if is_mixed(name) => return true,
        MentionKind::Malware | MentionKind::ThreatGroup => &sentence.encoded.cyber,
        _ => &sentence.encoded.ner,
    };
    let base = sentence.range.start;
    let words = sentence.encoded.words.iter().enumerate().take(head.n_words());
    let mut here =
        words.filter(|(_, it)| base + it.start < range.end && range.start < base + it.end);
    // `O` is the first label of every head.
    here.any(|(word, _)| head.row(word)[0] <= NOTHING_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenize::words;

    /// A document of `sentences`, in which the tagger finds every word a name with `p_nothing`
    /// against it; mentions are (sentence, words, kind, score).
    fn document(
        sentences: &[&str],
        p_nothing: f32,
        named: &[(usize, &str, MentionKind, f32)],
    ) -> (AnalysedDocument, Vec<RawMention>) {
        let text = sentences.join("\n");
        let mut start = 0;
        let mut read = vec![];
        for sentence in sentences {
            let words = words(sentence);
            let labels = || WordLabels::new(2, [p_nothing, 1.0 - p_nothing].repeat(words.len()));
            let (ner, cyber) = (labels(), labels());
            let encoded =
                crate::tagger::EncodedSentence { words, ner, cyber, ..Default::default() };
            read.push(AnalysedSentence { range: start..start + sentence.len(), encoded });
            start += sentence.len() + 1;
        }
        let mentions = named.iter().map(|&(sentence, words, kind, score)| {
            let within: &AnalysedSentence = &read[sentence];
            let at =
                within.range.start + text[within.range.clone()].find(words).expect("it is there");
            RawMention { range: at..at + words.len(), kind, score, sentence }
        });
        let mentions = mentions.collect();
        (AnalysedDocument { text, sentences: read, ..Default::default() }, mentions)
    }

    #[track_caller]
    fn check(
        (document, mut mentions): (AnalysedDocument, Vec<RawMention>),
        expected: &[(usize, &str, MentionKind)],
    ) {
        agree(&document, &mut mentions);
        let found: Vec<_> = mentions
            .iter()
            .map(|it| (it.sentence, document.text_of(it.range.clone()), it.kind))
            .collect();
        assert_eq!(found, expected);
    }

    const PERSON: MentionKind = MentionKind::Person;
    const PLACE: MentionKind = MentionKind::Location;

    #[test]
    fn the_surer_class_of_a_name_holds_everywhere() {
        let sentences = ["Ada Boro spoke.", "Boro left.", "In Boro it rained."];
        let named =
            [(0, "Ada Boro", PERSON, 0.9), (1, "Boro", PERSON, 0.5), (2, "Boro", PLACE, 0.7)];
        let expected = [(0, "Ada Boro", PERSON), (1, "Boro", PERSON), (2, "Boro", PERSON)];
        check(document(&sentences, 0.5, &named), &expected);
        let named = [(0, "Ada Boro", PERSON, 0.6), (2, "Boro", PLACE, 0.7)];
        check(document(&sentences, 1.0, &named), &[(0, "Ada Boro", PERSON), (2, "Boro", PLACE)]);
    }

    #[test]
    fn a_name_that_is_sure_twice_is_found_where_the_tagger_wavers() {
        let sentences = ["Boro spoke.", "Boro left.", "They saw Boro, not Boro-Tal or Boros."];
        let named = [(0, "Boro", PERSON, 0.95), (1, "Boro", PERSON, 0.95)];
        let told = [(0, "Boro", PERSON), (1, "Boro", PERSON)];
        check(document(&sentences, 0.9, &named), &[told[0], told[1], (2, "Boro", PERSON)]);
        check(document(&sentences, 0.99, &named), &told);
        check(document(&sentences, 0.9, &named[..1]), &told[..1]);
    }

    #[test]
    fn malware_of_mixed_capitals_is_found_once_it_is_named() {
        let sentences = ["The ShadowQuill loader spread.", "We call it ShadowQuill."];
        let named = [(0, "ShadowQuill", MentionKind::Malware, 0.75)];
        let expected =
            [(0, "ShadowQuill", MentionKind::Malware), (1, "ShadowQuill", MentionKind::Malware)];
        check(document(&sentences, 1.0, &named), &expected);
    }
}
