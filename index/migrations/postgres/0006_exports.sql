-- What changed since a time, in a stable order: the pages of the TAXII server.
CREATE INDEX annotations_changed ON annotations (annotated_at, article_id);
