//! `harbinger backup` and `harbinger restore`.

use std::process::ExitCode;

use index::archive::backup;

use super::setup::Setup;
use crate::cli::BackupArgs;
use crate::system::archive_settings;

/// Copies the archive to a file, also while the server runs.
pub(super) fn backup(setup: &Setup, args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = archive_settings(&setup.config);
    let copied = super::runtime()?.block_on(backup::backup(&settings, &args.file))?;
    let file = args.file.display();
    super::say(&format!("{file}: {} KiB", copied.n_bytes.div_ceil(1_024)))?;
    if 0 < copied.n_warc_files {
        let n_kib = copied.n_warc_bytes.div_ceil(1_024);
        super::say(&format!("{file}.warc: {} WARC files, {n_kib} KiB", copied.n_warc_files))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy in the archive's place.
pub(super) fn restore(setup: &Setup, args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = archive_settings(&setup.config);
    let n_warc_files = super::runtime()?.block_on(backup::restore(&settings, &args.file))?;
    if 0 < n_warc_files {
        super::say(&format!("{n_warc_files} WARC files brought back"))?;
    }
    super::say("restored; the search index is made anew at the next start")?;
    Ok(ExitCode::SUCCESS)
}
