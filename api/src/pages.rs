//! The web pages: what they show ([`view`] and one module for each page), written by templates.
//!
//! Modules turn archived records into plain text, links and class names; only the templates make
//! HTML, and they escape everything. Reading order: [`frame`], [`text`], [`view`], [`statement`],
//! then [`today`], [`stories`], [`search`], [`story`], [`article`] with [`indicators`], [`entity`], [`graph`], [`map`], [`alerts`],
//! [`saved_search`], [`sources`], [`corrections`], [`help`], [`login`], [`settings`], [`error`].

pub(crate) mod alerts;
pub(crate) mod article;
pub(crate) mod corrections;
pub(crate) mod entity;
pub(crate) mod error;
pub(crate) mod frame;
pub(crate) mod graph;
pub(crate) mod help;
pub(crate) mod indicators;
pub(crate) mod login;
pub(crate) mod map;
pub(crate) mod saved_search;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod sources;
pub(crate) mod statement;
pub(crate) mod stories;
pub(crate) mod story;
pub(crate) mod text;
pub(crate) mod today;
pub(crate) mod versions;
pub(crate) mod view;
