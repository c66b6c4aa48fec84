//! `harbinger correlate`: which articles belong to one story, online.

use std::process::ExitCode;

use chrono::TimeDelta;
use nlp::document::Document;
use nlp::story::{StoryClusterer, StoryInput};
use serde_json::{Value, json};

use super::jsonl::{self, LineError};
use super::setup::Setup;
use crate::cli::JsonlArgs;

/// Lines annotated together; the stories are still told one line after the other.
const N_LINES_PER_BATCH: usize = 32;

pub(super) fn run(setup: &Setup, args: &JsonlArgs) -> anyhow::Result<ExitCode> {
    let mut annotator = super::make_annotator(setup)?;
    let window = TimeDelta::days(setup.config.settings.stories.window_days.into());
    let mut stories = StoryClusterer::new(window);
    let tally = jsonl::convert(&args.file, N_LINES_PER_BATCH, setup.args.quiet, |lines| {
        let inputs: Vec<Result<(Value, Document), LineError>> =
            lines.into_iter().map(super::annotate::read).collect();
        let documents: Vec<Document> =
            inputs.iter().flatten().map(|(_, document)| document.clone()).collect();
        let mut annotated = annotator.annotate(&documents).into_iter();
        let answers = inputs.into_iter().map(|input| {
            let (id, document) = input?;
            let found = annotated
                .next()
                .ok_or_else(|| LineError { id: id.clone(), message: "not annotated".to_owned() })?;
            let story = stories.assign(&StoryInput::of(&document, &found));
            Ok(json!({ "id": id, "story": story }))
        });
        answers.collect()
    })?;
    Ok(super::exit_code(tally))
}
