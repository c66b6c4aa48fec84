//! The API keeps its word: schemathesis asks every address that `/openapi.json` describes, with what
//! it allows and what it does not, and holds the answers against it; as whoever sits at the machine,
//! and where a login is asked for, without a key and with one that may only read.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tests::{Served, TestApp, eventually, project_root, skipped};
use tokio::process::Command;

/// Longest run: 60 s of questions, and a start.
const TIME_MAX: Duration = Duration::from_secs(180);
/// What is held against the description.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Answered to anybody.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

/// The tool, where `make test` has installed it.
fn tool() -> Option<PathBuf> {
    let tool = project_root().join("target/export-tools/bin/schemathesis");
    if !tool.is_file() {
        skipped("no schemathesis; `make test` installs it");
    }
    Some(tool).filter(|it| it.is_file())
}

/// Asks everything that `description`, an address or a file, tells of, with `n_examples` cases for
/// each operation and phase, for at most `n_seconds`.
async fn ask(app: &TestApp, description: &str, n_examples: &str, n_seconds: &str, args: &[&str]) {
    let Some(tool) = tool() else { return };
    let run = Command::new(tool)
        .args(["run", description])
        .args(args)
        .args(["--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", n_examples, "--seed", "6", "--generation-deterministic"])
        .args(["--no-shrink", "--continue-on-failure"])
        // One thread: two confuse the syntax trees of Python 3.11 now and then.
        .args(["--request-timeout", "30", "--max-time", n_seconds, "--workers", "1"])
        // It never ends.
        .args(["--exclude-path", "/v1/events"])
        .args(["--warnings", "off", "--no-color", "--suppress-health-check", "all"])
        .current_dir(app.folder())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(TIME_MAX, run).await;
    let run = run.unwrap_or_else(|_| panic!("schemathesis does not end in {TIME_MAX:?}"));
    let run = run.expect("it can be started");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_answers_as_the_description_says() {
    if tool().is_none() {
        return;
    }
    let app = TestApp::new().with_sample_wire();
    std::fs::write(
        app.folder().join("config/searches.toml"),
        "[[search]]\nid = \"threats\"\nname = \"Threats\"\nquery = \"kind:threat\"\n",
    )
    .expect("a writable folder");
    let served = app.serve().await;
    eventually("something is searchable", Duration::from_secs(240), async || {
        let found = served.json("/v1/search", &[("limit", "1")]).await;
        (0 < found["total"].as_u64().unwrap_or(0)).then_some(())
    })
    .await;
    ask(&app, &served.url("/openapi.json"), "12", "60", &[]).await;
}

/// A server that asks for a login, as beyond loopback, and a key that may only read.
async fn with_login(app: &TestApp) -> (Served, String) {
    let password = app.folder().join("password");
    std::fs::write(&password, "a long enough password\n").expect("a writable folder");
    let password = password.to_string_lossy().into_owned();
    let args = ["users", "add", "ana", "--role", "admin", "--password-file", password.as_str()];
    let added = app.run(&args).await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let key = app.run(&["keys", "add", "contract", "--role", "reader"]).await;
    assert!(key.stdout.starts_with("hbk_"), "{key:?}");
    (app.serve().await, format!("Bearer {}", key.stdout.trim()))
}

/// Every operation of `description` with its method and its path; `x` stands for each parameter.
fn operations(description: &Value) -> Vec<(Method, String)> {
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("a description has paths") {
        let parts = path.split('/').map(|it| if it.starts_with('{') { "x" } else { it });
        let path = parts.collect::<Vec<_>>().join("/");
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            if methods.get(method.as_str().to_lowercase()).is_some() {
                operations.push((method, path.clone()));
            }
        }
    }
    operations
}

/// Sends `request` and holds the answer against `expected`; a refusal must say why.
async fn check_refused(request: RequestBuilder, expected: StatusCode, what: &str) {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), expected, "{what}");
    let says_how = answer.headers().contains_key("www-authenticate");
    assert_eq!(says_how, expected == StatusCode::UNAUTHORIZED, "{what}");
    let body: Value = answer.json().await.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_and_with_one_that_reads_every_address_answers_as_the_description_says() {
    let app =
        TestApp::new().set("http.login", "always").set("http.n_requests_per_minute_max", "1000000");
    let (served, bearer) = with_login(&app).await;
    let client = Client::builder().no_proxy().build().expect("a plain client");
    let described = client.get(served.url("/openapi.json")).header("authorization", &bearer);
    let described = described.send().await.expect("an answer").text().await.expect("a text");
    let description: Value = serde_json::from_str(&described).expect("a description in JSON");

    let operations = operations(&description);
    assert!(operations.len() > 40, "{operations:?}");
    for (method, path) in operations {
        let what = format!("{method} {path}");
        let asked = || client.request(method.clone(), served.url(&path));
        let is_open = OPEN.contains(&path.as_str());
        if is_open {
            assert!(asked().send().await.expect("an answer").status().is_success(), "{what}");
        } else {
            check_refused(asked(), StatusCode::UNAUTHORIZED, &what).await;
            let wrong = asked().header("authorization", "Bearer hbk_wrong");
            check_refused(wrong, StatusCode::UNAUTHORIZED, &what).await;
        }
        let read = asked().header("authorization", &bearer);
        if method == Method::GET {
            let status = read.send().await.expect("an answer").status();
            let is_refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            assert!(!is_refused, "{what}: {status}");
        } else {
            check_refused(read, StatusCode::FORBIDDEN, &what).await;
        }
    }

    let file = app.folder().join("openapi.json");
    std::fs::write(&file, described).expect("a writable folder");
    let file = file.to_string_lossy().into_owned();
    let url = served.url("");
    ask(&app, &file, "5", "15", &["--url", &url]).await;
    let header = format!("Authorization: {bearer}");
    ask(&app, &file, "5", "15", &["--url", &url, "--header", &header]).await;
}
