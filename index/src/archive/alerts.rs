//! Alerts: recorded with the annotation that raised them, read and handled by people.
//!
//! Longer than most, since what is news is decided where alerts are recorded.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use config::{AlertUnit, SavedSearch, SearchId, SourceId};
use ingest::ArticleId;
use nlp::story::StoryId;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::paging::Cursor;
use super::value::{clean, get, get_instant, get_json, get_parsed, micros, to_json};
use super::{Archive, ArchiveError};
use crate::matching::Reason;
use crate::matching::novelty::Claim;
use crate::record::Page;

const PAGE_MAX: usize = 1_000;
/// Alerts of one saved search and one article at most.
const ALERTS_PER_ARTICLE_MAX: usize = 20;
/// Characters of a note at most.
pub const NOTE_CHARS_MAX: usize = 10_000;

/// A saved search that matches an article, not yet known to be news.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The search.
    pub search: SavedSearch,
    /// When it was first saved; one that was deleted and saved again starts afresh.
    pub search_created_at: DateTime<Utc>,
    /// The article.
    pub article: ArticleId,
    /// Its headline.
    pub title: String,
    /// Its page.
    pub url: String,
    /// Its source.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// Date of the article (published, or else fetched).
    pub dated_at: DateTime<Utc>,
    /// The statements that fit, for [`AlertUnit::Statement`]; else one.
    pub items: Vec<MatchItem>,
}

/// What of an article matches.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchItem {
    /// Place of the statement in what was read now, `b3`; empty for the article as a whole.
    pub place: String,
    /// The statement's sentence; empty for the article as a whole.
    pub sentence: String,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What the statement says; empty for the article as a whole.
    pub claims: Vec<Claim>,
}

/// How far people are with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// Nobody has looked at it.
    New,
    /// Somebody has.
    Seen,
    /// It does not matter.
    Dismissed,
    /// It matters.
    Escalated,
}

impl AlertState {
    /// Every state.
    pub const ALL: [AlertState; 4] =
        [AlertState::New, AlertState::Seen, AlertState::Dismissed, AlertState::Escalated];

    /// The name in addresses and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::New => "new",
            AlertState::Seen => "seen",
            AlertState::Dismissed => "dismissed",
            AlertState::Escalated => "escalated",
        }
    }

    fn of(text: &str) -> AlertState {
        AlertState::ALL.into_iter().find(|it| it.as_str() == text).unwrap_or(AlertState::New)
    }
}

/// A column of an [`AlertRecord`] that its article has.
pub(super) const LANGUAGE: &str =
    "(SELECT language FROM articles WHERE articles.id = alerts.article_id) AS language";

/// A match of a saved search that is news.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    /// Identity, stable.
    pub id: String,
    /// The saved search, which may be deleted meanwhile.
    pub search: SearchId,
    /// Its name when it fired.
    pub search_name: String,
    /// What made it fire: `article`, `story` or `statement`.
    pub unit: String,
    /// The article.
    pub article: ArticleId,
    /// Its story when it fired.
    pub story: Option<StoryId>,
    /// Headline of the article.
    pub title: String,
    /// ISO 639-1 code of the article's language; `None` when it cannot be told.
    pub language: Option<String>,
    /// Page of the article.
    pub url: String,
    /// Source of the article.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// Date of the article (published, or else fetched).
    pub dated_at: DateTime<Utc>,
    /// The statement's sentence; empty for other units.
    pub sentence: String,
    /// Why it matched.
    pub reasons: Vec<Reason>,
    /// When it fired.
    pub created_at: DateTime<Utc>,
    /// How far people are with it.
    pub state: AlertState,
    /// What somebody wrote about it.
    pub note: Option<String>,
    /// Who looks after it.
    pub assignee: Option<String>,
    /// When state, note or assignee changed last.
    pub changed_at: DateTime<Utc>,
}

/// Which alerts to list; an absent condition does not bind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertFilter {
    /// In this state.
    pub state: Option<AlertState>,
    /// Of this saved search.
    pub search: Option<String>,
    /// Looked after by this person.
    pub assignee: Option<String>,
}

/// What to change about an alert; `None` leaves it, an empty text takes it away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertEdit {
    /// New state.
    pub state: Option<AlertState>,
    /// New note, cut to 10 000 characters.
    pub note: Option<String>,
    /// New assignee, cut to 200 characters.
    pub assignee: Option<String>,
}

impl Archive {
    /// Turns matches into alerts and messages, within the transaction that records the
    /// annotations. Only articles in `fresh` count. Returns the ids of the new alerts.
    pub(super) async fn record_alerts(
        &self,
        tx: &mut Transaction<'static, Any>,
        matches: &[Match],
        fresh: &[String],
        now: DateTime<Utc>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut fired = Vec::new();
        let stories = self.stories_of(tx, matches).await?;
        for matched in matches {
            let article = matched.article.to_string();
            let Some(story) = stories.get(&article).filter(|_| fresh.contains(&article)) else {
                continue;
            };
            // Where it went, which is another story when the one that was found had ended.
            let (mut others, mut is_told) = (Vec::new(), false);
            for item in matched.items.iter().take(ALERTS_PER_ARTICLE_MAX) {
                if !self.is_news(tx, matched, story, item).await? {
                    others.push(item);
                    continue;
                }
                self.remember(tx, matched, story, item).await?;
                let id = alert_id(matched, story, item);
                if insert_alert(tx, &id, matched, story, item, now).await? {
                    self.enqueue(tx, &id, matched, now).await?;
                    fired.push(id);
                    is_told = true;
                }
            }
            // Whoever reads the article knows its other wordings of the same, too.
            for item in others.into_iter().filter(|_| is_told) {
                self.remember(tx, matched, story, item).await?;
            }
        }
        Ok(fired)
    }

    /// The stories that the articles of `matches` are in now.
    async fn stories_of(
        &self,
        tx: &mut Transaction<'static, Any>,
        matches: &[Match],
    ) -> Result<BTreeMap<String, String>, sqlx::Error> {
        if matches.is_empty() {
            return Ok(BTreeMap::new());
        }
        let articles: BTreeSet<String> = matches.iter().map(|it| it.article.to_string()).collect();
        let select = format!(
            "SELECT article_id, story_id FROM article_states
             WHERE article_id IN {} AND story_id IS NOT NULL",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&articles))
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|it| Ok((get(it, "article_id")?, get(it, "story_id")?))).collect()
    }

    /// Whether a statement says anything that the search has not alerted of within its window.
    /// Other units are news by their id alone.
    async fn is_news(
        &self,
        tx: &mut Transaction<'static, Any>,
        matched: &Match,
        story: &str,
        item: &MatchItem,
    ) -> Result<bool, sqlx::Error> {
        if item.claims.is_empty() {
            return Ok(!self.is_story_told(tx, matched, story).await?);
        }
        let search = matched.search.id.as_str();
        let window = TimeDelta::days(matched.search.novelty_days.into());
        let article = matched.article.to_string();
        let told_until = self.told_until(tx, &article, matched.dated_at).await?;
        let asked: Vec<String> = item.claims.iter().flat_map(|it| it.looked_up(story)).collect();
        let select = format!(
            "SELECT key FROM alert_novelty WHERE search_id = $2 AND key IN {}
                 AND $3 < fired_at AND fired_at < $4",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&asked))
            .bind(search)
            .bind(micros(matched.dated_at - window))
            .bind(micros(told_until + window))
            .fetch_all(&mut **tx)
            .await?;
        let known = rows.iter().map(|it| get(it, "key")).collect::<Result<Vec<&str>, _>>()?;
        let is_known =
            |it: &Claim| it.looked_up(story).iter().any(|it| known.contains(&it.as_str()));
        Ok(!item.claims.iter().all(is_known))
    }

    /// From now on the statement is no news to the search. An article that comes late does not make
    /// what was told since then older than it is; so a second late one of its day is news again.
    async fn remember(
        &self,
        tx: &mut Transaction<'static, Any>,
        matched: &Match,
        story: &str,
        item: &MatchItem,
    ) -> Result<(), sqlx::Error> {
        let remembered: BTreeSet<String> =
            item.claims.iter().flat_map(|it| it.remembered(story)).collect();
        if remembered.is_empty() {
            return Ok(());
        }
        let insert = format!(
            "INSERT INTO alert_novelty (search_id, key, fired_at)
             SELECT $2, listed.value, CAST($3 AS BIGINT) FROM {} AS listed WHERE true
             ON CONFLICT (search_id, key) DO UPDATE SET
                 fired_at = CASE WHEN alert_novelty.fired_at < excluded.fired_at
                     THEN excluded.fired_at ELSE alert_novelty.fired_at END",
            self.dialect.list(1),
        );
        sqlx::query(AssertSqlSafe(insert))
            .bind(to_json(&remembered))
            .bind(matched.search.id.as_str())
            .bind(micros(matched.dated_at))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Whether the search alerts by story, and did so for an article that is in this one now,
    /// whatever story it was in then.
    async fn is_story_told(
        &self,
        tx: &mut Transaction<'static, Any>,
        matched: &Match,
        story: &str,
    ) -> Result<bool, sqlx::Error> {
        if matched.search.unit != AlertUnit::Story {
            return Ok(false);
        }
        let found = sqlx::query(
            "SELECT alerts.id FROM article_states
             JOIN alerts ON alerts.article_id = article_states.article_id
             WHERE article_states.story_id = $2 AND alerts.search_id = $1
                 AND alerts.unit = 'story' AND $3 <= alerts.created_at
             LIMIT 1",
        )
        .bind(matched.search.id.as_str())
        .bind(story)
        .bind(micros(matched.search_created_at))
        .fetch_optional(&mut **tx)
        .await?;
        Ok(found.is_some())
    }

    /// Alerts that pass `filter`, newest first. `cursor` is [`Page::next`] of the page before.
    pub async fn alerts(
        &self,
        filter: &AlertFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<AlertRecord>, ArchiveError> {
        let after = Cursor::falling(cursor)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let conditions = [
            (filter.state.is_some(), "state = $3"),
            (filter.search.is_some(), "search_id = $4"),
            (filter.assignee.is_some(), "assignee = $5"),
        ];
        let wanted = conditions.iter().filter(|it| it.0).map(|it| format!(" AND {}", it.1));
        let select = format!(
            "SELECT alerts.*, {LANGUAGE} FROM alerts WHERE (created_at, id) < ($1, $2) {}
             ORDER BY created_at DESC, id DESC LIMIT $6",
            wanted.collect::<String>(),
        );
        self.tried("list alerts", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(after.number)
                .bind(&after.id)
                .bind(filter.state.map(AlertState::as_str))
                .bind(filter.search.as_deref())
                .bind(filter.assignee.as_deref())
                .bind(limit as i64)
                .fetch_all(&self.reader)
                .await?;
            let items = rows.iter().map(read_alert).collect::<Result<Vec<_>, _>>()?;
            let last = items.last().filter(|_| items.len() == limit);
            let next =
                last.map(|it| Cursor { number: micros(it.created_at), id: it.id.clone() }.text());
            Ok(Page { items, next })
        })
        .await
    }

    /// The alert `id`.
    pub async fn alert(&self, id: &str) -> Result<Option<AlertRecord>, ArchiveError> {
        self.tried(format!("read the alert `{id}`"), async {
            let select = format!("SELECT alerts.*, {LANGUAGE} FROM alerts WHERE id = $1");
            let row =
                sqlx::query(AssertSqlSafe(select)).bind(id).fetch_optional(&self.reader).await?;
            row.as_ref().map(read_alert).transpose()
        })
        .await
    }

    /// Changes state, note or assignee; `None` when there is no such alert.
    pub async fn edit_alert(
        &self,
        id: &str,
        edit: &AlertEdit,
        now: DateTime<Utc>,
    ) -> Result<Option<AlertRecord>, ArchiveError> {
        let cut = |it: &String, n_max| clean(it.trim()).chars().take(n_max).collect::<String>();
        self.tried(format!("change the alert `{id}`"), async {
            let mut tx = self.begin().await?;
            let update = format!(
                "UPDATE alerts SET state = COALESCE($2, state),
                     note = NULLIF(COALESCE($3, note), ''),
                     assignee = NULLIF(COALESCE($4, assignee), ''), changed_at = $5
                 WHERE id = $1 RETURNING *, {LANGUAGE}"
            );
            let row = sqlx::query(AssertSqlSafe(update))
                .bind(id)
                .bind(edit.state.map(AlertState::as_str))
                .bind(edit.note.as_ref().map(|it| cut(it, NOTE_CHARS_MAX)))
                .bind(edit.assignee.as_ref().map(|it| cut(it, 200)))
                .bind(micros(now))
                .fetch_optional(&mut *tx)
                .await?;
            let alert = row.as_ref().map(read_alert).transpose()?;
            tx.commit().await?;
            Ok(alert)
        })
        .await
    }

    /// Alerts in state [`AlertState::New`].
    pub async fn n_new_alerts(&self) -> Result<u64, ArchiveError> {
        self.tried("count new alerts", async {
            let count = "SELECT COUNT(*) FROM alerts WHERE state = 'new'";
            let n: i64 = sqlx::query(count).fetch_one(&self.reader).await?.try_get(0)?;
            Ok(n.max(0) as u64)
        })
        .await
    }

    /// Alerts in state [`AlertState::New`] by saved search, most first; at most `limit` searches.
    pub async fn new_alerts_by_search(
        &self,
        limit: usize,
    ) -> Result<Vec<(SearchId, u64)>, ArchiveError> {
        self.tried("count the new alerts of each saved search", async {
            let rows = sqlx::query(
                "SELECT search_id, COUNT(*) AS n FROM alerts WHERE state = 'new'
                 GROUP BY search_id ORDER BY COUNT(*) DESC, search_id LIMIT $1",
            )
            .bind(limit.min(PAGE_MAX) as i64)
            .fetch_all(&self.reader)
            .await?;
            let read = |row: &AnyRow| {
                let n: i64 = get(row, "n")?;
                Ok((SearchId::new(get::<String>(row, "search_id")?), n.max(0) as u64))
            };
            rows.iter().map(read).collect()
        })
        .await
    }
}

/// What tells an alert from the others of its article: what the statement says. Its place would not
/// do, since an edit of the page puts another statement there. Empty for the article as a whole.
fn said(item: &MatchItem) -> String {
    let keys: Vec<String> = item.claims.iter().flat_map(|it| it.looked_up("")).collect();
    if keys.is_empty() { item.place.clone() } else { keys.join(" ") }
}

fn alert_id(matched: &Match, story: &str, item: &MatchItem) -> String {
    let article = matched.article.to_string();
    let key = match matched.search.unit {
        AlertUnit::Story => story,
        AlertUnit::Article | AlertUnit::Statement => &article,
    };
    let mut hasher = blake3::Hasher::new();
    let (unit, said) = (matched.search.unit.as_str(), said(item));
    for part in [matched.search.id.as_str(), unit, key, said.as_str()] {
        hasher.update(part.as_bytes()).update(b"\0");
    }
    hasher.update(&micros(matched.search_created_at).to_le_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

/// `false` when it is there already.
async fn insert_alert(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    matched: &Match,
    story: &str,
    item: &MatchItem,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO alerts (id, search_id, search_name, unit, article_id, story_id, title, url,
             source_id, source_name, dated_at, sentence, reasons, created_at, state, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'new', $14)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(matched.search.id.as_str())
    .bind(&*clean(&matched.search.name))
    .bind(matched.search.unit.as_str())
    .bind(matched.article.to_string())
    .bind(story)
    .bind(&*clean(&matched.title))
    .bind(&matched.url)
    .bind(matched.source.as_str())
    .bind(&*clean(&matched.source_name))
    .bind(micros(matched.dated_at))
    .bind(&*clean(&item.sentence))
    .bind(to_json(&item.reasons).replace("\\u0000", "\u{fffd}"))
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

pub(super) fn read_alert(row: &AnyRow) -> Result<AlertRecord, sqlx::Error> {
    Ok(AlertRecord {
        id: get(row, "id")?,
        search: SearchId::new(get::<String>(row, "search_id")?),
        search_name: get(row, "search_name")?,
        unit: get(row, "unit")?,
        article: get_parsed(row, "article_id")?,
        story: get::<Option<&str>>(row, "story_id")?.map(StoryId::founded_by),
        title: get(row, "title")?,
        language: get(row, "language")?,
        url: get(row, "url")?,
        source: SourceId::new(get::<String>(row, "source_id")?),
        source_name: get(row, "source_name")?,
        dated_at: get_instant(row, "dated_at")?,
        sentence: get(row, "sentence")?,
        reasons: get_json(row, "reasons")?,
        created_at: get_instant(row, "created_at")?,
        state: AlertState::of(get(row, "state")?),
        note: get(row, "note")?,
        assignee: get(row, "assignee")?,
        changed_at: get_instant(row, "changed_at")?,
    })
}
