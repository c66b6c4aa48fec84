//! `harbinger reindex`: annotations, stories and the index anew, from the archive.

use std::io::Write;
use std::process::ExitCode;

use super::setup::Setup;
use crate::cli::ReindexArgs;
use crate::pipeline::Mode;
use crate::system::System;

pub(super) fn run(setup: Setup, args: &ReindexArgs) -> anyhow::Result<ExitCode> {
    let progress = super::spinner(setup.args.quiet);
    let summary = super::runtime()?.block_on(async {
        let mut system = System::open(setup.config).await?;
        super::stop_on_signal(system.shutdown.clone());
        if !args.index_only {
            progress.set_message("forgetting annotations and stories");
            system.archive.clear_annotations().await?;
        }
        system.clear_index()?;
        let shown = progress.clone();
        let show = move |so_far: crate::pipeline::Summary| {
            let (n_annotated, n_indexed) = (so_far.n_annotated, so_far.n_indexed);
            shown.set_message(format!("{n_annotated} annotated, {n_indexed} indexed"));
        };
        system.run(Mode::Offline, show).await
    })?;
    progress.finish_and_clear();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} articles annotated with {} statements, {} indexed",
        summary.n_annotated, summary.n_statements, summary.n_indexed
    )?;
    Ok(ExitCode::SUCCESS)
}
