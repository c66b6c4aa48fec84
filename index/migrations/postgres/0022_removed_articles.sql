-- Articles that were deleted lately, so that this can be taken back. Nothing else reads them.
CREATE TABLE removed_articles (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,                 -- JSON: all rows that hung on it, and what was found in it
    removed_at BIGINT NOT NULL
);
CREATE INDEX removed_articles_removed ON removed_articles (removed_at);
