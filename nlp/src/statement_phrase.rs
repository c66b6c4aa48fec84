//! Actors and targets as readers want them: minimal phrases, pronouns resolved, entities linked.

use std::ops::Range;

use crate::coreference::{Anaphor, Antecedent, anaphor, antecedent, described, described_entity};
use crate::document::AnalysedDocument;
use crate::link::{LinkedMention, overlap, without_compass};
use crate::statement_grammar::{Grammar, LOOSE};
use crate::statement_parties::Party;
use crate::statement_roles::{Role, RoleSpan};
use crate::{EntityRef, MentionKind};

/// A phrase of a statement; bytes in the document's text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BytePhrase {
    /// Where.
    pub(crate) range: Range<usize>,
    /// What it means; `None` for a mere description.
    pub(crate) entity: Option<EntityRef>,
    /// Place in the gazetteer of what it means.
    pub(crate) listed: Option<usize>,
}

/// What is needed to read the phrases of one document.
pub(crate) struct PhraseReader<'a> {
    pub(crate) document: &'a AnalysedDocument,
    pub(crate) mentions: &'a [LinkedMention],
    /// Who acted in the statements so far, with their sentences.
    pub(crate) acted: Vec<(usize, Antecedent)>,
    /// Ids of the entities that were attacked in them.
    pub(crate) hit: Vec<String>,
}

/// Words that a phrase does not start with.
const LEADING: &[&str] = &["the", "a", "an", "and", "or", "both", "by", "of", "from"];

/// Words that a phrase does not end with, besides [`LOOSE`] ones.
const TRAILING: &[&str] = &[
    "about", "after", "against", "amid", "around", "because", "before", "during", "over", "since",
    "through", "under", "until", "while", "within", "without",
];

/// What stands before a name and is none.
const TITLES: &[&str] = &["Mr", "Mrs", "Ms", "Dr", "President", "Minister", "General"];

/// Bodies that act for the country whose adjective stands before them.
pub(crate) const STATE_BODIES: &[&str] = &[
    "government",
    "forces",
    "military",
    "army",
    "troops",
    "officials",
    "authorities",
    "regime",
    "air force",
    "navy",
    "warplanes",
    "jets",
    "soldiers",
    "state",
    "security forces",
    "leaders",
    "armed forces",
    "intelligence",
    "spies",
    "attack",
    "strikes",
    "airstrikes",
    "aircraft",
    "warships",
    "drones",
    "military forces",
    "special forces",
    "leadership",
    "intelligence services",
    "administration",
    "fighter jets",
    "planes",
    "government forces",
    "hackers",
    "state hackers",
    "agents",
    "commandos",
    "missiles",
    "rockets",
    "submarines",
];

/// Who is not the one attacked.
const ATTACKERS: &[&str] = &["attackers", "hackers"];

/// Marks that may stand between a noun and its relative pronoun: `"Buba", who`.
const N_MARKS_MAX: usize = 2;
/// Words of a noun before a relative pronoun.
const N_NOUN_WORDS_MAX: usize = 2;
/// Verbs before a question that is asked indirectly: `did not know who attacked`.
const ASKING: &[&str] =
    &["ask", "asked", "clear", "knew", "know", "known", "said", "say", "see", "unclear"];

impl PhraseReader<'_> {
    /// The phrase of an actor or target; `None` for a pronoun that stands for nothing known.
    pub(crate) fn read(&self, span: &RoleSpan, speaker: Option<&BytePhrase>) -> Option<BytePhrase> {
        let range = self.trimmed(span)?;
        let words = self.document.text_of(range.clone());
        if let Some(sort) = anaphor(words) {
            let place = (span.sentence, range.start);
            // A quotation without its speaker is mostly by the body that was last spoken of.
            return match (sort, speaker) {
                (Anaphor::Speaker, Some(speaker)) => Some(self.speaker_meant(speaker)),
                (Anaphor::Speaker, None) => self.meant(place, Anaphor::Body),
                (Anaphor::Relative, _) if self.begins_sentence(place) => None,
                (Anaphor::Relative, _) => {
                    self.noun_before(place).or_else(|| self.meant(place, Anaphor::Relative))
                }
                (sort, _) => self.meant(place, sort),
            };
        }
        let mut phrase = self.linked(range.clone());
        if phrase.entity.is_none()
            && let Some(described) = described(words).filter(|_| self.is_definite(range.start))
        {
            let place = (span.sentence, range.start);
            // `The group` may be who was attacked before, `the attackers` are not.
            let are_attackers = ATTACKERS.iter().any(|it| words.eq_ignore_ascii_case(it));
            let hit = if are_attackers { self.hit.as_slice() } else { &[] };
            phrase.entity = described_entity(self.mentions, &self.acted, hit, place, described);
        }
        Some(phrase)
    }

    /// What `span` names, for telling parties apart.
    pub(crate) fn party(&self, span: &RoleSpan) -> Party {
        let range = self.document.words_range(span.sentence, span.words.clone());
        let names = |it: &LinkedMention| {
            let is_capital =
                self.document.text_of(it.range.clone()).starts_with(char::is_uppercase);
            it.entity.is_some() && !it.is_demonym && is_capital
        };
        let holds_name = self.mentions.iter().any(|it| overlap(&it.range, &range) && names(it));
        let named = self.trimmed(span).and_then(|it| self.mention_at(&it));
        let is_name = named.is_some_and(|it| !it.is_demonym);
        Party { span: span.clone(), holds_name, is_name, owner: None }
    }

    /// The names that `span` lists and nothing else, each on its own: `Ruritania and Freedonia`.
    pub(crate) fn apart(&self, span: &RoleSpan) -> Vec<RoleSpan> {
        let range = |at: usize| self.document.words_range(span.sentence, at..at + 1);
        let named = |at: usize| {
            let is_name = |it: &LinkedMention| it.entity.is_some() && !it.is_demonym;
            self.mentions.iter().position(|it| is_name(it) && overlap(&it.range, &range(at)))
        };
        let mut names: Vec<(usize, RoleSpan)> = vec![];
        let mut is_list = false;
        for at in span.words.clone() {
            if let Some(name) = named(at) {
                match names.last_mut().filter(|it| it.0 == name) {
                    Some((_, it)) => it.words.end = at + 1,
                    None => names.push((name, RoleSpan { words: at..at + 1, ..span.clone() })),
                }
                continue;
            }
            match self.document.text_of(range(at)).to_lowercase().as_str() {
                "and" | "or" => is_list = true,
                "," | "&" | "the" => {}
                _ => return vec![span.clone()],
            }
        }
        match is_list && names.len() > 1 {
            true => names.into_iter().map(|(_, it)| it).collect(),
            false => vec![span.clone()],
        }
    }

    /// As [`read`](Self::read); forces mean whose they are.
    pub(crate) fn read_party(
        &self,
        party: &Party,
        speaker: Option<&BytePhrase>,
    ) -> Option<BytePhrase> {
        let phrase = self.read(&party.span, speaker)?;
        let owner = party.owner.as_ref().filter(|_| phrase.entity.is_none());
        let owner = owner.and_then(|it| self.read(it, speaker));
        Some(BytePhrase { entity: owner.and_then(|it| it.entity).or(phrase.entity), ..phrase })
    }

    /// What a pronoun at `place`, a sentence and a byte, stands for.
    fn meant(&self, place: (usize, usize), sort: Anaphor) -> Option<BytePhrase> {
        let found = antecedent(self.document, self.mentions, &self.acted, place, sort)?;
        let listed = self.mention_at(&found.range).and_then(|it| it.listed);
        Some(BytePhrase { range: found.range, entity: found.entity, listed })
    }

    /// Whether no word stands before `place` in its sentence, so that `who` asks.
    fn begins_sentence(&self, (sentence, at): (usize, usize)) -> bool {
        let before = &self.document.text[self.document.sentences[sentence].range.start..at];
        !before.chars().any(char::is_alphanumeric)
    }

    /// The noun that a relative pronoun at `place` follows: `masked gunmen, who`.
    fn noun_before(&self, (sentence, at): (usize, usize)) -> Option<BytePhrase> {
        let range = |words: Range<usize>| self.document.words_range(sentence, words);
        let is_noun = |at: usize| {
            let word = self.document.text_of(range(at..at + 1));
            let small = word.to_lowercase();
            let is_loose = LOOSE.contains(&small.as_str()) || LEADING.contains(&small.as_str());
            !is_loose && word.chars().any(char::is_alphanumeric)
        };
        let n_words = self.document.sentences[sentence].encoded.words.len();
        let mut end = (0..n_words).find(|it| range(*it..it + 1).start == at)?;
        let n_marks = (0..end).rev().take(N_MARKS_MAX).take_while(|it| !is_noun(*it)).count();
        end -= n_marks;
        let last = self.document.text_of(range(end.saturating_sub(1)..end)).to_lowercase();
        if ASKING.contains(&last.as_str()) {
            return None;
        }
        let n_words = (0..end).rev().take(N_NOUN_WORDS_MAX).take_while(|it| is_noun(*it)).count();
        let noun = range(end - n_words..end);
        let named = self.mentions.iter().find(|it| it.range.end == noun.end && !it.is_demonym);
        let noun = named.map_or(noun, |it| it.range.clone());
        (n_words > 0).then(|| self.linked(noun))
    }

    /// The speaker, or whom it stands for: `"We will strike," he said`.
    fn speaker_meant(&self, speaker: &BytePhrase) -> BytePhrase {
        let start = speaker.range.start;
        let sentence = self.document.sentences.iter().position(|it| it.range.contains(&start));
        let sort = anaphor(self.document.text_of(speaker.range.clone()));
        let known = sort.filter(|it| *it != Anaphor::Speaker).zip(sentence);
        let meant = known.and_then(|(sort, sentence)| self.meant((sentence, start), sort));
        meant.unwrap_or_else(|| speaker.clone())
    }

    /// Whether `the` or its like stands before byte `at`.
    fn is_definite(&self, at: usize) -> bool {
        let before = self.document.text[..at].split_whitespace().next_back().unwrap_or_default();
        let before = before.trim_start_matches(|it: char| !it.is_alphanumeric());
        ["the", "this", "that", "these", "those"].iter().any(|it| before.eq_ignore_ascii_case(it))
    }

    /// The words of a speaker, who keeps its article, or of a means, with their entity; `None`
    /// when no noun is among them.
    pub(crate) fn read_verbatim(&self, span: &RoleSpan, grammar: &Grammar) -> Option<BytePhrase> {
        let is_speaker = span.role == Role::Speaker;
        let words = grammar.phrase(span.words.clone(), is_speaker)?;
        let range = self.document.words_range(span.sentence, words);
        let is_title = TITLES.contains(&self.document.text_of(range.clone()).trim_end_matches('.'));
        (!is_title).then(|| self.linked(range))
    }

    /// Bytes of `span` without articles before and marks around.
    fn trimmed(&self, span: &RoleSpan) -> Option<Range<usize>> {
        let mut words = span.words.clone();
        let word = |at: usize| {
            let range = self.document.words_range(span.sentence, at..at + 1);
            self.document.text_of(range).to_lowercase()
        };
        let is_mark = |it: &str| !it.chars().any(char::is_alphanumeric);
        while words.len() > 1
            && (LEADING.contains(&word(words.start).as_str()) || is_mark(&word(words.start)))
        {
            words.start += 1;
        }
        while words.len() > 1 && is_mark(&word(words.end - 1)) && word(words.end - 1) != ")" {
            // A full stop may belong to an abbreviation: `U.S.`.
            if word(words.end - 1) == "." && word(words.end - 2).contains('.') {
                break;
            }
            words.end -= 1;
        }
        let is_loose = |it: &str| LOOSE.contains(&it) || TRAILING.contains(&it);
        while words.len() > 1 && is_loose(&word(words.end - 1)) {
            words.end -= 1;
        }
        let is_empty = |it: &str| is_mark(it) || it != "both" && LEADING.contains(&it);
        if words.is_empty() || (words.len() == 1 && is_empty(&word(words.start))) {
            return None;
        }
        let mut range = self.document.words_range(span.sentence, words);
        for ending in ["'s", "’s", "s'", "s’"] {
            if let Some(rest) = self.document.text_of(range.clone()).strip_suffix(ending) {
                range.end = range.start + rest.len() + usize::from(ending.starts_with('s'));
            }
        }
        Some(range)
    }

    fn mention_at(&self, range: &Range<usize>) -> Option<&LinkedMention> {
        self.mentions.iter().find(|it| it.range == *range)
    }

    /// The entity that a phrase means: that of the same words, of its country when a body of that
    /// state follows the adjective, or of the only organisation, person or group in it.
    fn linked(&self, range: Range<usize>) -> BytePhrase {
        let phrase = |mention: Option<&LinkedMention>| BytePhrase {
            range: range.clone(),
            entity: mention.and_then(|it| it.acts_for.clone().or(it.entity.clone())),
            listed: mention.filter(|it| it.acts_for.is_none()).and_then(|it| it.listed),
        };
        let within: Vec<&LinkedMention> = self
            .mentions
            .iter()
            .filter(|it| overlap(&it.range, &range) && it.entity.is_some())
            .collect();
        let words = self.document.text_of(range.clone());
        let bare = words.strip_prefix("the ").or(words.strip_prefix("The ")).unwrap_or(words);
        let named = without_compass(bare);
        let bare = if named.is_empty() { bare } else { named };
        let covers = |it: &&&LinkedMention| it.range.len() + 2 >= bare.len();
        if let Some(same) = within.iter().find(covers) {
            return phrase(Some(same));
        }
        if let Some(adjective) =
            within.iter().find(|it| range.start + words.len() - bare.len() == it.range.start)
        {
            let rest = self.document.text.get(adjective.range.end..range.end).unwrap_or_default();
            let rest = rest.trim_start_matches("'s").trim_start_matches("’s").trim();
            let is_place = adjective.is_demonym || adjective.kind == MentionKind::Location;
            if is_place && STATE_BODIES.contains(&rest.to_lowercase().as_str()) {
                return phrase(Some(adjective));
            }
        }
        let named: Vec<&&LinkedMention> =
            within.iter().filter(|it| !it.is_demonym && it.kind != MentionKind::Location).collect();
        match named.as_slice() {
            [only] => phrase(Some(only)),
            _ => phrase(None),
        }
    }
}

#[cfg(test)]
#[path = "statement_phrase_tests.rs"]
mod tests;
