-- The archive. Times are microseconds since 1970 UTC, JSON is TEXT, flags are 0 or 1.
-- `migrations/postgres` has the same tables and columns; a test compares the two.

-- Publishers as declared, with the state of their feeds.
CREATE TABLE sources (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,              -- feed or sitemap; when it changes, `state` is void
    country TEXT,
    language TEXT,
    is_sample INTEGER NOT NULL,
    is_active INTEGER NOT NULL,         -- 0: no longer declared, or never polled (imports)
    state TEXT,                         -- JSON of the poll stage
    next_poll_at INTEGER,               -- NULL: never (gone for good, imports)
    last_poll_at INTEGER,
    failure_class TEXT,                 -- of the last poll, NULL when it went well
    failure_message TEXT
) STRICT;
CREATE INDEX sources_due ON sources (next_poll_at) WHERE is_active = 1;

-- The frontier. `due_at` is when the entry may be claimed: at once, at the retry, or when the
-- lease ends; NULL when nothing is left to do.
CREATE TABLE entries (
    id TEXT PRIMARY KEY NOT NULL,
    source_id TEXT NOT NULL REFERENCES sources (id),
    url TEXT NOT NULL,
    title TEXT,
    summary TEXT,
    published_at INTEGER,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL,          -- place in its feed
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'failed', 'done', 'dead')),
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    leased_by TEXT,
    failure_class TEXT,
    failure_message TEXT
) STRICT;
CREATE INDEX entries_due ON entries (source_id, due_at, position) WHERE due_at IS NOT NULL;
CREATE INDEX entries_leased ON entries (leased_by, source_id) WHERE leased_by IS NOT NULL;
CREATE INDEX entries_state ON entries (state, source_id);

-- Articles as extracted; never changed.
CREATE TABLE articles (
    id TEXT PRIMARY KEY NOT NULL,
    url TEXT NOT NULL,
    canonical_url TEXT,
    source_id TEXT NOT NULL REFERENCES sources (id),
    title TEXT NOT NULL,
    authors TEXT NOT NULL,              -- JSON array
    language TEXT,
    site_name TEXT,
    published_at INTEGER,
    fetched_at INTEGER NOT NULL,
    page_sha256 TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE stories (
    id TEXT PRIMARY KEY NOT NULL,
    headline TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    n_articles INTEGER NOT NULL,
    n_sources INTEGER NOT NULL,
    n_statements INTEGER NOT NULL
) STRICT;
CREATE INDEX stories_last_seen ON stories (last_seen_at, id);

-- What later stages change about an article; apart from `articles`, so that no text is rewritten.
CREATE TABLE article_states (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    article_id TEXT NOT NULL UNIQUE REFERENCES articles (id) ON DELETE CASCADE,
    source_id TEXT NOT NULL,
    dated_at INTEGER NOT NULL,          -- published, or else fetched
    annotate_at INTEGER,                -- when it may be claimed; NULL once annotated
    leased_by TEXT,
    story_id TEXT REFERENCES stories (id),
    index_seq INTEGER UNIQUE
) STRICT;
CREATE INDEX article_states_unannotated ON article_states (arrival, annotate_at)
    WHERE annotate_at IS NOT NULL;
CREATE INDEX article_states_story ON article_states (story_id, dated_at, source_id);
CREATE INDEX article_states_source ON article_states (source_id, dated_at);
CREATE INDEX article_states_dated ON article_states (dated_at);

CREATE TABLE annotations (
    article_id TEXT PRIMARY KEY NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    annotated_at INTEGER NOT NULL,
    body TEXT NOT NULL,                 -- JSON of the annotation
    embedding BLOB NOT NULL             -- 32-bit floats, little-endian
) STRICT;

CREATE TABLE statements (
    id TEXT PRIMARY KEY NOT NULL,       -- article, part (b: body, t: title) and ordinal
    article_id TEXT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    in_title INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    modality TEXT NOT NULL,
    tense TEXT NOT NULL,
    date_from TEXT,                     -- YYYY-MM-DD
    date_to TEXT,
    dated_at INTEGER NOT NULL,          -- of the article
    score REAL NOT NULL,
    sentence TEXT NOT NULL,
    body TEXT NOT NULL                  -- JSON of the statement
) STRICT;
CREATE INDEX statements_article ON statements (article_id);
CREATE INDEX statements_dated ON statements (dated_at, id);
CREATE INDEX statements_kind ON statements (kind, dated_at, id);

CREATE TABLE statement_entities (
    entity_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('actor', 'target', 'speaker', 'means')),
    dated_at INTEGER NOT NULL,
    statement_id TEXT NOT NULL REFERENCES statements (id) ON DELETE CASCADE,
    PRIMARY KEY (entity_id, role, dated_at, statement_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_entities_statement ON statement_entities (statement_id);

-- A statement's sectors and all sectors above them.
CREATE TABLE statement_sectors (
    sector TEXT NOT NULL,
    dated_at INTEGER NOT NULL,
    statement_id TEXT NOT NULL REFERENCES statements (id) ON DELETE CASCADE,
    PRIMARY KEY (sector, dated_at, statement_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_sectors_statement ON statement_sectors (statement_id);

CREATE TABLE entities (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    n_articles INTEGER NOT NULL
) STRICT;
CREATE INDEX entities_frequent ON entities (n_articles, id);

CREATE TABLE article_entities (
    entity_id TEXT NOT NULL REFERENCES entities (id),
    dated_at INTEGER NOT NULL,
    article_id TEXT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    n_mentions INTEGER NOT NULL,
    PRIMARY KEY (entity_id, dated_at, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_entities_article ON article_entities (article_id, entity_id);

-- Articles that a user deleted; they never come back.
CREATE TABLE tombstones (
    article_id TEXT PRIMARY KEY NOT NULL,
    buried_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE failure_counts (
    stage TEXT NOT NULL,
    class TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (stage, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('index_seq', 0);

CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
