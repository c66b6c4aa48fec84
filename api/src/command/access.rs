//! `harbinger users` and `harbinger keys`: who may use this installation.
//!
//! They work on the archive itself, so with SQLite the server must be stopped; while it runs, the
//! page `/settings` does the same.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use chrono::TimeDelta;
use index::Archive;
use index::archive::access::ApiKey;
use index::archive::audit::AuditEntry;
use index::archive::removed_access::Restored;

use super::UsageError;
use super::setup::Setup;
use crate::access::{is_name, password, token};
use crate::cli::{KeysCommand, UsersCommand};
use crate::system::archive_settings;
use crate::undo;

/// Runs `harbinger users …`.
pub(super) fn users(setup: &Setup, command: &UsersCommand) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        match command {
            UsersCommand::List => {
                let archive = Archive::open_read_only(&archive_settings(&setup.config)).await?;
                for user in archive.users().await? {
                    super::say(&format!(
                        "{:<24} {:<8} since {}",
                        user.name,
                        user.role,
                        user.created_at.format("%Y-%m-%d")
                    ))?;
                }
            }
            UsersCommand::Add { name, role, password_file } => {
                let hash = new_password(name, password_file.as_deref())?;
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                if !archive.add_user(name, role.role(), &hash, super::now()).await? {
                    return Err(UsageError(format!("there is a user `{name}` already")).into());
                }
                note(&archive, "add user", name).await?;
                super::say(&format!("added {name}, {}", role.role()))?;
            }
            UsersCommand::SetPassword { name, password_file } => {
                let hash = new_password(name, password_file.as_deref())?;
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                if !archive.set_password(name, &hash).await? {
                    return Err(UsageError(format!("there is no user `{name}`")).into());
                }
                note(&archive, "set password", name).await?;
                super::say(&format!("changed; {name} must log in again"))?;
            }
            UsersCommand::Remove { name } => {
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                if !archive.remove_user(name, super::now()).await? {
                    let reason = format!("`{name}` is no user, or the last admin");
                    return Err(UsageError(reason).into());
                }
                note(&archive, "remove user", name).await?;
                super::say(&format!("removed {name}"))?;
            }
            UsersCommand::Restore { name } => {
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                let restored = archive.restore_user(name, undo::since(super::now())).await?;
                check_restored(restored, &format!("user `{name}`"))?;
                note(&archive, "restore user", name).await?;
                super::say(&format!("{name} is back, and must log in again"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Runs `harbinger keys …`.
pub(super) fn keys(setup: &Setup, command: &KeysCommand) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        match command {
            KeysCommand::List => {
                let archive = Archive::open_read_only(&archive_settings(&setup.config)).await?;
                for key in archive.api_keys().await? {
                    let ends = key.expires_at.map(|it| it.format("%Y-%m-%d").to_string());
                    super::say(&format!(
                        "{} {:<24} {:<8} ends {}",
                        key.id,
                        key.name,
                        key.role,
                        ends.as_deref().unwrap_or("never")
                    ))?;
                }
            }
            KeysCommand::Add { name, role, days } => {
                check_name(name)?;
                let now = super::now();
                let key = ApiKey {
                    id: uuid::Uuid::now_v7().simple().to_string(),
                    name: name.clone(),
                    role: role.role(),
                    created_at: now,
                    expires_at: days.map(|it| now + TimeDelta::days(it.into())),
                    last_used_at: None,
                };
                let secret = token::new_key();
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                archive.add_api_key(&key, &token::hash(&secret)).await?;
                note(&archive, "add key", name).await?;
                super::say(&secret)?;
            }
            KeysCommand::Remove { id } => {
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                if !archive.remove_api_key(id, super::now()).await? {
                    return Err(UsageError(format!("there is no key with the id `{id}`")).into());
                }
                note(&archive, "remove key", id).await?;
                super::say("removed")?;
            }
            KeysCommand::Restore { id } => {
                let archive = Archive::open(&archive_settings(&setup.config)).await?;
                let restored = archive.restore_api_key(id, undo::since(super::now())).await?;
                check_restored(restored, &format!("key `{id}`"))?;
                note(&archive, "restore key", id).await?;
                super::say("the key is back")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn check_restored(restored: Restored, what: &str) -> Result<(), UsageError> {
    match restored {
        Restored::Back => Ok(()),
        Restored::Taken => Err(UsageError(format!("there is a {what} by now"))),
        Restored::Missing => Err(UsageError(format!("no {what} was removed in the last 24 hours"))),
    }
}

pub(super) async fn note(archive: &Archive, action: &str, subject: &str) -> anyhow::Result<()> {
    let entry = AuditEntry {
        at: super::now(),
        who: "command line".to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        outcome: "ok".to_owned(),
        request_id: None,
    };
    Ok(archive.record_audit(&entry).await?)
}

fn check_name(name: &str) -> Result<(), UsageError> {
    if is_name(name) {
        return Ok(());
    }
    Err(UsageError(format!("`{name}` is no name: 1 to 64 letters, digits, `.`, `_`, `@`, `-`")))
}

/// Asks for a password on the terminal, or takes the first line of a file or of standard input.
fn new_password(name: &str, file: Option<&Path>) -> anyhow::Result<String> {
    check_name(name)?;
    let password = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None if std::io::stdin().is_terminal() => {
            let password = rpassword::prompt_password(format!("Password of {name}: "))?;
            if rpassword::prompt_password("Once more: ")? != password {
                return Err(UsageError("the two differ".to_owned()).into());
            }
            password
        }
        None => {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line)?;
            line.trim_end_matches(['\n', '\r']).to_owned()
        }
    };
    Ok(password::hash(&password).map_err(|error| UsageError(error.to_string()))?)
}
