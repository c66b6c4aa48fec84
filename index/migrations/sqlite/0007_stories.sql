-- What analysts and later evidence decide about stories, and which articles repeat others.

-- Stories that ended in another; a target never ends itself: what led to it leads on then.
CREATE TABLE story_redirects (
    story_id TEXT PRIMARY KEY NOT NULL,
    target_id TEXT NOT NULL,
    is_by_analyst INTEGER NOT NULL,     -- 1: holds also when all stories are found anew
    merged_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX story_redirects_target ON story_redirects (target_id);

-- Articles that an analyst put into a story; they stay there whatever the correlate stage says.
CREATE TABLE story_pins (
    article_id TEXT PRIMARY KEY NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    story_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX story_pins_story ON story_pins (story_id);

-- Articles that changed their story or their pin, in order, for correlate stages to follow.
CREATE TABLE story_moves (
    seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    article_id TEXT NOT NULL,
    story_id TEXT NOT NULL,
    is_pinned INTEGER NOT NULL,
    moved_at INTEGER NOT NULL
) STRICT;

-- Sources with an article of their own, which repeats no other; 0 until counted anew.
ALTER TABLE stories ADD COLUMN n_independent INTEGER NOT NULL DEFAULT 0;
-- The article that this one repeats; NULL for what was written independently.
ALTER TABLE article_states ADD COLUMN copy_of TEXT;

UPDATE stories SET n_independent = n_sources;
