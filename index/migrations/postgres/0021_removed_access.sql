-- Users and keys that were removed lately, so that this can be taken back. Neither opens anything.
CREATE TABLE removed_users (
    name TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'analyst', 'admin')),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);

CREATE TABLE removed_api_keys (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'analyst', 'admin')),
    key_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,                 -- NULL: never
    last_used_at BIGINT,               -- NULL: never used
    removed_at BIGINT NOT NULL
);
