//! `harbinger backup` and `harbinger restore`.

use std::process::ExitCode;

use index::archive::backup;

use super::setup::Setup;
use crate::cli::BackupArgs;
use crate::system::archive_settings;

/// Copies the archive to a file, also while the server runs.
pub(super) fn backup(setup: &Setup, args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = archive_settings(&setup.config);
    let n_bytes = super::runtime()?.block_on(backup::backup(&settings, &args.file))?;
    super::say(&format!("{}: {} KiB", args.file.display(), n_bytes.div_ceil(1_024)))?;
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy in the archive's place.
pub(super) fn restore(setup: &Setup, args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = archive_settings(&setup.config);
    super::runtime()?.block_on(backup::restore(&settings, &args.file))?;
    super::say("restored; the search index is made anew at the next start")?;
    Ok(ExitCode::SUCCESS)
}
