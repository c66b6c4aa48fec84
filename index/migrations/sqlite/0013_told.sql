-- What was told of a statement is looked for by its key when an article changes its story.
CREATE INDEX alert_novelty_key ON alert_novelty (key);
