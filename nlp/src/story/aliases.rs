//! Aliases across a story: the short name of one article means the full name of another, as within
//! one document (`link_names.rs`), but only where a single full name of the story fits.

use std::collections::{BTreeMap, BTreeSet};

use crate::annotation::{Annotation, EntityRef};
use crate::correction::{each_entity, entities};
use crate::link_names::{initials, is_acronym};

/// Of a story with more names nothing is told: what is not compared cannot be the only one.
const N_NAMES_MAX: usize = 4_000;
/// Words of a full name that short ones may mean, at most.
const N_WORDS_MAX: usize = 5;
/// Words of a name that may keep a short one from being clear, at most.
const N_WORDS_COMPARED: usize = 16;
/// Letters that an acronym must have to be looked for in another article.
const N_LETTERS_MIN: usize = 3;

/// What may follow the name of an organisation and leaves it the same.
const LEGAL_FORMS: &[&str] = &[
    "ag",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "group",
    "holding",
    "holdings",
    "inc",
    "incorporated",
    "limited",
    "llc",
    "ltd",
    "plc",
    "s.a.",
    "sa",
    "se",
];

/// For ids of short names the entity that they mean, of all that the articles of a story name:
/// `Hultquist` is `John Hultquist` unless a second Hultquist is named, or somebody whose first name that
/// is; `RTP` the `Royal Thai Police` unless another name has these initials. Only names that no list
/// has (`name:…`) are short ones.
///
/// The same for every order of `entities`; what is found never is a short name itself.
pub fn aliases<'a>(
    entities: impl IntoIterator<Item = &'a EntityRef>,
) -> BTreeMap<String, EntityRef> {
    let mut names: BTreeMap<&str, &EntityRef> = BTreeMap::new();
    for it in entities {
        // One id may be written in two ways.
        let kept = names.entry(it.id.as_str()).or_insert(it);
        if it.name < kept.name {
            *kept = it;
        }
    }
    if N_NAMES_MAX < names.len() {
        return BTreeMap::new();
    }
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let persons = of_class(&names, &["name:person:"]);
    let first_names: BTreeSet<String> = persons.iter().flat_map(|it| starts(&it.name)).collect();
    for full in &persons {
        for end in ends(&full.name).into_iter().filter(|it| !first_names.contains(it)) {
            if let Some(short) = names.get(format!("name:person:{end}").as_str()) {
                found.entry(short.id.as_str()).or_default().insert(full.id.as_str());
            }
        }
    }
    for full in of_class(&names, &["name:organization:", "org:", "company:", "group:"]) {
        let initials = initials(&full.name).filter(|it| N_LETTERS_MIN <= it.chars().count());
        for short in initials.into_iter().chain(without_form(&full.name)) {
            let Some(short) =
                names.get(format!("name:organization:{}", short.to_lowercase()).as_str())
            else {
                continue;
            };
            let is_spelled = !full.name.starts_with(&short.name);
            if short.id != full.id && (!is_spelled || is_acronym(&short.name)) {
                found.entry(short.id.as_str()).or_default().insert(full.id.as_str());
            }
        }
    }
    let meant = |short: &&str| {
        // "Hultquist", "John Hultquist", "Edward John Hultquist": the longest is what all mean.
        let mut longest = found[short].iter().filter(|it| !found.contains_key(*it));
        let only = longest.next().filter(|_| longest.next().is_none())?;
        let is_clear = found[short].iter().all(|it| it == only || found[it].contains(only));
        let full = names[only];
        (is_clear && n_words(&full.name) <= N_WORDS_MAX).then(|| full.clone())
    };
    found.keys().filter_map(|it| Some(((*it).to_owned(), meant(it)?))).collect()
}

/// Gives what `annotation` names by a short name the entity that it means; whether any did.
pub fn unite(annotation: &mut Annotation, aliases: &BTreeMap<String, EntityRef>) -> bool {
    let mut any = false;
    each_entity(annotation, |entity| {
        if let Some(full) = aliases.get(&entity.id) {
            *entity = full.clone();
            any = true;
        }
    });
    any
}

/// Ids of the entities of `before` that are others in `after`, which is the same but for [`unite`].
pub fn renamed(before: &Annotation, after: &Annotation) -> BTreeSet<(String, String)> {
    let pairs = entities(before).zip(entities(after)).filter(|(old, new)| old.id != new.id);
    pairs.map(|(old, new)| (old.id.clone(), new.id.clone())).collect()
}

/// The entities that `annotation` names and that [`aliases`] may be about, each once.
pub fn names_in(annotation: &Annotation) -> Vec<EntityRef> {
    let is_named = |it: &&EntityRef| CLASSES.iter().any(|class| it.id.starts_with(class));
    let names = entities(annotation).filter(is_named).map(|it| (it.id.as_str(), it));
    names.collect::<BTreeMap<_, _>>().into_values().cloned().collect()
}

/// How ids of entities begin that [`aliases`] looks at.
pub const CLASSES: [&str; 5] = ["name:person:", "name:organization:", "org:", "company:", "group:"];

fn of_class<'a>(names: &BTreeMap<&str, &'a EntityRef>, classes: &[&str]) -> Vec<&'a EntityRef> {
    let is_full = |it: &&&EntityRef| {
        classes.iter().any(|class| it.id.starts_with(class))
            && (2..=N_WORDS_COMPARED).contains(&n_words(&it.name))
    };
    names.values().filter(is_full).copied().collect()
}

fn n_words(name: &str) -> usize {
    name.split_whitespace().count()
}

/// What is left of a person's name without its first words, in lower case.
fn ends(name: &str) -> Vec<String> {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    (1..words.len()).map(|first| words[first..].join(" ")).collect()
}

/// The first words of a person's name, without the last, in lower case.
fn starts(name: &str) -> Vec<String> {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    (1..words.len()).map(|end| words[..end].join(" ")).collect()
}

/// The name of an organisation without the legal form behind it.
fn without_form(name: &str) -> Option<String> {
    let (short, last) = name.rsplit_once(' ')?;
    let last = last.trim_matches(['.', ',']).to_lowercase();
    let is_form = LEGAL_FORMS.iter().any(|it| it.trim_end_matches('.') == last);
    is_form.then(|| short.trim_end_matches(',').to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(class: &str, name: &str) -> EntityRef {
        EntityRef { id: format!("name:{class}:{}", name.to_lowercase()), name: name.to_owned() }
    }

    /// The names that the short ones mean, `short = full`.
    fn meant(entities: &[EntityRef]) -> Vec<String> {
        let short = |id: &str| id.rsplit(':').next().unwrap_or_default().to_owned();
        aliases(entities).iter().map(|(id, it)| format!("{} = {}", short(id), it.name)).collect()
    }

    fn persons(names: &[&str]) -> Vec<EntityRef> {
        names.iter().map(|it| named("person", it)).collect()
    }

    fn organizations(names: &[&str]) -> Vec<EntityRef> {
        names.iter().map(|it| named("organization", it)).collect()
    }

    #[test]
    fn a_last_name_means_the_only_person_of_the_story_who_has_it() {
        assert_eq!(
            meant(&persons(&["Hultquist", "John Hultquist"])),
            ["hultquist = John Hultquist"]
        );
        assert!(meant(&persons(&["Hultquist", "John Hultquist", "Anna Hultquist"])).is_empty());
        assert!(meant(&persons(&["John", "John Hultquist"])).is_empty(), "a first name");
        assert!(meant(&persons(&["Quist", "John Hultquist"])).is_empty(), "a part of a word");
    }

    #[test]
    fn a_last_name_that_somebody_else_has_as_a_first_name_means_nobody() {
        assert_eq!(meant(&persons(&["Kim", "Daniel Kim"])), ["kim = Daniel Kim"]);
        assert!(meant(&persons(&["Kim", "Daniel Kim", "Kim Jong Un"])).is_empty());
    }

    #[test]
    fn somebody_with_a_very_long_name_keeps_a_short_one_from_being_clear() {
        let long = "Sheikh Mohammed bin Rashid Al Maktoum";
        assert_eq!(
            meant(&persons(&["Al Maktoum", "Ahmed Al Maktoum"])),
            ["al maktoum = Ahmed Al Maktoum"]
        );
        assert!(meant(&persons(&["Al Maktoum", "Ahmed Al Maktoum", long])).is_empty());
        assert!(meant(&persons(&["Al Maktoum", long])).is_empty(), "six words are no name");
        assert_eq!(meant(&persons(&["Ansari", "A B C D Ansari"])), ["ansari = A B C D Ansari"]);
    }

    #[test]
    fn of_more_names_than_are_compared_none_is_known_to_be_the_only_one() {
        let mut names = persons(&["Hultquist", "John Hultquist"]);
        let others = (names.len()..N_NAMES_MAX).map(|n| format!("Person{n} Name{n}"));
        names.extend(others.map(|it| named("person", &it)));
        assert_eq!(meant(&names), ["hultquist = John Hultquist"]);
        names.push(named("person", "Zoe Hultquist"));
        assert!(meant(&names).is_empty());
        *names.last_mut().expect("it was added") = named("person", "Zoe Other");
        assert!(meant(&names).is_empty(), "one of those might be a Hultquist");
    }

    #[test]
    fn the_longest_name_is_what_all_shorter_ones_mean() {
        let names = persons(&["Hultquist", "John Hultquist", "Edward John Hultquist"]);
        let expected =
            ["hultquist = Edward John Hultquist", "john hultquist = Edward John Hultquist"];
        assert_eq!(meant(&names), expected);
    }

    #[test]
    fn an_acronym_means_the_only_organisation_with_these_initials() {
        let police = organizations(&["RTP", "Royal Thai Police"]);
        assert_eq!(meant(&police), ["rtp = Royal Thai Police"]);
        assert!(meant(&organizations(&["RTP", "Royal Thai Police", "Red Tape Party"])).is_empty());
        assert!(meant(&organizations(&["Rtp", "Royal Thai Police"])).is_empty(), "no capitals");
        let listed = EntityRef { id: "org:royal-thai-police".into(), name: police[1].name.clone() };
        assert_eq!(meant(&[police[0].clone(), listed]), ["rtp = Royal Thai Police"]);
    }

    #[test]
    fn a_legal_form_makes_no_other_organisation_and_other_words_do() {
        assert_eq!(
            meant(&organizations(&["Aquaduct", "Aquaduct Ltd."])),
            ["aquaduct = Aquaduct Ltd."]
        );
        assert!(meant(&organizations(&["Ministry", "Ministry of Defence"])).is_empty());
        assert!(meant(&organizations(&["Royal", "Royal Thai Police"])).is_empty());
    }

    #[test]
    fn one_class_says_nothing_about_another() {
        let names = [named("organization", "Hultquist"), named("person", "John Hultquist")];
        assert!(meant(&names).is_empty());
        let names = [named("person", "Hultquist"), named("location", "Port Hultquist")];
        assert!(meant(&names).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_of_names_does_not_matter_and_what_is_found_is_no_short_name(
            names in proptest::collection::vec("(Anna |Bo |Bo Anna )?(Berg|Dahl|Dahl Berg)", 0..8),
            turn in 0usize..8,
        ) {
            let mut names: Vec<EntityRef> = names.iter().map(|it| named("person", it)).collect();
            let found = aliases(&names);
            for full in found.values() {
                prop_assert!(!found.contains_key(&full.id), "{full:?} in {found:?}");
            }
            let n = names.len().max(1);
            names.rotate_left(turn % n);
            prop_assert_eq!(&aliases(&names), &found);
            names.reverse();
            prop_assert_eq!(&aliases(&names), &found);
        }
    }
}
