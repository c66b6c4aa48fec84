//! `harbinger export`: what a search finds, in the format of another tool.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use index::{Archive, SearchIndex};
use tokio_util::sync::CancellationToken;

use super::setup::Setup;
use super::{runtime, search, stop_on_signal};
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
    let source = Source { archive, search, now: super::now(), stop };
    let options = Options { facts: Arc::new(Facts::of(&setup.config)), tlp: args.tlp };

    let written = match &args.output {
        Some(path) => {
            let file = File::create(path);
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
            export::run(runtime.handle(), &source, request, args.format, &options, &mut out)
        }
        None => {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
            export::run(runtime.handle(), &source, request, args.format, &options, &mut out)
        }
    };
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
