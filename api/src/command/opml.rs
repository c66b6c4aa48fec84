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
use crate::opml::{self, LIST_BYTES_MAX, ListError};
use crate::roster::Roster;
use crate::system::archive_settings;

/// Runs `harbinger import-opml`.
pub(super) fn import(setup: &Setup, args: &ImportOpmlArgs) -> anyhow::Result<ExitCode> {
    let name = args.file.display();
    let list = if args.file.as_os_str() == "-" {
        read(std::io::stdin().lock())
    } else {
        std::fs::File::open(&args.file).and_then(read)
    };
    let list = list.with_context(|| format!("cannot read {name}"))?;
    super::runtime()?.block_on(async {
        let config = &setup.config;
        let archive = Archive::open(&archive_settings(config)).await?;
        let now = super::now();
        let roster = Roster::new(config, now.date_naive());
        roster.refresh(&archive).await?;
        let desk = Desk {
            archive: &archive,
            roster: &roster,
            config,
            fetcher: None,
            trial_permits: None,
            now,
        };
        let imported = match opml::import(&desk, list.into(), None, "command line", None).await {
            Ok(imported) => imported,
            Err(ListError::Opml(error)) => {
                return Err(UsageError(format!("{name}: {error}")).into());
            }
            Err(error) => return Err(error.into()),
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

/// Reads to the end, unless that is too far.
fn read(input: impl Read) -> std::io::Result<Vec<u8>> {
    let mut list = Vec::new();
    input.take(LIST_BYTES_MAX as u64 + 1).read_to_end(&mut list)?;
    if LIST_BYTES_MAX < list.len() {
        let said = format!("it is longer than {} MiB, the most that is read", LIST_BYTES_MAX >> 20);
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, said));
    }
    Ok(list)
}

/// Runs `harbinger export-opml`.
pub(super) fn export(setup: &Setup, args: &ExportOpmlArgs) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let archive = Archive::open_read_only(&archive_settings(&setup.config)).await?;
        let roster = Roster::new(&setup.config, super::now().date_naive());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_refused_and_not_cut() {
        assert_eq!(
            read(std::io::repeat(b' ').take(LIST_BYTES_MAX as u64)).unwrap().len(),
            16 << 20
        );
        let error = read(std::io::repeat(b' ')).unwrap_err();
        assert!(error.to_string().contains("longer than 16 MiB"), "{error}");
    }
}
