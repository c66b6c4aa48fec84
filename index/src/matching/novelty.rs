//! What makes a statement a new one: [`claims`].
//!
//! The key is actor, kind, target and sector. A copy or rewrite of an article often says the same
//! with other sectors, or names only one of the two parties, or none: "hackers", "power plants".
//! Within one story that is the same statement; there, a target without a name is told apart by its
//! top-level sectors only, and a target in a country is no news when the same was said of that
//! country and sector: "the Danish power grid", then "the grid of western Jutland".

use std::collections::{BTreeMap, BTreeSet};

use nlp::{EntityRef, Phrase, Statement, StatementKind};

/// Parties of one side that count at most.
const N_PARTIES_MAX: usize = 8;
/// In a key: not named, or whoever it is.
const ANYONE: &str = "*";

/// One thing that a statement says: an actor does this to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Id of an entity, or [`ANYONE`].
    actor: String,
    kind: StatementKind,
    /// Id of an entity, a top-level sector, or [`ANYONE`].
    target: String,
    is_target_named: bool,
    /// Id of the country that the target is in.
    country: Option<String>,
    /// Names in the words for the target: not everywhere are they known to mean it.
    names: BTreeSet<String>,
    /// All sectors of the statement.
    sectors: String,
    /// Its top-level sectors.
    tops: BTreeSet<String>,
}

impl Claim {
    /// Keys within `story`: the claim is no news when one of these was said before.
    pub fn looked_up(&self, story: &str) -> Vec<String> {
        let key = |target: &str| self.in_story(story, &self.actor, self.kind, target);
        let names = self.names.iter().filter(|_| self.is_target_named).map(|it| key(it));
        let within = self.country.as_ref().filter(|_| !self.tops.is_empty());
        let within = within.map(|it| key(&sectors_of(it, &joined(&self.tops))));
        self.anywhere().into_iter().chain([key(&self.target)]).chain(names).chain(within).collect()
    }

    /// Keys that are no news after it was said in `story`.
    pub fn remembered(&self, story: &str) -> BTreeSet<String> {
        self.keys(story).into_iter().collect()
    }

    /// For the keys of [`Claim::remembered`] those that they are when entities have other ids: `names`
    /// leads from old to new ones, both in lower case.
    pub fn renamed(&self, story: &str, names: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let renamed = self.with_names(names);
        self.keys(story)
            .into_iter()
            .zip(renamed.keys(story))
            .filter(|(old, new)| old != new)
            .collect()
    }

    /// The same claim where entities have other ids; see [`Claim::renamed`].
    pub fn with_names(&self, names: &BTreeMap<String, String>) -> Claim {
        let name = |it: &String| names.get(it).unwrap_or(it).clone();
        Claim { actor: name(&self.actor), target: name(&self.target), ..self.clone() }
    }

    fn keys(&self, story: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.anywhere().into_iter().collect();
        let wider = self.tops.iter().chain(&self.country).chain(&self.names).map(String::as_str);
        let is_country = self.target.starts_with("country:");
        let sectors = self.tops.iter().cloned().chain([joined(&self.tops)]).filter(|_| is_country);
        let sectors: BTreeSet<String> = sectors.map(|it| sectors_of(&self.target, &it)).collect();
        let wider = wider.chain(sectors.iter().map(String::as_str));
        let targets: Vec<&str> = [self.target.as_str(), ANYONE].into_iter().chain(wider).collect();
        for actor in [self.actor.as_str(), ANYONE] {
            for target in &targets {
                keys.push(self.in_story(story, actor, self.kind, target));
                // Who threatens is warned of; but a threat is news after a warning.
                if self.kind == StatementKind::Threat {
                    keys.push(self.in_story(story, actor, StatementKind::Warning, target));
                }
            }
        }
        keys
    }

    /// How many of the two parties are named.
    pub fn n_named(&self) -> usize {
        usize::from(self.actor != ANYONE) + usize::from(self.is_target_named)
    }

    fn in_story(&self, story: &str, actor: &str, kind: StatementKind, target: &str) -> String {
        hash(&["story", story, actor, &text_of(kind), target])
    }

    /// Outside its story a statement is known by both its parties only; somebody who is not named
    /// may be anybody.
    fn anywhere(&self) -> Option<String> {
        let kind = text_of(self.kind);
        let parts = ["anywhere", &self.actor, &kind, &self.target, &self.sectors];
        (self.n_named() == 2).then(|| hash(&parts))
    }
}

fn joined<T: AsRef<str>>(sectors: &BTreeSet<T>) -> String {
    sectors.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(",")
}

/// In a key: whatever is in these sectors of a country.
fn sectors_of(country: &str, sectors: &str) -> String {
    format!("{country} {sectors}")
}

fn text_of(kind: StatementKind) -> String {
    serde_json::to_string(&kind).unwrap_or_default()
}

/// What `statement` says, claim by claim; it is new when one of its claims is. Never empty.
/// `country_of` knows in which country the entity with an id is: whoever strikes a company strikes
/// its country.
pub fn claims<'a>(
    statement: &Statement,
    country_of: impl Fn(&str) -> Option<&'a EntityRef>,
) -> Vec<Claim> {
    let sectors: BTreeSet<&str> = statement.sectors.iter().map(|it| it.as_str()).collect();
    let top = |it: &&str| format!("/{}", it.split('/').nth(1).unwrap_or_default());
    let tops: BTreeSet<String> = sectors.iter().map(top).collect();
    let sectors = joined(&sectors);
    let mut actors: BTreeSet<String> = named(&statement.actors).into_keys().collect();
    if actors.is_empty() {
        actors.insert(ANYONE.to_owned());
    }
    let named_targets = named(&statement.targets);
    let country = |target: &String| {
        let entity = named_targets.get(target)?;
        country_of(&entity.id).map(|it| it.id.to_lowercase())
    };
    let is_target_named = !named_targets.is_empty();
    let mut targets = match is_target_named {
        true => named_targets.keys().cloned().collect(),
        false => tops.clone(),
    };
    if targets.is_empty() {
        targets.insert(ANYONE.to_owned());
    }
    let pairs = actors.iter().flat_map(|actor| targets.iter().map(move |target| (actor, target)));
    let claims = pairs.map(|(actor, target)| Claim {
        actor: actor.clone(),
        kind: statement.kind,
        target: target.clone(),
        is_target_named,
        country: country(target),
        names: names_in(&statement.targets, is_target_named.then_some(target)),
        sectors: sectors.clone(),
        tops: tops.clone(),
    });
    claims.collect()
}

/// The entities of one side, by their ids in lower case.
fn named(phrases: &[Phrase]) -> BTreeMap<String, &EntityRef> {
    let named = phrases.iter().filter(|it| !is_generic(it)).filter_map(|it| it.entity.as_ref());
    let mut named: BTreeMap<String, &EntityRef> =
        named.map(|it| (it.id.to_lowercase(), it)).collect();
    while N_PARTIES_MAX < named.len() {
        named.pop_last();
    }
    named
}

/// The names in the phrases that mean `target`, or in those that are known to mean nobody: runs of
/// words with a capital.
fn names_in(phrases: &[Phrase], target: Option<&String>) -> BTreeSet<String> {
    let means = |it: &&Phrase| {
        let entity = it.entity.as_ref().filter(|_| !is_generic(it));
        entity.map(|it| it.id.to_lowercase()).as_ref() == target
    };
    let mut names = BTreeSet::new();
    for phrase in phrases.iter().filter(means) {
        let mut run: Vec<&str> = Vec::new();
        for word in phrase.text.split_whitespace().chain([""]) {
            if word.starts_with(char::is_uppercase) {
                run.push(word.trim_end_matches("'s").trim_end_matches("’s"));
            } else if !run.is_empty() {
                names.insert(format!("named {}", run.join(" ").to_lowercase()));
                run.clear();
            }
        }
    }
    while N_PARTIES_MAX < names.len() {
        names.pop_last();
    }
    names
}

/// Whether a phrase that was taken for a name is a common noun: `hackers`, written small, which no
/// list knows.
fn is_generic(phrase: &Phrase) -> bool {
    let Some(entity) = &phrase.entity else { return true };
    let name = entity.id.strip_prefix("name:").and_then(|it| it.split_once(':')).map(|it| it.1);
    let is_small = !phrase.text.chars().any(char::is_uppercase);
    let has_case = phrase.text.chars().any(char::is_lowercase);
    name.is_some_and(|it| is_small && has_case && phrase.text.contains(it))
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
    use super::*;
    use crate::testing::{With, article};

    fn statement(kind: StatementKind, actor: &str, target: &str) -> Statement {
        let stored = article("a.example", "", "").statement(kind, (actor, actor), (target, target));
        stored.annotation.unwrap().statements.remove(0)
    }

    fn aramco() -> BTreeMap<String, EntityRef> {
        let saudi = EntityRef { id: "country:SA".to_owned(), name: "Saudi Arabia".to_owned() };
        [("company:saudi-aramco".to_owned(), saudi)].into()
    }

    /// Whether `second` is news after `first`.
    fn is_new(first: (&Statement, &str), second: (&Statement, &str)) -> bool {
        let countries = aramco();
        let country_of = |id: &str| countries.get(id);
        let told = claims(first.0, country_of).into_iter();
        let known: BTreeSet<String> = told.flat_map(|it| it.remembered(first.1)).collect();
        let claims = claims(second.0, country_of);
        claims.iter().any(|it| !it.looked_up(second.1).iter().any(|it| known.contains(it)))
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
    fn the_country_of_a_target_and_a_warning_after_a_threat_are_no_news_in_its_story() {
        let threat = statement(StatementKind::Threat, "country:IR", "company:saudi-aramco");
        let wider = statement(StatementKind::Warning, "country:IR", "country:SA");
        assert!(!is_new((&threat, "a"), (&wider, "a")));
        assert!(is_new((&wider, "a"), (&threat, "a")));
        assert!(is_new((&threat, "a"), (&wider, "b")));
    }

    #[test]
    fn what_lies_in_a_country_is_no_news_after_its_sector_in_its_story() {
        let with = |target: &str, sectors: &[&str]| Statement {
            sectors: sectors.iter().map(|&it| it.into()).collect(),
            ..statement(StatementKind::Threat, "country:IR", target)
        };
        let saudi_energy = with("country:SA", &["/energy/oil-gas", "/transport/maritime"]);
        let aramco = with("company:saudi-aramco", &["/energy"]);
        assert!(!is_new((&saudi_energy, "a"), (&aramco, "a")));
        assert!(is_new((&saudi_energy, "a"), (&aramco, "b")));
        let tankers = with("company:saudi-aramco", &["/transport", "/energy"]);
        assert!(!is_new((&saudi_energy, "a"), (&tankers, "a")));
        let banks = with("company:saudi-aramco", &["/finance"]);
        assert!(is_new((&saudi_energy, "a"), (&banks, "a")), "another sector");
        assert!(is_new((&with("country:SA", &[]), "a"), (&aramco, "a")), "all of the country");
        assert!(is_new((&with("country:KW", &["/energy"]), "a"), (&aramco, "a")), "elsewhere");
        let elsewhere = with("company:kuwait-oil", &["/energy"]);
        assert!(is_new((&aramco, "a"), (&elsewhere, "a")), "another company");
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

    /// `statement` with parties that are only described.
    fn described(statement: &Statement, actor: &str, target: &str, sector: &str) -> Statement {
        let phrase = |text: &str| Phrase { text: text.to_owned(), ..Phrase::default() };
        Statement {
            actors: vec![phrase(actor)],
            targets: vec![phrase(target)],
            sectors: vec![sector.into()],
            ..statement.clone()
        }
    }

    #[test]
    fn who_is_only_described_is_no_news_in_its_story_but_another_sector_is() {
        let attack = statement(StatementKind::Attack, "group:x", "company:grid");
        let energy = described(&attack, "hackers", "substations", "/energy/electricity");
        let named = Statement { sectors: energy.sectors.clone(), ..attack };
        assert!(!is_new((&named, "a"), (&energy, "a")));
        assert!(is_new((&named, "a"), (&energy, "b")));
        assert!(is_new((&energy, "a"), (&named, "a")), "now it has names");
        let again = described(&energy, "intruders", "a power plant", "/energy");
        assert!(!is_new((&energy, "a"), (&again, "a")));
        let water = described(&energy, "intruders", "desalination plants", "/water");
        assert!(is_new((&energy, "a"), (&water, "a")));
    }

    #[test]
    fn a_name_that_was_not_understood_at_first_is_no_news_in_its_story() {
        let named = statement(StatementKind::Threat, "country:IR", "company:saudi-aramco");
        let mut named = Statement { sectors: vec!["/energy".into()], ..named };
        named.targets[0].text = "the oil facilities of Saudi Aramco".to_owned();
        let mut unknown = named.clone();
        unknown.targets[0].entity = None;
        assert!(!is_new((&unknown, "a"), (&named, "a")));
        assert!(is_new((&unknown, "a"), (&named, "b")));
        named.targets[0].text = "the oil facilities of Kuwait Oil".to_owned();
        assert!(is_new((&unknown, "a"), (&named, "a")));
    }

    #[test]
    fn a_common_noun_taken_for_a_name_names_nobody() {
        let of = |id: &str, text: &str| {
            let mut it = statement(StatementKind::Attack, id, "company:grid");
            it.actors[0].text = text.to_owned();
            claims(&it, |_| None)[0].n_named()
        };
        assert_eq!(of("name:organization:hackers", "hackers"), 1);
        assert_eq!(of("name:organization:grey heron", "Grey Heron"), 2);
        assert_eq!(of("name:organization:grey heron", "the militia"), 2, "said before by name");
        assert_eq!(of("country:IR", "tehran"), 2);
    }
}
