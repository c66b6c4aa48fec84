-- What an article says itself, where the other articles of its story give a name of it a longer form:
-- `annotations` has the longer one. Both go when the article is annotated again.
CREATE TABLE own_readings (
    article_id TEXT PRIMARY KEY NOT NULL REFERENCES annotations (article_id) ON DELETE CASCADE,
    body TEXT NOT NULL                  -- JSON of the annotation with its own names
) STRICT, WITHOUT ROWID;

-- The names that stand in such a reading.
CREATE TABLE own_names (
    article_id TEXT NOT NULL REFERENCES own_readings (article_id) ON DELETE CASCADE,
    entity_id TEXT NOT NULL,
    name TEXT NOT NULL,
    means_id TEXT,                      -- the entity that it is in its story, NULL: itself
    PRIMARY KEY (article_id, entity_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX own_names_entity ON own_names (entity_id);
CREATE INDEX own_names_means ON own_names (means_id) WHERE means_id IS NOT NULL;

-- Stories that changed since it was last told which of their names mean which.
CREATE TABLE unsettled_stories (
    story_id TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
