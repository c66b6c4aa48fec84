//! Names that no list has: entities of the document, with their short forms and acronyms merged.

use std::collections::HashMap;

use crate::coreference::described;
use crate::document::AnalysedDocument;
use crate::link::LinkedMention;
use crate::{EntityRef, MentionKind};

/// Gives every unlisted person, organisation and place in `mentions` an entity
/// `name:<class>:<name in lower case>`.
///
/// `Hultquist` is `John Hultquist` when the document has named him so; `RTP` is the
/// `Royal Thai Police` that stand before it in front of a parenthesis or whose initials it has.
///
/// `known` are entities that are named beside the document: in the text below a headline.
pub(crate) fn name_unlisted(
    document: &AnalysedDocument,
    mentions: &mut [LinkedMention],
    known: &[EntityRef],
) {
    adopt_acronyms(document, mentions);
    let mut full_names = full_names(document, mentions);
    add_known(&mut full_names, known);
    let classes = usual_classes(document, mentions);
    for mention in mentions.iter_mut().filter(|it| it.entity.is_none()) {
        let Some(class) = class_of(mention.kind) else { continue };
        let name = clean(&document.text[mention.range.clone()]);
        let class = classes.get(&name.to_lowercase()).copied().unwrap_or(class);
        if !name.chars().any(char::is_alphabetic) || is_generic(&name) {
            continue;
        }
        let full = full_names.get(&(class, short_key(class, &name)));
        let name = full.filter(|it| is_short_form(class, &name, it)).cloned().unwrap_or(name);
        let id = format!("name:{class}:{}", name.to_lowercase());
        mention.entity = Some(EntityRef { id, name });
    }
}

/// Whether a name is a mere description: `hacker group`, or `Hackers` at the start of a sentence.
/// Of 95 names in small letters that the tagger found in 500 documents, 15 were names; those with a digit or a
/// full stop were.
fn is_generic(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "activists",
        "criminals",
        "cyber criminals",
        "cybercriminals",
        "fighters",
        "gunmen",
        "hacker",
        "hackers",
        "hacktivists",
        "insurgents",
        "intruders",
        "rebels",
        "scammers",
        "spies",
        "terrorists",
        "the group",
        "threat actors",
    ];
    let is_sign = |it: char| it.is_uppercase() || it.is_ascii_digit() || it == '.';
    let is_small = name.contains(char::is_lowercase) && !name.contains(is_sign);
    is_small || described(name).is_some() || WORDS.contains(&name.to_lowercase().as_str())
}

/// Classes whose names have short forms.
const CLASSES: [&str; 3] = ["person", "organization", "location"];

fn class_of(kind: MentionKind) -> Option<&'static str> {
    match kind {
        MentionKind::Person => Some("person"),
        // Whether a body of that name is a threat group is told by its context, not by its name.
        MentionKind::Organization | MentionKind::ThreatGroup => Some("organization"),
        MentionKind::Location => Some("location"),
        MentionKind::Malware => Some("malware"),
        MentionKind::Tool => Some("tool"),
        MentionKind::Vulnerability => Some("vulnerability"),
        MentionKind::Misc | MentionKind::Sector => None,
    }
}

/// The class that the document's mentions of each name (in lower case) mostly have, so that one
/// name is one entity; of two as frequent ones the earlier.
fn usual_classes(
    document: &AnalysedDocument,
    mentions: &[LinkedMention],
) -> HashMap<String, &'static str> {
    let mut counts: HashMap<String, Vec<(&'static str, usize)>> = HashMap::new();
    for mention in mentions.iter().filter(|it| it.entity.is_none()) {
        let Some(class) = class_of(mention.kind) else { continue };
        let name = clean(&document.text[mention.range.clone()]).to_lowercase();
        let of_name = counts.entry(name).or_default();
        match of_name.iter_mut().find(|it| it.0 == class) {
            Some(count) => count.1 += 1,
            None => of_name.push((class, 1)),
        }
    }
    let usual = |of_name: Vec<(&'static str, usize)>| {
        of_name.into_iter().rev().max_by_key(|it| it.1).map(|it| it.0)
    };
    counts.into_iter().filter_map(|(name, it)| Some((name, usual(it)?))).collect()
}

/// The word by which short forms find the full name: the last of a person's, else the first.
fn short_key(class: &str, name: &str) -> String {
    let mut words = name.split_whitespace();
    let key = if class == "person" { words.next_back() } else { words.next() };
    key.unwrap_or_default().to_lowercase()
}

fn is_short_form(class: &str, name: &str, full: &str) -> bool {
    let is_one_word = !name.contains(' ');
    match class {
        "person" => is_one_word || full.ends_with(name),
        _ => is_one_word && name.chars().count() >= 4 && full.starts_with(name),
    }
}

/// Names of two to four words, by class and the word that short forms repeat; the first counts.
fn full_names(
    document: &AnalysedDocument,
    mentions: &[LinkedMention],
) -> HashMap<(&'static str, String), String> {
    let mut names = HashMap::new();
    for mention in mentions.iter().filter(|it| it.entity.is_none()) {
        let Some(class) = class_of(mention.kind) else { continue };
        let name = clean(&document.text[mention.range.clone()]);
        if (2..=4).contains(&name.split_whitespace().count()) {
            names.entry((class, short_key(class, &name))).or_insert(name);
        }
    }
    names
}

/// Adds the names of `known` that no list has, where the document has no full name itself.
fn add_known(names: &mut HashMap<(&'static str, String), String>, known: &[EntityRef]) {
    for entity in known {
        let class = entity.id.strip_prefix("name:").and_then(|it| it.split(':').next());
        let Some(class) = CLASSES.iter().find(|it| class == Some(**it)) else { continue };
        if (2..=4).contains(&entity.name.split_whitespace().count()) {
            let key = (*class, short_key(class, &entity.name));
            names.entry(key).or_insert_with(|| entity.name.clone());
        }
    }
}

/// Gives an acronym the entity of the name it abbreviates: `Royal Thai Police (RTP) … RTP`.
fn adopt_acronyms(document: &AnalysedDocument, mentions: &mut [LinkedMention]) {
    let mut meaning: HashMap<String, EntityRef> = HashMap::new();
    for mention in mentions {
        let name = clean(&document.text[mention.range.clone()]);
        if is_acronym(&name) {
            if mention.entity.is_none() {
                mention.entity = meaning.get(&name).cloned();
            }
            continue;
        }
        let Some(class) = class_of(mention.kind).filter(|it| *it != "person") else {
            continue;
        };
        let after = &document.text[mention.range.end..];
        let bracketed = after
            .strip_prefix(" (")
            .and_then(|it| it.split_once(')'))
            .map(|(inner, _)| inner.trim_matches(['"', '“', '”', '\'']).to_owned())
            .filter(|it| is_acronym(it));
        let entity = mention.entity.clone().unwrap_or_else(|| EntityRef {
            id: format!("name:{class}:{}", name.to_lowercase()),
            name: name.clone(),
        });
        for acronym in initials(&name).into_iter().chain(bracketed) {
            meaning.entry(acronym).or_insert_with(|| entity.clone());
        }
    }
}

pub(crate) fn is_acronym(name: &str) -> bool {
    (2..=7).contains(&name.chars().count())
        && name.chars().filter(|it| it.is_uppercase()).count() >= 2
        && !name.contains(' ')
        && name.chars().all(|it| it.is_uppercase() || it.is_ascii_digit() || "-.&".contains(it))
}

/// Initials of the capitalised words of a name of three words or more.
pub(crate) fn initials(name: &str) -> Option<String> {
    let initials: String = name
        .split([' ', '-'])
        .filter_map(|it| it.chars().next())
        .filter(|it| it.is_uppercase())
        .collect();
    (initials.chars().count() >= 3).then_some(initials)
}

/// The name as one line without marks around.
fn clean(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").trim_matches(['"', '“', '”', '‘', '’', '\'', ',', ';', ':']).to_owned()
}
