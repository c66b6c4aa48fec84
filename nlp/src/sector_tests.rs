use super::*;

fn words() -> SectorWords {
    let config = config::Config::builtin().expect("the built-in configuration is sound");
    SectorWords::new(&config.taxonomy)
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = words().find(text);
    let mut found: Vec<&str> = found.iter().map(SectorId::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn the_head_and_its_cargo_count() {
    check("two oil tankers", &["/energy/oil-gas", "/transport/maritime"]);
    check("a ferry", &["/transport/maritime"]);
}

#[test]
fn plurals_are_their_singular() {
    check("refineries", &["/energy/oil-gas"]);
    check("synagogues and churches", &["/religion"]);
    check("policemen", &["/government/law-enforcement"]);
}

#[test]
fn a_parent_gives_way_to_its_child() {
    check("banks and other financial institutions", &["/finance/banking"]);
}

#[test]
fn countries_and_weapons_are_no_sectors() {
    check("the United States", &[]);
    check("a car bomb", &[]);
    check("villagers", &[]);
}

#[test]
fn crowds_and_users_are_no_sectors() {
    check("dozens of protesters and other demonstrators", &[]);
    check("taxpayers", &[]);
    check("Android users and their smartphones", &[]);
}

#[test]
fn a_document_sums_up_its_statements() {
    let energy = [SectorId::new("/energy")];
    let both = [SectorId::new("/energy"), SectorId::new("/water")];
    let scored = document_sectors([(&energy[..], 0.5), (&both[..], 0.5)].into_iter());
    let found: Vec<(&str, f32)> = scored.iter().map(|it| (it.id.as_str(), it.score)).collect();
    assert_eq!(found, [("/energy", 0.75), ("/water", 0.5)]);
}
