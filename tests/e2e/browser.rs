//! A new user's first walk, in a real browser: see `tests/browser/journey.mjs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::{TestApp, eventually, project_root, skipped};
use tokio::process::Command;

/// The browser: `HARBINGER_CHROMIUM`, else the first of the usual places.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("HARBINGER_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    named.into_iter().chain(usual.map(PathBuf::from)).find(|it| it.is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_searches_power_grid_opens_a_story_and_follows_an_actor() {
    let folder = project_root().join("tests/browser");
    let Some(browser) = browser() else {
        return skipped("no Chromium; `make test` installs it");
    };
    if !folder.join("node_modules/playwright-core").is_dir() {
        return skipped("playwright-core is absent; `make test` installs it");
    }
    let app = TestApp::new().with_sample_wire();
    let served = app.serve().await;
    let n_articles = api::sample::SampleSite::bundled().articles.len() as u64;
    eventually("the sample wire is searchable", Duration::from_secs(240), async || {
        let found = served.json("/v1/search", &[("limit", "1")]).await;
        (found["total"].as_u64() == Some(n_articles)).then_some(())
    })
    .await;

    let walk = Command::new("node")
        .arg(folder.join("journey.mjs"))
        .arg(served.url(""))
        .arg(screenshots(&folder))
        .env("HARBINGER_CHROMIUM", browser)
        .kill_on_drop(true)
        .output();
    let walk = tokio::time::timeout(Duration::from_secs(300), walk).await;
    let walk = walk.expect("the walk ends").expect("node is installed");
    let (out, err) = (String::from_utf8_lossy(&walk.stdout), String::from_utf8_lossy(&walk.stderr));
    assert!(walk.status.success(), "{out}\n{err}\nserver: {}", served.printed());
}

fn screenshots(folder: &Path) -> PathBuf {
    let screenshots = folder.join("screenshots");
    fs::create_dir_all(&screenshots).expect("a writable folder");
    screenshots
}
