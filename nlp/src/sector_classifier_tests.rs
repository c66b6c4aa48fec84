use super::*;
use crate::knowledge::Knowledge;

#[derive(Deserialize)]
struct Fixture {
    text: String,
    number: usize,
    probabilities: Vec<f32>,
}

fn classifier() -> SectorClassifier {
    SectorClassifier::embedded().expect("the built-in weights load")
}

fn knowledge() -> Knowledge {
    let config = config::Config::builtin().expect("the built-in configuration is sound");
    Knowledge::new(vec![], &config.taxonomy)
}

fn scored(id: &str, score: f32) -> ScoredSector {
    ScoredSector { id: SectorId::new(id), score }
}

fn judgement(of_top_level: Vec<ScoredSector>, is_hostile: bool) -> Judgement {
    Judgement { of_top_level, is_hostile }
}

#[test]
fn it_reckons_as_the_script_that_made_the_weights() {
    let rows = include_str!("../tests/fixtures/sectors.json");
    let rows: Vec<Fixture> = serde_json::from_str(rows).expect("the fixtures are sound");
    let (classifier, knowledge) = (classifier(), knowledge());
    assert!(3 < rows.len());
    for row in rows {
        let made_up = |at: usize| (0.1_f64 * (at + 1) as f64 * (row.number + 1) as f64).sin();
        let length = (0..HIDDEN_SIZE).map(|it| made_up(it).powi(2)).sum::<f64>().sqrt();
        let embedding: Vec<f32> =
            (0..HIDDEN_SIZE).map(|it| (made_up(it) / length) as f32).collect();
        let told = knowledge.sectors.find(&row.text);
        let found = classifier.probabilities(&row.text, &told, &embedding);
        for (sector, expected) in found.iter().zip(&row.probabilities) {
            assert!((sector.score - expected).abs() < 1e-4, "{}: {sector:?} {expected}", row.text);
        }
        assert_eq!(found.len(), row.probabilities.len());
    }
}

#[test]
fn a_likely_sector_stands_by_its_deepest_level() {
    let judgement =
        judgement(vec![scored("/energy", 0.8), scored("/water", 0.5), scored("/food", 0.1)], true);
    let found = vec![scored("/energy/nuclear", 0.3), scored("/food", 0.9)];
    let sectors = judgement.sectors(found);
    assert_eq!(sectors, [scored("/energy/nuclear", 0.8), scored("/water", 0.5)]);
}

#[test]
fn without_a_hostile_statement_a_sector_must_be_more_likely() {
    let likely = || vec![scored("/energy", 0.5)];
    assert_eq!(judgement(likely(), true).sectors(vec![]), likely());
    assert!(judgement(likely(), false).sectors(vec![]).is_empty());
}

#[test]
fn a_sector_that_the_passage_belies_is_not_believed_of_a_target() {
    let judgement = judgement(vec![scored("/energy", 0.01), scored("/water", 0.5)], true);
    assert!(!judgement.is_credible(&SectorId::new("/energy/nuclear")));
    assert!(judgement.is_credible(&SectorId::new("/water")));
    assert!(judgement.is_credible(&SectorId::new("/of-a-user")), "the classifier knows it not");
}

#[test]
fn what_targets_say_makes_a_sector_likelier() {
    assert!(combined(0.3, 0.0, 0.0) < combined(0.3, 0.9, 0.9));
    assert!(combined(0.3, 0.0, 0.0) < combined(0.6, 0.0, 0.0));
}
