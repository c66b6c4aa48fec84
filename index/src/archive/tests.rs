//! The archive on real databases: every scenario runs on SQLite in a temporary folder, and on
//! PostgreSQL too when `HARBINGER_TEST_DATABASE_URL` names a server (`scripts/postgres-test.sh`).

mod access;
mod added_sources;
mod alerts;
mod aliases;
mod annotations;
mod articles;
mod backup;
mod corrections;
mod faults;
mod frontier;
mod graph_articles;
mod hub_subscriptions;
mod imports;
mod opening;
mod outbox;
mod properties;
mod reading;
mod removed;
mod removed_messages;
mod retention;
mod silences;
mod sources;
mod story_edits;
mod submissions;
mod told_before;
mod versions;
mod world;
