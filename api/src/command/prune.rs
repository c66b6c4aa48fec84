//! `harbinger prune`: what the retention stage of the server does, by hand.

use std::process::ExitCode;

use index::Archive;
use ingest::warc_writer::WARC_FOLDER;

use super::UsageError;
use super::setup::Setup;
use crate::cli::PruneArgs;
use crate::pipeline::{Mode, retention};
use crate::system::{System, archive_settings};

pub(super) fn run(setup: Setup, args: &PruneArgs) -> anyhow::Result<ExitCode> {
    let Some(days) = args.days.or(setup.config.settings.retention.articles_days) else {
        let reason = "the setting retention.articles_days is not set, so everything is kept; \
             give --days N";
        return Err(UsageError(reason.to_owned()).into());
    };
    let now = super::now();
    let before = retention::cutoff(now, days);
    let day = before.format("%Y-%m-%d %H:%M");
    let runtime = super::runtime()?;
    if args.dry_run {
        let settings = archive_settings(&setup.config);
        let found = runtime
            .block_on(async { Archive::open_read_only(&settings).await?.prunable(before).await })?;
        super::say(&format!(
            "would delete {} articles and {} finished entries from before {day}; {} articles as \
             old stay, since an alert, a note, a pin or a correction refers to them",
            found.n_articles, found.n_entries, found.n_kept,
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = setup.config.settings.data_dir.join(WARC_FOLDER);
    let progress = super::spinner(setup.args.quiet);
    progress.set_message("deleting what is old");
    let pruned = runtime.block_on(async {
        let system = System::open(setup.config).await?;
        super::stop_on_signal(system.shutdown.clone());
        let (archive, stop) = (system.archive.clone(), system.shutdown.clone());
        let pruned =
            retention::prune(&archive, &folder, before, now, "command line", &stop).await?;
        // The search index hears of it.
        system.run(Mode::Offline, |_| {}).await?;
        anyhow::Ok(pruned)
    })?;
    progress.finish_and_clear();
    super::say(&format!(
        "deleted {} articles and {} finished entries from before {day}",
        pruned.n_articles, pruned.n_entries,
    ))?;
    Ok(ExitCode::SUCCESS)
}
