//! What people do and see, in a real browser: the scripts in `tests/browser`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::pages::{article_html, rss};
use tests::{FixtureSite, Reply, Served, TestApp, eventually, project_root, skipped};
use tokio::process::Command;

use crate::expected_alerts::GAS_THREAT;
use crate::users::{PASSWORD, add_user};

/// What the scripts need: the folder in which they lie, and a browser.
pub(crate) struct Tools {
    folder: PathBuf,
    browser: PathBuf,
}

impl Tools {
    /// Says loudly what is missing, if anything.
    pub(crate) fn find() -> Option<Tools> {
        let folder = project_root().join("tests/browser");
        let Some(browser) = browser() else {
            skipped("no Chromium; `make test` installs it");
            return None;
        };
        for package in ["playwright-core", "axe-core"] {
            if !folder.join("node_modules").join(package).is_dir() {
                skipped(&format!("{package} is absent; `make test` installs it"));
                return None;
            }
        }
        Some(Tools { folder, browser })
    }

    /// Where the scripts leave pictures and files.
    pub(crate) fn screenshots(&self) -> PathBuf {
        self.folder.join("screenshots")
    }

    /// Runs `script` on the pages of `served`, for `limit` at most; answers what it says.
    pub(crate) async fn run(
        &self,
        script: &str,
        served: &Served,
        env: &[(&str, &str)],
        limit: Duration,
    ) -> String {
        let screenshots = self.screenshots();
        fs::create_dir_all(&screenshots).expect("a writable folder");
        let walk = Command::new("node")
            .arg(self.folder.join(script))
            .arg(served.url(""))
            .arg(screenshots)
            .env("HARBINGER_CHROMIUM", &self.browser)
            .envs(env.iter().copied())
            .kill_on_drop(true)
            .output();
        let walk = tokio::time::timeout(limit, walk).await;
        let walk = walk.unwrap_or_else(|_| panic!("{script} does not end in {limit:?}"));
        let walk = walk.expect("node is installed");
        let out = String::from_utf8_lossy(&walk.stdout);
        let err = String::from_utf8_lossy(&walk.stderr);
        assert!(walk.status.success(), "{out}\n{err}\nserver: {}", served.printed());
        out.into_owned()
    }
}

/// The browser: `HARBINGER_CHROMIUM`, else the first of the usual places.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("HARBINGER_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    named.into_iter().chain(usual.map(PathBuf::from)).find(|it| it.is_file())
}

/// Serves the whole sample wire.
async fn serve_sample_wire(app: &TestApp) -> Served {
    let served = app.serve().await;
    let n_articles = api::sample::SampleSite::bundled().articles.len() as u64;
    eventually("the sample wire is searchable", Duration::from_secs(240), async || {
        let found = served.json("/v1/search", &[("limit", "1")]).await;
        (found["total"].as_u64() == Some(n_articles)).then_some(())
    })
    .await;
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_searches_power_grid_opens_a_story_and_follows_an_actor() {
    let Some(tools) = Tools::find() else { return };
    let app = TestApp::new().with_sample_wire();
    let served = serve_sample_wire(&app).await;
    tools.run("journey.mjs", &served, &[], Duration::from_secs(300)).await;
    let taken = tools.run("guide.mjs", &served, &[], Duration::from_secs(180)).await;
    tools.run("progress.mjs", &served, &[], Duration::from_secs(120)).await;
    tools.run("watch.mjs", &served, &[], Duration::from_secs(180)).await;
    check_guide(&tools.screenshots(), &taken);
}

/// Checks that the user guide has the pictures that `guide.mjs` takes, and no other. With
/// `UPDATE_GUIDE=1` the pictures just taken, in `folder`, become the guide's. `taken` is what the
/// script said: what lies in the folder may be of a run before.
fn check_guide(folder: &Path, taken: &str) {
    let docs = project_root().join("docs");
    let guide = fs::read_to_string(docs.join("guide.md")).expect("the guide");
    let named: BTreeSet<&str> = guide
        .split("](images/")
        .skip(1)
        .filter_map(|it| it.split_once(')'))
        .map(|(name, _)| name)
        .collect();
    let taken: BTreeSet<&str> =
        taken.lines().filter_map(|it| it.split_once(": ")).map(|(name, _)| name).collect();
    assert_eq!(named, taken, "pictures that the guide names, and those that guide.mjs takes");
    assert!(8 <= named.len(), "{named:?}");
    for name in named {
        let (from, to) = (folder.join(name), docs.join("images").join(name));
        if std::env::var_os("UPDATE_GUIDE").is_some() {
            fs::copy(&from, &to).expect("a writable folder");
        }
        let size = fs::metadata(&to).unwrap_or_else(|error| panic!("{name}: {error}")).len();
        assert!(size <= 150_000, "{name} has {size} bytes");
    }
}

/// Saves a search that fires once for each `unit` with a threat.
fn watch_for_threats(app: &TestApp, unit: &str) {
    let search = format!(
        "[[search]]\nid = \"threats\"\nname = \"Threats\"\nquery = \"kind:threat\"\n\
         unit = \"{unit}\"\n",
    );
    let path = app.folder().join("config/searches.toml");
    fs::write(path, search).expect("a writable folder");
}

/// A feed at a port where nobody listens.
const DOWN: &str = "http://127.0.0.1:9/feed.xml";

/// Waits until the poll of one source has failed.
async fn fails(served: &Served) {
    eventually("a source fails", Duration::from_secs(60), async || {
        let sources = served.json("/v1/sources", &[]).await;
        sources["standing"]["failing"].as_u64().filter(|it| 0 < *it)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_tested_and_added_in_sight_and_what_fails_is_counted() {
    let Some(tools) = Tools::find() else { return };
    let app = TestApp::new().set("fetch.added_private_addresses", "true");
    app.add_source("down", DOWN);
    let served = app.serve().await;
    fails(&served).await;
    tools.run("sources.mjs", &served, &[], Duration::from_secs(180)).await;
}

/// Written for this test: path, headline, text. Each is one threat, of another story.
const THREATS: [(&str, &str, &str); 2] = [
    (
        "/strait",
        "Northern Guard threatens tankers",
        "The Northern Guard threatened on Tuesday to attack oil tankers in the Strait of Lindahl, \
         its commander said.\n\
         The harbour master told reporters that no ship had left since Sunday, and that pilots \
         were waiting for news from the ministry in the capital.\n\
         Three crews had gone home by train. Traders said that the price of diesel had not moved \
         for a week.",
    ),
    ("/gas", "Iran threatens Qatar's gas plants", GAS_THREAT),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_open_tells_of_statements_and_alerts_that_come_in() {
    let Some(tools) = Tools::find() else { return };
    let app = TestApp::new();
    watch_for_threats(&app, "article");
    let site = FixtureSite::start().await;
    site.put("/feed.xml", Reply::rss(rss("Desk", &[])));
    app.add_source("desk", &site.url("/feed.xml"));
    for (path, title, text) in THREATS {
        let paragraphs: Vec<String> = text.lines().map(str::to_owned).collect();
        site.put(path, Reply::html(article_html(title, &paragraphs)));
    }
    let served = app.serve().await;
    let pages = THREATS.map(|(path, ..)| site.url(path)).join(",");
    let env = [("HARBINGER_PAGES", pages.as_str())];
    tools.run("live.mjs", &served, &env, Duration::from_secs(300)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_and_keys_alone_lead_everywhere() {
    let Some(tools) = Tools::find() else { return };
    let app = TestApp::new().with_sample_wire();
    watch_for_threats(&app, "story");
    // The navigation of every page counts it.
    app.add_source("down", DOWN);
    let served = serve_sample_wire(&app).await;
    fails(&served).await;
    eventually("an alert", Duration::from_secs(60), async || {
        let inbox = served.json("/v1/alerts", &[]).await;
        inbox["alerts"].as_array().filter(|it| !it.is_empty()).map(|_| ())
    })
    .await;
    served.stop().await;

    // Again, so that there is a login to look at.
    add_user(&app, "ana", "admin").await;
    let app = app.set("http.login", "always").set("http.n_requests_per_minute_max", "100000");
    let served = app.serve().await;
    let env = [("HARBINGER_USER", "ana"), ("HARBINGER_PASSWORD", PASSWORD)];
    tools.run("accessibility.mjs", &served, &env, Duration::from_secs(900)).await;
}

/// Three outlets of the sample wire, the sources that a new user declares.
const THREE: [&str; 3] = ["northgate-wire", "larkfield-post", "circuit-signal"];

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_comes_from_three_sources_to_a_graph_in_networkx() {
    let Some(tools) = Tools::find() else { return };
    let app = TestApp::new().with_sample_wire();
    let file = app.folder().join("config/sources/sample.toml");
    let all = fs::read_to_string(&file).expect("the sample sources");
    let is_one = |it: &&str| THREE.iter().any(|id| it.contains(&format!("\"{id}\"")));
    let three: Vec<&str> = all.split("[[source]]").skip(1).filter(is_one).collect();
    assert_eq!(three.len(), THREE.len(), "the sample wire has them");
    let names = three.iter().filter_map(|it| it.split("name = \"").nth(1)?.split('"').next());
    let names = names.collect::<Vec<_>>().join(",");
    fs::write(&file, format!("[[source]]{}", three.join("[[source]]"))).expect("a writable folder");
    let checked = app.run(&["check-config"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    add_user(&app, "ana", "admin").await;
    // Everything is read before there is somebody to see it.
    assert_eq!(app.run_once().await.code, Some(0));
    let app = app.set("http.login", "always");
    let served = app.serve().await;
    let env = [
        ("HARBINGER_USER", "ana"),
        ("HARBINGER_PASSWORD", PASSWORD),
        ("HARBINGER_SOURCES", names.as_str()),
    ];
    let said = tools.run("newuser.mjs", &served, &env, Duration::from_secs(300)).await;
    println!("{said}");
    let python = project_root().join("target/export-tools/bin/python");
    if !python.is_file() {
        skipped("networkx is absent; `make test` installs it");
        return;
    }
    let read = "import sys, networkx\n\
        graph = networkx.read_graphml(sys.argv[1], force_multigraph=True)\n\
        names = [it['name'] for _, it in graph.nodes(data=True)]\n\
        assert 'The Order of the Copper Gull' in names, names\n\
        kinds = {it['type'] for _, _, it in graph.edges(data=True)}\n\
        assert 'threatens' in kinds, kinds\n";
    let graph = tools.screenshots().join("newuser.graphml");
    let opened = Command::new(python).args(["-c", read]).arg(graph).output().await;
    let opened = opened.expect("Python runs");
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
}
