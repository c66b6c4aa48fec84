-- Every page counts the sources that failed at their last poll.
CREATE INDEX sources_failing ON sources (is_active, failure_class) WHERE failure_class IS NOT NULL;
