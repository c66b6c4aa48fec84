//! What makes a statement a new one: [`claims`].
//!
//! The key is actor, kind, target and sector. A copy or rewrite of an article often says the same
//! with other sectors, or names only one of the two parties; within one story that is the same
//! statement.

use std::collections::BTreeSet;

use nlp::{Phrase, Statement};

/// Parties of one side that count at most.
const N_PARTIES_MAX: usize = 8;
/// In a key: not named, or whoever it is.
const ANYONE: &str = "*";

/// One thing that a statement says: an actor does this to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// It is no news when one of these was said before.
    pub looked_up: Vec<String>,
    /// After it was said, these are no news.
    pub remembered: Vec<String>,
}

/// What `statement` says, claim by claim; it is new when one of its claims is. Never empty.
pub fn claims(statement: &Statement, story: Option<&str>) -> Vec<Claim> {
    let kind = serde_json::to_string(&statement.kind).unwrap_or_default();
    let sectors: BTreeSet<&str> = statement.sectors.iter().map(|it| it.as_str()).collect();
    let sectors = sectors.into_iter().collect::<Vec<_>>().join(",");
    let (actors, targets) = (parties(&statement.actors), parties(&statement.targets));
    let pairs = actors.iter().flat_map(|actor| targets.iter().map(move |target| (actor, target)));
    pairs
        .map(|(actor, target)| {
            let in_story = |actor: &str, target: &str| {
                story.map(|it| hash(&["story", it, actor, &kind, target]))
            };
            // Outside its story a statement is known by both its parties only; somebody who is
            // not named may be anybody.
            let is_known = actor != ANYONE && target != ANYONE;
            let anywhere = is_known.then(|| hash(&["anywhere", actor, &kind, target, &sectors]));
            let sides = |it: &'_ str| [it.to_owned(), ANYONE.to_owned()];
            let mut remembered: BTreeSet<String> = anywhere.iter().cloned().collect();
            for actor in sides(actor) {
                for target in sides(target) {
                    remembered.extend(in_story(&actor, &target));
                }
            }
            let looked_up: Vec<String> =
                anywhere.into_iter().chain(in_story(actor, target)).collect();
            let remembered = remembered.into_iter().collect();
            Claim { looked_up, remembered }
        })
        .collect()
}

/// The entities of one side, or their words where they mean none.
fn parties(phrases: &[Phrase]) -> Vec<String> {
    let named: BTreeSet<String> = phrases
        .iter()
        .map(|it| match &it.entity {
            Some(entity) => entity.id.to_lowercase(),
            None => format!("words:{}", it.text.to_lowercase()),
        })
        .collect();
    if named.is_empty() {
        return vec![ANYONE.to_owned()];
    }
    named.into_iter().take(N_PARTIES_MAX).collect()
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nlp::{EntityRef, Statement, StatementKind};

    use super::*;
    use crate::testing::{With, article};

    fn statement(kind: StatementKind, actor: &str, target: &str) -> Statement {
        let stored = article("a.example", "", "").statement(kind, (actor, actor), (target, target));
        stored.annotation.unwrap().statements.remove(0)
    }

    /// Whether `second` is news after `first`.
    fn is_new(first: (&Statement, &str), second: (&Statement, &str)) -> bool {
        let known = claims(first.0, Some(first.1)).into_iter().flat_map(|it| it.remembered);
        let known: BTreeSet<String> = known.collect();
        let claims = claims(second.0, Some(second.1));
        claims.iter().any(|it| !it.looked_up.iter().any(|it| known.contains(it)))
    }

    #[test]
    fn the_same_statement_is_news_once_whoever_reports_it() {
        let threat = statement(StatementKind::Threat, "country:IR", "country:US");
        assert!(!is_new((&threat, "a"), (&threat, "a")));
        assert!(!is_new((&threat, "a"), (&threat, "b")));
        let other = statement(StatementKind::Threat, "country:IR", "country:IL");
        assert!(is_new((&threat, "a"), (&other, "a")));
        let attack = statement(StatementKind::Attack, "country:IR", "country:US");
        assert!(is_new((&threat, "a"), (&attack, "a")));
    }

    #[test]
    fn a_further_target_is_news() {
        let threat = statement(StatementKind::Threat, "country:IR", "country:US");
        let mut wider = threat.clone();
        let israel = EntityRef { id: "country:IL".to_owned(), name: "Israel".to_owned() };
        wider.targets.push(Phrase { entity: Some(israel), ..Phrase::default() });
        assert!(is_new((&threat, "a"), (&wider, "a")));
        assert!(!is_new((&wider, "a"), (&threat, "b")));
    }

    #[test]
    fn a_rewrite_that_leaves_a_party_out_is_no_news_in_its_story() {
        let threat = statement(StatementKind::Threat, "country:IR", "country:US");
        let mut vague = threat.clone();
        vague.actors.clear();
        assert!(!is_new((&threat, "a"), (&vague, "a")));
        assert!(is_new((&threat, "a"), (&vague, "b")));
        assert!(is_new((&vague, "a"), (&vague, "b")));
        vague.sectors.push("/energy".into());
        assert!(!is_new((&threat, "a"), (&vague, "a")));
    }
}
