-- Sources that are added while Harbinger runs, and the text of entries that hold it themselves.

-- What is declared in files is in the configuration only; here is what came by API, page or OPML.
CREATE TABLE added_sources (
    id TEXT PRIMARY KEY NOT NULL,
    body TEXT NOT NULL,                 -- JSON with the keys of [[source]]
    origin TEXT NOT NULL CHECK (origin IN ('api', 'opml')),
    is_paused INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Counts changes, so that every worker knows when to read the table again.
INSERT INTO counters (name, value) VALUES ('sources', 0);

-- The article itself, for entries whose list holds it; NULL once it is archived.
ALTER TABLE entries ADD COLUMN text TEXT;
