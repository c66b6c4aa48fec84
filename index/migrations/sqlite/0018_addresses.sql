-- Addresses that lead to articles: each article's own, the one that its page names or to which
-- redirects led, what its feed calls it, and those of entries that turned out to be the same article.
CREATE TABLE article_addresses (
    address_id TEXT PRIMARY KEY NOT NULL, -- the id that an article of this address has
    article_id TEXT NOT NULL,             -- stays when a user deletes the article
    is_shared INTEGER NOT NULL            -- 1: named by pages that differ, so that it joins nothing
) STRICT, WITHOUT ROWID;
CREATE INDEX article_addresses_article ON article_addresses (article_id);
INSERT INTO article_addresses (address_id, article_id, is_shared) SELECT id, id, 0 FROM articles;

-- What the feed calls the entry, as an address that an article may have; NULL: its address.
ALTER TABLE entries ADD COLUMN guid TEXT;
