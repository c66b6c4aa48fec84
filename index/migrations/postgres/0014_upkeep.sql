-- What was told is forgotten when it is old, and with its saved search.
CREATE INDEX alert_novelty_fired ON alert_novelty (fired_at);
DELETE FROM alert_novelty WHERE search_id NOT IN
    (SELECT id FROM saved_searches WHERE is_deleted = 0);

-- Each source that is added is looked for by its address.
CREATE INDEX sources_address ON sources (address);

-- Nobody reads when these were changed last.
ALTER TABLE added_sources DROP COLUMN updated_at;
ALTER TABLE imports DROP COLUMN updated_at;
