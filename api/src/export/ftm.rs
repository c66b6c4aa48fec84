//! FollowTheMoney: entities and links as JSON lines, for Aleph and OpenSanctions tools.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use index::graph::{EdgeKind, Party};
use index::{GraphArticle, StatementRecord};
use nlp::Statement;
use serde_json::{Map, Value, json};

use super::{Facts, Writer, ids, word};

const N_ALIASES_MAX: usize = 20;

/// Writes entities at first sight, articles and links as they come.
pub(crate) struct FtmWriter {
    facts: Arc<Facts>,
    seen: HashSet<String>,
}

impl FtmWriter {
    /// A writer that has written nothing yet.
    pub(crate) fn new(facts: Arc<Facts>) -> FtmWriter {
        FtmWriter { facts, seen: HashSet::new() }
    }

    /// Writes the entity at first sight; answers its id.
    fn entity(
        &mut self,
        entity: &str,
        kind: &str,
        name: &str,
        out: &mut dyn Write,
    ) -> io::Result<String> {
        let id = id_of("entity", entity);
        if !self.seen.insert(id.clone()) {
            return Ok(id);
        }
        let fact = self.facts.get(entity);
        let schema = match kind {
            "person" => "Person",
            "location" => "Address",
            "organization" if fact.is_some_and(|it| it.is_government) => "PublicBody",
            "organization" if fact.is_some_and(|it| it.is_company) => "Company",
            "organization" | "threat-group" => "Organization",
            // Software has no schema of its own; it is owned and used.
            "malware" | "tool" | "vulnerability" => "Asset",
            _ => "LegalEntity",
        };
        let mut properties = Properties::default();
        let shown = if kind == index::graph::SECTOR { self.facts.sector_label(name) } else { name };
        properties.add("name", shown);
        properties.add("keywords", kind);
        properties.add("keywords", entity);
        if schema == "Address" {
            properties.add("full", name);
        }
        if let Some(country) = self.facts.country(entity) {
            properties.add("country", &country.to_lowercase());
        }
        for alias in fact.iter().flat_map(|it| it.aliases.iter().take(N_ALIASES_MAX)) {
            properties.add("alias", alias);
        }
        if let Some((latitude, longitude)) = fact.and_then(|it| it.position)
            && schema == "Address"
        {
            properties.add("latitude", &latitude.to_string());
            properties.add("longitude", &longitude.to_string());
        }
        line(out, &id, schema, properties)?;
        Ok(id)
    }

    fn party(
        &mut self,
        party: &Party,
        article: &GraphArticle,
        out: &mut dyn Write,
    ) -> io::Result<String> {
        let known = article.entities.iter().find(|it| it.id == party.id);
        let kind = known.map_or(party.kind(), |it| &it.kind);
        self.entity(&party.id, kind, &party.name, out)
    }

    fn statement(
        &mut self,
        article: &GraphArticle,
        record: &StatementRecord,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let statement = &record.statement;
        let mut actors = Vec::new();
        for it in Party::actors_of(statement) {
            actors.push(self.party(&it, article, out)?);
        }
        let mut targets = Vec::new();
        for it in Party::targets_of(statement) {
            targets.push(self.party(&it, article, out)?);
        }
        let role = EdgeKind::of_statement(statement.kind).name();
        let mut n_links = 0;
        for actor in &actors {
            for target in targets.iter().filter(|it| *it != actor) {
                n_links += 1;
                let mut properties = about(article, record);
                properties.add("subject", actor);
                properties.add("object", target);
                properties.add("role", role);
                properties.add("status", &word(&statement.modality));
                properties.add("recordId", &record.id);
                let key = format!("{}\u{1f}{actor}\u{1f}{target}", record.id);
                line(out, &id_of("link", &key), "UnknownLink", properties)?;
            }
        }
        if n_links == 0 {
            // Nobody, or nobody else, at one end: the sentence still stands, as a note.
            let mut note = Properties::default();
            note.add("name", &format!("{role}, {}", word(&statement.modality)));
            note.add("description", &record.sentence);
            note.add("keywords", role);
            note.add("keywords", &record.id);
            note.add("sourceUrl", &article.url);
            note.add("proof", &id_of("article", &article.id.to_string()));
            for end in actors.iter().chain(&targets) {
                note.add("entity", end);
            }
            for fact in facts_of(statement) {
                note.add("notes", &fact);
            }
            line(out, &id_of("note", &record.id), "Note", note)?;
        }
        Ok(())
    }
}

impl Writer for FtmWriter {
    fn article(&mut self, article: &GraphArticle, out: &mut dyn Write) -> io::Result<()> {
        let mut properties = Properties::default();
        properties.add("title", &article.title);
        properties.add("name", &article.title);
        properties.add("sourceUrl", &article.url);
        properties.add("publisher", &article.source_name);
        properties.add("keywords", &format!("page-sha256:{}", article.page_sha256));
        let published = article.published_at.map(|it| it.format("%Y-%m-%dT%H:%M:%S").to_string());
        properties.add("publishedAt", &published.unwrap_or_default());
        let fetched_at = article.fetched_at.format("%Y-%m-%dT%H:%M:%S").to_string();
        properties.add("retrievedAt", &fetched_at);
        for author in &article.authors {
            properties.add("author", author);
        }
        for it in &article.entities {
            self.entity(&it.id, &it.kind, &it.name, out)?;
            properties.add("namesMentioned", &it.name);
        }
        line(out, &id_of("article", &article.id.to_string()), "Article", properties)?;
        article.statements.iter().try_for_each(|it| self.statement(article, it, out))
    }
}

/// What every link says of its origin.
fn about(article: &GraphArticle, record: &StatementRecord) -> Properties {
    let time = record.statement.time;
    let mut properties = Properties::default();
    properties.add("summary", &record.sentence);
    for fact in facts_of(&record.statement) {
        properties.add("description", &fact);
    }
    properties.add("sourceUrl", &article.url);
    properties.add("publisher", &article.source_name);
    properties.add("proof", &id_of("article", &article.id.to_string()));
    properties.add("date", &record.dated_at.format("%Y-%m-%d").to_string());
    properties.add("startDate", &time.from.map(|it| it.to_string()).unwrap_or_default());
    properties.add("endDate", &time.to.map(|it| it.to_string()).unwrap_or_default());
    properties
}

/// What a statement says besides its parties, one fact each: `kind: threat`, `sector: /energy`.
fn facts_of(statement: &Statement) -> Vec<String> {
    let mut facts = vec![
        format!("kind: {}", word(&statement.kind)),
        format!("domain: {}", word(&statement.domain)),
        format!("modality: {}", word(&statement.modality)),
        format!("tense: {}", word(&statement.time.tense)),
        format!("score: {:.2}", statement.score),
    ];
    facts.extend(statement.speaker.iter().map(|it| format!("speaker: {}", it.text)));
    facts.extend(statement.means.iter().map(|it| format!("means: {}", it.text)));
    facts.extend(statement.sectors.iter().map(|it| format!("sector: {it}")));
    facts
}

fn id_of(kind: &str, key: &str) -> String {
    format!("harbinger-{}", ids::uuid(kind, &[key]).simple())
}

/// Values by property; blank and repeated ones are left out.
#[derive(Default)]
struct Properties(Map<String, Value>);

impl Properties {
    fn add(&mut self, name: &str, value: &str) {
        let value = value.trim();
        let values = self.0.entry(name).or_insert_with(|| json!([]));
        if let Value::Array(values) = values
            && !value.is_empty()
            && !values.iter().any(|it| it == value)
        {
            values.push(json!(value));
        }
    }
}

fn line(out: &mut dyn Write, id: &str, schema: &str, properties: Properties) -> io::Result<()> {
    let mut properties = properties.0;
    properties.retain(|_, it| it.as_array().is_some_and(|it| !it.is_empty()));
    let entity = json!({"id": id, "schema": schema, "properties": properties});
    serde_json::to_writer(&mut *out, &entity)?;
    out.write_all(b"\n")
}
