//! `harbinger extract`: articles out of HTML, one page or JSON lines.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use config::ExtractRules;
use ingest::decode::decode;
use ingest::extract::{ExtractedPage, extract};
use serde_json::{Value, json};

use super::jsonl::{self, Line, LineError, Tally};
use super::setup::Setup;
use crate::cli::ExtractArgs;

/// Lines handed to the threads at once.
const N_LINES_PER_BATCH: usize = 32;
/// Largest page read from a file, in bytes.
const PAGE_BYTES_MAX: u64 = 64 << 20;

pub(super) fn run(setup: &Setup, args: &ExtractArgs) -> anyhow::Result<ExitCode> {
    if args.jsonl {
        let tally = jsonl::convert(&args.file, N_LINES_PER_BATCH, setup.args.quiet, |lines| {
            super::in_parallel(lines, extract_line)
        })?;
        return Ok(super::exit_code(tally));
    }
    let mut bytes = Vec::new();
    jsonl::open(&args.file)?
        .take(PAGE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let html = decode(&bytes, Some("text/html")).text;
    let url = args.url.as_deref();
    let id = args.file.display().to_string();
    let answer = answer(json!(id), url, &html);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &answer)?;
    writeln!(out)?;
    let n_failed = usize::from(!answer["error"].is_null());
    Ok(super::exit_code(Tally { n_ok: 1 - n_failed, n_failed }))
}

fn extract_line(line: Line) -> Result<Value, LineError> {
    let object = line?;
    let Some(html) = object.get("html").and_then(Value::as_str) else {
        return Err(LineError::of(&object, "the line has no text `html`"));
    };
    let url = object.get("url").and_then(Value::as_str);
    let answer = answer(object.get("id").cloned().unwrap_or(Value::Null), url, html);
    Ok(answer)
}

/// The contract's object: `error` is null, or says why there is no article.
fn answer(id: Value, url: Option<&str>, html: &str) -> Value {
    let (page, error) = match extract(html, url, &ExtractRules::default(), super::now()) {
        Ok(page) => (page, None),
        Err(error) => (ExtractedPage::default(), Some(error.to_string())),
    };
    let mut object = serde_json::to_value(page).unwrap_or_else(|_| json!({}));
    object["id"] = id;
    object["url"] = json!(url);
    object["error"] = json!(error);
    object
}
