-- Pages that are read again, how they read before, and what servers sent.

-- Earlier versions of articles whose page was edited; the latest is in `articles`.
CREATE TABLE article_versions (
    article_id TEXT COLLATE "C" NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,             -- from 1
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    page_sha256 TEXT NOT NULL,
    read_at BIGINT NOT NULL,
    annotation TEXT,                    -- JSON, as it was read then; NULL when it was not
    changes TEXT,                       -- JSON: what the edit that followed did to its statements
    PRIMARY KEY (article_id, version)
);

-- The latest version: its number, when it was read, and when its page is to be read again.
CREATE TABLE article_readings (
    article_id TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    source_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    read_at BIGINT NOT NULL,             -- when the latest version was read first
    checked_at BIGINT,                   -- last look at the page; NULL before the first
    due_at BIGINT,                       -- next look, or the end of the lease; NULL: none
    leased_by TEXT,
    n_failures BIGINT NOT NULL,          -- since the last look that went well
    gone_at BIGINT                       -- since when the page is not there any more
);
CREATE INDEX article_readings_due ON article_readings (due_at) WHERE due_at IS NOT NULL;

-- Where the answer of the server that an article was read from lies in the WARC files.
CREATE TABLE article_evidence (
    article_id TEXT COLLATE "C" NOT NULL,
    page_sha256 TEXT COLLATE "C" NOT NULL,
    file TEXT NOT NULL,
    first_byte BIGINT NOT NULL,
    n_bytes BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (article_id, page_sha256)
);
