-- What pages say beside their text, and how far web archives were imported.

-- Apart from `articles`, whose rows end in long texts. An article of which nothing is known has no row.
CREATE TABLE article_details (
    article_id TEXT PRIMARY KEY NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    modified_at INTEGER,                    -- by the page's own word
    image TEXT,                           -- address of the lead image
    section TEXT,
    tags TEXT NOT NULL,                   -- JSON array
    is_paywall_stub INTEGER NOT NULL,
    n_pages INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Files of others that were read: where the next record begins, so that an import goes on.
CREATE TABLE imports (
    file_key TEXT PRIMARY KEY NOT NULL, -- by how the file begins
    name TEXT NOT NULL,
    next_byte INTEGER NOT NULL,              -- of a gzip member, or of a record
    n_done INTEGER NOT NULL,                 -- records of that member that are done
    is_done INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
