-- Sites that asked to be left alone for a while (429), so that they are not asked sooner after a restart.
CREATE TABLE site_silences (
    site TEXT PRIMARY KEY NOT NULL, -- registrable domain, or host and port where there is none
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of an entry that holds its text itself: the hash of the text that its source gave last. NULL: as the
-- article was read.
ALTER TABLE entries ADD COLUMN text_sha256 TEXT;
