-- Pages that are read again, how they read before, and what servers sent.

-- Earlier versions of articles whose page was edited; the latest is in `articles`.
CREATE TABLE article_versions (
    article_id TEXT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,             -- from 1
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    page_sha256 TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    annotation TEXT,                    -- JSON, as it was read then; NULL when it was not
    changes TEXT,                       -- JSON: what the edit that followed did to its statements
    PRIMARY KEY (article_id, version)
) STRICT, WITHOUT ROWID;

-- The latest version: its number, when it was read, and when its page is to be read again.
CREATE TABLE article_readings (
    article_id TEXT PRIMARY KEY NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    source_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    read_at INTEGER NOT NULL,             -- when the latest version was read first
    checked_at INTEGER,                   -- last look at the page; NULL before the first
    due_at INTEGER,                       -- next look, or the end of the lease; NULL: none
    leased_by TEXT,
    n_failures INTEGER NOT NULL,          -- since the last look that went well
    gone_at INTEGER                       -- since when the page is not there any more
) STRICT, WITHOUT ROWID;
CREATE INDEX article_readings_due ON article_readings (due_at) WHERE due_at IS NOT NULL;

-- Where the answer of the server that an article was read from lies in the WARC files.
CREATE TABLE article_evidence (
    article_id TEXT NOT NULL,
    page_sha256 TEXT NOT NULL,
    file TEXT NOT NULL,
    first_byte INTEGER NOT NULL,
    n_bytes INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (article_id, page_sha256)
) STRICT, WITHOUT ROWID;
