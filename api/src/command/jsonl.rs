//! JSON lines in, JSON lines out: in order, flushed as they go, bad lines reported in place.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// Longest line that is read, in bytes; a longer one becomes an error line.
const LINE_BYTES_MAX: usize = 64 << 20;

/// How many lines went well and how many did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines answered.
    pub n_ok: usize,
    /// Lines answered with an error.
    pub n_failed: usize,
}

/// An input line: a JSON object, or what is wrong with it.
pub type Line = Result<Value, LineError>;

/// A line that cannot be worked on.
#[derive(Clone, Debug, PartialEq)]
pub struct LineError {
    /// The line's `id`, `null` when it has none.
    pub id: Value,
    /// What is wrong, with the line's number where that helps.
    pub message: String,
}

impl LineError {
    /// An error of the line `object`.
    pub fn of(object: &Value, message: impl Into<String>) -> LineError {
        LineError { id: object.get("id").cloned().unwrap_or(Value::Null), message: message.into() }
    }

    /// The object to print in place of an answer.
    pub fn to_json(&self) -> Value {
        json!({ "id": self.id, "error": self.message })
    }
}

/// Reads `file` (`-` is standard input), hands batches of at most `n_batch_max` lines to
/// `answer`, and prints one line for each.
///
/// A batch holds the lines that are already there, so a person at a pipe is answered at once
/// and a large file in large batches. `answer` returns as many answers as it got lines.
pub fn convert(
    file: &Path,
    n_batch_max: usize,
    is_quiet: bool,
    answer: impl FnMut(Vec<Line>) -> Vec<Result<Value, LineError>>,
) -> anyhow::Result<Tally> {
    convert_lines(file, n_batch_max, is_quiet, Printed::All, answer)
}

/// As [`convert`], but prints the lines that failed only.
pub fn convert_silently(
    file: &Path,
    n_batch_max: usize,
    is_quiet: bool,
    answer: impl FnMut(Vec<Line>) -> Vec<Result<Value, LineError>>,
) -> anyhow::Result<Tally> {
    convert_lines(file, n_batch_max, is_quiet, Printed::Failures, answer)
}

/// Which answers are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Printed {
    All,
    Failures,
}

fn convert_lines(
    file: &Path,
    n_batch_max: usize,
    is_quiet: bool,
    printed: Printed,
    mut answer: impl FnMut(Vec<Line>) -> Vec<Result<Value, LineError>>,
) -> anyhow::Result<Tally> {
    let progress = progress_bar(file, is_quiet);
    let lines = read_lines(file, progress.clone(), n_batch_max)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let mut tally = Tally::default();
    while let Ok(first) = lines.recv() {
        let mut batch = vec![first?];
        while batch.len() < n_batch_max {
            match lines.try_recv() {
                Ok(line) => batch.push(line?),
                Err(_) => break,
            }
        }
        for outcome in answer(batch) {
            let object = match outcome {
                Ok(value) => {
                    tally.n_ok += 1;
                    if printed == Printed::Failures {
                        continue;
                    }
                    value
                }
                Err(error) => {
                    tally.n_failed += 1;
                    error.to_json()
                }
            };
            serde_json::to_writer(&mut output, &object)?;
            output.write_all(b"\n")?;
        }
        output.flush()?;
    }
    progress.finish_and_clear();
    Ok(tally)
}

/// Opens `file`, `-` being standard input.
pub fn open(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Box::new(opened))
}

/// A bar on standard error over the bytes of `file`; hidden when nobody would see it.
fn progress_bar(file: &Path, is_quiet: bool) -> ProgressBar {
    if is_quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match std::fs::metadata(file) {
        Ok(meta) if meta.is_file() => {
            let style = "{bar:32} {percent:>3}%  {binary_bytes}/{binary_total_bytes}  {eta} left";
            ProgressBar::new(meta.len())
                .with_style(ProgressStyle::with_template(style).expect("the template is valid"))
        }
        _ => {
            let style = ProgressStyle::with_template("{spinner} {binary_bytes} read, {elapsed}")
                .expect("the template is valid");
            ProgressBar::new_spinner().with_style(style)
        }
    }
}

/// Starts a thread that reads lines ahead, at most `n_ahead`.
fn read_lines(
    file: &Path,
    progress: ProgressBar,
    n_ahead: usize,
) -> anyhow::Result<Receiver<anyhow::Result<Line>>> {
    let input = open(file)?;
    let name = file.display().to_string();
    let (sender, receiver) = sync_channel(n_ahead.max(1));
    std::thread::Builder::new().name("jsonl-reader".to_owned()).spawn(move || {
        let mut input = BufReader::with_capacity(1 << 16, progress.wrap_read(input));
        for number in 1_usize.. {
            let line = match read_line(&mut input) {
                Ok(None) => return,
                Ok(Some(bytes)) => Ok(parse_line(&bytes, number)),
                Err(error) => Err(anyhow::Error::new(error).context(format!("cannot read {name}"))),
            };
            let is_end = line.is_err();
            let is_blank = matches!(&line, Ok(Ok(Value::Null)));
            if (!is_blank && sender.send(line).is_err()) || is_end {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// The next line without its line feed, cut to [`LINE_BYTES_MAX`] + 1 bytes; `None` at the end.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok((!bytes.is_empty()).then_some(bytes));
        }
        let end = buffer.iter().position(|&it| it == b'\n');
        let n_taken = end.unwrap_or(buffer.len());
        let n_kept = n_taken.min((LINE_BYTES_MAX + 1).saturating_sub(bytes.len()));
        bytes.extend_from_slice(&buffer[..n_kept]);
        input.consume(n_taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(Some(bytes));
        }
    }
}

/// A blank line is `Ok(Value::Null)`, which the caller passes over.
fn parse_line(bytes: &[u8], number: usize) -> Line {
    let error = |id, message: String| Err(LineError { id, message });
    if bytes.len() > LINE_BYTES_MAX {
        return error(Value::Null, format!("line {number} is longer than {LINE_BYTES_MAX} bytes"));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(other) => {
            let kind = if other.is_array() { "an array" } else { "a bare value" };
            error(Value::Null, format!("line {number} is {kind}, not a JSON object"))
        }
        Err(cause) => error(Value::Null, format!("line {number} is not JSON: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Value, &str>) {
        let found = parse_line(line.as_bytes(), 7);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(
                found.message.contains(expected),
                "`{}` does not contain `{expected}`",
                found.message
            ),
            (found, expected) => panic!("found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        check("{\"id\":1}", Ok(json!({"id": 1})));
        check("  ", Ok(Value::Null));
        check("[1]", Err("line 7 is an array"));
        check("3", Err("line 7 is a bare value"));
        check("{\"id\":", Err("line 7 is not JSON"));
    }

    #[test]
    fn lines_are_read_to_the_end_without_a_final_line_feed() {
        let mut input = io::Cursor::new(b"one\n\ntwo".to_vec());
        let mut found = Vec::new();
        while let Some(line) = read_line(&mut input).expect("reading memory") {
            found.push(String::from_utf8(line).expect("the input is UTF-8"));
        }
        assert_eq!(found, ["one", "", "two"]);
    }
}
