//! [`TestApp`]: a configuration folder and a data folder of its own, and the real binary on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use index::archive::{Archive, ArchiveSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::served::Served;

/// Longest time that any command of a test may take.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(1_500);

/// A fresh installation: nothing but the sources that a test adds, the sample wire switched off,
/// loopback allowed, no pauses between requests.
pub struct TestApp {
    folder: TempDir,
    settings: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit status; `None` when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error: log lines, one JSON object each, and plain messages.
    pub stderr: String,
}

impl Finished {
    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in standard output: {self:?}"))
    }

    /// The log lines of standard error.
    pub fn log(&self) -> impl Iterator<Item = Value> {
        self.stderr.lines().filter_map(|it| serde_json::from_str(it).ok())
    }

    /// Log lines whose JSON text contains each of `parts`.
    pub fn n_logged(&self, parts: &[&str]) -> usize {
        self.stderr.lines().filter(|line| parts.iter().all(|it| line.contains(it))).count()
    }
}

impl TestApp {
    /// Makes the folders.
    ///
    /// # Panics
    /// When the system has no room for them.
    pub fn new() -> TestApp {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("config/sources")).expect("a folder");
        let app = TestApp { folder, settings: Vec::new() };
        app.set("sample.enabled", "false")
            .set("http.bind", "127.0.0.1:0")
            .set("fetch.host_interval_ms", "0")
            .set("crawl.retry_base_s", "1")
            .set("log.format", "json")
    }

    /// The same installation with the setting `key` at `value`.
    pub fn set(mut self, key: &str, value: &str) -> TestApp {
        self.settings.retain(|(it, _)| it != key);
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The same installation with the bundled sample wire.
    ///
    /// # Panics
    /// When the project's list of sample sources cannot be copied.
    pub fn with_sample_wire(self) -> TestApp {
        let sources = crate::project_root().join("config/sources/sample.toml");
        let to = self.folder.path().join("config/sources/sample.toml");
        fs::copy(sources, to).expect("the sample sources are there");
        self.set("sample.enabled", "true")
    }

    /// Declares a source for the feed at `feed_url`.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn add_source(&self, id: &str, feed_url: &str) {
        let source = format!(
            "[[source]]\nid = \"{id}\"\nname = \"{id}\"\nfeed_url = \"{feed_url}\"\n\
             language = \"en\"\nallow_private_addresses = true\nhost_interval_ms = 0\n"
        );
        let path = self.folder.path().join(format!("config/sources/{id}.toml"));
        fs::write(path, source).expect("a writable folder");
    }

    /// The folder of the database and the index.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The binary with `args`, set up to run on this installation; killed when dropped.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args);
        command.arg("--config").arg(self.folder.path().join("config"));
        command.arg("--data-dir").arg(self.data_dir());
        for (key, value) in &self.settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        // The settings of whoever runs the tests must not reach them.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HARBINGER_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary with `args` to its end.
    ///
    /// # Panics
    /// When it does not end in 15 minutes.
    pub async fn run(&self, args: &[&str]) -> Finished {
        let output = self.command(args).output();
        let output = tokio::time::timeout(COMMAND_TIME_MAX, output)
            .await
            .unwrap_or_else(|_| panic!("{args:?} does not end"))
            .expect("the binary can be started");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Polls every due source once and processes everything.
    pub async fn run_once(&self) -> Finished {
        self.run(&["run-once", "--json"]).await
    }

    /// Searches from the command line; `args` come before `--json`.
    ///
    /// # Panics
    /// When the search fails.
    pub async fn search(&self, args: &[&str]) -> Value {
        let args = [&["search"], args, &["--json"]].concat();
        let finished = self.run(&args).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.json()
    }

    /// Starts the pipeline and the web server, and waits until it is ready.
    pub async fn serve(&self) -> Served {
        Served::start(self.command(&["serve"])).await
    }

    /// Opens the archive, while no binary runs on it.
    ///
    /// # Panics
    /// When a binary does, or the archive is damaged.
    pub async fn archive(&self) -> Archive {
        let settings = ArchiveSettings::in_folder(self.data_dir());
        Archive::open(&settings).await.expect("an archive that nobody else holds")
    }
}

impl Default for TestApp {
    fn default() -> TestApp {
        TestApp::new()
    }
}

/// The `harbinger` that was built for the profile of this test: `HARBINGER_BIN`, else beside it.
///
/// # Panics
/// When it was not built.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("HARBINGER_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("a test has a path");
    // target/PROFILE/deps/e2e-HASH
    let profile = test.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let path = profile.join("harbinger");
    assert!(
        path.is_file(),
        "{} is missing: `cargo build --bin harbinger` first, as `make test` does",
        path.display()
    );
    path
}
