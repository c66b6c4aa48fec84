//! One module for each branch of the address tree.
//!
//! Reading order: [`health`], [`search`], [`articles`], [`submissions`], [`stories`], [`story_list`], [`story_edits`],
//! [`statements`], [`entities`], [`graph`], [`map`], [`export`], [`taxii`], [`events`],
//! [`saved_searches`], [`alerts`], [`alert_pages`], [`feeds`], [`sources`], [`source_list`],
//! [`restoring`], [`opml`], [`hubs`], [`corrections`], [`login`], [`settings`], [`mcp`], [`openapi`], [`assets`]; [`params`]
//! reads query strings, [`json_body`] and [`upload`] bodies, [`etag`] answers with tags, [`progress`]
//! tells how far an answer is, [`navigation`] counts for the head of every page.

pub(crate) mod alert_pages;
pub(crate) mod alerts;
pub(crate) mod articles;
pub(crate) mod assets;
pub(crate) mod complete;
pub(crate) mod corrections;
pub(crate) mod entities;
pub(crate) mod etag;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod feeds;
pub(crate) mod graph;
pub(crate) mod headlines;
pub(crate) mod health;
pub(crate) mod help;
pub(crate) mod hubs;
pub(crate) mod json_body;
pub(crate) mod login;
pub(crate) mod map;
pub(crate) mod mcp;
pub(crate) mod navigation;
pub(crate) mod oidc;
pub(crate) mod openapi;
pub(crate) mod opml;
pub(crate) mod params;
pub(crate) mod progress;
pub(crate) mod restoring;
pub(crate) mod saved_searches;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod source_list;
pub(crate) mod sources;
pub(crate) mod statements;
pub(crate) mod stories;
pub(crate) mod story_edits;
pub(crate) mod story_list;
pub(crate) mod submissions;
pub(crate) mod taxii;
pub(crate) mod today;
pub(crate) mod upload;
pub(crate) mod versions;
