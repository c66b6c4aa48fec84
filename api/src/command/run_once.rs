//! `harbinger run-once`: everything that is due, once.

use std::io::Write;
use std::process::ExitCode;

use super::setup::Setup;
use crate::cli::RunOnceArgs;
use crate::pipeline::{Mode, Summary};
use crate::system::System;

pub(super) fn run(setup: Setup, args: &RunOnceArgs) -> anyhow::Result<ExitCode> {
    let progress = super::spinner(setup.args.quiet);
    let summary = super::runtime()?.block_on(async {
        let system = System::open(setup.config).await?;
        super::stop_on_signal(system.shutdown.clone());
        let shown = progress.clone();
        system.run(Mode::Once, move |so_far| shown.set_message(line(&so_far))).await
    })?;
    progress.finish_and_clear();
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &summary)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", line(&summary))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(summary: &Summary) -> String {
    let Summary { n_polls, n_polls_failed, n_entries_new, n_articles, n_entries_failed, .. } =
        summary;
    let Summary { n_annotated, n_statements, n_indexed, .. } = summary;
    format!(
        "{n_polls} feeds polled ({n_polls_failed} failed), {n_entries_new} new entries, \
         {n_articles} articles ({n_entries_failed} failed), {n_annotated} annotated with \
         {n_statements} statements, {n_indexed} indexed"
    )
}
