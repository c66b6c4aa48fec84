-- What readers say was read wrong, and which articles each correction changed.

CREATE TABLE corrections (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL UNIQUE,     -- order in which they apply
    body TEXT NOT NULL,                 -- JSON of the correction
    who TEXT NOT NULL,
    note TEXT,
    made_at BIGINT NOT NULL,
    applied_at BIGINT                  -- NULL: articles read before may still lack it
);

CREATE TABLE correction_articles (
    correction_id TEXT COLLATE "C" NOT NULL REFERENCES corrections (id) ON DELETE CASCADE,
    article_id TEXT COLLATE "C" NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    PRIMARY KEY (correction_id, article_id)
);
CREATE INDEX correction_articles_article ON correction_articles (article_id);
