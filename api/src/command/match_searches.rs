//! `harbinger match`: which saved searches match articles or annotations.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, Utc};
use config::{SavedSearch, SourceId, Taxonomy};
use index::query::{Ast, QueryField};
use index::{Countries, Matcher, StoredArticle};
use ingest::{Article, ArticleId};
use nlp::document::Document;
use nlp::{Annotation, Annotator};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::UsageError;
use super::index_articles::{published_at, url_of};
use super::jsonl::{self, Line, LineError};
use super::setup::Setup;
use crate::cli::MatchArgs;

/// Lines answered together.
const N_LINES_PER_BATCH: usize = 32;

/// A line of input: an article as `extract` prints it, an annotation as `annotate` prints it, or
/// both in one object; unknown fields are passed over.
#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    id: Value,
    url: Option<String>,
    source: Option<String>,
    /// A headline; in an annotation, what was found in it.
    title: Option<Value>,
    authors: Option<Vec<String>>,
    text: Option<String>,
    language: Option<String>,
    published_at: Option<String>,
    error: Option<String>,
}

/// A line ready to be matched, which may lack its annotation.
struct Ready {
    id: Value,
    stored: StoredArticle,
}

pub(super) fn run(setup: &Setup, args: &MatchArgs) -> anyhow::Result<ExitCode> {
    let searches = read_searches(&args.searches, &setup.config.taxonomy)?;
    let mut matcher = Matcher::new();
    for search in searches.iter().filter(|it| it.enabled) {
        matcher.add(search).with_context(|| format!("saved search `{}`", search.id))?;
    }
    let is_annotation_asked = searches.iter().any(needs_annotation);
    let countries = Countries::of(&setup.config.gazetteer);
    let mut annotator = None;
    let tally = jsonl::convert(&args.file, N_LINES_PER_BATCH, setup.args.quiet, |lines| {
        let now = super::now();
        let mut read: Vec<Result<Ready, LineError>> =
            lines.into_iter().map(|it| ready(it, now)).collect();
        if is_annotation_asked && let Err(error) = annotate(&mut read, &mut annotator, setup) {
            let message = format!("{error:#}");
            let failed = |it: Result<Ready, LineError>| {
                it.and_then(|it| Err(LineError { id: it.id, message: message.clone() }))
            };
            read = read.into_iter().map(failed).collect();
        }
        let answers = read.into_iter().map(|it| {
            let Ready { id, mut stored } = it?;
            countries.fill(&mut stored);
            Ok(json!({ "id": id, "matches": matcher.matches(&stored, now) }))
        });
        answers.collect()
    })?;
    Ok(super::exit_code(tally))
}

/// The saved searches of a file in the form of `searches.toml`, or one JSON object a line.
fn read_searches(path: &Path, taxonomy: &Taxonomy) -> anyhow::Result<Vec<SavedSearch>> {
    let unreadable =
        |error: io::Error| UsageError(format!("cannot read {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let is_json = text.trim_start().starts_with('{');
    if !is_json {
        return Ok(SavedSearch::from_toml(&name, &text, taxonomy, super::check_query)?);
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(n, line)| {
        let place = || format!("{name}, line {}", n + 1);
        let wrong = |error: serde_json::Error| UsageError(format!("{}: {error}", place()));
        let value: Value = serde_json::from_str(line).map_err(wrong)?;
        SavedSearch::from_json(&value, Some(taxonomy), super::check_query).with_context(place)
    });
    read.collect()
}

/// Whether a search asks for something that only annotation brings.
fn needs_annotation(search: &SavedSearch) -> bool {
    const FIELDS: [QueryField; 8] = [
        QueryField::Actor,
        QueryField::Target,
        QueryField::Entity,
        QueryField::Place,
        QueryField::Sector,
        QueryField::Kind,
        QueryField::Domain,
        QueryField::Modality,
    ];
    fn asks(ast: &Ast) -> bool {
        match ast {
            Ast::Everything => false,
            Ast::And(parts) | Ast::Or(parts) => parts.iter().any(asks),
            Ast::Not(inner) => asks(inner),
            Ast::Clause(clause) => clause.field.is_some_and(|it| FIELDS.contains(&it)),
        }
    }
    let filters = search.filters.chosen();
    let is_filtered = filters.iter().filter_map(|(name, _)| QueryField::from_name(name));
    is_filtered.into_iter().any(|it| FIELDS.contains(&it))
        || index::query::parse(&search.query).is_ok_and(|it| asks(&it))
}

/// Annotates the articles that came without.
fn annotate(
    lines: &mut [Result<Ready, LineError>],
    annotator: &mut Option<Annotator>,
    setup: &Setup,
) -> anyhow::Result<()> {
    let mut bare: Vec<&mut StoredArticle> = lines
        .iter_mut()
        .flatten()
        .map(|it| &mut it.stored)
        .filter(|it| it.annotation.is_none())
        .collect();
    if bare.is_empty() {
        return Ok(());
    }
    let annotator = match annotator {
        Some(annotator) => annotator,
        None => annotator.insert(super::make_annotator(setup)?),
    };
    let documents: Vec<Document> =
        bare.iter().map(|it| crate::pipeline::document(&it.article)).collect();
    let annotated = annotator.annotate(&documents);
    for (stored, annotated) in bare.iter_mut().zip(annotated) {
        stored.annotation = Some(annotated.annotation);
    }
    Ok(())
}

fn ready(line: Line, now: DateTime<Utc>) -> Result<Ready, LineError> {
    let object = line?;
    let error = |message: String| LineError::of(&object, message);
    let input = Input::deserialize(&object)
        .map_err(|cause| error(format!("the line is no article: {cause}")))?;
    if let Some(cause) = input.error {
        return Err(error(format!("extraction had failed: {cause}")));
    }
    let annotation = annotation(&object).map_err(&error)?;
    if input.text.is_none() && annotation.is_none() {
        return Err(error("the line has neither `text` nor an annotation".to_owned()));
    }
    let url = url_of(input.url.as_deref(), &input.id).map_err(&error)?;
    let published_at = published_at(input.published_at.as_deref(), now).map_err(&error)?;
    let text = input.text.unwrap_or_default();
    let annotated = annotation.as_ref().and_then(|it| it.language.clone());
    let detected = || nlp::language::detect(&text).map(str::to_owned);
    let language = input.language.or(annotated).or_else(detected);
    let source = SourceId::new(input.source.unwrap_or_else(|| "import".to_owned()));
    let article = Article {
        id: ArticleId::of(&url),
        url,
        canonical_url: None,
        source: source.clone(),
        title: input.title.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
        authors: input.authors.unwrap_or_default(),
        text,
        language,
        site_name: None,
        published_at,
        fetched_at: now,
        page_sha256: String::new(),
        details: Default::default(),
    };
    let stored = StoredArticle {
        article,
        annotation,
        story: None,
        index_seq: None,
        source_name: source.to_string(),
        source_country: None,
        is_sample: false,
        countries: std::collections::BTreeMap::new(),
    };
    Ok(Ready { id: input.id, stored })
}

/// The annotation in a line, when it has any part of one.
fn annotation(object: &Value) -> Result<Option<Annotation>, String> {
    const PARTS: [&str; 3] = ["mentions", "statements", "sectors"];
    let Some(fields) = object.as_object() else { return Ok(None) };
    if !PARTS.iter().any(|it| fields.contains_key(*it)) {
        return Ok(None);
    }
    let mut whole = Map::new();
    for part in PARTS {
        whole.insert(part.to_owned(), fields.get(part).cloned().unwrap_or_else(|| json!([])));
    }
    whole.insert("id".to_owned(), json!(""));
    whole.insert("language".to_owned(), fields.get("language").cloned().unwrap_or_default());
    if let Some(title) = fields.get("title").filter(|it| it.is_object()) {
        whole.insert("title".to_owned(), title.clone());
    }
    let read = serde_json::from_value(Value::Object(whole));
    read.map(Some).map_err(|cause| format!("the line is no annotation: {cause}"))
}
