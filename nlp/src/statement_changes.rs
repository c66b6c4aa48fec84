//! What an edit did to the hostile statements of an article: [`statement_changes`]. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::annotation::{Annotation, Phrase, Statement};
use crate::offsets::Offsets;

/// Words that two sentences must share, by Jaccard's measure, to be one that was reworded.
const LIKENESS_MIN: f32 = 0.5;
/// Changes of one edit that are named.
const N_CHANGES_MAX: usize = 50;

/// How a hostile statement changed with an edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementChange {
    /// The statement before the edit; `None` when it is new.
    pub before: Option<QuotedStatement>,
    /// The statement after the edit; `None` when it was removed.
    pub after: Option<QuotedStatement>,
}

/// A statement with its sentence, apart from its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotedStatement {
    /// The sentence, in full.
    pub sentence: String,
    /// The statement; its offsets count in the text of its own version.
    pub statement: Statement,
}

/// A version of an article with what was found in it.
#[derive(Clone, Copy, Debug)]
pub struct ReadVersion<'a> {
    /// What was found.
    pub annotation: &'a Annotation,
    /// Its headline.
    pub title: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Compares the statements of two versions of one article, headlines included.
///
/// A statement that only moved is no change, nor is one that the models read otherwise in the same
/// sentence: what changed must stand in the text.
pub fn statement_changes(before: ReadVersion<'_>, after: ReadVersion<'_>) -> Vec<StatementChange> {
    let (mut old, mut new) = (stated(before), stated(after));
    let all = |it: ReadVersion<'_>| flat(&[it.title, it.text].join("\n"));
    let (old_text, new_text) = (all(before), all(after));
    old.retain(|it| !new_text.contains(&flat(&it.sentence)));
    new.retain(|it| !old_text.contains(&flat(&it.sentence)));
    let mut changes = Vec::new();
    for it in old {
        let likeness = |other: &QuotedStatement| likeness(&it, other);
        let best = (0..new.len()).max_by(|&a, &b| likeness(&new[a]).total_cmp(&likeness(&new[b])));
        let best = best.filter(|&at| LIKENESS_MIN <= likeness(&new[at]));
        let after = best.map(|at| new.remove(at));
        changes.push(StatementChange { before: Some(it), after });
    }
    changes.extend(new.into_iter().map(|it| StatementChange { before: None, after: Some(it) }));
    changes.truncate(N_CHANGES_MAX);
    changes
}

/// The statements with their sentences, those of the headline last.
fn stated(version: ReadVersion<'_>) -> Vec<QuotedStatement> {
    let of = |text: &str, statements: &[Statement]| -> Vec<QuotedStatement> {
        let offsets = Offsets::of(text);
        let quoted = |it: &Statement| {
            let sentence = &text[offsets.byte_range(it.sentence.start, it.sentence.end)];
            QuotedStatement { sentence: sentence.trim().to_owned(), statement: it.clone() }
        };
        statements.iter().map(quoted).filter(|it| !it.sentence.is_empty()).collect()
    };
    let mut all = of(version.text, &version.annotation.statements);
    if let Some(title) = &version.annotation.title {
        all.extend(of(version.title, &title.statements));
    }
    all
}

fn likeness(a: &QuotedStatement, b: &QuotedStatement) -> f32 {
    let (words_a, words_b) = (words(&a.sentence), words(&b.sentence));
    let n_shared = words_a.intersection(&words_b).count() as f32;
    let n_all = words_a.union(&words_b).count().max(1) as f32;
    // Of two acts in one sentence, the one of the same parties.
    let parties = |it: &QuotedStatement| -> BTreeSet<String> {
        let phrases = it.statement.actors.iter().chain(&it.statement.targets);
        phrases.map(name).chain([it.statement.trigger.text.to_lowercase()]).collect()
    };
    let n_parties = parties(a).intersection(&parties(b)).count() as f32;
    n_shared / n_all + 0.01 * n_parties.min(9.0)
}

fn name(phrase: &Phrase) -> String {
    phrase.entity.as_ref().map_or_else(|| phrase.text.to_lowercase(), |it| it.id.clone())
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Letters and digits in lower case with single spaces.
fn flat(text: &str) -> String {
    let parts = text.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    parts.collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{Domain, Modality, Span, StatementKind, StatementTime, Tense};

    /// An annotation with one statement for each sentence of `text` that holds "threat".
    fn read(text: &str) -> Annotation {
        let mut start = 0;
        let mut statements = Vec::new();
        for sentence in text.split_inclusive('.') {
            let end = start + sentence.chars().count();
            if sentence.contains("threat") {
                statements.push(Statement {
                    kind: StatementKind::Threat,
                    domain: Domain::Physical,
                    modality: Modality::Asserted,
                    time: StatementTime { tense: Tense::Future, from: None, to: None },
                    sentence: Span { start, end },
                    trigger: Phrase { text: "threatened".to_owned(), ..Phrase::default() },
                    actors: vec![],
                    targets: vec![],
                    sectors: vec![],
                    means: vec![],
                    speaker: None,
                    score: 0.9,
                });
            }
            start = end;
        }
        Annotation { statements, ..Annotation::default() }
    }

    fn changes(before: &str, after: &str) -> Vec<(Option<String>, Option<String>)> {
        let (old, new) = (read(before), read(after));
        let found = statement_changes(
            ReadVersion { annotation: &old, title: "", text: before },
            ReadVersion { annotation: &new, title: "", text: after },
        );
        let sentence = |it: Option<QuotedStatement>| it.map(|it| it.sentence);
        found.into_iter().map(|it| (sentence(it.before), sentence(it.after))).collect()
    }

    #[test]
    fn a_statement_that_moved_is_no_change() {
        let before = "Ana threatened the port. Nobody came.";
        let after = "Nobody came. It rained. Ana threatened the port.";
        assert_eq!(changes(before, after), []);
    }

    #[test]
    fn a_reworded_threat_is_one_change() {
        let before = "Ana threatened to close the port of Lindahl. Nobody came.";
        let after = "Ana threatened to burn the port of Lindahl. Nobody came.";
        let sentence = |text: &str| Some(text.to_owned());
        let expected = (
            sentence("Ana threatened to close the port of Lindahl."),
            sentence("Ana threatened to burn the port of Lindahl."),
        );
        assert_eq!(changes(before, after), [expected]);
    }

    #[test]
    fn removed_and_added_threats_are_told() {
        let (kept, gone) = ("Ana threatened the port.", "Bo threatened all ships at sea.");
        let both = format!("{kept} {gone}");
        assert_eq!(changes(&both, kept), [(Some(gone.to_owned()), None)]);
        assert_eq!(changes(kept, &both), [(None, Some(gone.to_owned()))]);
    }
}
