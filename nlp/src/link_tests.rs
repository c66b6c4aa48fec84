//! Links of invented documents against a small gazetteer.

use config::GazetteerEntity;

use super::*;
use crate::document::AnalysedSentence;

fn entity(id: &str, kind: GazetteerKind, name: &str) -> GazetteerEntity {
    GazetteerEntity::new(id, kind, name)
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

fn gazetteer() -> Gazetteer {
    use GazetteerKind as G;
    Gazetteer::new(vec![
        GazetteerEntity {
            demonyms: texts(&["Iranian", "Iranians"]),
            metonyms: texts(&["Tehran"]),
            ..entity("country:IR", G::Country, "Iran")
        },
        GazetteerEntity {
            country: Some("IR".to_owned()),
            weight: 7_000_000,
            ..entity("city:tehran", G::City, "Tehran")
        },
        GazetteerEntity {
            aliases: texts(&["U.S.", "US", "America"]),
            demonyms: texts(&["American", "Americans"]),
            ..entity("country:US", G::Country, "United States")
        },
        GazetteerEntity {
            ambiguous: texts(&["Georgia"]),
            demonyms: texts(&["Georgian"]),
            ..entity("country:GE", G::Country, "Georgia")
        },
        GazetteerEntity {
            ambiguous: texts(&["Georgia"]),
            country: Some("US".to_owned()),
            weight: 10_000_000,
            ..entity("place:us-ga", G::Place, "Georgia")
        },
        GazetteerEntity {
            country: Some("US".to_owned()),
            weight: 500_000,
            ..entity("city:atlanta", G::City, "Atlanta")
        },
        GazetteerEntity {
            country: Some("GE".to_owned()),
            weight: 1_000_000,
            ..entity("city:tbilisi", G::City, "Tbilisi")
        },
        GazetteerEntity {
            aliases: texts(&["Fancy Bear", "Sofacy"]),
            ..entity("group:apt28", G::ThreatGroup, "APT28")
        },
        GazetteerEntity {
            ambiguous: texts(&["Will"]),
            ..entity("group:will", G::ThreatGroup, "Will")
        },
        entity("malware:lockbit", G::Malware, "LockBit"),
        GazetteerEntity {
            aliases: texts(&["Moss ransomware", "the Moss"]),
            ..entity("group:moss", G::ThreatGroup, "Moss")
        },
    ])
}

/// `[Name|KIND]` marks what the tagger finds; one line is one sentence.
fn document(marked: &str) -> AnalysedDocument {
    let mut document = AnalysedDocument::default();
    for (sentence, line) in marked.lines().enumerate() {
        let start = document.text.len();
        let mut rest = line;
        while let Some((before, mark)) = rest.split_once('[') {
            let (mark, after) = mark.split_once(']').expect("a closed mark");
            let (name, kind) = mark.split_once('|').expect("name and kind");
            document.text += before;
            let from = document.text.len();
            document.text += name;
            document.mentions.push(RawMention {
                range: from..document.text.len(),
                kind: match kind {
                    "PER" => MentionKind::Person,
                    "ORG" => MentionKind::Organization,
                    "LOC" => MentionKind::Location,
                    "GROUP" => MentionKind::ThreatGroup,
                    "MALWARE" => MentionKind::Malware,
                    _ => MentionKind::Misc,
                },
                score: 0.9,
                sentence,
            });
            rest = after;
        }
        document.text += rest;
        let range = start..document.text.len();
        document.sentences.push(AnalysedSentence { range, ..AnalysedSentence::default() });
        document.text.push('\n');
    }
    document
}

#[track_caller]
fn check(marked: &str, expected: &[(&str, &str)]) {
    let document = document(marked);
    let linked = link(&document, &gazetteer());
    let found: Vec<(&str, &str)> = linked
        .iter()
        .map(|it| {
            let id = it.entity.as_ref().map_or("-", |it| it.id.as_str());
            (document.text_of(it.range.clone()), id)
        })
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_kinds(marked: &str, expected: &[(&str, MentionKind)]) {
    let document = document(marked);
    let linked = link(&document, &gazetteer());
    let found: Vec<(&str, MentionKind)> =
        linked.iter().map(|it| (document.text_of(it.range.clone()), it.kind)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_gang_named_like_its_ransomware_is_what_the_words_around_say() {
    use MentionKind as M;
    check_kinds("[Moss|MALWARE] encrypts files.", &[("Moss", M::Malware)]);
    check_kinds("[Moss ransomware|GROUP] encrypts files.", &[("Moss", M::Malware)]);
    check_kinds("The [Moss|MALWARE] gang fled.", &[("Moss", M::ThreatGroup)]);
    check_kinds("[Moss|GROUP] fled.", &[("Moss", M::ThreatGroup)]);
    check_kinds("Moss ransomware spreads.", &[("Moss", M::Malware)]);
    check("[Moss ransomware|MALWARE] spreads.", &[("Moss", "group:moss")]);
}

#[test]
fn sorts_of_malware_are_no_names_and_articles_no_part_of_them() {
    check("A [backdoor|MALWARE] and a [RAT|MALWARE] of [the Moss|ORG].", &[("Moss", "group:moss")]);
}

#[test]
fn countries_are_found_by_name_abbreviation_and_adjective() {
    check(
        "[Iran|LOC]'s ships and [U.S.|LOC] jets met [Iranian|MISC] boats.",
        &[("Iran", "country:IR"), ("U.S.", "country:US"), ("Iranian", "country:IR")],
    );
}

#[test]
fn a_part_of_a_place_is_that_place() {
    check(
        "Shells fell on [northern Iran|LOC], [South-western Iran|LOC] and [central Tehran|LOC].",
        &[
            ("northern Iran", "country:IR"),
            ("South-western Iran", "country:IR"),
            ("central Tehran", "city:tehran"),
        ],
    );
    // Half a name is none, and a name that begins like a point of the compass is its own.
    check(
        "Talks in [eastern|LOC] [Iran|LOC] and in [North Verin|LOC].",
        &[("Iran", "country:IR"), ("North Verin", "name:location:north verin")],
    );
}

#[test]
fn a_compound_names_the_country_in_it() {
    check("An [Iran-backed|MISC] crew.", &[("Iran", "country:IR")]);
}

#[test]
fn every_alias_of_a_group_is_that_group() {
    check(
        "[Fancy Bear|ORG], or Sofacy, or APT-28, sent [mail|MISC].",
        &[("Fancy Bear", "group:apt28"), ("Sofacy", "group:apt28"), ("mail", "-")],
    );
    check("APT28's new tool", &[("APT28", "group:apt28")]);
}

#[test]
fn an_ordinary_word_is_no_group() {
    check("Will it rain?", &[]);
    check("[Will|PER] spoke.", &[("Will", "name:person:will")]);
}

#[test]
fn georgia_is_decided_by_the_places_around_it() {
    check(
        "[Georgia|LOC] closed roads to [Tbilisi|LOC].",
        &[("Georgia", "country:GE"), ("Tbilisi", "city:tbilisi")],
    );
    check(
        "[Georgia|LOC] closed roads to [Atlanta|LOC].",
        &[("Georgia", "place:us-ga"), ("Atlanta", "city:atlanta")],
    );
}

#[test]
fn a_capital_is_a_city_that_acts_for_its_country() {
    let document = document("[Tehran|LOC] warned the fleet.");
    let linked = link(&document, &gazetteer());
    assert_eq!(linked[0].entity.as_ref().map(|it| it.id.as_str()), Some("city:tehran"));
    assert_eq!(linked[0].acts_for.as_ref().map(|it| it.id.as_str()), Some("country:IR"));
}

#[test]
fn a_town_in_a_dateline_is_no_body_whatever_the_tagger_calls_it() {
    check("[ATLANTA|ORG], Feb. 3 (Wire) — It rained.", &[("ATLANTA", "city:atlanta")]);
    check("[ATLANTA|ORG] said no.", &[("ATLANTA", "name:organization:atlanta")]);
}

#[test]
fn money_names_no_country_and_a_capital_that_acts_is_no_person() {
    check("It paid US$ 26 and [US|LOC] $ 5.", &[]);
    check("[Tehran|PER] wants more.", &[("Tehran", "country:IR")]);
    check("[Atlanta|ORG] won.", &[("Atlanta", "name:organization:atlanta")]);
}

#[test]
fn a_description_at_the_start_of_a_sentence_is_no_name() {
    check("[Hackers|ORG] struck.\n[Bank|ORG] closed.", &[("Hackers", "-"), ("Bank", "-")]);
}

#[test]
fn words_in_small_letters_are_no_name_unless_they_look_like_one() {
    check(
        "The [hacker group|ORG] left [wirra.example|ORG] to [unit3d|ORG] and [eNtity|ORG].",
        &[
            ("hacker group", "-"),
            ("wirra.example", "name:organization:wirra.example"),
            ("unit3d", "name:organization:unit3d"),
            ("eNtity", "name:organization:entity"),
        ],
    );
}

#[test]
fn a_surname_is_the_person_named_before() {
    check(
        "[Mara Holt|PER] left.\nThen [Holt|PER] came back.",
        &[("Mara Holt", "name:person:mara holt"), ("Holt", "name:person:mara holt")],
    );
}

#[test]
fn a_surname_in_a_headline_is_the_person_named_in_the_text() {
    let document = document("[Holt|PER] warns [Board|ORG].");
    let known = |id: &str, name: &str| EntityRef { id: id.to_owned(), name: name.to_owned() };
    let text = [
        known("name:person:mara holt", "Mara Holt"),
        known("name:person:jan holt", "Jan Holt"),
        known("org:pipeline-board", "Board of Pipelines"),
    ];
    let linked = link_beside(&document, &gazetteer(), &text);
    let ids: Vec<&str> =
        linked.iter().filter_map(|it| Some(it.entity.as_ref()?.id.as_str())).collect();
    assert_eq!(ids, ["name:person:mara holt", "name:organization:board"]);
}

#[test]
fn one_name_is_one_entity_whatever_the_tagger_calls_it() {
    let id = "name:organization:hollow kestrel";
    check(
        "[Hollow Kestrel|ORG] wrote.\nThen [Hollow Kestrel|PER] left.\n[Hollow Kestrel|ORG] came.",
        &[("Hollow Kestrel", id); 3],
    );
}

#[test]
fn an_acronym_is_the_name_before_its_parenthesis() {
    check(
        "The [Northern Pipeline Board|ORG] (NPB) met.\nThe [NPB|ORG] left.",
        &[
            ("Northern Pipeline Board", "name:organization:northern pipeline board"),
            ("NPB", "name:organization:northern pipeline board"),
        ],
    );
}

#[test]
fn a_name_that_holds_a_country_is_not_the_country() {
    check("The [Bank of Iran|ORG] closed.", &[("Bank of Iran", "name:organization:bank of iran")]);
}

#[test]
fn malware_that_the_tagger_missed_is_found() {
    check("Then LockBit struck.", &[("LockBit", "malware:lockbit")]);
}
