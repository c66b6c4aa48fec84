//! STIX 2.1: articles as reports, stories as groupings, statements as notes and relationships,
//! indicators with their patterns.
//!
//! Ids are UUIDv5 of what an object stands for, and what an object says depends only on that, not
//! on the rest of the export: two exports can be merged by id. Objects that stand for entities
//! have fixed times of creation; those of articles take the times of the archive.
//!
//! Reading order: this file, [`fixed`], [`entity`], [`statement`], [`indicator`].

mod entity;
mod fixed;
mod indicator;
mod statement;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use index::{GraphArticle, StoryMembers};
use serde_json::{Map, Value, json};

use super::{Facts, GraphCounts, Tlp, Wants, Writer, ids, timestamp};

/// Writes one bundle.
pub(crate) struct StixWriter {
    mapper: Mapper,
    has_objects: bool,
}

impl StixWriter {
    /// A writer whose objects are marked with `tlp`.
    pub(crate) fn new(facts: Arc<Facts>, tlp: Tlp) -> StixWriter {
        StixWriter { mapper: Mapper::new(facts, tlp), has_objects: false }
    }

    fn write(&mut self, objects: &[Value], out: &mut dyn Write) -> io::Result<()> {
        for object in objects {
            out.write_all(if self.has_objects { b",\n" } else { b"\n" })?;
            self.has_objects = true;
            serde_json::to_writer(&mut *out, object)?;
        }
        Ok(())
    }
}

impl Writer for StixWriter {
    fn wants(&self) -> Wants {
        Wants { stories: true, indicators: true, ..Wants::default() }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let id = ids::random("bundle");
        write!(out, "{{\"type\":\"bundle\",\"id\":\"{id}\",\"objects\":[")?;
        let fixed = self.mapper.fixed();
        self.write(&fixed, out)
    }

    fn article(&mut self, article: &GraphArticle, out: &mut dyn Write) -> io::Result<()> {
        let objects = self.mapper.article(article);
        self.write(&objects, out)
    }

    fn story(
        &mut self,
        story: &StoryMembers,
        _: &[GraphArticle],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let grouping = self.mapper.story(story);
        self.write(&[grouping], out)
    }

    fn end(&mut self, _: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\n]}\n")
    }
}

/// Turns articles and stories into objects; each object comes once.
pub(crate) struct Mapper {
    facts: Arc<Facts>,
    tlp: Tlp,
    seen: HashSet<u128>,
}

/// Objects on their way out, and what those of one article have in common.
struct Batch<'a> {
    article: &'a GraphArticle,
    kinds: HashMap<&'a str, &'a str>,
    objects: Vec<Value>,
    /// What the report refers to.
    refs: BTreeSet<String>,
}

impl Mapper {
    /// A mapper that has written nothing yet.
    pub(crate) fn new(facts: Arc<Facts>, tlp: Tlp) -> Mapper {
        Mapper { facts, tlp, seen: HashSet::new() }
    }

    /// Who says all this, how to read the extension, how far it may be passed on.
    pub(crate) fn fixed(&mut self) -> Vec<Value> {
        fixed::objects(self.tlp)
    }

    /// The objects of an article that were not written before; its report comes last.
    pub(crate) fn article(&mut self, article: &GraphArticle) -> Vec<Value> {
        let kinds = article.entities.iter().map(|it| (it.id.as_str(), it.kind.as_str()));
        let mut batch =
            Batch { article, kinds: kinds.collect(), objects: Vec::new(), refs: BTreeSet::new() };
        let source = self.outlet(&mut batch);
        batch.refs.insert(source);
        for it in &article.entities {
            let entity = self.entity(&it.id, &it.kind, &it.name, &mut batch);
            batch.refs.insert(entity);
        }
        for record in &article.statements {
            self.statement(record, &mut batch);
        }
        for it in &article.indicators {
            self.indicator(it, &mut batch);
        }
        let report = self.report(&batch);
        batch.objects.push(report);
        batch.objects
    }

    fn report(&self, batch: &Batch<'_>) -> Value {
        let article = batch.article;
        let (created, modified) = times_of(article);
        let name = if article.title.trim().is_empty() { &article.url } else { &article.title };
        let mut report = self.object("report", &report_id(article), created, modified);
        let published = article.published_at.unwrap_or(article.fetched_at);
        report.insert("name".into(), json!(name));
        report.insert("report_types".into(), json!(["threat-report"]));
        report.insert("published".into(), json!(timestamp(published)));
        report.insert("object_refs".into(), json!(batch.refs));
        report.insert("external_references".into(), json!([reference(article)]));
        if let Some(language) = language_of(article) {
            report.insert("lang".into(), json!(language));
        }
        let extension = json!({
            "article": article.id.to_string(),
            "source": article.source,
            "story": article.story,
            "authors": article.authors,
            "fetched_at": timestamp(article.fetched_at),
            "section": article.details.section,
            "tags": article.details.tags,
            "is_paywall_stub": article.details.is_paywall_stub.then_some(true),
        });
        with_extension(report, extension)
    }

    /// A story as a grouping of the reports it holds, those outside the selection too.
    pub(crate) fn story(&mut self, story: &StoryMembers) -> Value {
        let id = ids::of("grouping", &["story", story.summary.id.as_str()]);
        let (created, modified) = story.annotated_at;
        let mut grouping = self.object("grouping", &id, created, modified);
        let reports =
            story.articles.iter().map(|it| ids::of("report", &["article", &it.to_string()]));
        let headline = story.summary.headline.trim();
        let name = if headline.is_empty() { "Story" } else { headline };
        grouping.insert("name".into(), json!(name));
        grouping.insert("context".into(), json!("unspecified"));
        grouping.insert("object_refs".into(), json!(reports.collect::<Vec<_>>()));
        with_extension(grouping, json!({"story": story.summary.id}))
    }

    /// What every object has.
    fn object(
        &self,
        kind: &str,
        id: &str,
        created: DateTime<Utc>,
        modified: DateTime<Utc>,
    ) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("type".into(), json!(kind));
        object.insert("spec_version".into(), json!("2.1"));
        object.insert("id".into(), json!(id));
        object.insert("created_by_ref".into(), json!(fixed::producer_id()));
        object.insert("created".into(), json!(timestamp(created)));
        object.insert("modified".into(), json!(timestamp(modified.max(created))));
        object.insert("object_marking_refs".into(), json!([fixed::marking_id(self.tlp)]));
        object
    }

    /// Whether the object with that id is to be written, which happens once.
    fn is_new(&mut self, id: &str) -> bool {
        self.seen.insert(ids::number(id))
    }
}

fn report_id(article: &GraphArticle) -> String {
    ids::of("report", &["article", &article.id.to_string()])
}

/// The article's language where it is a code, which the standard demands.
fn language_of(article: &GraphArticle) -> Option<&str> {
    let is_code =
        |it: &&str| matches!(it.len(), 2 | 3) && it.bytes().all(|it| it.is_ascii_lowercase());
    article.language.as_deref().filter(is_code)
}

/// When an article's objects were made, and when they were changed last.
fn times_of(article: &GraphArticle) -> (DateTime<Utc>, DateTime<Utc>) {
    (article.fetched_at, article.annotated_at.max(article.fetched_at))
}

/// The page, with its hash.
fn reference(article: &GraphArticle) -> Value {
    let mut reference = json!({"source_name": article.source_name, "url": article.url});
    if article.source_name.trim().is_empty() {
        reference["source_name"] = json!(article.source);
    }
    let hash = article.page_sha256.to_lowercase();
    if hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit()) {
        reference["hashes"] = json!({"SHA-256": hash});
    }
    reference
}

/// The object with our property extension; `null` and empty fields are left out, as the standard
/// demands.
fn with_extension(mut object: Map<String, Value>, extension: Value) -> Value {
    let mut fields = Map::new();
    fields.insert("extension_type".into(), json!("property-extension"));
    if let Value::Object(extension) = extension {
        let is_empty = |it: &Value| it.is_null() || it.as_array().is_some_and(Vec::is_empty);
        fields.extend(extension.into_iter().filter(|(_, it)| !is_empty(it)));
    }
    object.insert("extensions".into(), json!({fixed::extension_id(): fields}));
    Value::Object(object)
}
