//! The mix of queries: what analysts type, and the worst they may type; each also as the peers are
//! asked it.

use std::collections::BTreeMap;

use index::{FilterField, SearchRequest};
use rand::Rng;
use rand::rngs::StdRng;

use crate::corpus::{Corpus, sector};

/// One question.
pub(crate) struct Ask {
    pub(crate) kind: &'static str,
    pub(crate) request: SearchRequest,
    /// The same for SQLite and PostgreSQL; `None` where these have nothing like it.
    pub(crate) peer: Option<Peer>,
}

/// A question as SQL databases are asked it.
#[derive(Default)]
pub(crate) struct Peer {
    /// Match expression of FTS5 and `to_tsquery`.
    pub(crate) words: Option<(String, String)>,
    /// Each of these sets holds alternatives: facet and value.
    pub(crate) facets: Vec<Vec<(&'static str, String)>>,
    pub(crate) days: Option<i64>,
}

/// A question drawn at random.
pub(crate) fn ask(corpus: &Corpus, rng: &mut StdRng) -> Ask {
    let common = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(5..300)).to_owned();
    let usual = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(300..5_000)).to_owned();
    let rare = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(5_000..40_000)).to_owned();
    match rng.random_range(0..100) {
        0..15 => all("one usual word", &[usual(rng)]),
        15..20 => all("one common word", &[common(rng)]),
        20..35 => all("two words", &[usual(rng), common(rng)]),
        35..42 => all("three words", &[usual(rng), common(rng), common(rng)]),
        42..50 => phrase("phrase", &corpus.entity(rng).name),
        50..54 => phrase("phrase of common words", &format!("{} {}", common(rng), common(rng))),
        54..60 => {
            let (a, b, not) = (usual(rng), rare(rng), common(rng));
            let fts = format!("(\"{a}\" OR \"{b}\") NOT \"{not}\"");
            let peer = words(fts, format!("({a} | {b}) & !{not}"));
            of("OR and NOT", format!("({a} OR {b}) -{not}"), Some(peer))
        }
        60..68 => {
            let entity = corpus.entity(rng);
            let facets = vec![vec![("actor", entity.id.clone())]];
            let peer = Peer { facets, ..Peer::default() };
            of("actor", format!("actor:\"{}\"", entity.name), Some(peer))
        }
        68..74 => {
            let (entity, sector) = (corpus.entity(rng), sector(rng));
            let who = ["actor", "target"].map(|it| (it, entity.id.clone()));
            let facets = vec![who.into(), vec![("sector", sector.to_string())]];
            let q = format!("(actor:\"{0}\" OR target:\"{0}\") sector:{sector}", entity.name);
            of("actor or target, sector", q, Some(Peer { facets, ..Peer::default() }))
        }
        74..79 => {
            let word = usual(rng);
            let start = &word[..3.min(word.len())];
            let peer = words(format!("{start}*"), format!("{start}:*"));
            of("prefix", format!("{start}*"), Some(peer))
        }
        79..82 => of("fuzzy", format!("{}~", rare(rng)), None),
        82..88 => {
            let mut ask = all("word in the last 30 days", &[common(rng)]);
            ask.request.q.push_str(" published:30d");
            ask.peer = ask.peer.map(|it| Peer { days: Some(30), ..it });
            ask
        }
        88..94 => {
            let (mut ask, sector) = (all("word with two filters", &[common(rng)]), sector(rng));
            let kinds = ["attack", "threat"].map(str::to_owned);
            let facets = vec![
                kinds.clone().map(|it| ("kind", it)).into(),
                vec![("sector", sector.to_string())],
            ];
            ask.request.filters = BTreeMap::from([
                (FilterField::Kind, kinds.into()),
                (FilterField::Sector, vec![sector.to_string()]),
            ]);
            ask.peer = ask.peer.map(|it| Peer { facets, ..it });
            ask
        }
        94..97 => {
            let facets = vec![vec![("country", "DE".to_owned())]];
            let peer = Peer { facets, ..Peer::default() };
            let mut ask = of("everything with a filter", String::new(), Some(peer));
            ask.request.filters = BTreeMap::from([(FilterField::Country, vec!["DE".to_owned()])]);
            ask
        }
        97..99 => of("everything", String::new(), Some(Peer::default())),
        _ => all("the most common word", &[corpus.word_of_rank(rng.random_range(0..3)).to_owned()]),
    }
}

fn of(kind: &'static str, q: String, peer: Option<Peer>) -> Ask {
    Ask { kind, request: SearchRequest { q, ..SearchRequest::default() }, peer }
}

fn words(fts: String, ts: String) -> Peer {
    Peer { words: Some((fts, ts)), ..Peer::default() }
}

/// All of the words.
fn all(kind: &'static str, asked: &[String]) -> Ask {
    let fts: Vec<String> = asked.iter().map(|it| format!("\"{it}\"")).collect();
    of(kind, asked.join(" "), Some(words(fts.join(" "), asked.join(" & "))))
}

/// Words in a row.
fn phrase(kind: &'static str, text: &str) -> Ask {
    let row: Vec<&str> = text.split(|it: char| !it.is_alphanumeric()).collect();
    let row: Vec<&str> = row.into_iter().filter(|it| !it.is_empty()).collect();
    let peer = words(format!("\"{}\"", row.join(" ")), row.join(" <-> "));
    of(kind, format!("\"{text}\""), Some(peer))
}
