-- What readers say was read wrong, and which articles each correction changed.

CREATE TABLE corrections (
    id TEXT PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL UNIQUE,     -- order in which they apply
    body TEXT NOT NULL,                 -- JSON of the correction
    who TEXT NOT NULL,
    note TEXT,
    made_at INTEGER NOT NULL,
    applied_at INTEGER                  -- NULL: articles read before may still lack it
) STRICT, WITHOUT ROWID;

CREATE TABLE correction_articles (
    correction_id TEXT NOT NULL REFERENCES corrections (id) ON DELETE CASCADE,
    article_id TEXT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    PRIMARY KEY (correction_id, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX correction_articles_article ON correction_articles (article_id);
