-- What is deleted when it gets old leaves a tombstone, which also tells search indexes of it.

-- Place in the feed of the search index; NULL for an entry that never became an article.
ALTER TABLE tombstones ADD COLUMN index_seq INTEGER;
CREATE UNIQUE INDEX tombstones_index_seq ON tombstones (index_seq) WHERE index_seq IS NOT NULL;

CREATE INDEX entries_finished ON entries (added_at) WHERE due_at IS NULL;
CREATE INDEX article_states_copy_of ON article_states (copy_of) WHERE copy_of IS NOT NULL;
