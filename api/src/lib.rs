//! The binary's inside: the command line, the wiring of the stages, HTTP and web pages.
//!
//! Reading order: [`cli`], [`command`], [`system`], [`roster`], [`submitted`], [`additions`], [`opml`],
//! [`pipeline`], [`deliver`]; then [`state`], [`news`], [`mod@router`], [`access`], [`handlers`], [`backtest`],
//! [`places`], [`evidence`], [`pages`], [`export`], [`markup`], [`error`], [`undo`], [`openapi`]; last [`logging`] and
//! [`sample`], the bundled news site.

mod access;
pub mod additions;
mod backtest;
pub mod cli;
pub mod command;
pub mod deliver;
pub mod error;
mod evidence;
pub mod export;
mod handlers;
mod hubs;
mod logging;
pub mod markup;
mod news;
mod openapi;
pub mod opml;
mod pages;
pub mod pipeline;
mod places;
pub mod roster;
pub mod router;
pub mod sample;
pub mod state;
mod submitted;
pub mod system;
mod undo;

pub use router::router;
pub use state::AppState;
