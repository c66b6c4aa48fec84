-- Saved searches, their alerts and what is on its way to people.
-- `migrations/postgres` has the same tables and columns; a test compares the two.

CREATE TABLE saved_searches (
    id TEXT PRIMARY KEY NOT NULL,
    body TEXT NOT NULL,                 -- JSON, the keys of searches.toml
    origin TEXT NOT NULL CHECK (origin IN ('file', 'api')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,           -- grows with every change of any search
    is_deleted INTEGER NOT NULL         -- 1: kept so that matchers learn of it
) STRICT;
CREATE INDEX saved_searches_version ON saved_searches (version);
INSERT INTO counters (name, value) VALUES ('searches', 0);

CREATE TABLE alerts (
    id TEXT PRIMARY KEY NOT NULL,       -- hash of search and article, story or statement
    search_id TEXT NOT NULL,
    search_name TEXT NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('article', 'story', 'statement')),
    article_id TEXT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    story_id TEXT,
    title TEXT NOT NULL,
    url TEXT NOT NULL,
    source_id TEXT NOT NULL,
    source_name TEXT NOT NULL,
    dated_at INTEGER NOT NULL,          -- of the article
    sentence TEXT NOT NULL,             -- of the statement, else empty
    reasons TEXT NOT NULL,              -- JSON array: clause, alias, sentence
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('new', 'seen', 'dismissed', 'escalated')),
    note TEXT,
    assignee TEXT,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX alerts_created ON alerts (created_at, id);
CREATE INDEX alerts_state ON alerts (state, created_at, id);
CREATE INDEX alerts_search ON alerts (search_id, created_at, id);
CREATE INDEX alerts_article ON alerts (article_id);

-- Statements that a saved search has alerted of, by hash of actor, kind, target and sector.
CREATE TABLE alert_novelty (
    search_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fired_at INTEGER NOT NULL,
    PRIMARY KEY (search_id, key)
) STRICT, WITHOUT ROWID;

-- Messages. `due_at` is when one may be claimed: at its time, at the retry, or when the lease
-- ends; NULL when nothing is left to do.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,       -- the same on every try
    search_id TEXT NOT NULL,
    delivery TEXT NOT NULL,             -- channel and address
    planned_at INTEGER NOT NULL,        -- when it was first due
    due_at INTEGER,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dead')),
    attempts INTEGER NOT NULL,
    leased_by TEXT,
    failure TEXT,
    finished_at INTEGER
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_search ON outbox (search_id, delivery, planned_at);
CREATE INDEX outbox_state ON outbox (state, finished_at);

CREATE TABLE outbox_alerts (
    outbox_id TEXT NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    PRIMARY KEY (outbox_id, alert_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_alerts_alert ON outbox_alerts (alert_id);

-- Deliveries whose receiver said that it is gone (410); nothing more is sent to them.
CREATE TABLE closed_deliveries (
    search_id TEXT NOT NULL,
    delivery TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (search_id, delivery)
) STRICT, WITHOUT ROWID;

-- When the article was held against the saved searches, which happens once. What was archived
-- before there were saved searches counts as done.
ALTER TABLE article_states ADD COLUMN matched_at INTEGER;
UPDATE article_states SET matched_at = 0 WHERE index_seq IS NOT NULL;
