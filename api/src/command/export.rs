//! `harbinger export`: what a search finds, in the format of another tool.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use index::{Archive, SearchIndex};
use tokio_util::sync::CancellationToken;

use super::setup::Setup;
use super::{runtime, search, stop_on_signal, support};
use crate::cli::ExportArgs;
use crate::export::{self, ExportError, Facts, Options, Source};
use crate::system::{archive_settings, index_folder, sector_labels};

const BUFFER_BYTES: usize = 64 * 1024;

pub(super) fn run(setup: &Setup, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let (from, to) = (args.from.as_deref(), args.to.as_deref());
    let request = search::selection(&args.query, &args.facet, from, to)?;
    let folder = index_folder(&setup.config.settings.data_dir);
    let search = SearchIndex::open_read_only(&folder, sector_labels(&setup.config));
    let search = search.with_context(|| {
        format!("nothing to export in {}; has `harbinger serve` run?", folder.display())
    })?;
    let runtime = runtime()?;
    let settings = archive_settings(&setup.config);
    let archive = runtime.block_on(Archive::open_read_only(&settings))?;
    let stop = CancellationToken::new();
    runtime.block_on(async { stop_on_signal(stop.clone()) });
    let progress = support::counter(setup.args.quiet, "articles");
    let source = Source { archive, search, now: super::now(), stop, progress };
    let options = Options { facts: Arc::new(Facts::of(&setup.config)), tlp: args.tlp };

    let written = match &args.output {
        Some(path) => {
            let part = part_of(path);
            let file = File::create(&part);
            let file = file.with_context(|| format!("cannot write {}", part.display()))?;
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
            let written =
                export::run(runtime.handle(), &source, request, args.format, &options, &mut out);
            drop(out);
            if part != *path {
                let finished = match &written {
                    Ok(_) => fs::rename(&part, path),
                    // What was there under the name stays, and nothing half is left.
                    Err(_) => fs::remove_file(&part),
                };
                finished.with_context(|| format!("cannot finish {}", path.display()))?;
            }
            written
        }
        None => {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
            export::run(runtime.handle(), &source, request, args.format, &options, &mut out)
        }
    };
    source.progress.finish_and_clear();
    match written {
        Ok(written) => {
            if !setup.args.quiet {
                let (n_articles, n_statements) = (written.n_articles, written.n_statements);
                let note = if written.is_cut { "; a bound was met, parts are missing" } else { "" };
                let mut err = io::stderr().lock();
                writeln!(err, "exported {n_articles} articles, {n_statements} statements{note}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(ExportError::Search(error)) => Err(search::refusal(error, &args.query)),
        // Whoever reads has enough, as `head` does.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the file is written until it is whole; what is no file (`/dev/stdout`, a pipe) itself.
fn part_of(path: &Path) -> PathBuf {
    if path.exists() && !path.is_file() {
        return path.to_owned();
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}
