//! What English grammar says about a statement where the model wavers. Longer than most, since the
//! words that rules ask for are listed beside them.
//!
//! Each rule was checked against the 850 statements of the training documents before it was
//! taken: of 29 actors of a passive act 2 stand before it, of 566 actors 2 accuse or arrest
//! somebody right after their name, and 10 statements have neither actor nor target nor means.

use std::ops::Range;

use crate::StatementKind;
use crate::document::AnalysedDocument;
use crate::statement_draft::DENIAL;
use crate::statement_head::{Reading, most_probable};
use crate::statement_roles::{Role, RoleSpan};

/// What somebody does who says that it was not so.
const DENYING: &[&str] = &["denied", "denies", "deny", "denying"];
/// What is said not to be so.
const DENIED: &[&str] = &[
    "accusation",
    "accusations",
    "allegation",
    "allegations",
    "being",
    "claim",
    "claims",
    "connection",
    "guilt",
    "hand",
    "having",
    "involvement",
    "link",
    "links",
    "part",
    "responsibility",
    "role",
];

/// What a sentence with a denial has: so have 96 of 100 in the training documents and those left out
/// of training. They stand as the word begins.
const NEGATING: &[&str] = &[
    "baseless",
    "cannot",
    "contradict",
    "deni",
    "deny",
    "disavow",
    "disclaim",
    "dismiss",
    "disown",
    "disput",
    "distanc",
    "fabricat",
    "false",
    "groundless",
    "hoax",
    "innocen",
    "insist",
    "neither",
    "never",
    "no",
    "nobody",
    "none",
    "nonsense",
    "nor",
    "not",
    "nothing",
    "refut",
    "reject",
    "repudiat",
    "unfounded",
    "untrue",
    "without",
];
/// Of those, the ones that are whole words: `no` begins `northern`.
const N_LETTERS_OF_WHOLE_WORDS_MAX: usize = 3;
/// Words from a denial to its `that`, and from there to the act.
const N_WORDS_TO_THAT_MAX: usize = 4;
const N_WORDS_FROM_THAT_MAX: usize = 6;

/// Words that neither begin nor end a trigger and end no phrase.
pub(crate) const LOOSE: &[&str] = &[
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "near", "of", "on", "or",
    "that", "the", "to", "using", "via", "was", "were", "which", "who", "with",
];
/// Prepositions that a trigger may end in: `fight against`, `attack on`.
const ENDING: &[&str] = &["at", "for", "from", "in", "into", "on", "to"];
/// What stands before `not` where an act of the past is denied.
const AUXILIARIES: &[&str] = &["did", "had", "has", "have", "was", "were"];
const FORMS_OF_BE: &[&str] = &["is", "are", "was", "were", "be", "been", "being", "got", "get"];
/// Participles of hostile acts that do not end in `-ed`.
const PARTICIPLES: &[&str] = &[
    "beaten",
    "blown",
    "bombed",
    "broken",
    "built",
    "burnt",
    "caught",
    "cut",
    "driven",
    "held",
    "hit",
    "hung",
    "hurt",
    "kidnapped",
    "overrun",
    "overthrown",
    "run",
    "shot",
    "shut",
    "slain",
    "stolen",
    "struck",
    "sunk",
    "swept",
    "taken",
    "thrown",
    "torn",
];
/// Who does that to somebody is not the one who attacks.
const ACCUSING: &[&str] = &[
    "accuse",
    "accuses",
    "accused",
    "accusing",
    "arrest",
    "arrests",
    "arrested",
    "arresting",
    "blame",
    "blames",
    "blamed",
    "blaming",
    "condemn",
    "condemns",
    "condemned",
    "condemning",
    "denounce",
    "denounces",
    "denounced",
    "detain",
    "detains",
    "detained",
    "charged",
    "indicted",
];
const TRYING: &[&str] = &[
    "attempt",
    "attempts",
    "attempted",
    "attempting",
    "foil",
    "foils",
    "foiled",
    "foiling",
    "plot",
    "plots",
    "plotted",
    "plotting",
    "thwart",
    "thwarts",
    "thwarted",
    "thwarting",
    "tried",
    "trying",
];
/// Words before an act in which it may be said to be tried only.
const N_WORDS_OF_TRYING: usize = 3;
/// What stands before an act that may come.
const FEARING: &[&str] =
    &["danger", "fear", "feared", "fears", "risk", "risks", "susceptible", "vulnerable"];
/// Words that alone tell no act: none of the 850 triggers of the training documents is made of
/// them.
const ACTLESS: &[&str] = &[
    "at", "be", "been", "being", "can", "come", "comes", "could", "did", "do", "does", "doing",
    "done", "down", "get", "go", "goes", "going", "got", "had", "has", "have", "in", "is", "line",
    "made", "make", "makes", "may", "might", "off", "on", "out", "run", "running", "runs", "up",
    "was", "were", "will", "would",
];
/// Words that alone name nobody: of 986 targets of the training documents none is made of them.
const VAGUE: &[&str] = &[
    "all",
    "any",
    "dozens",
    "each",
    "few",
    "half",
    "hundreds",
    "local",
    "many",
    "more",
    "most",
    "nearby",
    "none",
    "one",
    "ones",
    "other",
    "scores",
    "several",
    "some",
    "thousands",
    "various",
    "whoever",
];
/// Words before an act that may deny it.
const N_WORDS_BEFORE: usize = 4;

/// Services on which statements are published, which make none: `on its Telegram channel`.
pub(crate) const PLATFORMS: &[&str] =
    &["facebook", "instagram", "signal", "telegram", "tiktok", "twitter", "vk", "x", "youtube"];
/// What follows the name of a service that is not itself meant.
pub(crate) const ACCOUNTS: &[&str] =
    &["account", "accounts", "channel", "channels", "group", "page", "post", "posts", "video"];
/// Words in which a dateline ends: `PORT RAVEL, Feb. 3 (Northgate Wire) —`.
const N_DATELINE_WORDS_MAX: usize = 14;

/// A sentence in small letters.
pub(crate) struct Grammar {
    words: Vec<String>,
    /// Words of the dateline, at the start.
    n_dateline: usize,
}

impl Grammar {
    pub(crate) fn of(document: &AnalysedDocument, sentence: usize) -> Grammar {
        let n_words = document.sentences[sentence].encoded.words.len();
        let word = |at: usize| document.text_of(document.words_range(sentence, at..at + 1));
        Grammar::of_words((0..n_words).map(word))
    }

    pub(crate) fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> Grammar {
        let words: Vec<&str> = words.collect();
        let n_dateline = n_dateline_words(&words);
        let words = words.iter().map(|it| it.to_lowercase().replace('’', "'")).collect();
        Grammar { words, n_dateline }
    }

    /// The words, in small letters.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// `trigger` without loose words around: `targets` for `targets of a`.
    pub(crate) fn trigger(&self, trigger: Range<usize>) -> Range<usize> {
        let is_loose = |at: usize| LOOSE.contains(&self.words[at].as_str());
        let ends_loosely = |at: usize| is_loose(at) && !ENDING.contains(&self.words[at].as_str());
        let mut range = trigger;
        while range.len() > 1 && is_loose(range.start) {
            range.start += 1;
        }
        while range.len() > 1 && ends_loosely(range.end - 1) {
            range.end -= 1;
        }
        range
    }

    /// `words` without loose words at the end, and at the start too unless `keeps_start`; `None`
    /// when nothing is left.
    pub(crate) fn phrase(&self, words: Range<usize>, keeps_start: bool) -> Option<Range<usize>> {
        let is_loose = |at: usize| {
            LOOSE.contains(&self.words[at].as_str())
                || !self.words[at].chars().any(char::is_alphanumeric)
        };
        let is_end =
            |at: usize| is_loose(at) && !matches!(self.words[at].as_str(), ")" | "." | "\"" | "”");
        let mut range = words;
        while !range.is_empty() && !keeps_start && is_loose(range.start) {
            range.start += 1;
        }
        while !range.is_empty() && is_end(range.end - 1) {
            range.end -= 1;
        }
        (!range.is_empty()).then_some(range)
    }

    /// The roles of `reading` where grammar agrees; others change their role or go.
    pub(crate) fn roles(&self, reading: &Reading) -> Vec<RoleSpan> {
        let is_passive = self.is_passive(&reading.trigger);
        let has_target = reading.spans.iter().any(|it| it.role == Role::Target);
        let mut roles = vec![];
        for span in &reading.spans {
            let is_party = matches!(span.role, Role::Actor | Role::Target);
            if span.sentence != reading.sentence {
                roles.push(span.clone());
                continue;
            }
            let is_nobody = self.is_year(&span.words)
                || self.is_vague(&span.words)
                || (self.is_amount(&span.words) && self.has_other(reading, span));
            if (is_party && is_nobody) || span.words.end <= self.n_dateline {
                continue;
            }
            // Who calls a report false denies it.
            let is_denial = most_probable(&reading.kinds) == DENIAL;
            let is_no_actor = self.accuses_next(&span.words)
                || !is_denial && self.calls_next(&span.words)
                || self.foils(&span.words, &reading.trigger);
            if span.role == Role::Actor && is_no_actor {
                continue;
            }
            if self.is_told(span) {
                continue;
            }
            if is_party && self.is_platform(&span.words, &reading.trigger) {
                continue;
            }
            if span.role == Role::Actor && self.is_given_time(&span.words) {
                roles.push(RoleSpan { role: Role::Target, ..span.clone() });
                continue;
            }
            let suffers =
                span.role == Role::Actor && is_passive && span.words.end <= reading.trigger.start;
            match (suffers, has_target) {
                (true, true) => {}
                (true, false) => roles.push(RoleSpan { role: Role::Target, ..span.clone() }),
                (false, _) => roles.push(span.clone()),
            }
        }
        roles
    }

    /// The kind of a statement that the model takes for `kind`.
    ///
    /// In the training documents, of acts behind an attempt 16 of 19 are attempts, of those in a
    /// sentence that claims responsibility 6 of 7 are claims, of triggers with `threaten` 13 of 15
    /// are threats, of acts behind a risk or fear 10 of 14 are warnings.
    pub(crate) fn kind(&self, kind: StatementKind, trigger: &Range<usize>) -> StatementKind {
        let words = &self.words[trigger.clone()];
        let before = self.before_in_clause(trigger.start);
        let has =
            |words: &[String], list: &[&str]| words.iter().any(|it| list.contains(&it.as_str()));
        let is_of_past = matches!(kind, StatementKind::Attack | StatementKind::Claim);
        let is_denied =
            has(before, DENYING) || self.is_negated(trigger) || self.is_denied_to_be(trigger);
        // `denies a role` is no threat, whatever else the sentence tells; `denied service` is an attack.
        let (first, rest) = words.split_at(words.len().min(1));
        if is_of_past && is_denied || has(first, DENYING) && has(rest, DENIED) {
            return StatementKind::Denial;
        }
        let just_before = &before[before.len().saturating_sub(N_WORDS_OF_TRYING)..];
        let is_tried = has(words, TRYING) || has(just_before, TRYING);
        if is_tried && (is_of_past || kind == StatementKind::Threat) {
            return StatementKind::Attempt;
        }
        let may_change = matches!(kind, StatementKind::Attack | StatementKind::Warning);
        if may_change && words.iter().any(|it| it.starts_with("threaten")) {
            return StatementKind::Threat;
        }
        if kind == StatementKind::Attack && self.claims_responsibility() {
            return StatementKind::Claim;
        }
        if kind == StatementKind::Attack && (has(before, FEARING) || has(words, FEARING)) {
            return StatementKind::Warning;
        }
        kind
    }

    /// The few words before word `at` in its clause: what stands before a comma is another one.
    fn before_in_clause(&self, at: usize) -> &[String] {
        let before = &self.words[at.saturating_sub(N_WORDS_BEFORE)..at];
        let comma = before.iter().rposition(|it| matches!(it.as_str(), "," | ";" | ":"));
        &before[comma.map_or(0, |it| it + 1)..]
    }

    /// Whether somebody claims responsibility: not where nobody does.
    fn claims_responsibility(&self) -> bool {
        let is_claim = |at: usize| {
            self.words[at].starts_with("claim")
                && self.words.get(at + 1).is_some_and(|it| it == "responsibility" || it == "credit")
        };
        let is_nobody = |at: usize| {
            self.before_in_clause(at).iter().any(|it| {
                it.ends_with("n't")
                    || matches!(it.as_str(), "nobody" | "no" | "none" | "not" | "never")
            })
        };
        (0..self.words.len()).any(|at| is_claim(at) && !is_nobody(at))
    }

    /// Whether any word of the sentence could deny something.
    pub(crate) fn may_deny(&self) -> bool {
        self.words.iter().any(|word| {
            let is_negating = |it: &&str| match it.len() <= N_LETTERS_OF_WHOLE_WORDS_MAX {
                true => word == it,
                false => word.starts_with(it),
            };
            word.ends_with("n't") || NEGATING.iter().any(is_negating)
        })
    }

    /// Whether somebody denies that the act was: `denied on Monday that it had ordered`.
    fn is_denied_to_be(&self, trigger: &Range<usize>) -> bool {
        let before = &self.words[..trigger.start];
        let Some(that) = before.iter().rposition(|it| it == "that") else { return false };
        const BREAKS: &[&str] = &[",", ";", ":", "after", "and", "but", "which", "who", "whose"];
        let is_break = |it: &String| BREAKS.contains(&it.as_str());
        let to_act = &before[that + 1..];
        let to_that = &before[that.saturating_sub(N_WORDS_TO_THAT_MAX)..that];
        to_act.len() <= N_WORDS_FROM_THAT_MAX
            && !to_act.iter().any(is_break)
            && to_that.iter().any(|it| DENYING.contains(&it.as_str()))
    }

    /// Whether the act is said not to have been: `has never attacked`, `was not hit`.
    fn is_negated(&self, trigger: &Range<usize>) -> bool {
        let mut before = self.words[..trigger.start].iter().map(String::as_str).rev();
        let word = before.find(|it| !FORMS_OF_BE.contains(it) && !matches!(*it, "ever" | "yet"));
        match word {
            Some("never") => true,
            Some("not") => before.next().is_some_and(|it| AUXILIARIES.contains(&it)),
            Some(word) => {
                word.strip_suffix("n't").is_some_and(|it| AUXILIARIES.contains(&it))
                    || (word == "n't" && before.next().is_some_and(|it| AUXILIARIES.contains(&it)))
            }
            None => false,
        }
    }

    /// Whether `words` are a service on which somebody speaks: `Telegram` before `channel`, or
    /// behind `on` where that is not the end of the act, as in `attack on Telegram`.
    fn is_platform(&self, words: &Range<usize>, trigger: &Range<usize>) -> bool {
        let [.., word] = &self.words[words.clone()] else { return false };
        let next = self.words.get(words.end).map_or("", String::as_str);
        let is_spoken_on = 0 < words.start
            && matches!(self.words[words.start - 1].as_str(), "on" | "via")
            && trigger.end != words.start
            && trigger.end + 1 != words.start;
        PLATFORMS.contains(&word.as_str()) && (ACCOUNTS.contains(&next) || is_spoken_on)
    }

    /// Whether the act is told in the passive voice: `has since been killed`.
    fn is_passive(&self, trigger: &Range<usize>) -> bool {
        let is_be = |at: usize| FORMS_OF_BE.contains(&self.words[at].as_str());
        let mut at = trigger.start;
        if self.is_under(trigger) {
            return true;
        }
        if trigger.len() > 1 && is_be(at) {
            at += 1;
        }
        let word = self.words[at].as_str();
        if !word.ends_with("ed") && !PARTICIPLES.contains(&word) {
            return false;
        }
        let is_adverb = |it: &&String| {
            it.ends_with("ly")
                || matches!(
                    it.as_str(),
                    "also"
                        | "now"
                        | "then"
                        | "not"
                        | "never"
                        | "already"
                        | "once"
                        | "later"
                        | "since"
                        | "still"
                        | "just"
                        | "even"
                        | "all"
                        | "both"
                        | "first"
                        | "again"
                )
        };
        let before = self.words[..at].iter().rev().skip_while(is_adverb);
        before.take(1).any(|it| FORMS_OF_BE.contains(&it.as_str()))
    }

    /// Whether somebody is under what the trigger tells: `came under tank fire`.
    fn is_under(&self, trigger: &Range<usize>) -> bool {
        const COMING: &[&str] = &["came", "come", "comes", "coming", "is", "are", "was", "were"];
        let from = trigger.start.saturating_sub(2);
        let under = (from..trigger.end).rfind(|it| self.words[*it] == "under");
        under.is_some_and(|it| 0 < it && COMING.contains(&self.words[it - 1].as_str()))
    }

    /// Whether `words` are a year.
    fn is_year(&self, words: &Range<usize>) -> bool {
        let [word] = &self.words[words.clone()] else { return false };
        word.len() == 4 && word.parse().is_ok_and(|it: u32| (1900..2100).contains(&it))
    }

    /// Whether `trigger` tells an act at all.
    pub(crate) fn tells_act(&self, trigger: &Range<usize>) -> bool {
        self.words[trigger.clone()].iter().any(|it| !ACTLESS.contains(&it.as_str()))
    }

    fn is_vague(&self, words: &Range<usize>) -> bool {
        self.words[words.clone()].iter().all(|it| VAGUE.contains(&it.as_str()))
    }

    /// Whether `words` are nothing but an amount: `1.2 million`.
    fn is_amount(&self, words: &Range<usize>) -> bool {
        self.words[words.clone()].iter().all(|it| {
            it.starts_with(|it: char| it.is_ascii_digit())
                || matches!(it.as_str(), "hundred" | "thousand" | "million" | "billion")
        })
    }

    /// Whether `reading` has another span of the role of `span`.
    fn has_other(&self, reading: &Reading, span: &RoleSpan) -> bool {
        let mut spans = reading.spans.iter();
        spans.any(|it| it.role == span.role && it != span && !self.is_amount(&it.words))
    }

    /// Whether whoever `words` name is set a date: `has forty-eight hours to`, `have until Monday`.
    fn is_given_time(&self, words: &Range<usize>) -> bool {
        const UNITS: &[&str] = &["minutes", "hour", "hours", "day", "days", "week", "weeks"];
        const N_WORDS_MAX: usize = 6;
        let mut after = self.words[words.end..].iter().take(N_WORDS_MAX).map(String::as_str);
        if !matches!(after.next(), Some("has" | "have" | "had" | "got")) {
            return false;
        }
        let after: Vec<&str> = after.collect();
        let is_date = matches!(after.as_slice(), ["until" | "till", ..]);
        is_date || after.windows(2).any(|it| UNITS.contains(&it[0]) && it[1] == "to")
    }

    /// Whether whoever `words` name keeps others from what the trigger tells: `police foiled a plot`.
    fn foils(&self, words: &Range<usize>, trigger: &Range<usize>) -> bool {
        const FOILING: &[&str] = &["foil", "thwart"];
        let between = self.words.get(words.end..trigger.end).unwrap_or_default();
        between.iter().enumerate().any(|(at, it)| {
            let is_passive = at > 0 && FORMS_OF_BE.contains(&between[at - 1].as_str());
            FOILING.iter().any(|foil| it.starts_with(foil)) && !is_passive
        })
    }

    /// Whether the actor or speaker `span` is spoken to: `told the Post`, `a letter seen by the Post`.
    fn is_told(&self, span: &RoleSpan) -> bool {
        const SHOWN: &[&str] = &["obtained", "reviewed", "seen", "viewed"];
        let mut before = self.words[..span.words.start].iter().rev().map(String::as_str);
        match before.find(|it| !matches!(*it, "the" | "a" | "an")) {
            Some("told" | "tells") => matches!(span.role, Role::Actor | Role::Speaker),
            Some("by") if span.role == Role::Speaker => {
                before.next().is_some_and(|it| SHOWN.contains(&it))
            }
            _ => false,
        }
    }

    /// Whether whoever `words` name accuses or arrests somebody right after.
    fn accuses_next(&self, words: &Range<usize>) -> bool {
        let after = self.words[words.end..].iter();
        let verb =
            after.skip_while(|it| matches!(it.as_str(), "has" | "have" | "had" | "also" | "later"));
        verb.take(1).any(|it| ACCUSING.contains(&it.as_str()))
    }

    /// Whether whoever `words` name calls something by a name right after: `called the blockade unlawful`.
    fn calls_next(&self, words: &Range<usize>) -> bool {
        let mut after = self.words[words.end..].iter().map(String::as_str);
        matches!(after.next(), Some("called" | "calls"))
            && matches!(after.next(), Some("the" | "this" | "that"))
    }
}

/// Words of the dateline that a sentence begins with: place in capitals, agency, dash.
fn n_dateline_words(words: &[&str]) -> usize {
    let is_capital = |it: &&str| it.chars().count() > 2 && !it.chars().any(char::is_lowercase);
    if !words.first().is_some_and(|it| is_capital(it) && it.chars().all(char::is_alphabetic)) {
        return 0;
    }
    let mut is_in_brackets = false;
    for (at, word) in words.iter().take(N_DATELINE_WORDS_MAX).enumerate() {
        match *word {
            "—" | "–" | "--" => return at + 1,
            "(" => is_in_brackets = true,
            ")" => is_in_brackets = false,
            it if !is_in_brackets && it.starts_with(char::is_lowercase) => return 0,
            _ => {}
        }
    }
    0
}

#[cfg(test)]
#[path = "statement_grammar_tests.rs"]
mod tests;
