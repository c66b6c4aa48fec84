//! What an article's hostile statements say, by name: reports of one act share who did what to whom,
//! also where their words differ. An actor or a target alone tells no event: both return every day.

use std::collections::BTreeSet;

use crate::annotation::{Phrase, Statement};

/// Acts of an article at most; a longer list tells of no single event.
const N_ACTS_MAX: usize = 64;

/// The acts of `statements`, each once, at most 64: `group:G0032 Attack country:DK`.
pub fn acts<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Vec<String> {
    let mut acts = BTreeSet::new();
    for statement in statements {
        let targets: Vec<String> = statement.targets.iter().map(name).collect();
        for actor in statement.actors.iter().map(name) {
            let kind = statement.kind;
            acts.extend(targets.iter().map(|target| format!("{actor} {kind:?} {target}")));
        }
    }
    acts.into_iter().take(N_ACTS_MAX).collect()
}

/// The id of what a phrase means, or its words.
fn name(phrase: &Phrase) -> String {
    match &phrase.entity {
        Some(entity) => entity.id.clone(),
        None => phrase.text.to_lowercase(),
    }
}
