//! What several commands need: the runtime, the clock, signals, spinners.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use config::{Config, NlpEngine, NlpPrecision};
use indicatif::{ProgressBar, ProgressStyle};
use nlp::Annotator;
use nlp::knowledge::Knowledge;
use nlp::rten_tagger::RtenTagger;
use nlp::statement::StatementReader;
use nlp::tagger::{Precision, Tagger};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::setup::Setup;

/// The clock. This is the one place where time enters Harbinger.
#[expect(clippy::disallowed_methods, reason = "the clock enters here and is passed on")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A multi-threaded runtime for network and database.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("runtime")
        .build()
        .context("the async runtime cannot be started")
}

/// Prints a line on standard output.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Ends at Ctrl-C or SIGTERM.
pub(super) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be heard; Ctrl-C still works");
                let _ = interrupt.await;
                return;
            }
        };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

/// Cancels `shutdown` at the first Ctrl-C or SIGTERM and ends the process at the second.
/// Ending at once is safe: everything that counts is in committed transactions.
pub(super) fn stop_on_signal(shutdown: CancellationToken) {
    tokio::spawn(async move {
        stop_signal().await;
        tracing::info!("stopping: finishing what is in hand; once more to stop at once");
        shutdown.cancel();
        stop_signal().await;
        tracing::warn!("stopped at once; the next start goes on where this one was");
        #[expect(clippy::exit, reason = "the user asked twice")]
        std::process::exit(130);
    });
}

/// A spinner with a message on standard error; hidden when nobody would see it.
pub(super) fn spinner(is_quiet: bool) -> ProgressBar {
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {elapsed} {msg}").expect("the template is valid");
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// A spinner that counts `what` on standard error; hidden when nobody would see it.
pub(super) fn counter(is_quiet: bool, what: &'static str) -> ProgressBar {
    let bar = spinner(is_quiet);
    if !bar.is_hidden() {
        let template = format!("{{spinner}} {{elapsed}} {{human_pos}} {what} ({{per_sec}})");
        bar.set_style(ProgressStyle::with_template(&template).expect("the template is valid"));
    }
    bar
}

/// Answers `items` on all cores, in order.
pub(super) fn in_parallel<T: Send, R: Send>(items: Vec<T>, answer: fn(T) -> R) -> Vec<R> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    if n_threads == 1 || items.len() < 2 {
        return items.into_iter().map(answer).collect();
    }
    let slots: Vec<_> =
        items.into_iter().map(|it| std::sync::Mutex::new((Some(it), None))).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..n_threads.min(slots.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(slot) = slots.get(at) else { return };
                    let item =
                        slot.lock().expect("no thread panics while it holds a slot").0.take();
                    let answered = item.map(answer);
                    slot.lock().expect("no thread panics while it holds a slot").1 = answered;
                }
            });
        }
    });
    let answers = slots.into_iter().map(|it| it.into_inner().expect("all threads ended well").1);
    answers.map(|it| it.expect("every slot was answered")).collect()
}

/// The tagger and all that goes with it; takes a moment.
pub(crate) fn load_annotator(config: &Config) -> anyhow::Result<Annotator> {
    let settings = &config.settings.nlp;
    let n_cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let n_threads = NonZeroUsize::new(settings.n_threads).unwrap_or(n_cores);
    let knowledge = Knowledge::new(config.gazetteer.clone(), &config.taxonomy);
    let precision = match settings.precision {
        NlpPrecision::Int8 => Precision::Int8,
        NlpPrecision::Float32 => Precision::Float32,
    };
    let tagger = load_tagger(settings.engine, precision, n_threads)
        .context("the tagger cannot be loaded")?;
    let reader = StatementReader::embedded(Arc::new(knowledge), precision, n_threads)
        .context("the statement reader cannot be loaded")?;
    Ok(Annotator::new(tagger, reader, settings.text_chars_max))
}

fn load_tagger(
    engine: NlpEngine,
    precision: Precision,
    n_threads: NonZeroUsize,
) -> anyhow::Result<Box<dyn Tagger>> {
    match engine {
        NlpEngine::Rten => Ok(Box::new(RtenTagger::embedded(precision, n_threads)?)),
        #[cfg(feature = "rust-bert")]
        NlpEngine::RustBert => {
            Ok(Box::new(nlp::rust_bert_tagger::RustBertTagger::embedded(n_threads)?))
        }
        #[cfg(not(feature = "rust-bert"))]
        NlpEngine::RustBert => anyhow::bail!(
            "nlp.engine is \"rust-bert\", but this program was built without it: build it with \
             `--features rust-bert`, or set nlp.engine to \"rten\""
        ),
    }
}

/// As [`load_annotator`], with a spinner for those who wait.
pub(super) fn make_annotator(setup: &Setup) -> anyhow::Result<Annotator> {
    let waiting = spinner(setup.args.quiet);
    waiting.set_message("loading the tagger");
    let annotator = load_annotator(&setup.config);
    waiting.finish_and_clear();
    annotator
}

/// The day or instant that `text` names: RFC 3339, or `2026-01-31` for its first second.
pub(super) fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    ingest::date::parse_date(text)
}

/// Whether a saved search's query can be read; else what is wrong with it, and where.
pub(crate) fn check_query(text: &str) -> Result<(), String> {
    index::query::parse(text).map(|_| ()).map_err(|error| error.to_string())
}

/// A line's id as text; empty when it has none.
pub(super) fn text_of_id(id: &Value) -> String {
    match id {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let answers = in_parallel((0..1_000).collect(), |it: u64| it * it);
        assert_eq!(answers, (0..1_000).map(|it| it * it).collect::<Vec<u64>>());
    }
}
