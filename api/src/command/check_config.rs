//! `harbinger check-config`: every error at once, or what was found.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::GlobalArgs;

use super::setup::{config_folder, load_config};

pub(super) fn run(args: &GlobalArgs) -> anyhow::Result<ExitCode> {
    let folder = config_folder(args);
    let name = folder.map_or("built-in".to_owned(), |it| it.display().to_string());
    let config = load_config(args, Vec::new())?;
    let mut out = std::io::stdout().lock();
    for warning in &config.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    let n_enabled = config.sources.iter().filter(|it| it.enabled).count();
    writeln!(
        out,
        "configuration {name} is good: {} sources ({n_enabled} enabled), {} sectors, \
         {} known entities",
        config.sources.len(),
        config.taxonomy.sectors().len(),
        config.gazetteer.len(),
    )?;
    Ok(ExitCode::SUCCESS)
}
