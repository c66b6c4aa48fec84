//! Which statements say the same: [`groups`]. A threat that forty outlets report is one statement.
//!
//! Statements of one kind in one story say the same when they have the same actors and share a
//! target. A rewrite that names fewer parties belongs to the only statement that it can mean, by
//! the rule that decides what is news ([`crate::matching::novelty`]), but for two things: kinds are
//! never mixed, and what two articles say in other words one article says of two things. Does no
//! I/O.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use nlp::{Phrase, Statement};

use crate::matching::novelty::{Claim, claims};

/// A statement and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Who does what to whom.
    pub statement: &'a Statement,
    /// Id of the article.
    pub article: &'a str,
    /// Id of the article's story; `None` keeps it apart from other articles.
    pub story: Option<&'a str>,
    /// Whether it stands in the headline.
    pub in_title: bool,
}

/// The places in `said` of statements that say the same, rising. The groups are in the order of
/// their first statements; each place is in one group.
pub fn groups(said: &[Said<'_>]) -> Vec<Vec<usize>> {
    let items: Vec<Item<'_>> = said.iter().map(Item::of).collect();
    // Who names most comes first, so that a vague statement meets all that it can mean.
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&it| Reverse(items[it].n_named()));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for place in order {
        let item = &items[place];
        let same = groups.iter().position(|it| it.says_the_same(item));
        match same.or_else(|| the_only_one(&mut groups, item)) {
            Some(at) => groups[at].add(place, item),
            None => groups.push(Group::of(place, item)),
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_iter().map(|it| it.places).collect();
    groups.iter_mut().for_each(|it| it.sort_unstable());
    groups.sort_unstable();
    groups
}

/// How many of the two parties of a statement are named, `0..=2`.
pub fn n_named(statement: &Statement) -> usize {
    claims(statement, |_| None).first().map_or(0, Claim::n_named)
}

/// The group that a statement with fewer parties can only mean. What fits two, or names nobody and
/// no sector, may mean anything.
fn the_only_one(groups: &mut [Group<'_>], item: &Item<'_>) -> Option<usize> {
    let is_vague = item.n_named().0 == 0 && item.said.statement.sectors.is_empty();
    if item.said.story.is_none() || is_vague || !groups.iter().any(|it| it.may_take(item)) {
        return None;
    }
    let asked: Vec<Vec<String>> = item.claims.iter().map(|it| it.looked_up("")).collect();
    let fitting = groups.iter_mut().enumerate().filter_map(|(at, group)| {
        let is_told = group.may_take(item) && group.has_told(&asked);
        is_told.then_some(at)
    });
    match fitting.take(2).collect::<Vec<_>>()[..] {
        [only] => Some(only),
        _ => None,
    }
}

struct Item<'a> {
    said: Said<'a>,
    actors: BTreeSet<String>,
    targets: BTreeSet<String>,
    claims: Vec<Claim>,
}

impl<'a> Item<'a> {
    fn of(said: &Said<'a>) -> Item<'a> {
        let names = |phrases: &[Phrase]| phrases.iter().map(identity).collect();
        Item {
            actors: names(&said.statement.actors),
            targets: names(&said.statement.targets),
            claims: claims(said.statement, |_| None),
            said: *said,
        }
    }

    /// Parties that are named, and pairs of them.
    fn n_named(&self) -> (usize, usize) {
        (self.claims.first().map_or(0, Claim::n_named), self.claims.len())
    }

    /// What the article says in its headline may be what it says in its text, but what it says
    /// twice in its text is two things.
    fn part(&self) -> (&'a str, bool) {
        (self.said.article, self.said.in_title)
    }
}

/// By what a party is known: the id of its entity, or else its words in lower case.
pub fn identity(phrase: &Phrase) -> String {
    match &phrase.entity {
        Some(entity) => entity.id.clone(),
        None => phrase.text.to_lowercase(),
    }
}

/// Statements that say the same.
struct Group<'a> {
    /// The one that names most.
    head: Said<'a>,
    actors: BTreeSet<String>,
    /// Of all statements.
    targets: BTreeSet<String>,
    places: Vec<usize>,
    parts: BTreeSet<(&'a str, bool)>,
    /// What is no news after these statements; filled when somebody asks.
    told: BTreeSet<String>,
    /// Claims that `told` lacks.
    untold: Vec<Claim>,
}

impl<'a> Group<'a> {
    fn of(place: usize, item: &Item<'a>) -> Group<'a> {
        Group {
            head: item.said,
            actors: item.actors.clone(),
            targets: item.targets.clone(),
            places: vec![place],
            parts: BTreeSet::from([item.part()]),
            told: BTreeSet::new(),
            untold: item.claims.clone(),
        }
    }

    fn add(&mut self, place: usize, item: &Item<'a>) {
        self.places.push(place);
        self.parts.insert(item.part());
        if item.actors == self.actors && !item.targets.is_subset(&self.targets) {
            self.targets.extend(item.targets.iter().cloned());
            self.untold.extend(item.claims.iter().cloned());
        }
    }

    /// Whether both are of one kind, and of one story or one article.
    fn is_beside(&self, item: &Item<'_>) -> bool {
        let is_one_place = match (self.head.story, item.said.story) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.head.article == item.said.article,
            _ => false,
        };
        is_one_place && self.head.statement.kind == item.said.statement.kind
    }

    fn says_the_same(&self, item: &Item<'_>) -> bool {
        let shares_target = || {
            self.targets.is_empty() && item.targets.is_empty()
                || self.targets.intersection(&item.targets).next().is_some()
        };
        self.is_beside(item) && self.actors == item.actors && shares_target()
    }

    fn may_take(&self, item: &Item<'_>) -> bool {
        self.is_beside(item) && !self.parts.contains(&item.part())
    }

    /// Whether each claim is known by one of the keys that are `asked` for it.
    fn has_told(&mut self, asked: &[Vec<String>]) -> bool {
        self.told.extend(self.untold.drain(..).flat_map(|it| it.remembered("")));
        asked.iter().all(|keys| keys.iter().any(|it| self.told.contains(it)))
    }
}

#[cfg(test)]
mod tests {
    use nlp::{EntityRef, StatementKind};

    use super::*;
    use crate::testing::{With, article};

    /// A statement by its parties; one without `:` is only described.
    fn statement(kind: StatementKind, actors: &[&str], targets: &[&str]) -> Statement {
        let stored = article("a.example", "", "").statement(kind, ("", ""), ("", ""));
        let mut it = stored.annotation.unwrap().statements.remove(0);
        let phrases = |words: &[&str]| -> Vec<Phrase> {
            let phrase = |words: &&str| {
                let entity = EntityRef { id: (*words).to_owned(), name: (*words).to_owned() };
                let entity = words.contains(':').then_some(entity);
                Phrase { text: (*words).to_owned(), entity, ..Phrase::default() }
            };
            words.iter().map(phrase).collect()
        };
        (it.actors, it.targets) = (phrases(actors), phrases(targets));
        it
    }

    /// The groups of statements in one story, each by an article of its own.
    #[track_caller]
    fn check(statements: &[Statement], expected: &[&[usize]]) {
        let articles: Vec<String> = (0..statements.len()).map(|it| it.to_string()).collect();
        let said = statements.iter().zip(&articles).map(|(statement, article)| Said {
            statement,
            article,
            story: Some("s"),
            in_title: false,
        });
        assert_eq!(groups(&said.collect::<Vec<_>>()), expected);
    }

    #[test]
    fn who_names_fewer_parties_says_the_same_as_the_only_one_that_is_meant() {
        use StatementKind::{Threat, Warning};
        let full = statement(Threat, &["country:IR"], &["country:US"]);
        let no_target = statement(Threat, &["country:IR"], &[]);
        let no_actor = statement(Threat, &[], &["country:US"]);
        let wider = statement(Threat, &["country:IR", "group:x"], &["country:US"]);
        check(&[no_target.clone(), full.clone(), no_actor, wider], &[&[0, 1, 2, 3]]);

        let other = statement(Threat, &["country:IR"], &["country:IL"]);
        check(&[full.clone(), other, no_target], &[&[0], &[1], &[2]]);
        let warning = statement(Warning, &["country:IR"], &["country:US"]);
        check(&[full, warning], &[&[0], &[1]]);
    }

    #[test]
    fn other_parties_say_something_else() {
        use StatementKind::Attack;
        let attack = |actor: &str, target: &str| statement(Attack, &[actor], &[target]);
        let iran = attack("country:IR", "country:US");
        check(&[iran.clone(), attack("country:RU", "country:US")], &[&[0], &[1]]);
        check(&[iran.clone(), attack("country:US", "country:IR")], &[&[0], &[1]]);
        let nobody = statement(Attack, &["gunmen"], &["a village"]);
        check(&[iran.clone(), nobody.clone()], &[&[0], &[1]]);
        let at_grid = |sector: &str| Statement { sectors: vec![sector.into()], ..nobody.clone() };
        let energy = Statement { sectors: vec!["/energy".into()], ..iran };
        check(&[energy.clone(), at_grid("/energy/electricity")], &[&[0, 1]]);
        check(&[energy, at_grid("/water")], &[&[0], &[1]]);
    }

    #[test]
    fn forty_outlets_that_say_it_with_more_or_fewer_names_make_one_statement() {
        let said = |n: usize| {
            let (actors, targets): (&[&str], &[&str]) = match n % 4 {
                0 => (&["country:IR"], &["country:US", "tankers"]),
                1 => (&["country:IR"], &["ships", "country:US"]),
                2 => (&["officials"], &["country:US"]),
                _ => (&["country:IR"], &["vessels"]),
            };
            statement(StatementKind::Threat, actors, targets)
        };
        let statements: Vec<Statement> = (0..40).map(said).collect();
        let all: Vec<usize> = (0..40).collect();
        check(&statements, &[&all]);
    }

    #[test]
    fn an_article_says_two_things_in_its_text_and_one_again_in_its_headline() {
        let full = statement(StatementKind::Attack, &["group:x"], &["country:US"]);
        let vague = statement(StatementKind::Attack, &["group:x"], &[]);
        let said = |statement, story, in_title| Said { statement, article: "a", story, in_title };
        let story = Some("s");
        let twice = [said(&full, story, false), said(&vague, story, false)];
        assert_eq!(groups(&twice), [vec![0], vec![1]]);
        let headline = [said(&vague, story, true), said(&full, story, false)];
        assert_eq!(groups(&headline), [vec![0, 1]]);
        // Outside a story only those that are the same for sure.
        let alone = [said(&vague, None, true), said(&full, None, false), said(&full, None, true)];
        assert_eq!(groups(&alone), [vec![0], vec![1, 2]]);
        assert_eq!((n_named(&full), n_named(&vague)), (2, 1));
    }
}
