//! MISP: one event for each story, with its articles as links and its statements as objects.

use std::collections::BTreeSet;
use std::io::{self, Write};

use index::graph::Party;
use index::{ArticleIndicator, GraphArticle, StatementRecord, StoryMembers};
use nlp::indicator::IndicatorKind;
use serde_json::{Value, json};

use super::{GraphCounts, N_EVENT_ARTICLES_MAX, Tlp, Wants, Writer, ids, word};

/// Sharing: only the organisation that imports it; whoever imports decides on more.
const OWN_ORGANISATION: &str = "0";
/// Sharing: as the event says.
const INHERIT: &str = "5";

/// Writes one event after the other.
pub(crate) struct MispWriter {
    tlp: Tlp,
    has_events: bool,
}

impl MispWriter {
    /// A writer whose events are tagged with `tlp`.
    pub(crate) fn new(tlp: Tlp) -> MispWriter {
        MispWriter { tlp, has_events: false }
    }
}

impl Writer for MispWriter {
    fn wants(&self) -> Wants {
        Wants { by_story: true, indicators: true, ..Wants::default() }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"{\"response\":[")
    }

    fn story(
        &mut self,
        story: &StoryMembers,
        articles: &[GraphArticle],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(if self.has_events { b",\n" } else { b"\n" })?;
        self.has_events = true;
        serde_json::to_writer(&mut *out, &json!({"Event": event(story, articles, self.tlp)}))?;
        Ok(())
    }

    fn end(&mut self, _: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\n]}\n")
    }
}

fn event(story: &StoryMembers, articles: &[GraphArticle], tlp: Tlp) -> Value {
    let id = story.summary.id.as_str();
    let timestamp = story.annotated_at.1.timestamp().to_string();
    let mut attributes =
        Attributes { event: id, timestamp: &timestamp, all: Vec::new(), seen: BTreeSet::new() };
    let mut objects = Vec::new();
    for article in articles {
        attributes.add("link", "External analysis", &article.url, &article.title);
        for it in &article.entities {
            if it.kind == "vulnerability" && it.name.to_uppercase().starts_with("CVE-") {
                let cve = it.name.to_uppercase();
                attributes.add("vulnerability", "External analysis", &cve, "");
            }
        }
        for it in &article.indicators {
            if let Some((kind, category)) = kind_of(it) {
                attributes.add(kind, category, &it.value, &article.title);
            }
        }
        for record in &article.statements {
            for it in Party::actors_of(&record.statement).iter().filter(|it| it.is_entity) {
                attributes.add("threat-actor", "Attribution", &it.name, &it.id);
            }
            for it in Party::targets_of(&record.statement).iter().filter(|it| it.is_entity) {
                let known = article.entities.iter().find(|known| known.id == it.id);
                let kind = match known.map(|it| it.kind.as_str()) {
                    Some("location") => "target-location",
                    Some("organization") => "target-org",
                    _ => continue,
                };
                attributes.add(kind, "Targeting data", &it.name, &it.id);
            }
            objects.push(object(article, record, &timestamp));
        }
    }
    if let Some(remark) = remark(articles.len() as u64, story.summary.n_articles) {
        attributes.add("comment", "Other", &remark, "");
    }
    let headline = story.summary.headline.trim();
    json!({
        "uuid": ids::uuid("misp-event", &[id]),
        "info": if headline.is_empty() { "Story" } else { headline },
        "date": story.summary.first_seen_at.format("%Y-%m-%d").to_string(),
        "timestamp": timestamp,
        // Undefined; initial analysis: a machine has read it, no analyst yet.
        "threat_level_id": "4",
        "analysis": "0",
        "distribution": OWN_ORGANISATION,
        "published": false,
        "Orgc": {"name": "Harbinger", "uuid": ids::uuid("misp-org", &["harbinger"])},
        "Tag": [
            {"name": format!("tlp:{}", tlp.name())},
            {"name": "osint:source-type=\"newspaper\""},
        ],
        "Attribute": attributes.all,
        "Object": objects,
    })
}

/// Type and category of an indicator; `None` when MISP has no type of its own for it.
fn kind_of(indicator: &ArticleIndicator) -> Option<(&'static str, &'static str)> {
    Some(match indicator.kind {
        IndicatorKind::Cve => ("vulnerability", "External analysis"),
        IndicatorKind::Ipv4 | IndicatorKind::Ipv6 => ("ip-dst", "Network activity"),
        IndicatorKind::Domain => ("domain", "Network activity"),
        IndicatorKind::Url => ("url", "Network activity"),
        IndicatorKind::Email => ("email-src", "Payload delivery"),
        IndicatorKind::Md5 => ("md5", "Payload delivery"),
        IndicatorKind::Sha1 => ("sha1", "Payload delivery"),
        IndicatorKind::Sha256 => ("sha256", "Payload delivery"),
        IndicatorKind::AttackTechnique => return None,
    })
}

/// What an event says that has as many articles as fit, of a story with more.
fn remark(n_here: u64, n_of_story: u64) -> Option<String> {
    let is_cut = N_EVENT_ARTICLES_MAX as u64 <= n_here && n_here < n_of_story;
    is_cut.then(|| format!("This event is cut: {n_here} of the story's {n_of_story} articles."))
}

/// Attributes of an event, each once.
struct Attributes<'a> {
    event: &'a str,
    timestamp: &'a str,
    all: Vec<Value>,
    seen: BTreeSet<(String, String)>,
}

impl Attributes<'_> {
    fn add(&mut self, kind: &str, category: &str, value: &str, comment: &str) {
        let value = value.trim();
        if value.is_empty() || !self.seen.insert((kind.to_owned(), value.to_owned())) {
            return;
        }
        self.all.push(json!({
            "uuid": ids::uuid("misp-attribute", &[self.event, kind, value]),
            "type": kind,
            "category": category,
            "value": value,
            "comment": comment,
            "to_ids": false,
            "disable_correlation": false,
            "distribution": INHERIT,
            "timestamp": self.timestamp,
        }));
    }
}

/// A statement as an object with a template of our own.
fn object(article: &GraphArticle, record: &StatementRecord, timestamp: &str) -> Value {
    let statement = &record.statement;
    let mut cells: Vec<(&str, &str, String)> = vec![
        ("statement-id", "text", record.id.clone()),
        ("sentence", "text", record.sentence.clone()),
        ("kind", "text", word(&statement.kind)),
        ("domain", "text", word(&statement.domain)),
        ("modality", "text", word(&statement.modality)),
        ("tense", "text", word(&statement.time.tense)),
        ("url", "link", article.url.clone()),
        ("source", "text", article.source_name.clone()),
        ("published", "datetime", super::timestamp(record.dated_at)),
        ("page-sha256", "text", article.page_sha256.clone()),
    ];
    let names = |parties: Vec<Party>, relation: &'static str| {
        parties.into_iter().map(move |it| (relation, "text", it.name))
    };
    cells.extend(names(Party::actors_of(statement), "actor"));
    cells.extend(names(Party::targets_of(statement), "target"));
    cells.extend(statement.means.iter().map(|it| ("means", "text", it.text.clone())));
    cells.extend(statement.speaker.iter().map(|it| ("speaker", "text", it.text.clone())));
    cells.extend(statement.sectors.iter().map(|it| ("sector", "text", it.to_string())));
    let attributes = cells.iter().enumerate().filter(|(_, it)| !it.2.trim().is_empty());
    let attributes = attributes.map(|(place, (relation, kind, value))| {
        let category = if *kind == "link" { "External analysis" } else { "Other" };
        json!({
            "uuid": ids::uuid("misp-cell", &[&record.id, relation, &place.to_string()]),
            "object_relation": relation,
            "type": kind,
            "category": category,
            "value": value,
            "to_ids": false,
            "disable_correlation": *kind != "link",
            "distribution": INHERIT,
            "timestamp": timestamp,
        })
    });
    json!({
        "uuid": ids::uuid("misp-object", &[&record.id]),
        "name": "hostile-statement",
        "meta-category": "misc",
        "description": "A sentence that says who threatens or attacks whom.",
        "template_uuid": ids::uuid("misp-template", &["hostile-statement"]),
        "template_version": "1",
        "distribution": INHERIT,
        "timestamp": timestamp,
        "comment": record.article_title,
        "Attribute": attributes.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indicator_has_the_type_that_misp_knows_it_by() {
        let kind = |kind| kind_of(&ArticleIndicator { kind, value: "x".to_owned() });
        assert_eq!(kind(IndicatorKind::Url), Some(("url", "Network activity")));
        assert_eq!(kind(IndicatorKind::Cve), Some(("vulnerability", "External analysis")));
        assert_eq!(kind(IndicatorKind::AttackTechnique), None);
    }

    #[test]
    fn an_event_says_that_its_story_has_more_articles_than_fit() {
        assert_eq!(remark(200, 200), None);
        assert_eq!(remark(3, 900), None, "the selection is smaller than the story");
        assert!(remark(200, 900).is_some_and(|it| it.contains("200 of the story's 900")));
    }
}
