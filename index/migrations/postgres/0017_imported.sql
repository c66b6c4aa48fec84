-- Whether an article came out of a file: such raise no alerts, whichever command annotates them.
-- Those of before count as fetched; nearly all of them were held against the saved searches already.
ALTER TABLE article_states ADD COLUMN
    is_imported BIGINT NOT NULL DEFAULT 0;
