-- Subscriptions at hubs tell by which address of ours they were asked for, and of which news the hub
-- did not tell. Those of before are forgotten: hubs are asked again.
DROP TABLE hub_subscriptions;
CREATE TABLE hub_subscriptions (
    source_id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    hub TEXT NOT NULL,                       -- where it was asked
    topic TEXT NOT NULL,                     -- what the hub knows the feed by
    token TEXT COLLATE "C" NOT NULL UNIQUE,  -- last part of the address that the hub calls
    secret TEXT NOT NULL,                    -- with it the hub signs what it sends
    asked_at BIGINT NOT NULL,                -- the last time
    n_unconfirmed BIGINT NOT NULL,           -- how often in a row it was asked and did not confirm
    ends_at BIGINT,                          -- NULL: not confirmed, or ended by the hub
    told_at BIGINT,                          -- when it last told of news
    missed_at BIGINT,                        -- when a poll last found news of which it had not told
    callback TEXT NOT NULL                   -- what stands before the token in that address
);

-- To count them without reading them.
CREATE INDEX saved_searches_kept ON saved_searches (id) WHERE is_deleted = 0;
