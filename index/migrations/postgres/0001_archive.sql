-- The archive. Times are microseconds since 1970 UTC, JSON is TEXT, flags are 0 or 1.
-- `migrations/sqlite` has the same tables and columns; a test compares the two.
-- Identifiers collate by bytes ("C"), so that both databases order them alike.

-- Publishers as declared, with the state of their feeds.
CREATE TABLE sources (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    address TEXT NOT NULL,              -- feed or sitemap; when it changes, `state` is void
    country TEXT,
    language TEXT,
    is_sample BIGINT NOT NULL,
    is_active BIGINT NOT NULL,         -- 0: no longer declared, or never polled (imports)
    state TEXT,                         -- JSON of the poll stage
    next_poll_at BIGINT,               -- NULL: never (gone for good, imports)
    last_poll_at BIGINT,
    failure_class TEXT,                 -- of the last poll, NULL when it went well
    failure_message TEXT
);
CREATE INDEX sources_due ON sources (next_poll_at) WHERE is_active = 1;

-- The frontier. `due_at` is when the entry may be claimed: at once, at the retry, or when the
-- lease ends; NULL when nothing is left to do.
CREATE TABLE entries (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL REFERENCES sources (id),
    url TEXT NOT NULL,
    title TEXT,
    summary TEXT,
    published_at BIGINT,
    added_at BIGINT NOT NULL,
    position BIGINT NOT NULL,          -- place in its feed
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'failed', 'done', 'dead')),
    attempts BIGINT NOT NULL,
    due_at BIGINT,
    leased_by TEXT,
    failure_class TEXT,
    failure_message TEXT
);
CREATE INDEX entries_due ON entries (source_id, due_at, position) WHERE due_at IS NOT NULL;
CREATE INDEX entries_leased ON entries (leased_by, source_id) WHERE leased_by IS NOT NULL;
CREATE INDEX entries_state ON entries (state, source_id);

-- Articles as extracted; never changed.
CREATE TABLE articles (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    url TEXT NOT NULL,
    canonical_url TEXT,
    source_id TEXT COLLATE "C" NOT NULL REFERENCES sources (id),
    title TEXT NOT NULL,
    authors TEXT NOT NULL,              -- JSON array
    language TEXT,
    site_name TEXT,
    published_at BIGINT,
    fetched_at BIGINT NOT NULL,
    page_sha256 TEXT NOT NULL,
    text TEXT NOT NULL
);

CREATE TABLE stories (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    headline TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    n_articles BIGINT NOT NULL,
    n_sources BIGINT NOT NULL,
    n_statements BIGINT NOT NULL
);
CREATE INDEX stories_last_seen ON stories (last_seen_at, id);

-- What later stages change about an article; apart from `articles`, so that no text is rewritten.
CREATE TABLE article_states (
    arrival BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    article_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES articles (id) ON DELETE CASCADE,
    source_id TEXT COLLATE "C" NOT NULL,
    dated_at BIGINT NOT NULL,          -- published, or else fetched
    annotate_at BIGINT,                -- when it may be claimed; NULL once annotated
    leased_by TEXT,
    story_id TEXT COLLATE "C" REFERENCES stories (id),
    index_seq BIGINT UNIQUE
);
CREATE INDEX article_states_unannotated ON article_states (arrival, annotate_at)
    WHERE annotate_at IS NOT NULL;
CREATE INDEX article_states_story ON article_states (story_id, dated_at, source_id);
CREATE INDEX article_states_source ON article_states (source_id, dated_at);
CREATE INDEX article_states_dated ON article_states (dated_at);

CREATE TABLE annotations (
    article_id TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    annotated_at BIGINT NOT NULL,
    body TEXT NOT NULL,                 -- JSON of the annotation
    embedding BYTEA NOT NULL             -- 32-bit floats, little-endian
);

CREATE TABLE statements (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,       -- article, part (b: body, t: title) and ordinal
    article_id TEXT COLLATE "C" NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    in_title BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    domain TEXT NOT NULL,
    modality TEXT NOT NULL,
    tense TEXT NOT NULL,
    date_from TEXT,                     -- YYYY-MM-DD
    date_to TEXT,
    dated_at BIGINT NOT NULL,          -- of the article
    score DOUBLE PRECISION NOT NULL,
    sentence TEXT NOT NULL,
    body TEXT NOT NULL                  -- JSON of the statement
);
CREATE INDEX statements_article ON statements (article_id);
CREATE INDEX statements_dated ON statements (dated_at, id);
CREATE INDEX statements_kind ON statements (kind, dated_at, id);

CREATE TABLE statement_entities (
    entity_id TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('actor', 'target', 'speaker', 'means')),
    dated_at BIGINT NOT NULL,
    statement_id TEXT COLLATE "C" NOT NULL REFERENCES statements (id) ON DELETE CASCADE,
    PRIMARY KEY (entity_id, role, dated_at, statement_id)
);
CREATE INDEX statement_entities_statement ON statement_entities (statement_id);

-- A statement's sectors and all sectors above them.
CREATE TABLE statement_sectors (
    sector TEXT COLLATE "C" NOT NULL,
    dated_at BIGINT NOT NULL,
    statement_id TEXT COLLATE "C" NOT NULL REFERENCES statements (id) ON DELETE CASCADE,
    PRIMARY KEY (sector, dated_at, statement_id)
);
CREATE INDEX statement_sectors_statement ON statement_sectors (statement_id);

CREATE TABLE entities (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    n_articles BIGINT NOT NULL
);
CREATE INDEX entities_frequent ON entities (n_articles, id);

CREATE TABLE article_entities (
    entity_id TEXT COLLATE "C" NOT NULL REFERENCES entities (id),
    dated_at BIGINT NOT NULL,
    article_id TEXT COLLATE "C" NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    n_mentions BIGINT NOT NULL,
    PRIMARY KEY (entity_id, dated_at, article_id)
);
CREATE INDEX article_entities_article ON article_entities (article_id, entity_id);

-- Articles that a user deleted; they never come back.
CREATE TABLE tombstones (
    article_id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    buried_at BIGINT NOT NULL
);

CREATE TABLE failure_counts (
    stage TEXT COLLATE "C" NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (stage, class)
);

CREATE TABLE counters (
    name TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('index_seq', 0);

CREATE TABLE meta (
    key TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
