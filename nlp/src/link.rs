//! From names in a text to the entities they mean.
//!
//! A name is first looked up in the [`Gazetteer`]; among several readings the one wins that agrees
//! with the tagger's class, with the countries that the document speaks of, and with size. Names
//! that no list has become entities of the document, their short forms and acronyms merged
//! ([`crate::link_names`]). Longer than most files: every reading is weighed in one place.

use std::collections::HashMap;
use std::ops::Range;

use config::GazetteerKind;

use crate::document::{AnalysedDocument, RawMention};
use crate::gazetteer::{Gazetteer, GazetteerMatch, NameRole};
use crate::link_names::name_unlisted;
use crate::script::is_in_other_script;
use crate::software_names::{is_mere_word, kind_in_context, without_noun};
use crate::{EntityRef, MentionKind};

/// A name in a document and the entity it means.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedMention {
    /// Bytes in the document's text.
    pub range: Range<usize>,
    /// Number of the sentence.
    pub sentence: usize,
    /// What sort of thing is named.
    pub kind: MentionKind,
    /// Confidence, `0.0..=1.0`; unambiguous gazetteer names that the tagger missed have 1.
    pub score: f32,
    /// The entity; `None` when the words are too vague to stand for one.
    pub entity: Option<EntityRef>,
    /// The country or body that the name stands for when it acts: Iran for `Tehran`.
    pub acts_for: Option<EntityRef>,
    /// Place in the gazetteer of [`entity`](Self::entity); `None` when it is not listed.
    pub listed: Option<usize>,
    /// Whether the word is an adjective or names inhabitants: `Iranian`, `Americans`.
    pub is_demonym: bool,
}

/// Links the names of `document`, by start; the answer does not overlap itself.
pub fn link(document: &AnalysedDocument, gazetteer: &Gazetteer) -> Vec<LinkedMention> {
    link_beside(document, gazetteer, &[])
}

/// As [`link`], for a headline whose text names the entities `known`: `Hultquist` above is `John
/// Hultquist` below.
pub fn link_beside(
    document: &AnalysedDocument,
    gazetteer: &Gazetteer,
    known: &[EntityRef],
) -> Vec<LinkedMention> {
    let stretches = stretches(document, gazetteer);
    let countries = countries_named(&stretches, gazetteer);
    let linker = Linker { document, gazetteer, countries };
    let mut linked: Vec<LinkedMention> = vec![];
    let mut raw = document.mentions.iter().filter(|it| !it.range.is_empty()).peekable();
    let mut taken = vec![false; stretches.len()];
    for mention in raw.by_ref() {
        let words = &document.text[mention.range.clone()];
        if is_currency(&document.text, &mention.range) {
            continue;
        }
        // Half a name: `eastern`, where the tagger lost what follows.
        if words.starts_with(char::is_lowercase) && without_compass(words).is_empty() {
            continue;
        }
        if is_unlearnt(&document.text, &mention.range, &stretches) {
            continue;
        }
        let found = linker.link_raw(mention, &stretches, &mut taken);
        if found.listed.is_some() || !is_mere_word(&document.text[found.range.clone()], found.kind)
        {
            linked.push(found);
        }
    }
    for (stretch, _) in stretches.iter().zip(&taken).filter(|(_, taken)| !**taken) {
        let is_free = linked.iter().all(|it| !overlap(&it.range, &stretch.range));
        let is_free = is_free && !is_currency(&document.text, &stretch.range);
        if is_free && let Some(found) = linker.link_untagged(stretch) {
            linked.push(found);
        }
    }
    linked.sort_by_key(|it| (it.range.start, std::cmp::Reverse(it.range.end)));
    linked.dedup_by(|later, earlier| overlap(&later.range, &earlier.range));
    name_unlisted(document, &mut linked, known);
    linked
}

/// Whether the tagger speaks of letters that it has not learnt where the lists know the name, or takes
/// two names of a language that it has not learnt, or words before one, for one.
fn is_unlearnt(text: &str, range: &Range<usize>, stretches: &[Stretch]) -> bool {
    let from = stretches.partition_point(|it| it.range.end <= range.start);
    let within = stretches[from..].iter().take_while(|it| it.range.start < range.end);
    let sure: Vec<&Stretch> = within.filter(|it| it.readings.iter().any(|it| it.is_sure)).collect();
    // `puerto de Ucrania`.
    let is_half = text[range.clone()].starts_with(char::is_lowercase) && !sure.is_empty();
    is_half || 1 < sure.len() || sure.iter().any(|it| is_in_other_script(&text[it.range.clone()]))
}

/// A stretch of a document with its readings.
struct Stretch {
    range: Range<usize>,
    sentence: usize,
    readings: Vec<GazetteerMatch>,
}

fn stretches(document: &AnalysedDocument, gazetteer: &Gazetteer) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = vec![];
    for (number, sentence) in document.sentences.iter().enumerate() {
        let base = sentence.range.start;
        let text = document.sentence_text(number);
        for found in gazetteer.find_in(text, document.language.as_deref()) {
            let range = base + found.range.start..base + found.range.end;
            match stretches.last_mut() {
                Some(last) if last.range == range => last.readings.push(found),
                _ => stretches.push(Stretch { range, sentence: number, readings: vec![found] }),
            }
        }
    }
    stretches
}

/// How often unambiguous names and demonyms of each country stand in the document.
fn countries_named(stretches: &[Stretch], gazetteer: &Gazetteer) -> HashMap<String, usize> {
    let mut countries = HashMap::new();
    for reading in stretches.iter().flat_map(|it| match it.readings.as_slice() {
        [only] if !only.is_ambiguous => Some(only),
        readings => readings.iter().find(|it| {
            !it.is_ambiguous && gazetteer.entity(it.entity).kind == GazetteerKind::Country
        }),
    }) {
        let entity = gazetteer.entity(reading.entity);
        let own = entity.id.strip_prefix("country:").map(str::to_owned);
        if let Some(country) = own.or_else(|| entity.country.clone()) {
            *countries.entry(country).or_insert(0) += 1;
        }
    }
    countries
}

/// A name that the lists are sure of agrees at least so well: what the tagger says of other languages
/// counts little.
const SURE_MIN: f32 = 0.6;

struct Linker<'a> {
    document: &'a AnalysedDocument,
    gazetteer: &'a Gazetteer,
    countries: HashMap<String, usize>,
}

impl Linker<'_> {
    fn link_raw(
        &self,
        mention: &RawMention,
        stretches: &[Stretch],
        taken: &mut [bool],
    ) -> LinkedMention {
        let range = trimmed(&self.document.text, &mention.range);
        // A place in capitals is often taken for a body.
        let is_place = is_in_dateline(&self.document.text, &range);
        let tagged = if is_place { MentionKind::Location } else { mention.kind };
        // What the name means a part of: Iraq in `northern Iraq`.
        let named = without_compass(&self.document.text[range.clone()]);
        let whole =
            if named.is_empty() { range.clone() } else { range.end - named.len()..range.end };
        let from = stretches.partition_point(|it| it.range.end <= range.start);
        let within = stretches[from..].iter().take_while(|it| it.range.start < range.end);
        let touching: Vec<usize> = (from..).zip(within).map(|(at, _)| at).collect();
        let mut answer = LinkedMention {
            range: range.clone(),
            sentence: mention.sentence,
            kind: mention.kind,
            score: mention.score,
            entity: None,
            acts_for: None,
            listed: None,
            is_demonym: false,
        };
        for &at in &touching {
            let stretch = &stretches[at];
            let holds = covers(&stretch.range, &range);
            let is_whole = !holds && covers(&stretch.range, &whole);
            let is_sure = stretch.readings.iter().any(|it| it.is_sure);
            let is_stem = is_compound_stem(&self.document.text, &range, &stretch.range, is_sure);
            if !holds && !is_whole && !is_stem {
                continue;
            }
            let Some(reading) = self.best_reading(stretch, Some(tagged)) else { continue };
            if is_whole && !self.is_place(reading) {
                continue;
            }
            if !is_whole {
                answer.range = stretch.range.clone();
            }
            self.fill(&mut answer, reading, stretch);
            break;
        }
        for at in touching {
            taken[at] = true;
        }
        answer
    }

    /// A name that the tagger missed counts when it can mean nothing else.
    fn link_untagged(&self, stretch: &Stretch) -> Option<LinkedMention> {
        let reading = self.best_reading(stretch, None)?;
        let entity = self.gazetteer.entity(reading.entity);
        let text = &self.document.text[stretch.range.clone()];
        let is_long = text.contains([' ', '-']) || text.chars().any(|it| it.is_ascii_digit());
        let is_certain = match entity.kind {
            GazetteerKind::Country | GazetteerKind::ThreatGroup | GazetteerKind::ArmedGroup => true,
            GazetteerKind::Malware => text.len() >= 5,
            GazetteerKind::City | GazetteerKind::Place | GazetteerKind::Tool => false,
            _ => is_long,
        };
        if !(is_certain || reading.is_sure) || reading.role == NameRole::Metonym {
            return None;
        }
        let mut answer = LinkedMention {
            range: stretch.range.clone(),
            sentence: stretch.sentence,
            kind: MentionKind::Misc,
            score: 1.0,
            entity: None,
            acts_for: None,
            listed: None,
            is_demonym: false,
        };
        self.fill(&mut answer, reading, stretch);
        Some(answer)
    }

    fn fill(&self, answer: &mut LinkedMention, reading: &GazetteerMatch, stretch: &Stretch) {
        let entity = self.gazetteer.entity(reading.entity);
        answer.range = name_only(&self.document.text, &answer.range, entity.kind);
        let after = &self.document.text[answer.range.end..];
        let in_context = kind_in_context(entity, answer.kind, answer.score, after);
        answer.kind =
            in_context.unwrap_or_else(|| mention_kind(entity.kind, reading.role, answer.kind));
        answer.entity = Some(self.reference(reading.entity));
        answer.listed = Some(reading.entity);
        answer.is_demonym = reading.role == NameRole::Demonym;
        let stands_for = stretch.readings.iter().find(|it| it.role == NameRole::Metonym);
        answer.acts_for = stands_for.map(|it| self.reference(it.entity));
    }

    fn is_place(&self, reading: &GazetteerMatch) -> bool {
        use GazetteerKind as G;
        let kind = self.gazetteer.entity(reading.entity).kind;
        matches!(kind, G::Country | G::City | G::Place) && reading.role != NameRole::Demonym
    }

    fn reference(&self, place: usize) -> EntityRef {
        let entity = self.gazetteer.entity(place);
        EntityRef { id: entity.id.clone(), name: entity.name.clone() }
    }

    /// The likeliest reading when the tagger says `tagged`; `None` when none is likely.
    fn best_reading<'s>(
        &self,
        stretch: &'s Stretch,
        tagged: Option<MentionKind>,
    ) -> Option<&'s GazetteerMatch> {
        let scored = stretch.readings.iter().map(|it| (self.likelihood(it, tagged), it));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 > 0.0).then_some(best.1)
    }

    fn likelihood(&self, reading: &GazetteerMatch, tagged: Option<MentionKind>) -> f32 {
        let entity = self.gazetteer.entity(reading.entity);
        let agreement = tagged.map(|it| agreement(entity.kind, reading.role, it));
        let agreement = agreement.map(|it| if reading.is_sure { it.max(SURE_MIN) } else { it });
        let mut likelihood = match (agreement, reading.is_ambiguous) {
            (None, true) => -1.0,
            (None, false) => 1.0,
            (Some(agreement), true) => agreement - 0.5,
            (Some(agreement), false) => agreement,
        };
        if likelihood <= 0.0 {
            return likelihood;
        }
        let home = entity.id.strip_prefix("country:").or(entity.country.as_deref());
        let n_named = home.and_then(|it| self.countries.get(it)).copied().unwrap_or(0);
        // A country is not its own witness.
        let is_witness = entity.kind != GazetteerKind::Country && n_named > 0;
        likelihood += f32::from(u8::from(is_witness)) * 0.8 + (n_named.min(5) as f32) * 0.05;
        likelihood += match entity.kind {
            GazetteerKind::Country => 0.9,
            // A region or a sea is meant rather than a town of its name, short of a million people.
            GazetteerKind::Place => 0.6,
            _ => ((entity.weight as f32) + 1.0).log10() * 0.1,
        };
        if reading.role == NameRole::Metonym {
            likelihood -= 0.6;
        }
        likelihood
    }
}

/// Whether the words in `range` are where an article says that it was written: `PORT RAVEL, Feb. 3
/// (Northgate Wire) —`.
fn is_in_dateline(text: &str, range: &Range<usize>) -> bool {
    const N_BYTES_BEHIND: usize = 60;
    let is_first = text[..range.start].trim().is_empty();
    let is_capital = text[range.clone()].chars().all(|it| !it.is_lowercase());
    let behind = &text[range.end..];
    let behind = &behind[..behind.floor_char_boundary(N_BYTES_BEHIND)];
    let ends = ["—", "–", " - ", "--"].iter().filter_map(|it| behind.find(it)).min();
    is_first && is_capital && ends.is_some_and(|end| !behind[..end].contains(['!', '?', ':', ';']))
}

/// How well a listed kind agrees with what the tagger says; 0 or less is a contradiction.
fn agreement(kind: GazetteerKind, role: NameRole, tagged: MentionKind) -> f32 {
    use GazetteerKind as G;
    use MentionKind as M;
    let is_place = matches!(kind, G::Country | G::City | G::Place);
    let is_body = matches!(kind, G::Government | G::Agency | G::Organization | G::Company);
    let is_group = matches!(kind, G::ThreatGroup | G::ArmedGroup);
    let is_software = matches!(kind, G::Malware | G::Tool | G::Vulnerability);
    match tagged {
        M::Location if is_place || role == NameRole::Metonym => 1.0,
        M::Location if is_body => 0.3,
        M::Organization if is_body || is_group => 1.0,
        M::Organization if kind == G::Country => 0.6,
        // `Leeds` that sells a player is the club.
        M::Organization if is_place => 0.0,
        M::Organization => 0.3,
        M::Misc if role == NameRole::Demonym => 1.0,
        // `Java` as a language, `Pacific` as a ship: no place.
        M::Misc if matches!(kind, G::City | G::Place) => 0.1,
        M::Misc => 0.6,
        M::Person if is_group || is_software => 0.3,
        // `Dushanbe wants`: capitals that act are taken for people.
        M::Person if role == NameRole::Metonym => 0.7,
        M::Person => 0.0,
        M::ThreatGroup if is_group => 1.0,
        M::ThreatGroup if is_body || is_software => 0.3,
        M::ThreatGroup => 0.2,
        M::Malware | M::Tool | M::Vulnerability if is_software => 1.0,
        M::Malware | M::Tool | M::Vulnerability if is_group || kind == G::Company => 0.4,
        M::Malware | M::Tool | M::Vulnerability => 0.1,
        M::Sector => 0.1,
        M::Location => 0.3,
    }
}

/// What readers call a listed kind; `tagged` stays where the list says nothing better.
fn mention_kind(kind: GazetteerKind, role: NameRole, tagged: MentionKind) -> MentionKind {
    match kind {
        _ if role == NameRole::Demonym => MentionKind::Misc,
        GazetteerKind::Country | GazetteerKind::City | GazetteerKind::Place => {
            MentionKind::Location
        }
        GazetteerKind::ThreatGroup | GazetteerKind::ArmedGroup => MentionKind::ThreatGroup,
        GazetteerKind::Malware => MentionKind::Malware,
        GazetteerKind::Tool => MentionKind::Tool,
        GazetteerKind::Vulnerability => MentionKind::Vulnerability,
        _ if tagged == MentionKind::Location => MentionKind::Location,
        _ => MentionKind::Organization,
    }
}

/// `range` without what lists have beside a name: an article, the noun in `Moss ransomware`.
fn name_only(text: &str, range: &Range<usize>, kind: GazetteerKind) -> Range<usize> {
    let name = &text[range.clone()];
    let is_cyber = matches!(kind, GazetteerKind::Malware | GazetteerKind::ThreatGroup);
    // `The Hague` keeps its article.
    let at_start = name.strip_prefix("The ").filter(|_| is_cyber);
    let start = range.end - name.strip_prefix("the ").or(at_start).unwrap_or(name).len();
    let end = match is_cyber {
        true => start + without_noun(&text[start..range.end]).len(),
        false => range.end,
    };
    start..end
}

/// Whether a sign of money follows: `US$ 26 million` speaks of no country.
fn is_currency(text: &str, range: &Range<usize>) -> bool {
    text[range.end..].trim_start_matches(' ').starts_with(['$', '€', '£', '¥'])
}

/// Whether `stem` starts the word `range` that goes on with `-backed`, `-linked`, `-based`…, or, where
/// it `is_sure`, with an ending after an apostrophe: `Rusya'yı`.
fn is_compound_stem(text: &str, range: &Range<usize>, stem: &Range<usize>, is_sure: bool) -> bool {
    let Some(rest) = text.get(stem.end..range.end) else { return false };
    range.start == stem.start
        && (rest.starts_with(['-', '‑']) || is_sure && rest.starts_with(['\'', '’']))
        && !rest.contains(char::is_whitespace)
        && rest.chars().skip(1).all(|it| it.is_lowercase() || it == '-')
}

/// `range` without a leading article, quotation marks around, or a possessive ending.
pub(crate) fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    const MARKS: &[char] = &['"', '“', '”', '‘', '’', '\'', ',', '.', ';', ':', '(', ' ', '-', '–'];
    let mut start = range.start;
    let mut end = range.end;
    for article in ["the ", "The ", "a ", "A ", "an ", "An "] {
        if text[start..end].starts_with(article) {
            start += article.len();
        }
    }
    start = end - text[start..end].trim_start_matches(MARKS).len();
    for ending in ["'s", "’s", "'", "’"] {
        if let Some(rest) = text[start..end].strip_suffix(ending) {
            end = start + rest.len();
        }
    }
    let is_abbreviation = {
        let body = text[start..end].strip_suffix('.').unwrap_or_default();
        body.contains('.') || body.len() <= 4
    };
    if !is_abbreviation {
        end = start + text[start..end].trim_end_matches(MARKS).len();
    }
    if start < end { start..end } else { range.clone() }
}

/// `words` without the points of the compass before them: `Syria` for `north-west Syria`, nothing
/// for `eastern`. Those written like the first word of a name stay: `North Korea`.
pub(crate) fn without_compass(words: &str) -> &str {
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    let is_adjective = first.ends_with("ern") || first.starts_with(char::is_lowercase);
    let lower = first.to_lowercase().replace('-', "");
    let mut left = lower.as_str();
    for point in ["north", "south", "east", "west"] {
        left = left.strip_prefix(point).unwrap_or(left);
        left = left.strip_prefix("ern").unwrap_or(left);
    }
    let is_compass = left.is_empty() || left == "central";
    if is_compass && is_adjective { rest.trim_start() } else { words }
}

fn covers(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start <= b.start && b.end <= a.end
}

pub(crate) fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
