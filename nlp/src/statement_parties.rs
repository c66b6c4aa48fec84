//! Which parties of one statement are one and the same, or act in another clause.
//!
//! The model marks every phrase that may act. Where it marks several, a rule here says which of
//! them the text means. Each rule was read off the errors on the 162 training documents and on the
//! 229 documents left out of training, and taken where it helped on both (`training/statements.md`).

use std::ops::Range;

use crate::statement_grammar::Grammar;
use crate::statement_phrase::STATE_BODIES;
use crate::statement_roles::{Role, RoleSpan};

/// A phrase that the model takes for an actor or a target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Party {
    /// Its words.
    pub(crate) span: RoleSpan,
    /// Whether somebody is named in it; `Iranian` names nobody.
    pub(crate) holds_name: bool,
    /// Whether it is a name and nothing else.
    pub(crate) is_name: bool,
    /// Whose body it is: `Ruritania` of `its troops`.
    pub(crate) owner: Option<RoleSpan>,
}

/// What stands between a description and the name of what it describes.
const NAMING: &[&str] = &[
    "aka",
    "alias",
    "call",
    "called",
    "calling",
    "calls",
    "dubbed",
    "identified",
    "known",
    "named",
    "nicknamed",
];
/// Words between them at most.
const N_NAMING_WORDS_MAX: usize = 8;
/// What a description that follows a name begins with: `Glass Spider, another arm of it`.
const ARTICLES: &[&str] = &["a", "an", "another", "its", "one", "some", "the"];
/// Words from the comma to such a description at most.
const N_APPOSITION_WORDS_MAX: usize = 4;
const QUOTATION_MARKS: &[&str] = &["\"", "“", "”", "'"];
const POSSESSIVES: &[&str] = &["her", "his", "its", "their", "whose"];
/// Who fights for somebody, besides [`STATE_BODIES`].
const FIGHTING: &[&str] = &["fighters", "gunmen", "men", "militants", "militias"];
const PRONOUNS: &[&str] = &["he", "her", "his", "it", "its", "she", "them", "their", "they"];
/// Words that alone are no actor, as is any `Oslo-based`.
const QUALITIES: &[&str] = &[
    "afternoon",
    "armed",
    "at",
    "domestic",
    "evening",
    "first",
    "global",
    "international",
    "left",
    "local",
    "morning",
    "national",
    "nationwide",
    "night",
    "prison",
    "regional",
    "second",
    "socially",
];
/// Letters of a participle, such as the `returning` of `a returning officer`: `king` is none.
const N_PARTICIPLE_LETTERS_MIN: usize = 7;
/// What somebody uses, so that beside somebody it does not act.
const INSTRUMENTS: &[&str] = &[
    "aircraft",
    "attack",
    "attacks",
    "bomb",
    "bombs",
    "campaign",
    "campaigns",
    "car",
    "cyberattack",
    "drone",
    "drones",
    "email",
    "emails",
    "helicopter",
    "helicopters",
    "jets",
    "malware",
    "message",
    "messages",
    "missile",
    "missiles",
    "operation",
    "plane",
    "planes",
    "ransomware",
    "rocket",
    "rockets",
    "scam",
    "scams",
    "shell",
    "shells",
    "tool",
    "tools",
    "trojan",
    "truck",
    "virus",
    "vulnerability",
    "warplanes",
    "wiper",
    "worm",
];
/// What stands before somebody who acts in another clause or suffers the act.
const ELSEWHERE: &[&str] = &["against", "if", "under", "unless"];

/// Those of `found`, all of one role and in the order of the words, that the text means as parties of
/// the act with this `trigger`.
pub(crate) fn those_meant(
    found: Vec<Party>,
    trigger: &Range<usize>,
    grammar: &Grammar,
) -> Vec<Party> {
    let words = grammar.words();
    let mut parties = found;
    if parties.iter().all(|it| it.span.role == Role::Actor) {
        parties = joined(parties, words);
        parties = without_neighbours(parties, words);
        parties = without_repeats(parties, words);
        parties.retain(|it| !is_quality(it, words));
        drop_beside_others(&mut parties, |it| {
            INSTRUMENTS.contains(&words[it.span.words.end - 1].as_str())
        });
        drop_beside_others(&mut parties, |it| ELSEWHERE.contains(&word_before(it, words)));
        drop_beside_others(&mut parties, |it| is_in_other_clause(it, trigger, words));
    }
    drop_beside_others(&mut parties, |it| is_lone_pronoun(it, words));
    parties
}

/// Whether a semicolon stands between a party and the act: `Murk threatens ports; Ruritania denies a
/// role`. Targets are also listed so.
fn is_in_other_clause(party: &Party, trigger: &Range<usize>, words: &[String]) -> bool {
    let own = &party.span.words;
    let between =
        if own.end <= trigger.start { own.end..trigger.start } else { trigger.end..own.start };
    words.get(between).is_some_and(|it| it.iter().any(|it| it == ";"))
}

/// Drops what `is_weak`, unless nobody else is left.
fn drop_beside_others(parties: &mut Vec<Party>, is_weak: impl Fn(&Party) -> bool) {
    if !parties.iter().all(&is_weak) {
        parties.retain(|it| !is_weak(it));
    }
}

/// Joins `supporters of` and `chairman`: the article between them belongs to one phrase.
fn joined(parties: Vec<Party>, words: &[String]) -> Vec<Party> {
    let mut joined: Vec<Party> = vec![];
    for party in parties {
        if let Some(last) = joined.last_mut() {
            let gap = &words[last.span.words.end..party.span.words.start];
            let is_article = |it: &String| matches!(it.as_str(), "the" | "a" | "an");
            if words[last.span.words.end - 1] == "of" && gap.iter().all(is_article) {
                last.span.words.end = party.span.words.end;
                last.holds_name |= party.holds_name;
                continue;
            }
        }
        joined.push(party);
    }
    joined
}

/// Of each two neighbours that are one and the same only the better.
fn without_neighbours(mut parties: Vec<Party>, words: &[String]) -> Vec<Party> {
    let mut is_dropped = vec![false; parties.len()];
    for at in 1..parties.len() {
        let (first, second) = (&parties[at - 1], &parties[at]);
        let gap = &words[first.span.words.end..second.span.words.start];
        if is_naming(gap) {
            is_dropped[if first.holds_name { at } else { at - 1 }] = true;
        } else if let Some(is_first) = described(&parties, at, words) {
            is_dropped[if is_first { at - 1 } else { at }] = true;
        } else if is_body_of(first, second, words) {
            is_dropped[at - 1] = true;
            let owner = first.span.clone();
            parties[at].owner = Some(owner);
        }
    }
    let mut is_dropped = is_dropped.into_iter();
    parties.retain(|_| !is_dropped.next().unwrap_or(false));
    parties
}

/// Whether `gap` says that what stands behind is the name of what stands before it.
fn is_naming(gap: &[String]) -> bool {
    let has = |list: &[&str]| gap.iter().any(|it| list.contains(&it.as_str()));
    let is_pseudonym = gap.windows(2).any(|it| it[0] == "going" && it[1] == "by");
    gap.len() <= N_NAMING_WORDS_MAX && (has(NAMING) || is_pseudonym) && !has(&["and", ";"])
}

/// Whether one of the parties at `at - 1` and `at` describes the other between commas, and if so
/// whether it is the first: `Ruritania, a NATO member` and `the dictator, Ovi Brandt,`.
fn described(parties: &[Party], at: usize, words: &[String]) -> Option<bool> {
    let (first, second) = (&parties[at - 1], &parties[at]);
    let next = words.get(second.span.words.end).map_or(".", String::as_str);
    let gap = words[first.span.words.end..second.span.words.start].iter().map(String::as_str);
    let gap: Vec<&str> = gap.filter(|it| !QUOTATION_MARKS.contains(it)).collect();
    let (comma, rest) = gap.split_first()?;
    if *comma != "," {
        return None;
    }
    if let Some(article) = rest.first() {
        let is_short = rest.len() == 1 && !second.is_name
            || rest.len() <= N_APPOSITION_WORDS_MAX && rest.contains(&"of");
        let is_list = rest.contains(&"and") || matches!(next, "and" | "or");
        let describes = first.is_name && ARTICLES.contains(article) && is_short && !is_list;
        return describes.then_some(false);
    }
    let is_near = |it: &Party| {
        let after = it.span.words.start.checked_sub(second.span.words.end);
        let before = first.span.words.start.checked_sub(it.span.words.end);
        after.or(before).is_some_and(|it| it <= 3)
    };
    let is_list = parties.iter().enumerate().any(|(n, it)| n + 1 != at && n != at && is_near(it));
    let is_between = next == "," && first.is_name != second.is_name && !is_list;
    is_between.then_some(second.is_name)
}

/// Whether `second` are the forces of `first`: `Ruritania says its troops`.
fn is_body_of(first: &Party, second: &Party, words: &[String]) -> bool {
    let is_possessive = |at: usize| POSSESSIVES.contains(&words[at].as_str());
    let (start, end) = (second.span.words.start, second.span.words.end);
    let (owned, body) = match start.checked_sub(1) {
        _ if is_possessive(start) => (start, &words[start + 1..end]),
        Some(before) if is_possessive(before) => (before, &words[start..end]),
        _ => return false,
    };
    let body = body.join(" ");
    let is_body = STATE_BODIES.contains(&body.as_str()) || FIGHTING.contains(&body.as_str());
    let between = words.get(first.span.words.end..owned).unwrap_or_default();
    let is_list = between.first().is_some_and(|it| matches!(it.as_str(), "and" | "or"));
    is_body && !is_list
}

/// Leaves out a phrase that stands in the same words before.
fn without_repeats(parties: Vec<Party>, words: &[String]) -> Vec<Party> {
    let mut kept: Vec<Party> = vec![];
    for party in parties {
        let text = |it: &Party| &words[it.span.words.clone()];
        if kept.iter().all(|it| text(it) != text(&party)) {
            kept.push(party);
        }
    }
    kept
}

fn is_quality(party: &Party, words: &[String]) -> bool {
    let [word] = &words[party.span.words.clone()] else { return false };
    let is_participle =
        !party.holds_name && word.ends_with("ing") && N_PARTICIPLE_LETTERS_MIN <= word.len();
    QUALITIES.contains(&word.as_str()) || word.ends_with("-based") || is_participle
}

/// The word before a party, but for its article.
fn word_before<'a>(party: &Party, words: &'a [String]) -> &'a str {
    let mut before = words[..party.span.words.start].iter().rev().map(String::as_str);
    before.find(|it| !matches!(*it, "the" | "a" | "an" | "former")).unwrap_or_default()
}

/// Whether a party is a pronoun, which means somebody who is told anyway; `he and others` are not.
fn is_lone_pronoun(party: &Party, words: &[String]) -> bool {
    let [word] = &words[party.span.words.clone()] else { return false };
    let next = words.get(party.span.words.end).map_or("", String::as_str);
    let is_listed = word_before(party, words) == "and" || matches!(next, "and" | "or");
    PRONOUNS.contains(&word.as_str()) && !is_listed
}

#[cfg(test)]
#[path = "statement_parties_tests.rs"]
mod tests;
