//! The Python client and the `curl` commands of the documentation, asked of a running server: see
//! `tests/tools/client_check.py`.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use api::sample::SampleSite;
use tests::{Served, TestApp, eventually, project_root, skipped};
use tokio::process::Command;

/// Longest time that one check may take.
const CHECK_TIME_MAX: Duration = Duration::from_secs(300);
/// A saved search that is there before the articles, so that there are alerts.
const SEARCHES: &str = "[[search]]\nid = \"declared\"\nname = \"Declared\"\n\
                        query = \"power grid\"\nunit = \"article\"\n";

/// Whether `program` is there and ends well.
async fn runs(program: &str, args: &[&str]) -> bool {
    let run = Command::new(program).args(args).stdin(Stdio::null()).output().await;
    run.is_ok_and(|it| it.status.success())
}

pub(crate) async fn has_python() -> bool {
    runs("python3", &["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).await
}

/// Runs one check of `client_check.py`.
async fn check(served: &Served, args: &[&str]) {
    let run = Command::new("python3")
        .arg(project_root().join("tests/tools/client_check.py"))
        .arg(served.url(""))
        .args(args)
        // A proxy of whoever runs the tests does not lead here.
        .env("no_proxy", "*")
        .env("NO_PROXY", "*")
        .env_remove("HARBINGER_API_KEY")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(CHECK_TIME_MAX, run).await;
    let run = run.expect("the check ends").expect("python3 is installed");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let printed = served.printed();
    assert!(run.status.success(), "{args:?}: {out}\n{err}\nserver: {printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_and_the_curl_examples_get_what_they_ask_for() {
    if !has_python().await {
        return skipped("no Python 3.11 or later");
    }
    let app = TestApp::new().with_sample_wire();
    let searches = app.folder().join("config/searches.toml");
    fs::write(searches, SEARCHES).expect("a writable folder");
    let served = app.serve().await;
    let n_articles = SampleSite::bundled().articles.len() as u64;
    let searchable =
        eventually("the sample wire is searchable", Duration::from_secs(240), async || {
            let found = served.json("/v1/search", &[("limit", "0")]).await;
            (found["total"].as_u64() == Some(n_articles)).then_some(())
        });
    // Events are told only to who listens while the wire is read.
    tokio::join!(check(&served, &["events"]), searchable);

    check(&served, &["answers"]).await;

    if !runs("curl", &["--version"]).await {
        return skipped("no curl: its examples were not run");
    }
    let examples = project_root().join("docs/api.md");
    check(&served, &["curl", &examples.to_string_lossy()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_sends_its_key_and_waits_when_told_to() {
    if !has_python().await {
        return skipped("no Python 3.11 or later");
    }
    let app =
        TestApp::new().set("http.login", "always").set("http.n_requests_per_minute_max", "60");
    let password = app.folder().join("password");
    fs::write(&password, "a long enough password\n").expect("a writable folder");
    let password = password.to_string_lossy().into_owned();
    let args = ["users", "add", "ana", "--role", "admin", "--password-file", password.as_str()];
    let added = app.run(&args).await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let key = app.run(&["keys", "add", "check", "--role", "reader"]).await;
    assert!(key.stdout.starts_with("hbk_"), "{key:?}");

    let served = app.serve().await;
    check(&served, &["limits", key.stdout.trim()]).await;
}
