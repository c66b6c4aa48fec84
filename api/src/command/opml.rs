//! `harbinger import-opml` and `export-opml`: sources from and for other readers.

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use index::Archive;

use super::UsageError;
use super::access::note;
use super::setup::Setup;
use crate::additions::Desk;
use crate::cli::{ExportOpmlArgs, ImportOpmlArgs};
use crate::opml::{self, ImportError};
use crate::roster::Roster;
use crate::system::archive_settings;

/// Longest list that is read, in bytes.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// Runs `harbinger import-opml`.
pub(super) fn import(setup: &Setup, args: &ImportOpmlArgs) -> anyhow::Result<ExitCode> {
    let name = args.file.display();
    let mut list = Vec::new();
    let read = if args.file.as_os_str() == "-" {
        std::io::stdin().lock().take(LIST_BYTES_MAX).read_to_end(&mut list)
    } else {
        let file = std::fs::File::open(&args.file);
        file.and_then(|it| it.take(LIST_BYTES_MAX).read_to_end(&mut list))
    };
    read.with_context(|| format!("cannot read {name}"))?;
    super::runtime()?.block_on(async {
        let config = &setup.config;
        let archive = Archive::open(&archive_settings(config)).await?;
        let roster = Roster::new(config);
        roster.refresh(&archive).await?;
        let now = super::now();
        let desk = Desk { archive: &archive, roster: &roster, config, fetcher: None, now };
        let imported = match opml::import(&desk, &list, None, "command line").await {
            Ok(imported) => imported,
            Err(ImportError::Opml(error)) => {
                return Err(UsageError(format!("{name}: {error}")).into());
            }
            Err(ImportError::Archive(error)) => return Err(error.into()),
        };
        note(&archive, "import opml", &name.to_string()).await?;
        for refused in &imported.refused {
            super::say(&format!("left out {}: {}", refused.title, refused.reason))?;
        }
        super::say(&format!(
            "{} added, {} known already, {} left out",
            imported.added.len(),
            imported.n_known,
            imported.refused.len()
        ))?;
        let is_good = imported.refused.is_empty();
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(super::EXIT_SOME_FAILED) })
    })
}

/// Runs `harbinger export-opml`.
pub(super) fn export(setup: &Setup, args: &ExportOpmlArgs) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let archive = Archive::open_read_only(&archive_settings(&setup.config)).await?;
        let roster = Roster::new(&setup.config);
        roster.refresh(&archive).await?;
        let list = opml::export(&archive, &roster).await?;
        match &args.output {
            Some(path) => std::fs::write(path, list)
                .with_context(|| format!("cannot write {}", path.display()))?,
            None => super::say(list.trim_end())?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
