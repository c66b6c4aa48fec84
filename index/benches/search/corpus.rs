//! Synthetic articles: the words that the tagger knows, by Zipf's law in the order of their frequency,
//! then names of towns and compounds; entities of the gazetteers, countries first, by Zipf's law too;
//! sectors, sources and dates. No text of others is used.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use config::{SectorId, SourceId};
use index::StoredArticle;
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::annotation::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, ScoredSector, Span,
    Statement, StatementKind, StatementTime, Tense,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

const N_WORDS: usize = 80_000;
const N_ENTITIES: usize = 20_000;
/// Files of the gazetteers with entities that texts name often, then those of the rest.
const GAZETTEERS: [&str; 8] = [
    "countries",
    "organizations",
    "companies",
    "threat_groups",
    "armed_groups",
    "malware_and_tools",
    "places",
    "cities",
];
const N_SOURCES: usize = 300;
const N_DAYS: i64 = 400;
const LANGUAGES: &[(&str, u32)] =
    &[("en", 70), ("de", 8), ("fr", 7), ("es", 6), ("ru", 4), ("ar", 2), ("pl", 2), ("zh", 1)];
const SECTORS: &[&str] = &[
    "/energy/oil-gas",
    "/energy/electricity",
    "/energy/nuclear",
    "/transport/aviation",
    "/transport/maritime",
    "/transport/rail",
    "/finance/banking",
    "/finance/crypto",
    "/government/elections",
    "/government/diplomacy",
    "/defence",
    "/health",
    "/water",
    "/telecom",
    "/technology",
    "/media",
    "/education",
    "/space",
];
const KINDS: &[StatementKind] = &[
    StatementKind::Attack,
    StatementKind::Threat,
    StatementKind::Warning,
    StatementKind::Claim,
    StatementKind::Attempt,
    StatementKind::Denial,
];

/// What articles are made of.
pub(crate) struct Corpus {
    words: Vec<String>,
    entities: Vec<EntityRef>,
    /// Cumulated Zipf weights of words and entities.
    weights: Vec<f64>,
    entity_weights: Vec<f64>,
}

impl Corpus {
    pub(crate) fn new(seed: u64) -> Corpus {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut entities = Vec::new();
        let mut n_countries = 0;
        for name in GAZETTEERS {
            let mut found = gazetteer(name);
            found.truncate(N_ENTITIES - entities.len());
            entities.append(&mut found);
            n_countries = if n_countries == 0 { entities.len() } else { n_countries };
        }
        rand::seq::SliceRandom::shuffle(&mut entities[n_countries..], &mut rng);
        let mut words = vocabulary();
        let mut known: BTreeSet<String> = words.iter().cloned().collect();
        let towns = entities.iter().map(|it| it.name.to_lowercase());
        let towns = towns.filter(|it| it.bytes().all(|it| it.is_ascii_lowercase()));
        words.extend(towns.filter(|it| known.insert(it.clone())));
        let n_real = words.len();
        while words.len() < N_WORDS {
            let (head, tail) = (rng.random_range(300..n_real), rng.random_range(300..5_000));
            let compound = format!("{}{}", words[head], words[tail]);
            if known.insert(compound.clone()) {
                words.push(compound);
            }
        }
        let (weights, entity_weights) =
            (zipf(words.len(), 2.7, 1.05), zipf(entities.len(), 5.0, 1.0));
        Corpus { words, entities, weights, entity_weights }
    }

    /// The time of all searches: the end of the corpus.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000, 0).unwrap()
    }

    /// A word drawn as it occurs in texts.
    pub(crate) fn word(&self, rng: &mut StdRng) -> &str {
        let at = rng.random_range(0.0..*self.weights.last().unwrap());
        &self.words[self.weights.partition_point(|it| *it < at).min(N_WORDS - 1)]
    }

    /// A word of a rank: 0 is the most common.
    pub(crate) fn word_of_rank(&self, rank: usize) -> &str {
        &self.words[rank]
    }

    /// An entity; few are named often, most seldom.
    pub(crate) fn entity(&self, rng: &mut StdRng) -> &EntityRef {
        let at = rng.random_range(0.0..*self.entity_weights.last().unwrap());
        let place = self.entity_weights.partition_point(|it| *it < at);
        &self.entities[place.min(self.entities.len() - 1)]
    }

    /// Any entity, each as likely.
    #[allow(dead_code, reason = "the bench of saved searches asks for it")]
    pub(crate) fn any_entity(&self, rng: &mut StdRng) -> &EntityRef {
        self.entities.choose(rng).unwrap()
    }

    /// Article `n` of `n_articles`, in the order of time.
    pub(crate) fn article(&self, n: usize, n_articles: usize, rng: &mut StdRng) -> StoredArticle {
        let age =
            TimeDelta::seconds((N_DAYS * 86_400) * (n_articles - n) as i64 / n_articles as i64);
        let fetched_at = self.now() - age;
        let source = (rng.random::<f64>().powi(2) * N_SOURCES as f64) as usize;
        let url = format!("https://www.outlet-{source}.example/2026/{n}");
        let url = CanonicalUrl::parse(&url).unwrap();
        let n_words = (rng.random_range(4.5f64..7.6).exp()) as usize;
        let entities: Vec<&EntityRef> =
            (0..rng.random_range(2..16)).map(|_| self.entity(rng)).collect();
        let language = pick_language(rng);
        StoredArticle {
            article: Article {
                id: ArticleId::of(&url),
                url,
                canonical_url: None,
                source: SourceId::new(format!("outlet-{source}")),
                title: self.text(rng.random_range(5..12), &entities, rng),
                authors: vec![format!("{} {}", self.word(rng), self.word(rng))],
                text: self.text(n_words, &entities, rng),
                language: Some(language.to_owned()),
                site_name: None,
                published_at: Some(fetched_at - TimeDelta::minutes(rng.random_range(1..600))),
                fetched_at,
                page_sha256: String::new(),
                details: Default::default(),
            },
            annotation: Some(self.annotation(&entities, language, rng)),
            story: None,
            index_seq: Some(n as i64 + 1),
            source_name: format!("Outlet {source}"),
            source_country: Some(["US", "GB", "DE", "FR", "IN", "QA"][source % 6].to_owned()),
            is_sample: false,
            countries: std::collections::BTreeMap::new(),
        }
    }

    fn text(&self, n_words: usize, entities: &[&EntityRef], rng: &mut StdRng) -> String {
        let mut text = String::with_capacity(n_words * 7);
        let mut n_left = 0;
        for _ in 0..n_words {
            if n_left == 0 {
                text.push_str(if text.is_empty() { "" } else { ". " });
                n_left = rng.random_range(6..30);
            } else {
                text.push(' ');
            }
            n_left -= 1;
            match entities.choose(rng).filter(|_| rng.random_range(0..25) == 0) {
                Some(entity) => text.push_str(&entity.name),
                None => text.push_str(self.word(rng)),
            }
        }
        text.push('.');
        text
    }

    fn annotation(&self, entities: &[&EntityRef], language: &str, rng: &mut StdRng) -> Annotation {
        let mentions = entities.iter().map(|it| Mention {
            start: 0,
            end: 0,
            text: it.name.clone(),
            kind: match it.id.split(':').next() {
                Some("country" | "city" | "place") => MentionKind::Location,
                _ => MentionKind::Organization,
            },
            entity: Some((*it).clone()),
            score: 0.9,
        });
        let n_statements = [0, 0, 0, 1, 1, 2, 4].choose(rng).copied().unwrap_or(0);
        let statements: Vec<Statement> =
            (0..n_statements).map(|_| statement(entities, rng)).collect();
        let sectors = statements.iter().map(|_| ScoredSector { id: sector(rng), score: 0.8 });
        Annotation {
            id: String::new(),
            language: Some(language.to_owned()),
            mentions: mentions.collect(),
            sectors: sectors.collect(),
            statements,
            title: None,
        }
    }
}

fn statement(entities: &[&EntityRef], rng: &mut StdRng) -> Statement {
    let phrase = |rng: &mut StdRng| {
        let entity = (*entities.choose(rng).unwrap()).clone();
        Phrase { start: 0, end: 0, text: entity.name.clone(), entity: Some(entity) }
    };
    Statement {
        kind: *KINDS.choose(rng).unwrap(),
        domain: *[Domain::Cyber, Domain::Physical, Domain::Economic].choose(rng).unwrap(),
        modality: *[Modality::Asserted, Modality::Possible].choose(rng).unwrap(),
        time: StatementTime { tense: Tense::Past, from: None, to: None },
        sentence: Span::default(),
        trigger: Phrase::default(),
        actors: vec![phrase(rng)],
        targets: vec![phrase(rng), phrase(rng)],
        sectors: vec![sector(rng)],
        means: Vec::new(),
        speaker: None,
        score: 0.8,
    }
}

/// A sector drawn at random.
pub(crate) fn sector(rng: &mut StdRng) -> SectorId {
    SectorId::new(*SECTORS.choose(rng).unwrap())
}

fn pick_language(rng: &mut StdRng) -> &'static str {
    let mut at = rng.random_range(0..LANGUAGES.iter().map(|it| it.1).sum());
    for (code, weight) in LANGUAGES {
        if at < *weight {
            return code;
        }
        at -= weight;
    }
    "en"
}

/// Words that the tagger knows, the most frequent first.
fn vocabulary() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../nlp/model/tokenizer.json");
    let file: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let pieces = file["model"]["vocab"].as_object().unwrap();
    let mut ranked: Vec<(u64, &str)> = pieces
        .iter()
        .filter(|(it, _)| it.len() > 1 && it.bytes().all(|it| it.is_ascii_lowercase()))
        .map(|(it, rank)| (rank.as_u64().unwrap(), it.as_str()))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, it)| it.to_owned()).collect()
}

/// The entities of a gazetteer, as far as their lines are plain.
fn gazetteer(name: &str) -> Vec<EntityRef> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/gazetteers");
    let text = std::fs::read_to_string(format!("{dir}/{name}.csv")).unwrap();
    let mut entities: Vec<(u64, EntityRef)> = Vec::new();
    for line in text.lines().skip(1).filter(|it| !it.contains('"')) {
        let mut cells = line.split(',');
        let id = cells.next().unwrap_or_default().to_owned();
        let name = cells.nth(1).unwrap_or_default().to_owned();
        let weight = cells.next_back().and_then(|it| it.parse().ok()).unwrap_or(0);
        entities.push((weight, EntityRef { id, name }));
    }
    entities.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    entities.into_iter().map(|(_, it)| it).collect()
}

/// Cumulated weights by Zipf's and Mandelbrot's law.
fn zipf(n: usize, shift: f64, exponent: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let weight = |rank: usize| 1.0 / (rank as f64 + shift).powf(exponent);
    let sums = (0..n).map(|rank| {
        sum += weight(rank);
        sum
    });
    sums.collect()
}
