use chrono::{DateTime, TimeDelta, Utc};
use config::{SectorId, SourceId};
use ingest::{ArticleId, CanonicalUrl};
use nlp::story::StoryId;
use nlp::{
    Domain, EntityRef, Modality, Phrase, Span, Statement, StatementKind, StatementTime, Tense,
};

use super::{Edge, EdgeKind, Graph, GraphBuilder, GraphLimits, Trim};
use crate::record::{ArticleEntity, GraphArticle, StatementRecord};

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap() + TimeDelta::hours(hours)
}

fn phrase(words: &str) -> Phrase {
    // Capitals mark an entity.
    let entity = words
        .starts_with(char::is_uppercase)
        .then(|| EntityRef { id: format!("org:{}", words.to_lowercase()), name: words.to_owned() });
    Phrase { start: 0, end: words.len(), text: words.to_owned(), entity }
}

/// An article of `source` at hour `hours`, in story `story`, that names `entities`.
fn article(source: &str, hours: i64, story: &str, entities: &[&str]) -> GraphArticle {
    let url = CanonicalUrl::parse(&format!("https://{source}.example/{hours}")).unwrap();
    let named = entities.iter().map(|it| ArticleEntity {
        id: format!("org:{}", it.to_lowercase()),
        kind: "organization".to_owned(),
        name: (*it).to_owned(),
        n_mentions: 1,
    });
    GraphArticle {
        id: ArticleId::of(&url),
        url: url.as_str().to_owned(),
        title: format!("Headline {hours}"),
        authors: Vec::new(),
        source: SourceId::new(source),
        source_name: format!("The {source}"),
        source_country: None,
        is_sample: false,
        language: None,
        published_at: Some(at(hours)),
        fetched_at: at(hours),
        dated_at: at(hours),
        annotated_at: at(hours),
        page_sha256: "00".repeat(32),
        details: Default::default(),
        story: Some(StoryId::founded_by(story)),
        entities: named.collect(),
        statements: Vec::new(),
        indicators: Vec::new(),
    }
}

/// The article with a statement of `kind` by `actor` on `target`.
fn says(
    mut article: GraphArticle,
    kind: StatementKind,
    actor: &str,
    target: &str,
    sentence: &str,
) -> GraphArticle {
    let parties = |words: &str| if words.is_empty() { Vec::new() } else { vec![phrase(words)] };
    let n = article.statements.len();
    article.statements.push(StatementRecord {
        id: format!("{}-b{n}", article.id),
        article: article.id,
        article_url: article.url.clone(),
        article_title: article.title.clone(),
        source: article.source.clone(),
        source_name: article.source_name.clone(),
        is_sample: false,
        story: article.story.clone(),
        dated_at: article.dated_at,
        in_title: false,
        sentence: sentence.to_owned(),
        language: None,
        copy_of: None,
        statement: Statement {
            kind,
            domain: Domain::Physical,
            modality: Modality::Possible,
            time: StatementTime { tense: Tense::Past, from: None, to: None },
            sentence: Span::default(),
            trigger: Phrase::default(),
            actors: parties(actor),
            targets: parties(target),
            sectors: vec![SectorId::new("/water")],
            means: Vec::new(),
            speaker: None,
            score: 0.5,
        },
    });
    article
}

fn graph(limits: GraphLimits, articles: &[GraphArticle]) -> Graph {
    let mut builder = GraphBuilder::new(limits);
    articles.iter().for_each(|it| builder.add(it).unwrap());
    builder.finish().unwrap()
}

#[track_caller]
fn edge<'a>(graph: &'a Graph, source: &str, kind: EdgeKind, target: &str) -> &'a Edge {
    let is_it = |it: &&Edge| &*it.source == source && it.kind == kind && &*it.target == target;
    graph.edges.iter().find(is_it).unwrap_or_else(|| panic!("{:#?}", graph.edges))
}

#[test]
fn an_edge_counts_those_who_wrote_for_themselves_and_not_their_copies() {
    let attack = |source, hours, sentence: &str| {
        let article = article(source, hours, "s", &["Crows"]);
        says(article, StatementKind::Attack, "Crows", "the old mill", sentence)
    };
    let articles = [
        attack("north", 1, "Crows raided the old mill."),
        attack("south", 2, "“Crows raided the old mill”"),
        attack("east", 5, "The mill was raided by Crows."),
        attack("east", 4, "Crows were at the mill again."),
    ];
    let graph = graph(GraphLimits::PAGE, &articles);
    let edge = edge(&graph, "org:crows", EdgeKind::Attacks, "words:the old mill");
    assert_eq!((edge.weight, edge.n_statements), (2, 4));
    assert_eq!((edge.first_at, edge.last_at), (at(1), at(5)));
    assert_eq!(edge.modality, Some(Modality::Possible));
    assert_eq!(edge.sectors, ["/water"]);
    assert_eq!(edge.evidence.len(), 4);
    assert_eq!(edge.evidence[0].article.url, "https://north.example/1");
    assert_eq!(graph.nodes[0].n_articles, 4);
    assert_eq!((graph.n_articles, graph.n_statements, graph.is_cut), (4, 4, false));
}

#[test]
fn without_a_target_the_sectors_are_hit_and_without_an_actor_the_speaker_speaks_of_the_target() {
    let mut warned = says(
        article("north", 1, "s", &[]),
        StatementKind::Warning,
        "",
        "Mill",
        "The Mill is in danger, said Owls.",
    );
    warned.statements[0].statement.speaker = Some(phrase("Owls"));
    let hit = says(article("north", 2, "t", &[]), StatementKind::Claim, "Crows", "", "We did it.");
    let graph = graph(GraphLimits::PAGE, &[warned, hit]);
    edge(&graph, "org:owls", EdgeKind::SpeaksOf, "org:mill");
    edge(&graph, "org:crows", EdgeKind::Claims, "sector:/water");
    assert_eq!(graph.edges.len(), 2);
}

#[test]
fn entities_of_one_story_are_joined_whichever_article_comes_first() {
    let one = article("north", 1, "s", &["Crows", "Mill"]);
    let two = article("south", 2, "s", &["Mill", "Crows"]);
    let other = article("south", 3, "t", &["Owls"]);
    let forth = graph(GraphLimits::PAGE, &[one.clone(), two.clone(), other.clone()]);
    let back = graph(GraphLimits::PAGE, &[other, two, one]);
    for graph in [&forth, &back] {
        let joined = edge(graph, "org:crows", EdgeKind::CoOccursWith, "org:mill");
        assert_eq!((joined.weight, joined.n_statements), (2, 1));
        assert_eq!((joined.first_at, joined.last_at), (at(1), at(2)));
        assert_eq!(joined.evidence.len(), 1);
        assert_eq!(graph.edges.len(), 1);
    }
}

#[test]
fn bounds_hold_and_are_told() {
    let articles: Vec<GraphArticle> = (0..20)
        .map(|n| {
            let (actor, target) = (format!("Crow {n}"), format!("Mill {n}"));
            let sentence = format!("{actor} hit {target}.");
            let article = article("north", n, &format!("s{n}"), &[&actor, &target]);
            says(article, StatementKind::Attack, &actor, &target, &sentence)
        })
        .collect();
    let limits = GraphLimits { n_nodes_max: 11, ..GraphLimits::PAGE };
    let nodes = graph(limits, &articles);
    assert!(nodes.nodes.len() == 11 && nodes.is_cut, "{}", nodes.nodes.len());
    let limits = GraphLimits { n_edges_max: 7, ..GraphLimits::PAGE };
    let edges = graph(limits, &articles);
    assert!(edges.edges.len() == 7 && edges.is_cut, "{}", edges.edges.len());
    let limits = GraphLimits { n_all_proofs_max: 5, ..GraphLimits::PAGE };
    let proofs = graph(limits, &articles);
    assert_eq!(proofs.edges.iter().map(|it| it.evidence.len()).sum::<usize>(), 5);
    assert!(proofs.is_cut);
}

#[test]
fn a_graph_that_does_not_fit_into_memory_is_the_same() {
    let kinds = [StatementKind::Attack, StatementKind::Threat, StatementKind::Claim];
    let articles: Vec<GraphArticle> = (0..300)
        .map(|n: i64| {
            let named = [format!("Crow {}", n % 7), format!("Mill {}", n % 11), format!("Owl {n}")];
            let [actor, target, other] = named.each_ref().map(String::as_str);
            let (source, story) = (format!("source{}", n % 5), format!("s{}", n % 40));
            let article = article(&source, n, &story, &[actor, target, other]);
            let sentence = format!("Crows hit a mill for the {}th time.", n % 50);
            says(article, kinds[n as usize % 3], actor, target, &sentence)
        })
        .collect();
    let limits = GraphLimits { n_edges_max: 200, n_proofs_max: 4, ..GraphLimits::PAGE };
    let held = graph(limits, &articles);
    assert!(held.is_cut && held.edges.len() == 200, "{}", held.edges.len());
    let mut builder = GraphBuilder::new(GraphLimits { n_held_bytes_max: 2_000, ..limits });
    articles.iter().for_each(|it| builder.add(it).unwrap());
    assert!(builder.said.is_filed() && builder.named.is_filed());
    assert_eq!(held, builder.finish().unwrap());
}

#[test]
fn trimming_keeps_the_middle_its_heaviest_neighbours_and_edges_between_them() {
    let mut articles = Vec::new();
    for (n, target) in ["Mill", "Dam", "Dam", "Pier"].into_iter().enumerate() {
        let article = article(&format!("source{n}"), n as i64, &format!("s{n}"), &[]);
        let sentence = format!("{n}: Crows hit {target}.");
        articles.push(says(article, StatementKind::Attack, "Crows", target, &sentence));
    }
    let far = article("far", 9, "far", &[]);
    articles.push(says(far, StatementKind::Threat, "Owls", "Pier", "Owls eye the Pier."));
    let all = graph(GraphLimits::PAGE, &articles);
    let trim = Trim {
        focus: Some("org:crows".to_owned()),
        n_nodes_max: 3,
        n_edges_max: 10,
        ..Trim::default()
    };
    let trimmed = trim.apply(all.clone());
    let mut ids: Vec<&str> = trimmed.nodes.iter().map(|it| &*it.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["org:crows", "org:dam", "org:mill"]);
    assert_eq!((trimmed.n_nodes_found, trimmed.edges.len()), (5, 2));
    let heavy = Trim { weight_min: 2, n_nodes_max: 9, n_edges_max: 9, ..Trim::default() };
    assert_eq!(heavy.apply(all.clone()).edges.len(), 1);
    let threats = Trim {
        kinds: vec![EdgeKind::Threatens],
        n_nodes_max: 9,
        n_edges_max: 9,
        ..Trim::default()
    };
    assert_eq!(threats.apply(all).nodes.len(), 2);
}

#[test]
fn every_kind_of_edge_has_one_name() {
    for kind in EdgeKind::ALL {
        assert_eq!(EdgeKind::from_name(kind.name()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}
