//! Sources: who is due, what the last poll brought, how healthy each feed is.

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::Entry;
use ingest::article::sha256_hex;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::counts::count_failure;
use super::hub_subscriptions;
use super::value::{
    clean, get, get_count, get_flag, get_instant, get_instant_opt, micros, to_json,
};
use super::{Archive, ArchiveError};

/// A source as declared, as far as the archive cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Identity in the configuration.
    pub id: SourceId,
    /// Display name.
    pub name: String,
    /// Feed, sitemap or page that is polled. When it changes, the state of the old one is dropped.
    pub address: String,
    /// ISO 3166-1 alpha-2 code, upper case; `None` when international.
    pub country: Option<String>,
    /// ISO 639-1 code; `None` when mixed.
    pub language: Option<String>,
    /// Whether it is the bundled sample wire.
    pub is_sample: bool,
}

impl From<&config::Source> for SourceRow {
    /// Takes the feed's address as declared: a sample source's port is not known yet, so that its
    /// state outlives the port.
    fn from(source: &config::Source) -> SourceRow {
        SourceRow {
            id: source.id.clone(),
            name: source.name.clone(),
            address: source.address(),
            country: source.country.clone(),
            language: Some(source.language.clone()),
            is_sample: source.sample,
        }
    }
}

/// A source whose time to be polled has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueSource {
    /// Which one.
    pub id: SourceId,
    /// The poll stage's own state as JSON, as [`PollRecord::state_json`] left it; `None` before
    /// the first poll.
    pub state_json: Option<String>,
    /// When it was due.
    pub due_at: DateTime<Utc>,
}

/// Why something went wrong, for counting and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The stable name of its class: [`ingest::FailureClass::name`], or one of another stage.
    pub class: String,
    /// One sentence.
    pub message: String,
}

/// What one poll of a source brought.
#[derive(Clone, Debug)]
pub struct PollRecord<'a> {
    /// The source polled.
    pub source: &'a SourceId,
    /// State to give back with the next [`DueSource`], JSON.
    pub state_json: &'a str,
    /// When to poll again; `None` when the feed is gone for good.
    pub next_poll_at: Option<DateTime<Utc>>,
    /// Entries of the feed in its order, known ones too.
    pub entries: &'a [Entry],
    /// `None` when the poll went well.
    pub failure: Option<&'a Failure>,
    /// Whether it found news of which the source's hub had not told.
    pub has_untold_news: bool,
}

/// A source with its health.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceState {
    /// Identity in the configuration.
    pub id: SourceId,
    /// Display name.
    pub name: String,
    /// What is polled.
    pub address: String,
    /// ISO 3166-1 alpha-2 code, upper case; `None` when international.
    pub country: Option<String>,
    /// ISO 639-1 code; `None` when mixed.
    pub language: Option<String>,
    /// Whether it is the bundled sample wire.
    pub is_sample: bool,
    /// Whether it is declared now; others only keep their articles.
    pub is_active: bool,
    /// The poll stage's own state as JSON; `None` before the first poll.
    pub state_json: Option<String>,
    /// When it is polled next; `None` when it never is again.
    pub next_poll_at: Option<DateTime<Utc>>,
    /// When it was polled last; `None` before the first poll.
    pub last_poll_at: Option<DateTime<Utc>>,
    /// How the last poll failed; `None` when it went well.
    pub failure: Option<Failure>,
    /// Archived articles.
    pub n_articles: u64,
    /// Entries that wait to be fetched, the first time or again.
    pub n_waiting: u64,
    /// Entries given up.
    pub n_dead: u64,
    /// Publication time of the newest article; `None` without articles.
    pub last_article_at: Option<DateTime<Utc>>,
}

impl Archive {
    /// Makes the archive's active sources those of `sources`.
    ///
    /// New ones are due at `now`, known ones keep their state (unless their address changed),
    /// all others are no longer polled or crawled but keep their articles.
    pub async fn sync_sources(
        &self,
        sources: &[SourceRow],
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried("record the sources", async {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE sources SET is_active = 0 WHERE is_active = 1")
                .execute(&mut *tx)
                .await?;
            self.activate(&mut tx, sources, now).await?;
            tx.commit().await
        })
        .await
    }

    /// Makes `sources` active, with what is declared of them now; new ones are due at `now`.
    pub(super) async fn activate(
        &self,
        tx: &mut Transaction<'static, Any>,
        sources: &[SourceRow],
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let rows: Vec<_> = sources
            .iter()
            .map(|it| {
                let flag = i64::from(it.is_sample);
                (&it.id, &it.name, &it.address, &it.country, &it.language, flag)
            })
            .collect();
        let upsert = format!(
            "INSERT INTO sources
                 (id, name, address, country, language, is_sample, is_active, next_poll_at)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
                 CAST(value ->> 5 AS BIGINT), 1, CAST($2 AS BIGINT)
             FROM {} WHERE true
             ON CONFLICT (id) DO UPDATE SET
                 name = excluded.name, country = excluded.country, language = excluded.language,
                 is_sample = excluded.is_sample, is_active = 1, address = excluded.address,
                 state = CASE WHEN sources.address = excluded.address THEN sources.state END,
                 failure_class = CASE WHEN sources.address = excluded.address
                     THEN sources.failure_class END,
                 failure_message = CASE WHEN sources.address = excluded.address
                     THEN sources.failure_message END,
                 next_poll_at = CASE WHEN sources.address = excluded.address
                     THEN sources.next_poll_at ELSE excluded.next_poll_at END",
            self.dialect.rows(1),
        );
        sqlx::query(sqlx::AssertSqlSafe(upsert))
            .bind(to_json(&rows))
            .bind(micros(now))
            .execute(&mut **tx)
            .await
            .map(|_| ())
    }

    /// Active sources that are due at `now`, longest overdue first, at most `limit`.
    pub async fn due_sources(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<DueSource>, ArchiveError> {
        self.tried("find due sources", async {
            let rows = sqlx::query(
                "SELECT id, state, next_poll_at FROM sources
                 WHERE is_active = 1 AND next_poll_at <= $1 ORDER BY next_poll_at, id LIMIT $2",
            )
            .bind(micros(now))
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let due = rows.iter().map(|row| {
                Ok(DueSource {
                    id: SourceId::new(get::<String>(row, "id")?),
                    state_json: get(row, "state")?,
                    due_at: get_instant(row, "next_poll_at")?,
                })
            });
            due.collect()
        })
        .await
    }

    /// Whether the source is polled and crawled; false where there is none with this id.
    pub async fn is_source_active(&self, id: &SourceId) -> Result<bool, ArchiveError> {
        self.tried(format!("look up source {id}"), async {
            let row = sqlx::query("SELECT is_active FROM sources WHERE id = $1")
                .bind(id.as_str())
                .fetch_optional(&self.reader)
                .await?;
            row.map_or(Ok(false), |it| get_flag(&it, "is_active"))
        })
        .await
    }

    /// When the next active source is due; `None` without active sources.
    pub async fn next_poll_at(&self) -> Result<Option<DateTime<Utc>>, ArchiveError> {
        self.tried("find the next poll", async {
            let earliest = "SELECT MIN(next_poll_at) AS at FROM sources WHERE is_active = 1";
            get_instant_opt(&sqlx::query(earliest).fetch_one(&self.reader).await?, "at")
        })
        .await
    }

    /// Records one poll of a source, which began at `now`: its new state and the entries not known
    /// yet, at once. Where a hub told of news meanwhile, the source is due again soon.
    ///
    /// An entry is known when the frontier or the archive has its id, or when its article was
    /// deleted. Returns the number of new entries; they are due at `now`.
    pub async fn record_poll(
        &self,
        poll: &PollRecord<'_>,
        now: DateTime<Utc>,
    ) -> Result<u64, ArchiveError> {
        let source = poll.source;
        self.tried(format!("record the poll of source {source}"), async {
            let mut tx = self.begin().await?;
            let next_poll_at = hub_subscriptions::next_poll_at(&mut tx, poll, now).await?;
            sqlx::query(
                "UPDATE sources SET state = $2, next_poll_at = $3, last_poll_at = $4,
                     failure_class = $5, failure_message = $6 WHERE id = $1",
            )
            .bind(source.as_str())
            .bind(poll.state_json)
            .bind(next_poll_at.map(micros))
            .bind(micros(now))
            .bind(poll.failure.map(|it| it.class.as_str()))
            .bind(poll.failure.map(|it| clean(&it.message).into_owned()))
            .execute(&mut *tx)
            .await?;
            if let Some(failure) = poll.failure {
                count_failure(&mut tx, "poll", &failure.class).await?;
            }
            let n_new = self.insert_entries(&mut tx, poll, now).await?;
            tx.commit().await?;
            Ok(n_new)
        })
        .await
    }

    /// Lets the source be due at `next_poll_at`, since its host is to be left alone until then: it was
    /// not asked, so that all else stays as it was.
    pub async fn postpone_poll(
        &self,
        source: &SourceId,
        next_poll_at: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried(format!("postpone the poll of source {source}"), async {
            sqlx::query("UPDATE sources SET next_poll_at = $2 WHERE id = $1")
                .bind(source.as_str())
                .bind(micros(next_poll_at))
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    async fn insert_entries(
        &self,
        tx: &mut Transaction<'static, Any>,
        poll: &PollRecord<'_>,
        now: DateTime<Utc>,
    ) -> Result<u64, sqlx::Error> {
        let mut rows: Vec<_> = poll
            .entries
            .iter()
            .enumerate()
            .map(|(position, it)| {
                let published_at = it.published_at.map(micros);
                let title = it.title.as_deref().map(clean);
                let (summary, text) = (it.summary.as_deref(), it.text.as_deref());
                let (summary, text) = (summary.map(clean), text.map(clean));
                let hash = text.as_deref().map(|it| sha256_hex(it.as_bytes()));
                (it.id, &it.url, title, summary, published_at, position, text, it.guid, hash)
            })
            .collect();
        if rows.is_empty() {
            return Ok(0);
        }
        // In one order for all workers, so that two transactions never wait for each other.
        rows.sort_by_key(|it| it.0);
        let rows = to_json(&rows);
        self.plan_for_new_headlines(tx, poll.source, &rows, now).await?;
        if poll.entries.iter().any(|it| it.text.is_some()) {
            self.plan_for_new_texts(tx, poll.source, &rows, now).await?;
        }
        let insert = format!(
            "INSERT INTO entries (id, source_id, url, title, summary, published_at, position,
                 text, guid, text_sha256, added_at, state, attempts, due_at)
             SELECT value ->> 0, $2, value ->> 1, value ->> 2, value ->> 3,
                 CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), value ->> 6,
                 value ->> 7, value ->> 8, CAST($3 AS BIGINT), 'pending', 0, CAST($3 AS BIGINT)
             FROM {}
             WHERE NOT EXISTS (SELECT 1 FROM articles WHERE articles.id = value ->> 0)
                 AND NOT EXISTS
                     (SELECT 1 FROM tombstones WHERE tombstones.article_id = value ->> 0)
             ON CONFLICT (id) DO NOTHING",
            self.dialect.rows(1),
        );
        let inserted = sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(&rows)
            .bind(poll.source.as_str())
            .bind(micros(now))
            .execute(&mut **tx)
            .await?;
        Ok(inserted.rows_affected())
    }

    /// The poll stage's own state of every active source, JSON; `None` before the first poll.
    pub async fn poll_states(&self) -> Result<Vec<(SourceId, Option<String>)>, ArchiveError> {
        self.tried("read the poll states", async {
            let active = "SELECT id, state FROM sources WHERE is_active = 1 ORDER BY id";
            let rows = sqlx::query(active).fetch_all(&self.reader).await?;
            let state =
                |row: &AnyRow| Ok((SourceId::new(get::<String>(row, "id")?), get(row, "state")?));
            rows.iter().map(state).collect()
        })
        .await
    }

    /// All sources, or `only` one, with their health, active ones first, by id.
    pub async fn source_states(
        &self,
        only: Option<&SourceId>,
    ) -> Result<Vec<SourceState>, ArchiveError> {
        let is_wanted = if only.is_some() { "WHERE id = $1" } else { "" };
        self.tried("read the sources", async {
            let select = format!(
                "SELECT sources.*,
                     (SELECT COUNT(*) FROM article_states
                      WHERE article_states.source_id = sources.id) AS n_articles,
                     (SELECT MAX(dated_at) FROM article_states
                      WHERE article_states.source_id = sources.id) AS last_article_at,
                     (SELECT COUNT(*) FROM entries WHERE entries.source_id = sources.id
                      AND entries.state IN ('pending', 'leased', 'failed')) AS n_waiting,
                     (SELECT COUNT(*) FROM entries WHERE entries.source_id = sources.id
                      AND entries.state = 'dead') AS n_dead
                 FROM sources {is_wanted} ORDER BY is_active DESC, id",
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(select));
            if let Some(id) = only {
                query = query.bind(id.as_str());
            }
            query.fetch_all(&self.reader).await?.iter().map(read_source).collect()
        })
        .await
    }
}

fn read_source(row: &AnyRow) -> Result<SourceState, sqlx::Error> {
    let class: Option<String> = get(row, "failure_class")?;
    let message: Option<String> = get(row, "failure_message")?;
    Ok(SourceState {
        id: SourceId::new(get::<String>(row, "id")?),
        name: get(row, "name")?,
        address: get(row, "address")?,
        country: get(row, "country")?,
        language: get(row, "language")?,
        is_sample: get_flag(row, "is_sample")?,
        is_active: get_flag(row, "is_active")?,
        state_json: get(row, "state")?,
        next_poll_at: get_instant_opt(row, "next_poll_at")?,
        last_poll_at: get_instant_opt(row, "last_poll_at")?,
        failure: class.map(|class| Failure { class, message: message.unwrap_or_default() }),
        n_articles: get_count(row, "n_articles")?,
        n_waiting: get_count(row, "n_waiting")?,
        n_dead: get_count(row, "n_dead")?,
        last_article_at: get_instant_opt(row, "last_article_at")?,
    })
}
