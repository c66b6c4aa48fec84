//! Secrets of deliveries and of the login provider: by name, out of the environment or a folder, never out of the
//! configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Bytes of a secret at most.
const N_BYTES_MAX: u64 = 8 << 10;

/// Finds secrets. They are read when they are used, so that a renewed one counts at once.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    folder: Option<PathBuf>,
}

/// A secret that cannot be had. Says its name only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the secret `{0}` is not set: neither {1} nor a file in alerts.secrets_dir")]
    Missing(String, String),
    #[error("the secret `{name}` cannot be read: {source}")]
    Unreadable { name: String, source: io::Error },
    #[error("`{0}` cannot be the name of a secret")]
    Name(String),
}

impl Secrets {
    pub(crate) fn new(folder: Option<PathBuf>) -> Secrets {
        Secrets { folder }
    }

    /// The secret `name`: the variable `HARBINGER_SECRET_NAME`, else the file `name`.
    pub(crate) fn get(&self, name: &str) -> Result<String, SecretError> {
        if !config::search::is_secret_name(name) {
            return Err(SecretError::Name(name.chars().take(64).collect()));
        }
        let variable = format!("{}{}", config::overrides::SECRET_PREFIX, VariableName(name));
        if let Some(value) = std::env::var(&variable).ok().filter(|it| !it.is_empty()) {
            return Ok(value);
        }
        let Some(folder) = &self.folder else {
            return Err(SecretError::Missing(name.to_owned(), variable));
        };
        let path = folder.join(name);
        let unreadable = |source| SecretError::Unreadable { name: name.to_owned(), source };
        match std::fs::metadata(&path) {
            Ok(meta) if meta.len() > N_BYTES_MAX => {
                Err(unreadable(io::Error::other("the file is larger than 8 KiB")))
            }
            Ok(_) => {
                let text = std::fs::read_to_string(&path).map_err(unreadable)?;
                Ok(text.trim().to_owned())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SecretError::Missing(name.to_owned(), variable))
            }
            Err(error) => Err(unreadable(error)),
        }
    }
}

/// `soc-slack` as `SOC_SLACK`.
struct VariableName<'a>(&'a str);

impl fmt::Display for VariableName<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_ascii_uppercase().replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_files_by_safe_names_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("soc"), "whsec_abc\n").unwrap();
        let secrets = Secrets::new(Some(folder.path().to_owned()));
        assert_eq!(secrets.get("soc").unwrap(), "whsec_abc");
        assert!(matches!(secrets.get("../soc"), Err(SecretError::Name(_))));
        let error = secrets.get("other-one").unwrap_err().to_string();
        assert!(error.contains("HARBINGER_SECRET_OTHER_ONE"), "{error}");
    }
}
