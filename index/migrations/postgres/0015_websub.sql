-- Hubs that were asked to tell of a feed's news (WebSub), one for a source.
CREATE TABLE hub_subscriptions (
    source_id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    hub TEXT NOT NULL,                  -- where it was asked
    topic TEXT NOT NULL,                -- what the hub knows the feed by
    token TEXT COLLATE "C" NOT NULL UNIQUE,       -- last part of the address that the hub calls
    secret TEXT NOT NULL,               -- with it the hub signs what it sends
    asked_at BIGINT NOT NULL,           -- the last time
    n_refusals BIGINT NOT NULL,         -- in a row
    refusal TEXT,                       -- what the hub, or the way to it, said last
    ends_at BIGINT,                     -- NULL: not confirmed
    told_at BIGINT                      -- when it last told of news
);
