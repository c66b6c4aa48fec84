-- Who may do what, and who did what. Secrets are kept as hashes only.

CREATE TABLE users (
    name TEXT PRIMARY KEY NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'analyst', 'admin')),
    password_hash TEXT NOT NULL,        -- argon2id, PHC string
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY NOT NULL,   -- BLAKE3 of the cookie's value
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_name);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'analyst', 'admin')),
    key_hash TEXT NOT NULL UNIQUE,      -- BLAKE3 of the key
    created_at INTEGER NOT NULL,
    expires_at INTEGER,                 -- NULL: never
    last_used_at INTEGER                -- NULL: never used; kept to the hour
) STRICT, WITHOUT ROWID;

-- Changes, never edited; `who` is a user, `key:NAME`, `local` or `command line`.
CREATE TABLE audit_log (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT
) STRICT;
CREATE INDEX audit_log_at ON audit_log (at);
