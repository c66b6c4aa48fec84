//! The same articles and questions in what simpler tools use: SQLite with FTS5, and PostgreSQL with
//! `tsvector` and GIN, each with a table of facet values that is indexed both ways. They give twenty
//! hits with snippets, all facets and the days, as the index does.

use std::time::{Duration, Instant};

use index::StoredArticle;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use crate::corpus::Corpus;
use crate::mix::{Ask, Peer};

/// Articles in one statement.
const BATCH_SIZE: usize = 100;

/// A database beside the index.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SQLite FTS5",
            Dialect::Postgres => "PostgreSQL",
        }
    }
}

/// Fills a database at `url` and asks it; the times of the questions that it can be asked.
pub(crate) async fn measure(
    dialect: Dialect,
    url: &str,
    corpus: &Corpus,
    n_articles: usize,
    asks: &[Ask],
) -> sqlx::Result<Vec<Duration>> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await?;
    let tables = match dialect {
        Dialect::Sqlite => {
            "PRAGMA synchronous = OFF;
             CREATE VIRTUAL TABLE article USING fts5(title, body, tokenize = 'porter unicode61');
             CREATE TABLE dated (id INTEGER PRIMARY KEY, at INTEGER);
             CREATE TABLE facet (article INTEGER, field TEXT, value TEXT)"
        }
        Dialect::Postgres => {
            "DROP TABLE IF EXISTS article, dated, facet;
             CREATE TABLE article (id INTEGER PRIMARY KEY, title TEXT, body TEXT, words TSVECTOR);
             CREATE TABLE dated (id INTEGER PRIMARY KEY, at BIGINT);
             CREATE TABLE facet (article INTEGER, field TEXT, value TEXT)"
        }
    };
    run(&mut connection, tables.to_owned()).await?;
    let mut rng = StdRng::seed_from_u64(1);
    let mut writing = Duration::ZERO;
    let mut n_done = 0;
    while n_done < n_articles {
        let n = BATCH_SIZE.min(n_articles - n_done);
        let batch: Vec<StoredArticle> =
            (0..n).map(|it| corpus.article(n_done + it, n_articles, &mut rng)).collect();
        let sql = insert(dialect, n_done, &batch);
        let started = Instant::now();
        run(&mut connection, sql).await?;
        writing += started.elapsed();
        n_done += n;
    }
    let indexes = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => "CREATE INDEX ON article USING GIN (words);",
    };
    let started = Instant::now();
    let indexes = format!(
        "{indexes} CREATE INDEX facet_article ON facet (article);
         CREATE INDEX facet_value ON facet (field, value, article);
         CREATE INDEX dated_at ON dated (at); ANALYZE"
    );
    run(&mut connection, indexes).await?;
    writing += started.elapsed();
    let rate = n_articles as f64 / writing.as_secs_f64();
    println!("{}: {rate:.0} articles/s written", dialect.name());
    let now = corpus.now().timestamp();
    let mut times = Vec::with_capacity(asks.len());
    for peer in asks.iter().filter_map(|it| it.peer.as_ref()) {
        let statements = statements(dialect, peer, now);
        let started = Instant::now();
        for sql in statements {
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await?;
            std::hint::black_box(rows.iter().filter(|it| !it.is_empty()).count());
        }
        times.push(started.elapsed());
    }
    Ok(times)
}

async fn run(connection: &mut AnyConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn insert(dialect: Dialect, n_before: usize, batch: &[StoredArticle]) -> String {
    let (mut articles, mut dates, mut facets) = (Vec::new(), Vec::new(), Vec::new());
    for (n, stored) in batch.iter().enumerate() {
        let (id, article) = (n_before + n + 1, &stored.article);
        let (title, body) = (quoted(&article.title), quoted(&article.text));
        articles.push(match dialect {
            Dialect::Sqlite => format!("({id}, {title}, {body})"),
            Dialect::Postgres => format!(
                "({id}, {title}, {body}, setweight(to_tsvector('english', {title}), 'A') \
                 || to_tsvector('english', {body}))"
            ),
        });
        let at = article.published_at.unwrap_or(article.fetched_at).timestamp();
        dates.push(format!("({id}, {at})"));
        for (field, value) in values(stored) {
            facets.push(format!("({id}, '{field}', {})", quoted(&value)));
        }
    }
    let columns = match dialect {
        Dialect::Sqlite => "rowid, title, body",
        Dialect::Postgres => "id, title, body, words",
    };
    format!(
        "BEGIN; INSERT INTO article ({columns}) VALUES {}; INSERT INTO dated VALUES {}; \
         INSERT INTO facet VALUES {}; COMMIT",
        articles.join(","),
        dates.join(","),
        facets.join(","),
    )
}

/// The facet values of an article, each once.
fn values(stored: &StoredArticle) -> Vec<(&'static str, String)> {
    let wire = |it: serde_json::Value| it.as_str().unwrap_or_default().to_owned();
    let mut values = vec![
        ("source", stored.article.source.to_string()),
        ("language", stored.article.language.clone().unwrap_or_default()),
        ("country", stored.source_country.clone().unwrap_or_default()),
    ];
    for statement in stored.annotation.iter().flat_map(|it| &it.statements) {
        let json = serde_json::to_value(statement).unwrap();
        for field in ["kind", "domain", "modality"] {
            values.push((field, wire(json[field].clone())));
        }
        for (field, phrases) in [("actor", &statement.actors), ("target", &statement.targets)] {
            let entities = phrases.iter().filter_map(|it| it.entity.as_ref());
            values.extend(entities.map(|it| (field, it.id.clone())));
        }
    }
    for sector in stored.annotation.iter().flat_map(|it| &it.sectors) {
        let mut next = Some(sector.id.clone());
        while let Some(id) = next {
            next = id.parent();
            values.push(("sector", id.to_string()));
        }
    }
    values.sort();
    values.dedup();
    values
}

/// Hits with snippets, facets, days.
fn statements(dialect: Dialect, peer: &Peer, now: i64) -> [String; 3] {
    let words = peer.words.as_ref();
    let (table, id) = match (dialect, words) {
        (_, None) => ("dated", "dated.id"),
        (Dialect::Sqlite, Some(_)) => ("article", "article.rowid"),
        (Dialect::Postgres, Some(_)) => ("article", "article.id"),
    };
    let mut conditions = vec!["1 = 1".to_owned()];
    if let Some((fts, ts)) = words {
        conditions.push(match dialect {
            Dialect::Sqlite => format!("article MATCH {}", quoted(fts)),
            Dialect::Postgres => format!("words @@ to_tsquery('english', {})", quoted(ts)),
        });
    }
    for set in &peer.facets {
        let any = set
            .iter()
            .map(|(field, value)| format!("(field = '{field}' AND value = {})", quoted(value)));
        let any: Vec<String> = any.collect();
        conditions.push(format!("{id} IN (SELECT article FROM facet WHERE {})", any.join(" OR ")));
    }
    if let Some(days) = peer.days {
        let since = now - days * 86_400;
        conditions.push(format!("{id} IN (SELECT id FROM dated WHERE at >= {since})"));
    }
    let found = format!("SELECT {id} FROM {table} WHERE {}", conditions.join(" AND "));
    let hits = match (dialect, words) {
        (Dialect::Sqlite, Some(_)) => format!(
            "SELECT rowid, title, snippet(article, 1, '<', '>', '…', 30) FROM article \
             WHERE {} ORDER BY bm25(article, 3.0, 1.0) LIMIT 20",
            conditions.join(" AND ")
        ),
        (Dialect::Postgres, Some((_, ts))) => format!(
            "SELECT id, title, ts_headline('english', body, to_tsquery('english', {0})) FROM \
             (SELECT id, title, body FROM article WHERE {1} \
              ORDER BY ts_rank(words, to_tsquery('english', {0})) DESC LIMIT 20) AS best",
            quoted(ts),
            conditions.join(" AND ")
        ),
        (Dialect::Sqlite, None) => format!(
            "SELECT rowid, title, substr(body, 1, 200) FROM article WHERE rowid IN \
             (SELECT id FROM dated WHERE id IN ({found}) ORDER BY at DESC LIMIT 20)"
        ),
        (Dialect::Postgres, None) => format!(
            "SELECT id, title, substr(body, 1, 200) FROM article WHERE id IN \
             (SELECT id FROM dated WHERE id IN ({found}) ORDER BY at DESC LIMIT 20)"
        ),
    };
    [
        hits,
        format!(
            "SELECT field, value, COUNT(*) FROM facet WHERE article IN ({found}) \
             GROUP BY field, value"
        ),
        format!("SELECT at / 86400, COUNT(*) FROM dated WHERE id IN ({found}) GROUP BY at / 86400"),
    ]
}
