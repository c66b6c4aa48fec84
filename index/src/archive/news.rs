//! What became ready of late, by whatever process: for those who did not record it themselves.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::value::{get, get_count, get_instant, get_instant_opt, micros, to_json};
use super::{Archive, ArchiveError};

/// Alerts read at once.
const N_ALERTS_MAX: i64 = 1_000;

/// The next part of what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In the order in which they became ready.
    pub articles: Vec<NewArticle>,
    /// Ids of the alerts that these raised, and when.
    pub alerts: Vec<(String, DateTime<Utc>)>,
    /// The number after which the next part begins.
    pub last_seq: i64,
}

/// An article that became ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewArticle {
    /// Its id.
    pub id: String,
    /// Id of its story; the same as its own when it founded it.
    pub story: Option<String>,
    /// Whether it holds hostile statements.
    pub has_statements: bool,
    /// When it was held against the saved searches.
    pub matched_at: DateTime<Utc>,
}

impl Archive {
    /// Articles with a number of the index feed after `seq`, at most `limit`, of which those are told
    /// that were first held against the saved searches at `since` or later: the others only
    /// changed. See [`Archive::index_changes_after`] for what the numbers promise.
    pub async fn news_after(
        &self,
        seq: i64,
        since: DateTime<Utc>,
        limit: usize,
    ) -> Result<News, ArchiveError> {
        let alerts = format!(
            "SELECT id, created_at FROM alerts
             WHERE article_id IN {} AND ($2, $3) < (created_at, id)
             ORDER BY created_at, id LIMIT $4",
            self.dialect.list(1),
        );
        self.tried(format!("read what is new after number {seq}"), async {
            let rows = sqlx::query(
                "SELECT article_id, story_id, index_seq, matched_at,
                     (SELECT COUNT(*) FROM statements
                      WHERE statements.article_id = article_states.article_id) AS n_statements
                 FROM article_states WHERE $1 < index_seq ORDER BY index_seq LIMIT $2",
            )
            .bind(seq)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let mut news = News { last_seq: seq, ..News::default() };
            for row in &rows {
                news.last_seq = get(row, "index_seq")?;
                let matched_at = get_instant_opt(row, "matched_at")?;
                let Some(matched_at) = matched_at.filter(|it| since <= *it) else { continue };
                news.articles.push(NewArticle {
                    id: get(row, "article_id")?,
                    story: get(row, "story_id")?,
                    has_statements: 0 < get_count(row, "n_statements")?,
                    matched_at,
                });
            }
            if news.articles.is_empty() {
                return Ok(news);
            }
            let ids: Vec<&str> = news.articles.iter().map(|it| it.id.as_str()).collect();
            let ids = to_json(&ids);
            let mut after = (micros(since), String::new());
            loop {
                let rows = sqlx::query(AssertSqlSafe(alerts.clone()))
                    .bind(&ids)
                    .bind(after.0)
                    .bind(&after.1)
                    .bind(N_ALERTS_MAX)
                    .fetch_all(&self.reader)
                    .await?;
                for row in &rows {
                    news.alerts.push((get(row, "id")?, get_instant(row, "created_at")?));
                }
                match news.alerts.last() {
                    Some((id, at)) if rows.len() as i64 == N_ALERTS_MAX => {
                        after = (micros(*at), id.clone());
                    }
                    _ => return Ok(news),
                }
            }
        })
        .await
    }
}
