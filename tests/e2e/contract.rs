//! The API keeps its word: schemathesis asks every address that `/openapi.json` describes, with what
//! it allows and what it does not, and holds the answers against it.

use std::time::Duration;

use tests::{TestApp, eventually, project_root, skipped};
use tokio::process::Command;

/// Cases for one operation and phase.
const N_EXAMPLES: &str = "12";
/// Longest run: 60 s of questions, and a start.
const TIME_MAX: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn every_address_answers_as_the_description_says() {
    let tool = project_root().join("target/export-tools/bin/schemathesis");
    if !tool.is_file() {
        skipped("no schemathesis; `make test` installs it");
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
    let run = Command::new(tool)
        .arg("run")
        .arg(served.url("/openapi.json"))
        .args(["--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", N_EXAMPLES, "--seed", "6", "--generation-deterministic"])
        .args(["--no-shrink", "--continue-on-failure"])
        .args(["--request-timeout", "30", "--max-time", "60", "--workers", "2"])
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
    println!("{}", said.lines().rev().take(25).collect::<Vec<_>>().join("\n"));
}

/// What is held against the description.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
