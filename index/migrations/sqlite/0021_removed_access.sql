-- Users and keys that were removed lately, so that this can be taken back. Neither opens anything.
CREATE TABLE removed_users (
    name TEXT PRIMARY KEY NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'analyst', 'admin')),
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE removed_api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'analyst', 'admin')),
    key_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,                 -- NULL: never
    last_used_at INTEGER,               -- NULL: never used
    removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
