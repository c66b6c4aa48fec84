//! Articles for tests.

use chrono::{DateTime, Utc};
use config::{SectorId, SourceId};
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::annotation::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, ScoredSector, Span,
    Statement, StatementKind, StatementTime, Tense,
};
use nlp::story::StoryId;

use crate::record::StoredArticle;

/// An instant from `2026-01-31` or `2026-01-31T12:00:00Z`.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    let text = if text.len() == 10 { format!("{text}T12:00:00Z") } else { text.to_owned() };
    text.parse().unwrap()
}

/// An English article at `https://<path>` with nothing found in it, published 2026-01-10.
pub(crate) fn article(path: &str, title: &str, text: &str) -> StoredArticle {
    let url = CanonicalUrl::parse(&format!("https://{path}")).unwrap();
    StoredArticle {
        article: Article {
            id: ArticleId::of(&url),
            url,
            canonical_url: None,
            source: SourceId::new("outlet-a"),
            title: title.to_owned(),
            authors: Vec::new(),
            text: text.to_owned(),
            language: Some("en".to_owned()),
            site_name: None,
            published_at: Some(at("2026-01-10")),
            fetched_at: at("2026-01-10T13:00:00Z"),
            page_sha256: String::new(),
            details: Default::default(),
        },
        annotation: Some(Annotation::default()),
        story: None,
        index_seq: Some(1),
        source_name: "Outlet A".to_owned(),
        source_country: Some("GB".to_owned()),
        is_sample: false,
        countries: std::collections::BTreeMap::new(),
    }
}

/// What tests change about an article.
pub(crate) trait With: Sized {
    fn language(self, code: Option<&str>) -> Self;
    fn published(self, at: Option<DateTime<Utc>>) -> Self;
    fn source(self, id: &str, name: &str, country: Option<&str>) -> Self;
    fn sectors(self, paths: &[&str]) -> Self;
    fn mention(self, words: &str, entity: (&str, &str)) -> Self;
    fn place(self, words: &str, entity: (&str, &str)) -> Self;
    fn statement(self, kind: StatementKind, actor: (&str, &str), target: (&str, &str)) -> Self;
    fn authors(self, names: &[&str]) -> Self;
    fn story(self, id: &str) -> Self;
}

impl With for StoredArticle {
    fn language(mut self, code: Option<&str>) -> Self {
        self.article.language = code.map(str::to_owned);
        self
    }

    fn published(mut self, at: Option<DateTime<Utc>>) -> Self {
        self.article.published_at = at;
        self
    }

    fn source(mut self, id: &str, name: &str, country: Option<&str>) -> Self {
        self.article.source = SourceId::new(id);
        self.source_name = name.to_owned();
        self.source_country = country.map(str::to_owned);
        self
    }

    fn sectors(mut self, paths: &[&str]) -> Self {
        let sectors = paths.iter().map(|it| ScoredSector { id: SectorId::new(*it), score: 0.9 });
        annotation(&mut self).sectors.extend(sectors);
        self
    }

    fn mention(mut self, words: &str, entity: (&str, &str)) -> Self {
        let mention = Mention {
            start: 0,
            end: 0,
            text: words.to_owned(),
            kind: MentionKind::Organization,
            entity: Some(entity_ref(entity)),
            score: 1.0,
        };
        annotation(&mut self).mentions.push(mention);
        self
    }

    fn place(self, words: &str, entity: (&str, &str)) -> Self {
        let mut stored = self.mention(words, entity);
        let mentions = &mut annotation(&mut stored).mentions;
        mentions.last_mut().expect("just added").kind = MentionKind::Location;
        stored
    }

    fn statement(mut self, kind: StatementKind, actor: (&str, &str), target: (&str, &str)) -> Self {
        let phrase = |entity: (&str, &str)| Phrase {
            text: entity.1.to_owned(),
            entity: Some(entity_ref(entity)),
            ..Phrase::default()
        };
        let statement = Statement {
            kind,
            domain: Domain::Cyber,
            modality: Modality::Asserted,
            time: StatementTime { tense: Tense::Past, from: None, to: None },
            sentence: Span::default(),
            trigger: Phrase::default(),
            actors: vec![phrase(actor)],
            targets: vec![phrase(target)],
            sectors: Vec::new(),
            means: Vec::new(),
            speaker: None,
            score: 0.9,
        };
        annotation(&mut self).statements.push(statement);
        self
    }

    fn authors(mut self, names: &[&str]) -> Self {
        self.article.authors = names.iter().map(|it| (*it).to_owned()).collect();
        self
    }

    fn story(mut self, id: &str) -> Self {
        self.story = Some(StoryId::founded_by(id));
        self
    }
}

fn annotation(stored: &mut StoredArticle) -> &mut Annotation {
    stored.annotation.get_or_insert_default()
}

fn entity_ref((id, name): (&str, &str)) -> EntityRef {
    EntityRef { id: id.to_owned(), name: name.to_owned() }
}
