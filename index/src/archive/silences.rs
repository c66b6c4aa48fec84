//! Sites, and hosts whose robots.txt could not be had, that are left alone for a while, also after a
//! restart.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::value::{get, get_instant, micros, to_json};
use super::{Archive, ArchiveError};

/// Most silences that are read back, the longest.
const N_SILENCES_MAX: i64 = 8_192;

/// Until when a site is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSilence {
    /// Its registrable domain, or its host and port where there is none; for a host whose robots.txt
    /// could not be had its address and by which way it was asked.
    pub site: String,
    /// When it may be asked again.
    pub ends_at: DateTime<Utc>,
}

impl Archive {
    /// Notes until when sites are left alone, each of them once; where a later end is known, that
    /// stands. Forgets what is over at `now`.
    pub async fn record_silences(
        &self,
        silences: &[SiteSilence],
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        let row = |it: &SiteSilence| (it.site.clone(), micros(it.ends_at));
        let mut rows: Vec<(String, i64)> = silences.iter().map(row).collect();
        // In one order for all workers, so that two of them never wait for each other.
        rows.sort();
        let upsert = format!(
            "INSERT INTO site_silences (site, ends_at)
             SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM {} WHERE true
             ON CONFLICT (site) DO UPDATE SET ends_at = excluded.ends_at
             WHERE site_silences.ends_at < excluded.ends_at",
            self.dialect.rows(1),
        );
        // Apart from the other and waiting for nobody; what another worker holds goes another time.
        let forget = format!(
            "DELETE FROM site_silences WHERE site IN
                 (SELECT site FROM site_silences WHERE ends_at <= $1 {})",
            self.dialect.skip_locked(),
        );
        self.tried("note which sites are left alone", async {
            sqlx::query(AssertSqlSafe(upsert)).bind(to_json(&rows)).execute(&self.writer).await?;
            sqlx::query(AssertSqlSafe(forget))
                .bind(micros(now))
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    /// The sites that are left alone at `now`, the longest first, at most 8 192.
    pub async fn silences(&self, now: DateTime<Utc>) -> Result<Vec<SiteSilence>, ArchiveError> {
        self.tried("read which sites are left alone", async {
            let rows = sqlx::query(
                "SELECT site, ends_at FROM site_silences WHERE $1 < ends_at
                 ORDER BY ends_at DESC, site LIMIT $2",
            )
            .bind(micros(now))
            .bind(N_SILENCES_MAX)
            .fetch_all(&self.reader)
            .await?;
            let silence = |row: &AnyRow| {
                Ok(SiteSilence { site: get(row, "site")?, ends_at: get_instant(row, "ends_at")? })
            };
            rows.iter().map(silence).collect()
        })
        .await
    }
}
