//! The graph, and exports that the tools they are made for must read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use config::SavedSearch;
use index::archive::searches::Expect;
use tokio::process::Command;
use tower::ServiceExt;

use crate::hostile::hostile;
use crate::newsroom::{Newsroom, all, id_of, now, patch};
use crate::pages::Page;

const FORMATS: [&str; 9] =
    ["stix", "misp", "gexf", "graphml", "cypher", "ftm", "csv", "jsonl", "atom"];

/// Articles of friends and foes, one with indicators, and one that a spreadsheet would run.
fn drafts() -> Vec<crate::newsroom::Draft> {
    let mut drafts = all();
    let mut formula = drafts[2].clone();
    formula.article.title =
        "=HYPERLINK(\"http://evil.example\")\u{1} ]]> '; MATCH (n) //".to_owned();
    drafts[2] = formula;
    drafts.push(hostile());
    drafts.push(patch());
    drafts
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let python = root.join("target/export-tools/bin/python");
    if !python.is_file() {
        eprintln!(
            "SKIPPED: no target/export-tools; `make test` sets it up (scripts/export-tools.sh)"
        );
        return None;
    }
    Some(python)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_says_first_of_how_many_articles_it_is() {
    let newsroom = Newsroom::with(drafts()).await;
    for (path, is_all) in [("/v1/export/jsonl", true), ("/v1/export/jsonl?q=pumps", false)] {
        let answer = newsroom.get(path).await;
        let n_articles = answer.body.matches("{\"type\":\"article\"").count();
        assert!(1 <= n_articles && (n_articles < drafts().len() || is_all), "{path}");
        assert_eq!(answer.header("harbinger-articles"), n_articles.to_string(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_stopped_is_not_taken_for_a_whole_one() {
    let newsroom = Newsroom::open().await;
    newsroom.state.shutdown.cancel();
    for format in ["gexf", "misp", "jsonl"] {
        let request = Request::get(format!("/v1/export/{format}"));
        let request = request.body(Body::empty()).expect("a request");
        let answer = newsroom.router.clone().oneshot(request).await.expect("routers do not fail");
        assert_eq!(answer.status(), StatusCode::OK, "{format}");
        let body = to_bytes(answer.into_body(), 10_000_000).await;
        assert!(body.is_err(), "{format}: a part is taken for the whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_export_is_read_by_the_tools_it_is_made_for_and_nothing_is_lost() {
    let Some(python) = python() else { return };
    let newsroom = Newsroom::with(drafts()).await;
    let folder = tempfile::tempdir().expect("a folder");
    for format in FORMATS {
        let answer = newsroom.get(&format!("/v1/export/{format}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{format}: {}", answer.body);
        assert!(answer.header("content-disposition").starts_with("attachment"), "{format}");
        fs::write(folder.path().join(format), answer.body).expect("a writable folder");
    }
    let search = SavedSearch { name: "Pumps".to_owned(), ..SavedSearch::new("pumps", "pumps") };
    let archive = &newsroom.state.archive;
    archive.save_search(&search, Expect::New, now()).await.expect("a saved search");
    let part = newsroom.get("/v1/export/stix?q=pumps").await;
    fs::write(folder.path().join("part.stix"), part.body).expect("a writable folder");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = newsroom.router.clone();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/read_exports.py");
    let read = Command::new(python)
        .arg(script)
        .arg(folder.path())
        .arg(format!("http://{address}/taxii2/"))
        .stdin(Stdio::null())
        .output();
    let read = read.await.expect("python runs");
    server.abort();
    let (out, err) = (String::from_utf8_lossy(&read.stdout), String::from_utf8_lossy(&read.stderr));
    assert!(read.status.success(), "{out}\n{err}");
    println!("{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_exports_what_the_server_does() {
    let newsroom = Newsroom::open().await;
    let folder = newsroom.folder().join("data");
    let run = async |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harbinger"));
        command.args(args).arg("--data-dir").arg(&folder).env_clear();
        command.current_dir(newsroom.folder()).stdin(Stdio::null());
        command.output().await.expect("the binary runs")
    };
    for format in ["csv", "jsonl", "gexf", "atom"] {
        let written = run(&["export", format, "tankers", "--from", "2026-01-11"]).await;
        assert!(written.status.success(), "{written:?}");
        let path = format!("/v1/export/{format}?q=tankers&from=2026-01-11");
        let answer = newsroom.get(&path).await;
        assert_eq!(String::from_utf8_lossy(&written.stdout), answer.body);
        assert!(answer.body.contains("Northern Front"), "{}", answer.body);
    }
    let wrong = run(&["export", "csv", "actor:("]).await;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    let unknown = run(&["export", "xls"]).await;
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_of_an_entity_has_typed_weighted_dated_edges_with_evidence() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.get("/v1/entities/group:northern-front/graph").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let graph = answer.json();
    assert_eq!(graph["focus"], "group:northern-front");
    let edges = graph["edges"].as_array().expect("edges");
    let threat = edges
        .iter()
        .find(|it| it["kind"] == "threatens" && it["target"] == "name:location:kestrel strait")
        .expect("the threat to the strait");
    assert_eq!(threat["source"], "group:northern-front");
    // Four articles say so; the third repeats the sentence of the first.
    assert_eq!((&threat["n_statements"], &threat["weight"]), (&4.into(), &3.into()));
    assert_eq!(threat["modality"], "asserted");
    assert_eq!(threat["sectors"][0], "/energy/oil-gas");
    assert!(threat["first_at"].as_str() < threat["last_at"].as_str());
    let proof = &threat["evidence"][0];
    assert_eq!(proof["article"], id_of("harbour-post", "strait"));
    assert_eq!(proof["page_sha256"].as_str().map(str::len), Some(64));
    assert!(proof["sentence"].as_str().is_some_and(|it| it.contains("would sink oil tankers")));
    assert!(edges.iter().any(|it| it["kind"] == "co-occurs-with"), "{edges:?}");

    let narrowed = "/v1/entities/group:northern-front/graph?edge=threatens&weight=3";
    let narrowed = newsroom.get(narrowed).await.json();
    let kinds: Vec<_> = narrowed["edges"].as_array().expect("edges").iter().collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|it| it["kind"] == "threatens"), "{kinds:?}");
    let later = newsroom.get("/v1/entities/group:northern-front/graph?from=2026-02-01").await;
    assert_eq!(later.json()["n_articles"], 0);
    let unknown = newsroom.get("/v1/entities/group:nobody/graph").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for wrong in ["edge=hugs", "nodes=0", "nodes=9999", "as=xls", "weight=x"] {
        let answer = newsroom.get(&format!("/v1/graph?q=tankers&{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.body);
    }
    let file = newsroom.get("/v1/graph?q=tankers&as=gexf").await;
    assert!(file.body.contains("<gexf") && file.body.contains("threatens"), "{}", file.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_page_starts_from_something_and_says_in_a_table_what_is_drawn() {
    let newsroom = Newsroom::with(drafts()).await;
    let start = newsroom.browse("/graph").await;
    assert!(start.body.contains("Start from somebody") && start.body.contains("/graph?entity="));
    let page = newsroom.browse("/graph?entity=group%3Anorthern-front").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for text in ["Graph of Northern Front", "Kestrel Strait", "would sink oil tankers"] {
        assert!(page.body.contains(text), "{text} is missing");
    }
    for link in ["/v1/export/stix?entity=", "/v1/graph?entity=", "/articles/"] {
        assert!(page.body.contains(link), "no link to {link}");
    }
    let nobody = newsroom.browse("/graph?q=zeppelin").await;
    assert!(nobody.body.contains("Nobody is joined"), "{}", nobody.body);
    let foe = newsroom.browse("/graph?q=printed").await;
    assert!(!foe.body.contains("<script>alert"), "fetched text became markup");
    let page = Page::of(&foe.body);
    let links = page.attributes("a", "href");
    assert!(links.iter().all(|it| it.starts_with(['/', '#'])), "{links:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_make_no_sense_are_told_before_the_first_byte() {
    let newsroom = Newsroom::open().await;
    let check = async |path: &str, status: StatusCode| {
        let answer = newsroom.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    };
    check("/v1/export/xls", StatusCode::NOT_FOUND).await;
    check("/v1/export/csv?q=actor%3A(", StatusCode::BAD_REQUEST).await;
    check("/v1/export/stix?tlp=purple", StatusCode::BAD_REQUEST).await;
    check("/v1/export/stix?colour=red", StatusCode::BAD_REQUEST).await;
    let red = newsroom.get("/v1/export/stix?tlp=amber%2Bstrict").await;
    assert!(red.body.contains("939a9414-2ddd-4d32-a0cd-375ea402b003"), "{}", red.body);
    let root = "/taxii2/api/collections";
    check(&format!("{root}/nothing/"), StatusCode::NOT_FOUND).await;
    check(&format!("{root}/everything/objects/?added_after=x"), StatusCode::BAD_REQUEST).await;
    check(&format!("{root}/everything/objects/?next=x"), StatusCode::BAD_REQUEST).await;
    check(&format!("{root}/everything/objects/x/"), StatusCode::NOT_FOUND).await;
    check(&format!("{root}/%00/"), StatusCode::NOT_FOUND).await;
    check(&format!("{root}/{}/", uuid::Uuid::nil()), StatusCode::NOT_FOUND).await;
    let discovery = newsroom.get("/taxii2/").await;
    assert_eq!(discovery.header("content-type"), "application/taxii+json;version=2.1");
    let request = Request::get("/taxii2/").header("accept", "text/html");
    let refused = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
}
