//! The reading view of one article: its text with what was found in it marked.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use index::StoredArticle;
use index::archive::versions::ReadingState;
use nlp::{Annotation, Mention, MentionKind, Statement, StatementKind};

use super::frame::Frame;
use super::indicators::{IndicatorList, indicators};
use super::statement::{Context, StatementView, kind_name, percent, single};
use super::text::{Time, brief, clean, clean_or, language_tag, path_href, web_href};
use super::versions::EditView;
use super::view::{Link, Row, SectorNames, SectorTag, rows};
use crate::evidence::{Evidence, Merged, merge};
use crate::markup::{self, Block, Role, Run};
use crate::sample;

/// Text shown; the rest is left to the JSON address. A long read has 50 000 characters.
const N_CHARS_MAX: usize = 200_000;
const N_ENTITIES_MAX: usize = 14;
/// Names that may be corrected here.
const N_NAMES_MAX: usize = 60;

/// Text within one sentence of a statement, or outside of all.
pub(crate) struct BlockView {
    is_statement: bool,
    /// Class of the gravest statement.
    kind: &'static str,
    /// Anchor, where the sentence begins.
    id: Option<String>,
    /// Numbers of the statements, from 1, where the sentence begins.
    numbers: Vec<usize>,
    runs: Vec<RunView>,
}

/// A run of text.
pub(crate) struct RunView {
    text: String,
    class: String,
    tip: String,
    href: Option<String>,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) stored: &'a StoredArticle,
    /// What was edited, latest first.
    pub(crate) edits: Vec<EditView>,
    /// How it stands with its page.
    pub(crate) reading: Option<ReadingState>,
    /// Whether what the server sent was kept.
    pub(crate) has_evidence: bool,
    /// Whether whoever looks may ask for another reading.
    pub(crate) can_edit: bool,
    /// Headline of its story, when the story has more articles than this one.
    pub(crate) story_headline: Option<String>,
    pub(crate) sectors: &'a SectorNames,
    /// Whether this server shows the pages of the sample wire.
    pub(crate) shows_sample: bool,
    pub(crate) now: DateTime<Utc>,
}

/// `article.html`.
#[derive(Template)]
#[template(path = "article.html")]
pub(crate) struct ArticlePage {
    frame: Frame,
    id: String,
    headline: String,
    authors: String,
    source: String,
    source_href: Option<String>,
    url: String,
    country: Option<String>,
    language: Option<String>,
    lang: String,
    is_sample: bool,
    is_pending: bool,
    is_cut: bool,
    published: Time,
    modified: Option<Time>,
    is_paywall_stub: bool,
    section: Option<String>,
    tags: String,
    image: Option<String>,
    n_pages: u32,
    fetched: Time,
    sha256: String,
    checked: Option<Time>,
    gone: Option<Time>,
    has_evidence: bool,
    can_edit: bool,
    is_due: bool,
    edits: Vec<EditView>,
    story: Option<Link>,
    paragraphs: Vec<Vec<BlockView>>,
    statements: Vec<StatementView>,
    /// Said in the headline only.
    title_statements: Vec<StatementView>,
    sectors: Vec<SectorTag>,
    entities: Vec<Row>,
    indicators: IndicatorList,
    /// What may be corrected: acts and names as they were read.
    acts: Vec<ActView>,
    names: Vec<NameView>,
    kinds: &'static [&'static str],
}

/// A statement that a reader may correct.
pub(crate) struct ActView {
    trigger: String,
    start: usize,
    in_title: bool,
    kind: &'static str,
}

/// A name that a reader may correct.
pub(crate) struct NameView {
    text: String,
    entity: String,
    name: String,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> ArticlePage {
    let Input { stored, sectors, shows_sample, now, .. } = input;
    let article = &stored.article;
    let details = &article.details;
    let reading = input.reading.as_ref();
    let nothing = Annotation::default();
    let annotation = stored.annotation.as_ref().unwrap_or(&nothing);
    let cut = article.text.char_indices().nth(N_CHARS_MAX).map(|(at, _)| at);
    let text = &article.text[..cut.unwrap_or(article.text.len())];
    let headline = clean_or(&article.title, "Untitled article");
    let context = Context { sectors, now, hides_story: true };
    let statements: Vec<Evidence> =
        annotation.statements.iter().map(|it| evidence(stored, it, false)).collect();
    let in_title = annotation.title.iter().flat_map(|it| &it.statements);
    let all = statements.iter().cloned().chain(in_title.map(|it| evidence(stored, it, true)));
    // A headline mostly repeats a sentence; what it says alone is shown on its own.
    let only_in_title: Vec<Merged> = merge(all.collect())
        .into_iter()
        .filter(|it| it.members().iter().all(|it| it.in_title))
        .collect();
    let story = input.story_headline.zip(stored.story.as_ref()).map(|(headline, id)| Link {
        href: path_href("stories", id.as_str()),
        label: brief(&clean_or(&headline, "untitled"), 90),
    });
    let source_href = match stored.is_sample {
        true => sample::local_path(article.url.as_str()).filter(|_| shows_sample),
        false => web_href(article.url.as_str()),
    };
    ArticlePage {
        frame: Frame::new(brief(&headline, 80), ""),
        id: article.id.to_string(),
        authors: brief(&article.authors.join(", "), 200),
        source: clean_or(&stored.source_name, article.source.as_str()),
        source_href,
        url: brief(article.url.as_str(), 300),
        country: stored.source_country.as_deref().map(clean),
        lang: language_tag(article.language.as_deref()),
        language: article.language.as_deref().map(clean),
        is_sample: stored.is_sample,
        is_pending: stored.annotation.is_none(),
        is_cut: cut.is_some(),
        published: article.published_at.map_or_else(Time::unknown, |it| Time::of(it, now)),
        modified: details.modified_at.map(|it| Time::of(it, now)),
        is_paywall_stub: details.is_paywall_stub,
        section: details.section.as_deref().map(clean),
        tags: brief(&details.tags.join(", "), 400),
        image: details.image.as_deref().and_then(web_href),
        n_pages: details.n_pages,
        fetched: Time::of(article.fetched_at, now),
        sha256: clean(&article.page_sha256),
        checked: reading.and_then(|it| it.checked_at).map(|it| Time::of(it, now)),
        gone: reading.and_then(|it| it.gone_at).map(|it| Time::of(it, now)),
        has_evidence: input.has_evidence,
        can_edit: input.can_edit,
        is_due: reading.and_then(|it| it.due_at).is_some_and(|it| it <= now),
        edits: input.edits,
        story,
        paragraphs: markup::paragraphs(text, annotation).iter().map(|it| paragraph(it)).collect(),
        title_statements: only_in_title.iter().map(|it| single(it.best(), context)).collect(),
        statements: statements.iter().map(|it| single(it, context)).collect(),
        sectors: sectors.tags(annotation.sectors.iter().map(|it| &it.id)),
        entities: entities(annotation),
        indicators: indicators(article),
        acts: acts(annotation),
        names: names(annotation),
        kinds: &["threat", "warning", "attack", "claim", "denial", "attempt"],
        headline,
    }
}

fn acts(annotation: &Annotation) -> Vec<ActView> {
    let body = annotation.statements.iter().map(|it| (it, false));
    let title = annotation.title.iter().flat_map(|it| &it.statements).map(|it| (it, true));
    body.chain(title)
        .map(|(it, in_title)| ActView {
            trigger: it.trigger.text.clone(),
            start: it.trigger.start,
            in_title,
            kind: kind_name(it.kind),
        })
        .collect()
}

fn names(annotation: &Annotation) -> Vec<NameView> {
    let title = annotation.title.iter().flat_map(|it| &it.mentions);
    let linked = annotation.mentions.iter().chain(title);
    let pairs = linked.filter_map(|it| Some((it.text.as_str(), it.entity.as_ref()?)));
    let unique: BTreeMap<(&str, &str), &str> =
        pairs.map(|(text, it)| ((text, it.id.as_str()), it.name.as_str())).collect();
    unique
        .into_iter()
        .take(N_NAMES_MAX)
        .map(|((text, entity), name)| NameView {
            text: text.to_owned(),
            entity: entity.to_owned(),
            name: brief(&clean_or(name, entity), 60),
        })
        .collect()
}

fn evidence(stored: &StoredArticle, statement: &Statement, in_title: bool) -> Evidence {
    let article = &stored.article;
    Evidence {
        statement: statement.clone(),
        sentence: String::new(),
        in_title,
        article_id: article.id.to_string(),
        article_url: article.url.to_string(),
        copy_of: None,
        source_id: article.source.to_string(),
        source_name: stored.source_name.clone(),
        language: article.language.clone(),
        is_sample: stored.is_sample,
        dated_at: article.published_at.unwrap_or(article.fetched_at),
        story: None,
        told_before: None,
    }
}

fn paragraph(blocks: &[Block<'_>]) -> Vec<BlockView> {
    blocks.iter().map(block).collect()
}

fn block(block: &Block<'_>) -> BlockView {
    let gravest = block.statements.iter().map(|it| it.1).min_by_key(|kind| match kind {
        StatementKind::Threat => 0,
        StatementKind::Warning => 1,
        _ => 2,
    });
    let numbers = |_| block.statements.iter().map(|(n, _)| n + 1).collect::<Vec<_>>();
    let numbers = block.is_start.then_some(()).map(numbers).unwrap_or_default();
    let mut runs: Vec<RunView> = block.runs.iter().map(run).collect();
    // One phrase, cut where a name in it is linked, looks like one.
    for (n, pair) in block.runs.windows(2).enumerate() {
        let is_one = pair[0].role == pair[1].role && pair[0].role_of == pair[1].role_of;
        if is_one && pair[0].role.is_some() {
            runs[n].class.push_str(" goes-on");
            runs[n + 1].class.push_str(" cont");
        }
    }
    BlockView {
        is_statement: gravest.is_some(),
        kind: gravest.map(kind_name).unwrap_or_default(),
        id: numbers.first().map(|it| format!("s{it}")),
        numbers,
        runs,
    }
}

fn run(run: &Run<'_>) -> RunView {
    let entity = run.mention.and_then(|it| it.entity.as_ref());
    let mut classes = Vec::new();
    let mut tips = Vec::new();
    if let Some(role) = run.role {
        classes.push(role_class(role));
        let of = run.role_of.map(|it| format!(" of statement {}", it + 1)).unwrap_or_default();
        tips.push(format!("{}{of}", role.as_str()));
    }
    if let Some(mention) = run.mention {
        classes.push("m");
        tips.push(about(mention));
    }
    if !classes.is_empty() {
        classes.push("tip");
    }
    RunView {
        text: clean(run.text),
        class: classes.join(" "),
        tip: tips.join("\n"),
        href: entity.map(|it| path_href("entities", &it.id)),
    }
}

fn role_class(role: Role) -> &'static str {
    match role {
        Role::Speaker => "speaker-mark",
        other => other.as_str(),
    }
}

fn about(mention: &Mention) -> String {
    let kind = mention_kind_name(mention.kind);
    match &mention.entity {
        Some(entity) => {
            format!("{} · {kind} · {}", brief(&entity.name, 80), percent(mention.score))
        }
        None => format!("{kind}, not linked · {}", percent(mention.score)),
    }
}

/// The kind of a mention for people.
pub(crate) fn mention_kind_name(kind: MentionKind) -> &'static str {
    match kind {
        MentionKind::Person => "person",
        MentionKind::Organization => "organization",
        MentionKind::Location => "place",
        MentionKind::Misc => "name",
        MentionKind::ThreatGroup => "threat group",
        MentionKind::Malware => "malware",
        MentionKind::Tool => "tool",
        MentionKind::Vulnerability => "vulnerability",
        MentionKind::Sector => "sector",
    }
}

fn entities(annotation: &Annotation) -> Vec<Row> {
    let mut counts = BTreeMap::new();
    for entity in annotation.mentions.iter().filter_map(|it| it.entity.as_ref()) {
        *counts
            .entry((entity.id.clone(), brief(&clean_or(&entity.name, &entity.id), 60)))
            .or_default() += 1;
    }
    let mut rows = rows(counts, N_ENTITIES_MAX, |id| path_href("entities", id));
    rows.iter_mut().for_each(|it| it.share = 0);
    rows
}
