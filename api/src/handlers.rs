//! One module for each branch of the address tree.
//!
//! Reading order: [`health`], [`search`], [`articles`], [`stories`], [`statements`], [`entities`],
//! [`events`], [`openapi`], [`assets`]; [`params`] reads query strings, [`etag`] answers with tags.

pub(crate) mod articles;
pub(crate) mod assets;
pub(crate) mod corrections;
pub(crate) mod entities;
pub(crate) mod etag;
pub(crate) mod events;
pub(crate) mod headlines;
pub(crate) mod health;
pub(crate) mod help;
pub(crate) mod login;
pub(crate) mod openapi;
pub(crate) mod params;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod sources;
pub(crate) mod statements;
pub(crate) mod stories;
pub(crate) mod today;
