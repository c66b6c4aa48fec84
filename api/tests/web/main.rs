//! The web side over a real archive and a real search index, filled by hand.
//!
//! [`newsroom`] writes articles and annotates them; the other modules ask for pages and JSON.

mod access;
mod alerts;
mod corrections;
mod deletion;
mod edges;
mod events;
mod exports;
mod hostile;
mod hubs;
mod json;
mod limits;
mod map;
mod mcp;
mod newsroom;
mod pages;
mod preview;
mod sources;
mod stories;
mod story_list;
