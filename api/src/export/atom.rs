//! Atom (RFC 4287): one entry for each article, its statements in the content, for feed readers.
//!
//! Elements of a feed may come in any order, so `updated` stands at the end, when it is known.

use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use index::graph::Party;
use index::search::SearchRequest;
use index::{GraphArticle, StatementRecord};
use nlp::Phrase;

use super::xml::Xml;
use super::{Facts, GraphCounts, Writer, ids, timestamp, word};

/// Namespace of an entry's text.
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Writes entries as they come, the newest date at the end.
pub(crate) struct AtomWriter {
    facts: Arc<Facts>,
    id: String,
    title: String,
    newest: DateTime<Utc>,
}

impl AtomWriter {
    /// A writer that has written nothing yet. Exports of one selection have one id, whenever made.
    pub(crate) fn new(facts: Arc<Facts>, request: &SearchRequest) -> AtomWriter {
        let day = |it: Option<DateTime<Utc>>| it.map(timestamp).unwrap_or_default();
        let (from, to) = (day(request.from), day(request.to));
        let mut parts: Vec<&str> = vec![&request.q, &from, &to];
        parts.extend(request.like.as_deref());
        for (field, values) in &request.filters {
            parts.extend(values.iter().map(String::as_str));
            parts.push(field.name());
        }
        let title = match request.q.trim() {
            "" => "Harbinger".to_owned(),
            q => format!("Harbinger: {q}"),
        };
        let id = format!("urn:uuid:{}", ids::uuid("feed", &parts));
        AtomWriter { facts, id, title, newest: DateTime::UNIX_EPOCH }
    }

    fn entry<W: Write>(&self, xml: &mut Xml<W>, article: &GraphArticle) -> io::Result<()> {
        xml.open("entry", &[])?;
        xml.text("id", &[], &format!("urn:harbinger:article:{}", article.id))?;
        let title = if article.title.is_empty() { &article.url } else { &article.title };
        xml.text("title", &[], title)?;
        xml.empty("link", &[("rel", "alternate"), ("href", &article.url)])?;
        xml.text("published", &[], &timestamp(article.dated_at))?;
        xml.text("updated", &[], &timestamp(article.annotated_at))?;
        let authors = match &article.authors[..] {
            [] => std::slice::from_ref(&article.source_name),
            authors => authors,
        };
        for it in authors {
            author(xml, it)?;
        }
        xml.open("source", &[])?;
        xml.text("id", &[], &format!("urn:harbinger:source:{}", article.source))?;
        xml.text("title", &[], &article.source_name)?;
        xml.close("source")?;
        for it in &article.statements {
            self.categories(xml, it)?;
        }
        xml.open("content", &[("type", "xhtml")])?;
        xml.open("div", &[("xmlns", XHTML)])?;
        article.statements.iter().try_for_each(|it| paragraph(xml, it))?;
        xml.close("div")?;
        xml.close("content")?;
        xml.close("entry")
    }

    /// Kind, parties and sectors of a statement, so that a reader can sort by them.
    fn categories<W: Write>(&self, xml: &mut Xml<W>, record: &StatementRecord) -> io::Result<()> {
        let statement = &record.statement;
        let mut category = |scheme: &str, term: &str, label: &str| {
            let scheme = format!("urn:harbinger:{scheme}");
            xml.empty("category", &[("scheme", &scheme), ("term", term), ("label", label)])
        };
        let kind = word(&statement.kind);
        category("kind", &kind, &kind)?;
        for it in Party::actors_of(statement) {
            category("actor", &it.id, &it.name)?;
        }
        for it in Party::targets_of(statement) {
            category("target", &it.id, &it.name)?;
        }
        for it in &statement.sectors {
            category("sector", it.as_str(), self.facts.sector_label(it.as_str()))?;
        }
        Ok(())
    }
}

impl Writer for AtomWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Xml::new(out)?;
        xml.open("feed", &[("xmlns", "http://www.w3.org/2005/Atom")])?;
        xml.text("id", &[], &self.id)?;
        xml.text("title", &[], &self.title)?;
        xml.text("generator", &[], "Harbinger")?;
        author(&mut xml, "Harbinger")
    }

    fn article(&mut self, article: &GraphArticle, out: &mut dyn Write) -> io::Result<()> {
        self.newest = self.newest.max(article.annotated_at);
        self.entry(&mut Xml::going_on(out), article)
    }

    fn end(&mut self, _: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Xml::going_on(out);
        xml.text("updated", &[], &timestamp(self.newest))?;
        xml.close("feed")
    }
}

fn author<W: Write>(xml: &mut Xml<W>, name: &str) -> io::Result<()> {
    xml.open("author", &[])?;
    xml.text("name", &[], name)?;
    xml.close("author")
}

/// `threat · asserted · future: Northern Front → oil tankers`, and the sentence that proves it.
fn paragraph<W: Write>(xml: &mut Xml<W>, record: &StatementRecord) -> io::Result<()> {
    let statement = &record.statement;
    let names = |parties: &[Party]| {
        let names: Vec<&str> = parties.iter().map(|it| it.name.as_str()).collect();
        if names.is_empty() { "?".to_owned() } else { names.join(", ") }
    };
    let certainty = [word(&statement.modality), word(&statement.time.tense)].join(" · ");
    let actors = names(&Party::actors_of(statement));
    let targets = names(&Party::targets_of(statement));
    let said = |before: &str, phrase: &Phrase| format!("{before}{}", phrase.text);
    let means = statement.means.iter().map(|it| said(" · with ", it));
    let speaker = statement.speaker.iter().map(|it| said(" · says ", it));
    let more: String = means.chain(speaker).collect();
    xml.open("p", &[])?;
    xml.text("b", &[], &word(&statement.kind))?;
    xml.text("span", &[], &format!(" · {certainty}: {actors} → {targets}{more} "))?;
    xml.text("q", &[], &record.sentence)?;
    xml.close("p")
}
