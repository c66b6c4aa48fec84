//! `harbinger sources`: how every source is doing, what would come of another one, adding it.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use index::Archive;
use ingest::trial::{Outcome, Trial, try_source};
use serde_json::{Value, json};

use super::UsageError;
use super::access::note;
use super::setup::Setup;
use crate::additions::{AddError, Desk, TRIAL_TIME_MAX, source_to_try, verdict};
use crate::cli::SourcesCommand;
use crate::handlers::source_list::{SourceBody, SourcesBody, TrialBody, bodies_of};
use crate::roster::Roster;
use crate::system::{archive_settings, fetcher};

/// Runs `harbinger sources …`.
pub(super) fn run(setup: &Setup, command: &SourcesCommand) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        match command {
            SourcesCommand::List { json } => list(setup, *json).await,
            SourcesCommand::Test { url, json, private } => test(setup, url, *json, *private).await,
            SourcesCommand::Add { url, name } => add(setup, url, name.as_deref()).await,
            SourcesCommand::Remove { id } => remove(setup, id).await,
        }
    })
}

async fn list(setup: &Setup, is_json: bool) -> anyhow::Result<ExitCode> {
    let archive = Archive::open_read_only(&archive_settings(&setup.config)).await?;
    let now = super::now();
    let roster = Roster::new(&setup.config, now.date_naive());
    roster.refresh(&archive).await?;
    let sources = bodies_of(&archive, &roster, None, now).await?;
    if is_json {
        super::say(&serde_json::to_string_pretty(&SourcesBody::of(sources))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for source in &sources {
        super::say(&line(source))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A source in one line.
fn line(source: &SourceBody) -> String {
    let state = match source.standing {
        _ if source.is_paused => "paused",
        Some(standing) => standing.name(),
        None if source.is_active => "-",
        None => "off",
    };
    let time = |it: Option<DateTime<Utc>>| {
        it.map_or_else(|| "never".to_owned(), |it| it.format("%m-%d %H:%M").to_string())
    };
    let per_day = source.entries_per_day.map_or_else(|| "?".to_owned(), |it| format!("{it:.1}"));
    let failure = source.failure_message.as_deref().map(|it| format!("  {it}"));
    format!(
        "{:<8} {:<32} {:<8} {:>7} a day  {:>7} articles  good {:<11}  next {:<11}{}",
        state,
        source.id,
        source.kind.as_deref().unwrap_or("-"),
        per_day,
        source.n_articles,
        time(source.last_success_at),
        time(source.next_poll_at),
        failure.unwrap_or_default(),
    )
}

async fn test(
    setup: &Setup,
    url: &str,
    is_json: bool,
    is_private: bool,
) -> anyhow::Result<ExitCode> {
    let config = &setup.config;
    let allows_private = is_private || config.settings.fetch.added_private_addresses;
    let source = source_to_try(&json!({ "url": url }), config, allows_private).map_err(usage)?;
    let fetcher = fetcher(config, None)?;
    let settings = &config.settings.poll;
    let trial =
        Box::pin(try_source(&fetcher, &source, settings, super::now(), TRIAL_TIME_MAX)).await;
    let is_usable = trial.is_usable();
    if is_json {
        super::say(&serde_json::to_string_pretty(&TrialBody::from(trial))?)?;
    } else {
        super::say(&told(&trial))?;
    }
    Ok(if is_usable { ExitCode::SUCCESS } else { ExitCode::from(super::EXIT_SOME_FAILED) })
}

/// A trial for people.
fn told(trial: &Trial) -> String {
    let mut lines = Vec::new();
    for step in &trial.steps {
        let mark = match step.outcome {
            Outcome::Good => "ok  ",
            Outcome::Warning => "look",
            Outcome::Failed => "FAIL",
        };
        lines
            .push(format!("{mark}  {:<9} {:>6} ms  {}", step.name, step.duration_ms, step.message));
    }
    for feed in trial.feeds.iter().skip(1) {
        lines.push(format!(
            "      also      {}  ({} entries, {})",
            feed.url, feed.n_entries, feed.how
        ));
    }
    for entry in &trial.entries {
        let day = entry.published_at.map(|it| it.format("%Y-%m-%d").to_string());
        let title = entry.title.as_deref().unwrap_or(&entry.url);
        lines.push(format!("      entry     {}  {title}", day.as_deref().unwrap_or("undated   ")));
    }
    lines.push(format!(
        "{}: {}",
        verdict(trial),
        trial.address.as_deref().unwrap_or("nothing to read")
    ));
    lines.join("\n")
}

async fn add(setup: &Setup, url: &str, name: Option<&str>) -> anyhow::Result<ExitCode> {
    let config = &setup.config;
    let archive = Archive::open(&archive_settings(config)).await?;
    let now = super::now();
    let roster = Roster::new(config, now.date_naive());
    roster.refresh(&archive).await?;
    let fetcher = fetcher(config, None)?;
    let desk = Desk {
        archive: &archive,
        roster: &roster,
        config,
        fetcher: Some(&fetcher),
        trial_permits: None,
        now,
    };
    let mut value = json!({ "url": url });
    if let Some(name) = name {
        value["name"] = Value::from(name);
    }
    let source = match desk.add(&value, "command line").await {
        Ok(source) => source,
        Err(AddError::Unusable { trial, .. }) => {
            super::say(&told(&trial))?;
            return Ok(ExitCode::from(super::EXIT_SOME_FAILED));
        }
        Err(error) => return Err(usage(error)),
    };
    note(&archive, "add source", source.id.as_str()).await?;
    super::say(&format!("added {}: {}", source.id, source.address()))?;
    Ok(ExitCode::SUCCESS)
}

async fn remove(setup: &Setup, id: &str) -> anyhow::Result<ExitCode> {
    let archive = Archive::open(&archive_settings(&setup.config)).await?;
    if !archive.remove_source(&id.into(), super::now()).await? {
        let reason = format!("there is no added source `{id}`; those of files are removed there");
        return Err(UsageError(reason).into());
    }
    note(&archive, "remove source", id).await?;
    super::say("removed")?;
    Ok(ExitCode::SUCCESS)
}

fn usage(error: AddError) -> anyhow::Error {
    match error {
        AddError::Archive(error) => error.into(),
        other => {
            let mut said = other.to_string();
            if said.contains("private address") {
                said.push_str(
                    "; `harbinger sources test --private` tries it all the same, and the setting \
                     fetch.added_private_addresses lets it be added",
                );
            }
            UsageError(said).into()
        }
    }
}
