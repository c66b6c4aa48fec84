//! [`Served`]: a running `harbinger serve` and a client for it.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::eventually;

/// Longest time from the start of the process until it is ready.
const START_TIME_MAX: Duration = Duration::from_secs(120);

/// A running server; killed when dropped.
pub struct Served {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
    base_url: String,
    client: Client,
}

impl Served {
    /// Starts `command`, reads the printed address of the web page, and waits for `/readyz`.
    ///
    /// # Panics
    /// When it ends before, or takes longer than two minutes.
    pub async fn start(mut command: Command) -> Served {
        let mut child = command.spawn().expect("the binary can be started");
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().expect("a piped output"), &output);
        collect(child.stderr.take().expect("a piped output"), &output);
        let base_url = eventually("the address of the web page", START_TIME_MAX, async || {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the server ended with {status}: {}", text(&output));
            }
            find_address(&text(&output))
        })
        .await;
        // Fails only where one is installed, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
        let client = client.expect("a plain client");
        let served = Served { child, output, base_url, client };
        eventually("readyz answers 200", START_TIME_MAX, async || {
            let response = served.client.get(served.url("/readyz")).send().await;
            response.ok().filter(|it| it.status().is_success())
        })
        .await;
        served
    }

    /// The absolute URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Asks for `path` with a query.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Response {
        let mut url = url::Url::parse(&self.url(path)).expect("a path");
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.get(url).send().await.expect("the server answers")
    }

    /// Asks for `path` with a query, and reads the JSON of a successful answer.
    ///
    /// # Panics
    /// When the answer is no success or no JSON.
    pub async fn json(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let response = self.get(path, query).await;
        let (status, body) = (response.status(), response.text().await.expect("a whole answer"));
        assert!(status.is_success(), "{path} {query:?}: {status} {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error} in {body}"))
    }

    /// Everything that it has printed.
    pub fn printed(&self) -> String {
        text(&self.output)
    }

    /// The id of the process.
    ///
    /// # Panics
    /// When it has ended.
    pub fn process_id(&self) -> u32 {
        self.child.id().unwrap_or_else(|| panic!("the server ended: {}", self.printed()))
    }

    /// Ends it at once, as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it is still there after a minute.
    pub async fn stop(mut self) -> (ExitStatus, String) {
        let id = self.process_id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.is_ok_and(|it| it.success()), "kill -TERM {id}");
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("does not end: {}", self.printed()));
        (status.expect("a child can be waited for"), self.printed())
    }
}

fn collect(stream: impl AsyncRead + Unpin + Send + 'static, output: &Arc<Mutex<Vec<String>>>) {
    let output = Arc::clone(output);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            output.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

fn text(output: &Mutex<Vec<String>>) -> String {
    output.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
}

/// The first `http://127.0.0.1:PORT` with a slash or an end behind it.
fn find_address(printed: &str) -> Option<String> {
    printed.match_indices("http://127.0.0.1:").find_map(|(at, start)| {
        let port: String =
            printed[at + start.len()..].chars().take_while(char::is_ascii_digit).collect();
        port.parse::<u16>().ok().filter(|it| 0 < *it).map(|port| format!("{start}{port}"))
    })
}
