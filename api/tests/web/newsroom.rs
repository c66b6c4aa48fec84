//! A made-up newsroom: a few articles by invented outlets, annotated by hand.

use std::sync::Arc;

use api::AppState;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Config, SectorId, SourceId};
use index::archive::annotations::CorrelatedArticle;
use index::archive::sources::{Failure, PollRecord, SourceRow};
use index::{Archive, ArchiveSettings, Countries, IndexWriterStage, WriterSettings};
use ingest::poll::{PollFailure, SourceState};
use ingest::{Article, ArticleId, CanonicalUrl, FailureClass};
use metrics_exporter_prometheus::PrometheusBuilder;
use nlp::story::StoryId;
use nlp::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, ScoredSector, Span,
    Statement, StatementKind, StatementTime, Tense,
};
use tempfile::TempDir;
use tower::ServiceExt;

/// The clock of every test.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-01-12T08:00:00Z".parse().expect("a time")
}

/// A running web side; the folder lives as long as it.
pub(crate) struct Newsroom {
    pub(crate) state: AppState,
    pub(crate) router: Router,
    _folder: TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }
}

impl Newsroom {
    /// Archives and indexes `drafts`, then serves them.
    pub(crate) async fn with(drafts: Vec<Draft>) -> Newsroom {
        Newsroom::of(drafts, |_| {}).await
    }

    /// The newsroom with [`all`] articles and other settings.
    pub(crate) async fn open_with(change: impl FnOnce(&mut config::Settings)) -> Newsroom {
        Newsroom::of(all(), change).await
    }

    async fn of(drafts: Vec<Draft>, change: impl FnOnce(&mut config::Settings)) -> Newsroom {
        let folder = TempDir::new().expect("a folder");
        let settings = ArchiveSettings::in_folder(folder.path().join("data"));
        let mut config = Config::builtin().expect("the built-in configuration is valid");
        change(&mut config.settings);
        let config = Arc::new(config);
        let archive = Archive::open(&settings).await.expect("an archive");
        let archive = archive.with_countries(Arc::new(Countries::of(&config.gazetteer)));
        archive.sync_sources(&sources(), now()).await.expect("sources");
        for draft in &drafts {
            archive.record_article(&draft.article, None).await.expect("an article is recorded");
            if draft.is_annotated {
                let batch = [draft.correlated()];
                archive.record_annotations(&batch, now()).await.expect("an annotation is recorded");
            }
        }
        let index_dir = folder.path().join("data/index");
        let search = tokio::task::block_in_place(|| {
            IndexWriterStage::open(&index_dir, WriterSettings::default()).map(|writer| {
                let search = writer.search_index();
                (writer, search)
            })
        });
        let (mut writer, search) = search.expect("an index");
        let changes = archive.index_changes_after(0, 1_000).await.expect("articles to index");
        let articles = changes.articles;
        let last = articles.iter().filter_map(|it| it.index_seq).max().unwrap_or_default();
        tokio::task::block_in_place(|| {
            writer.apply(&articles).expect("articles are indexed");
            writer.commit(last).expect("a commit");
            writer.close().expect("the index is closed");
        });
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let state = AppState::new(archive, search, config, metrics, now);
        state.readiness.set_index(true);
        Newsroom { router: api::router(state.clone()), state, _folder: folder }
    }

    /// The folder that holds `data`.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self._folder.path()
    }

    /// The newsroom with [`all`] articles.
    pub(crate) async fn open() -> Newsroom {
        Newsroom::with(all()).await
    }

    /// Records a poll of the source `id`: it failed so, or went well.
    pub(crate) async fn poll(&self, id: &str, failed: Option<FailureClass>) {
        let message = format!("https://{id}.example/feed gave no answer");
        let failure =
            failed.map(|it| Failure { class: it.name().to_owned(), message: message.clone() });
        let state = SourceState {
            last_poll_at: Some(now()),
            last_success_at: Some(now() - TimeDelta::hours(1)),
            last_new_entry_at: Some(now() - TimeDelta::hours(1)),
            last_failure: failed.map(|class| PollFailure { class, message }),
            is_gone: failed == Some(FailureClass::Http410),
            ..SourceState::default()
        };
        let poll = PollRecord {
            source: &SourceId::new(id),
            state_json: &serde_json::to_string(&state).expect("JSON"),
            next_poll_at: None,
            entries: &[],
            failure: failure.as_ref(),
            has_untold_news: false,
        };
        self.state.archive.record_poll(&poll, now()).await.expect("a poll is recorded");
    }

    /// Asks for `path` as a program does.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// Asks for `path` as a browser does.
    pub(crate) async fn browse(&self, path: &str) -> Answer {
        let request = Request::get(path).header("accept", "text/html,*/*;q=0.8");
        self.ask(request.body(Body::empty()).expect("a request")).await
    }

    /// Sends `request`.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000_000).await.expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

fn sources() -> Vec<SourceRow> {
    [
        ("harbour-post", "The Harbour Post", Some("GB"), "en", false),
        ("meridian", "Meridian Wire", None, "en", false),
        ("lindahl-courier", "Lindahl Courier", Some("SE"), "en", false),
        ("le-phare", "Le Phare du Nord", Some("FR"), "fr", false),
        ("sample-gazette", "Sample Gazette", None, "en", true),
        ("evil", "<b>Evil</b> \"Times\" & \u{202e}gnineve", Some("US"), "en", false),
    ]
    .map(|(id, name, country, language, is_sample)| SourceRow {
        id: SourceId::new(id),
        name: name.to_owned(),
        address: format!("https://{id}.example/feed"),
        country: country.map(str::to_owned),
        language: Some(language.to_owned()),
        is_sample,
    })
    .into()
}

/// An article being written.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) article: Article,
    pub(crate) annotation: Annotation,
    pub(crate) story: String,
    pub(crate) is_annotated: bool,
}

/// Id of the article with this last part of its address.
pub(crate) fn id_of(source: &str, slug: &str) -> String {
    let url = CanonicalUrl::parse(&format!("https://{source}.example/{slug}")).expect("a URL");
    ArticleId::of(&url).to_string()
}

impl Draft {
    /// An article of `source`, published and fetched `hours` ago, in a story of its own.
    pub(crate) fn new(source: &str, slug: &str, hours: i64, title: &str, text: &str) -> Draft {
        let url = CanonicalUrl::parse(&format!("https://{source}.example/{slug}")).expect("a URL");
        let id = ArticleId::of(&url);
        let article = Article {
            id,
            url,
            canonical_url: None,
            source: SourceId::new(source),
            title: title.to_owned(),
            authors: vec!["Ada Quill".to_owned()],
            text: text.to_owned(),
            language: Some("en".to_owned()),
            site_name: None,
            published_at: Some(now() - TimeDelta::hours(hours)),
            fetched_at: now() - TimeDelta::hours(hours) + TimeDelta::minutes(4),
            page_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            details: Default::default(),
        };
        let annotation = Annotation {
            id: id.to_string(),
            language: Some("en".to_owned()),
            ..Annotation::default()
        };
        Draft { article, annotation, story: id.to_string(), is_annotated: true }
    }

    /// Puts it into the story that the article `source`/`slug` founded.
    pub(crate) fn in_story(mut self, source: &str, slug: &str) -> Draft {
        self.story = id_of(source, slug);
        self
    }

    pub(crate) fn in_french(mut self) -> Draft {
        self.article.language = Some("fr".to_owned());
        self.annotation.language = Some("fr".to_owned());
        self
    }

    /// Marks every place where `words` stand.
    pub(crate) fn names(mut self, words: &str, kind: MentionKind, entity: (&str, &str)) -> Draft {
        for (at, _) in self.article.text.match_indices(words) {
            let start = self.article.text[..at].chars().count();
            self.annotation.mentions.push(Mention {
                start,
                end: start + words.chars().count(),
                text: words.to_owned(),
                kind,
                entity: Some(reference(entity)),
                score: 0.97,
            });
        }
        self.annotation.mentions.sort_by_key(|it| it.start);
        self
    }

    /// Adds a statement.
    pub(crate) fn says(mut self, said: &Said<'_>) -> Draft {
        let text = self.article.text.clone();
        let from = text.find(said.sentence).expect("the sentence stands in the text");
        let phrase = |words: &str, entity: Option<(&str, &str)>| {
            let in_sentence = text[from..].find(words).map(|it| it + from);
            let at = in_sentence.or_else(|| text.find(words)).expect("the words stand in the text");
            let start = text[..at].chars().count();
            let end = start + words.chars().count();
            Phrase { start, end, text: words.to_owned(), entity: entity.map(reference) }
        };
        let phrases = |all: &[(&str, Option<(&str, &str)>)]| -> Vec<Phrase> {
            all.iter().map(|(words, entity)| phrase(words, *entity)).collect()
        };
        let sentence = phrase(said.sentence, None);
        let sectors: Vec<SectorId> = said.sectors.iter().map(|it| SectorId::new(*it)).collect();
        for sector in &sectors {
            if !self.annotation.sectors.iter().any(|it| it.id == *sector) {
                self.annotation.sectors.push(ScoredSector { id: sector.clone(), score: 0.9 });
            }
        }
        self.annotation.statements.push(Statement {
            kind: said.kind,
            domain: said.domain,
            modality: said.modality,
            time: StatementTime { tense: said.tense, from: None, to: None },
            sentence: Span { start: sentence.start, end: sentence.end },
            trigger: phrase(said.trigger, None),
            actors: phrases(said.actors),
            targets: phrases(said.targets),
            sectors,
            means: phrases(said.means),
            speaker: said.speaker.map(|it| phrase(it, None)),
            score: 0.88,
        });
        self
    }

    pub(crate) fn correlated(&self) -> CorrelatedArticle {
        CorrelatedArticle {
            article: self.article.id,
            annotation: self.annotation.clone(),
            embedding: vec![0.1; 8],
            story: StoryId::founded_by(&self.story),
            headline: None,
            copy_of: None,
            merged: Vec::new(),
            split: None,
        }
    }
}

fn reference((id, name): (&str, &str)) -> EntityRef {
    EntityRef { id: id.to_owned(), name: name.to_owned() }
}

type Words<'a> = &'a [(&'a str, Option<(&'a str, &'a str)>)];

/// A statement by its words.
pub(crate) struct Said<'a> {
    pub(crate) kind: StatementKind,
    pub(crate) domain: Domain,
    pub(crate) modality: Modality,
    pub(crate) tense: Tense,
    pub(crate) sentence: &'a str,
    pub(crate) trigger: &'a str,
    pub(crate) actors: Words<'a>,
    pub(crate) targets: Words<'a>,
    pub(crate) sectors: &'a [&'a str],
    pub(crate) means: Words<'a>,
    pub(crate) speaker: Option<&'a str>,
}

pub(crate) const FRONT: (&str, &str) = ("group:northern-front", "Northern Front");
const STRAIT: (&str, &str) = ("name:location:kestrel strait", "Kestrel Strait");
const SPIDER: (&str, &str) = ("group:glass-spider", "Glass Spider");
const LINDAHL: (&str, &str) = ("name:organization:lindahl water", "Lindahl Water");
const VESTERN: (&str, &str) = ("country:VX", "Vestern");

/// Every article of the newsroom, oldest first.
pub(crate) fn all() -> Vec<Draft> {
    let mut all = vec![harvest(), sample()];
    all.extend(harbour());
    all.extend(water());
    all.extend(grid());
    all.sort_by_key(|it| it.article.published_at);
    all
}

/// One story by three outlets and a copy.
fn harbour() -> Vec<Draft> {
    const LEAD: &str = "A commander of the Northern Front said on Sunday that his fighters would sink oil tankers in the Kestrel Strait if the blockade of Port Ravel is not lifted.";
    let threat = Said {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Conditional,
        tense: Tense::Future,
        sentence: LEAD,
        trigger: "would sink",
        actors: &[("Northern Front", Some(FRONT))],
        targets: &[("oil tankers", None), ("Kestrel Strait", Some(STRAIT))],
        sectors: &["/energy/oil-gas", "/transport/maritime"],
        means: &[],
        speaker: Some("A commander of the Northern Front"),
    };
    let first = format!(
        "{LEAD}\nThe strait carries a fifth of the region's crude, and insurers have begun to raise their rates. “We are watching every ship,” the commander, who gave his name as Oren Vale, told a radio station.\nShipping lines were warned by Vestern's navy that the Northern Front may attack vessels with sea drones in the coming days. Two carriers have already turned back.\nVestern has kept Port Ravel closed since November. Talks in the capital ended without a statement."
    );
    let warning = Said {
        kind: StatementKind::Warning,
        modality: Modality::Possible,
        sentence: "Shipping lines were warned by Vestern's navy that the Northern Front may attack vessels with sea drones in the coming days.",
        trigger: "may attack",
        targets: &[("vessels", None)],
        sectors: &["/transport/maritime"],
        means: &[("sea drones", None)],
        speaker: Some("Vestern's navy"),
        ..threat
    };
    let name = |draft: Draft| {
        draft
            .names("Northern Front", MentionKind::ThreatGroup, FRONT)
            .names("Kestrel Strait", MentionKind::Location, STRAIT)
            .names("Vestern", MentionKind::Location, VESTERN)
    };
    let second = "The Northern Front has told shipowners it will send oil tankers “to the bottom of the Kestrel Strait” unless Port Ravel is opened by Friday.\nIt was the group's first ultimatum to merchant shipping.";
    let second_threat = Said {
        sentence: "The Northern Front has told shipowners it will send oil tankers “to the bottom of the Kestrel Strait” unless Port Ravel is opened by Friday.",
        trigger: "will send",
        speaker: None,
        ..threat
    };
    vec![
        name(Draft::new("harbour-post", "strait", 7, "Northern Front threatens to sink tankers in the Kestrel Strait", &first))
            .says(&threat)
            .says(&warning),
        name(Draft::new("meridian", "ultimatum", 5, "Ultimatum to tankers: open Port Ravel or be sunk", second))
            .in_story("harbour-post", "strait")
            .says(&second_threat),
        name(Draft::new("lindahl-courier", "strait-copy", 3, "Northern Front threatens to sink tankers in the Kestrel Strait", LEAD))
            .in_story("harbour-post", "strait")
            .says(&threat),
        Draft::new("le-phare", "detroit", 2, "Le Front du Nord menace les pétroliers du détroit du Kestrel", "Un commandant du Front du Nord a menacé dimanche de couler des pétroliers dans le détroit du Kestrel.")
            .in_french()
            .in_story("harbour-post", "strait")
            .says(&Said {
                modality: Modality::Asserted,
                sentence: "Un commandant du Front du Nord a menacé dimanche de couler des pétroliers dans le détroit du Kestrel.",
                trigger: "couler",
                actors: &[("Front du Nord", Some(FRONT))],
                targets: &[("pétroliers", None), ("détroit du Kestrel", Some(STRAIT))],
                speaker: None,
                ..threat
            }),
    ]
}

/// An attack, the claim and the denial.
fn water() -> Vec<Draft> {
    let attack = Said {
        kind: StatementKind::Attack,
        domain: Domain::Cyber,
        modality: Modality::Asserted,
        tense: Tense::Past,
        sentence: "Glass Spider broke into the control network of Lindahl Water on Saturday night and locked 40 workstations with ransomware, the utility said.",
        trigger: "broke into",
        actors: &[("Glass Spider", Some(SPIDER))],
        targets: &[("control network of Lindahl Water", Some(LINDAHL))],
        sectors: &["/water"],
        means: &[("ransomware", None)],
        speaker: Some("the utility"),
    };
    let claim = Said {
        kind: StatementKind::Claim,
        sentence: "In a post on its site Glass Spider claimed the intrusion and put the ransom at two million.",
        trigger: "claimed",
        targets: &[("Lindahl Water", Some(LINDAHL))],
        means: &[],
        speaker: None,
        ..attack
    };
    let denial = Said {
        kind: StatementKind::Denial,
        modality: Modality::Denied,
        sentence: "Lindahl Water denied that its treatment plants had been touched.",
        trigger: "had been touched",
        actors: &[],
        targets: &[("treatment plants", None)],
        means: &[],
        speaker: Some("Lindahl Water"),
        ..attack
    };
    let text = "Glass Spider broke into the control network of Lindahl Water on Saturday night and locked 40 workstations with ransomware, the utility said. Pumps were run by hand until morning.\nIn a post on its site Glass Spider claimed the intrusion and put the ransom at two million. Lindahl Water denied that its treatment plants had been touched.\nAbout 300 000 people drink the utility's water. Engineers from the national computer emergency team arrived on Sunday; they found that the intruders had come in through a maintenance contractor's account that had no second factor, officials said.";
    vec![
        Draft::new(
            "lindahl-courier",
            "water",
            11,
            "Hackers lock computers of Lindahl's water utility",
            text,
        )
        .names("Glass Spider", MentionKind::ThreatGroup, SPIDER)
        .names("Lindahl Water", MentionKind::Organization, LINDAHL)
        .says(&attack)
        .says(&claim)
        .says(&denial),
    ]
}

fn grid() -> Vec<Draft> {
    let text = "Sabotage of the power grid is likely this winter, the interior ministry of Vestern warned in its yearly report.\nIt named substations near the border and the two interconnectors as the weakest points. Police foiled an attempt to cut cables near Skarn in October.";
    vec![
        Draft::new("meridian", "grid", 20, "Vestern's ministry expects sabotage of the power grid", text)
            .names("Vestern", MentionKind::Location, VESTERN)
            .says(&Said {
                kind: StatementKind::Warning,
                domain: Domain::Physical,
                modality: Modality::Possible,
                tense: Tense::Future,
                sentence: "Sabotage of the power grid is likely this winter, the interior ministry of Vestern warned in its yearly report.",
                trigger: "Sabotage",
                actors: &[],
                targets: &[("power grid", None)],
                sectors: &["/energy/electricity"],
                means: &[],
                speaker: Some("the interior ministry of Vestern"),
            })
            .says(&Said {
                kind: StatementKind::Attempt,
                domain: Domain::Physical,
                modality: Modality::Asserted,
                tense: Tense::Past,
                sentence: "Police foiled an attempt to cut cables near Skarn in October.",
                trigger: "attempt to cut",
                actors: &[],
                targets: &[("cables near Skarn", None)],
                sectors: &["/energy/electricity"],
                means: &[],
                speaker: None,
            }),
    ]
}

fn harvest() -> Draft {
    Draft::new(
        "harbour-post",
        "harvest",
        60,
        "A good year for apples",
        "Growers around the bay expect the best harvest in a decade. The power of the sun did it, they say.",
    )
}

/// An article with technical indicators, in a story of its own.
pub(crate) fn patch() -> Draft {
    Draft::new(
        "meridian",
        "patch",
        15,
        "Firewalls of two ports were taken over",
        "The intruders used CVE-2024-3400, fixed in 11.8.1.1, and sent what they found to hxxps://evil[.]example[.]com/gate[.]php and 203[.]0[.]113[.]9, the port said.",
    )
}

fn sample() -> Draft {
    Draft::new(
        "sample-gazette",
        "bridge",
        30,
        "Bridge at Tolm reopens",
        "The bridge at Tolm reopened on Saturday after two years of repairs.",
    )
}
