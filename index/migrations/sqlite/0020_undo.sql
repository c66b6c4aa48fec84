-- Sources that were removed lately, so that this can be taken back; saved searches stay where they are.
CREATE TABLE removed_sources (
    id TEXT PRIMARY KEY NOT NULL,
    body TEXT NOT NULL,                 -- JSON with the keys of [[source]]
    origin TEXT NOT NULL CHECK (origin IN ('api', 'opml')),
    is_paused INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far a correction has come: articles that were looked at, of those that name what it is about.
ALTER TABLE corrections ADD COLUMN n_looked_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE corrections ADD COLUMN n_concerned INTEGER NOT NULL DEFAULT 0;
