//! `harbinger annotate`: mentions, statements and sectors of texts.

use std::process::ExitCode;

use nlp::document::Document;
use serde::Deserialize;
use serde_json::Value;

use super::jsonl::{self, Line, LineError};
use super::setup::Setup;
use crate::cli::JsonlArgs;

/// Lines annotated together, so that sentences of like length share a pass of the model.
const N_LINES_PER_BATCH: usize = 32;

/// A line of input; unknown fields are passed over.
#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    id: Value,
    text: String,
    title: Option<String>,
    published_at: Option<String>,
    url: Option<String>,
    language: Option<String>,
}

pub(super) fn run(setup: &Setup, args: &JsonlArgs) -> anyhow::Result<ExitCode> {
    let mut annotator = super::make_annotator(setup)?;
    let tally = jsonl::convert(&args.file, N_LINES_PER_BATCH, setup.args.quiet, |lines| {
        let inputs: Vec<Result<(Value, Document), LineError>> =
            lines.into_iter().map(read).collect();
        let documents: Vec<Document> =
            inputs.iter().flatten().map(|(_, document)| document.clone()).collect();
        let mut annotated = annotator.annotate(&documents).into_iter();
        let answers = inputs.into_iter().map(|input| {
            let (id, _) = input?;
            let missing = || LineError { id: id.clone(), message: "not annotated".to_owned() };
            let found = annotated.next().ok_or_else(missing)?;
            let mut object = serde_json::to_value(&found.annotation).map_err(|_| missing())?;
            // The id goes out as it came in, also a number.
            object["id"] = id;
            Ok(object)
        });
        answers.collect()
    })?;
    Ok(super::exit_code(tally))
}

/// The id as it stood, and the document.
pub(super) fn read(line: Line) -> Result<(Value, Document), LineError> {
    let object = line?;
    let input = Input::deserialize(&object)
        .map_err(|error| LineError::of(&object, format!("the line is no document: {error}")))?;
    let published_at = match &input.published_at {
        None => None,
        Some(text) => Some(super::parse_date(text).ok_or_else(|| {
            LineError::of(&object, format!("`published_at` is no date: `{text}`"))
        })?),
    };
    let document = Document {
        id: super::text_of_id(&input.id),
        title: input.title.filter(|it| !it.trim().is_empty()),
        text: input.text,
        published_at,
        url: input.url,
        language: input.language,
    };
    Ok((input.id, document))
}
