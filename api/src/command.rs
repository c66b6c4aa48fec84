//! What each command of the command line does, one module each.
//!
//! Reading order: [`run`], `setup`, then the commands.

mod access;
mod annotate;
mod backup;
mod check_config;
mod correlate;
mod demo_site;
mod export;
mod extract;
mod fetch;
mod import;
mod index_articles;
pub mod jsonl;
mod match_searches;
mod opml;
mod parse_feed;
mod prune;
mod reindex;
mod run_once;
mod search;
mod serve;
mod setup;
mod sources;
mod support;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use jsonl::Tally;
use setup::Setup;
pub(crate) use support::{check_query, load_annotator, now};
use support::{
    in_parallel, make_annotator, parse_date, runtime, say, spinner, stop_on_signal, stop_signal,
    text_of_id,
};

/// A command line that clap accepts but that makes no sense; ends with exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Exit status when some lines or items failed.
const EXIT_SOME_FAILED: u8 = 1;

/// Runs one command to its end.
///
/// # Errors
/// What stopped the command as a whole. Single bad lines end in a non-zero exit status instead.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Cli::command(), "harbinger", &mut std::io::stdout());
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::CheckConfig = command {
        return check_config::run(&global);
    }
    let is_service = matches!(command, Command::Serve(_) | Command::RunOnce(_));
    let setup = Setup::load(global, &command, is_service)?;
    match command {
        Command::Serve(_) => serve::run(setup),
        Command::RunOnce(args) => run_once::run(setup, &args),
        Command::Extract(args) => extract::run(&setup, &args),
        Command::ParseFeed(args) => parse_feed::run(&setup, &args),
        Command::Annotate(args) => annotate::run(&setup, &args),
        Command::Correlate(args) => correlate::run(&setup, &args),
        Command::Index(args) => index_articles::run(setup, &args),
        Command::Fetch(args) => fetch::run(setup, &args),
        Command::Import(args) => import::run(setup, &args),
        Command::Match(args) => match_searches::run(&setup, &args),
        Command::Search(args) => search::run(&setup, &args),
        Command::Export(args) => export::run(&setup, &args),
        Command::Reindex(args) => reindex::run(setup, &args),
        Command::DemoSite(args) => demo_site::run(&args),
        Command::Backup(args) => backup::backup(&setup, &args),
        Command::Restore(args) => backup::restore(&setup, &args),
        Command::Prune(args) => prune::run(setup, &args),
        Command::Users { command } => access::users(&setup, &command),
        Command::Keys { command } => access::keys(&setup, &command),
        Command::ImportOpml(args) => opml::import(&setup, &args),
        Command::ExportOpml(args) => opml::export(&setup, &args),
        Command::Sources { command } => sources::run(&setup, &command),
        Command::Completions { .. } | Command::CheckConfig => unreachable!("handled above"),
    }
}

/// The exit status for a command over lines.
fn exit_code(tally: Tally) -> ExitCode {
    if tally.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_SOME_FAILED) }
}
