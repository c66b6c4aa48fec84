-- Sources that were removed lately, so that this can be taken back; saved searches stay where they are.
CREATE TABLE removed_sources (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    body TEXT NOT NULL,                 -- JSON with the keys of [[source]]
    origin TEXT NOT NULL CHECK (origin IN ('api', 'opml')),
    is_paused BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);

-- How far a correction has come: articles that were looked at, of those that name what it is about.
ALTER TABLE corrections ADD COLUMN n_looked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE corrections ADD COLUMN n_concerned BIGINT NOT NULL DEFAULT 0;
