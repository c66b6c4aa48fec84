//! The commands that need no server, as a person or a script runs them.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::pages::{self, MadeUp};
use tests::{Finished, TestApp};

/// Writes `lines` into the file `name` of the test's folder; returns its path.
fn write_lines(app: &TestApp, name: &str, lines: &[String]) -> String {
    let path = app.folder().join(name);
    fs::write(&path, lines.join("\n") + "\n").expect("a writable folder");
    path.to_string_lossy().into_owned()
}

/// The lines of standard output, as JSON.
fn answers(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    lines
        .map(|it| serde_json::from_str(it).unwrap_or_else(|error| panic!("{error}: {it}")))
        .collect()
}

/// Checks that line 2 of the input was answered by an error under its own id, and exit status 1.
fn check_second_line_failed(finished: &Finished, n_lines: usize) -> Vec<Value> {
    let answers = answers(finished);
    assert_eq!((finished.code, answers.len()), (Some(1), n_lines), "{finished:?}");
    assert_eq!(answers[1]["id"], "bad", "{}", answers[1]);
    assert!(answers[1]["error"].is_string(), "{}", answers[1]);
    answers
}

#[tokio::test]
async fn extract_answers_every_line_in_order_and_names_the_bad_one() {
    let app = TestApp::new();
    let page = |n| MadeUp::article(n);
    let url = |n: u64| format!("https://www.wire.example/{n}");
    let line = |n| json!({"id": n, "url": url(n), "html": page(n).html()}).to_string();
    let bad = json!({"id": "bad", "url": url(2)}).to_string();
    let path = write_lines(&app, "pages.jsonl", &[line(1), bad, line(3)]);
    let finished = app.run(&["extract", "--jsonl", &path]).await;
    let answers = check_second_line_failed(&finished, 3);
    for (answer, n) in [(&answers[0], 1), (&answers[2], 3)] {
        assert_eq!((&answer["id"], &answer["error"]), (&json!(n), &Value::Null));
        assert_eq!(answer["url"], url(n));
        assert_eq!(answer["title"], page(n).title);
        let text = answer["text"].as_str().expect("a text");
        assert!(text.contains(&page(n).phrase), "{text}");
        let fields = ["canonical_url", "authors", "published_at", "language", "site_name"];
        assert!(fields.iter().all(|it| answer.get(it).is_some()), "{answer}");
    }

    let file = app.folder().join("page.html");
    fs::write(&file, page(7).html()).expect("a writable folder");
    let file = file.to_string_lossy().into_owned();
    let finished = app.run(&["extract", &file, "--url", &url(7)]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.json()["title"], page(7).title);
}

/// Peak resident memory in bytes while `harbinger extract` reads `html`.
async fn peak_of_extraction(app: &TestApp, html: &str) -> u64 {
    let file = app.folder().join("page.html");
    fs::write(&file, html).expect("a writable folder");
    let mut command = app.command(&["extract", &file.to_string_lossy()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().expect("the binary can be started");
    let id = process.id().expect("nobody has waited for it");
    let (started, mut peak_bytes) = (Instant::now(), 0);
    while process.try_wait().expect("a child of ours").is_none() {
        assert!(started.elapsed() < Duration::from_secs(120), "it does not end");
        peak_bytes = tests::peak_memory_bytes(id).unwrap_or(peak_bytes);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    peak_bytes
}

#[tokio::test]
async fn extracting_huge_and_deep_pages_takes_bounded_memory() {
    const MEMORY_BYTES_MAX: u64 = 1 << 30;
    let app = TestApp::new();
    let paragraph = "<p>Power would be back by the evening, the ministry said on Monday.</p>";
    let pages = [
        ("15 MB", paragraph.repeat(15 * 1_024 * 1_024 / paragraph.len())),
        ("100 000 deep", "<div><b>".repeat(100_000) + &MadeUp::article(1).html()),
        ("100 000 links left open", "<a href=x>".repeat(100_000) + &MadeUp::article(1).html()),
    ];
    for (name, html) in pages {
        let peak_bytes = peak_of_extraction(&app, &html).await;
        assert!(!cfg!(target_os = "linux") || 0 < peak_bytes, "{name}: it was not measured");
        assert!(peak_bytes < MEMORY_BYTES_MAX, "{name} took {} MB", peak_bytes / 1_000_000);
    }
}

#[tokio::test]
async fn parse_feed_answers_every_file_and_names_the_bad_one() {
    let app = TestApp::new();
    let feed = pages::rss("Wire", &[("https://www.wire.example/1".into(), "A headline".into())]);
    let good = write_lines(&app, "good.xml", &[feed]);
    let bad = write_lines(&app, "bad.xml", &["no feed at all".to_owned()]);
    let finished = app.run(&["parse-feed", "--jsonl", &good, &bad]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let answers = answers(&finished);
    assert_eq!((&answers[0]["file"], &answers[0]["error"]), (&json!(good), &Value::Null));
    assert_eq!(answers[0]["title"], "Wire");
    assert_eq!(answers[0]["entries"][0]["title"], "A headline");
    assert_eq!(answers[0]["entries"][0]["link"], "https://www.wire.example/1");
    assert_eq!(answers[1]["file"], bad);
    assert!(answers[1]["error"].is_string(), "{}", answers[1]);

    let shown = app.run(&["parse-feed", &good]).await;
    assert!(shown.stdout.contains("A headline"), "{shown:?}");
    let missing = app.run(&["parse-feed", "--jsonl", "/no/such/feed"]).await;
    assert!(missing.code == Some(1) && missing.stdout.contains("/no/such/feed"), "{missing:?}");
}

#[tokio::test]
async fn annotate_computes_in_the_precision_that_is_set() {
    let app = TestApp::new();
    let text = "Iranian hackers attacked several American banks in 2012, a report said.";
    let path = write_lines(&app, "texts.jsonl", &[json!({"id": 1, "text": text}).to_string()]);
    let mut scores = Vec::new();
    for precision in ["int8", "float32"] {
        let set = format!("nlp.precision={precision}");
        let finished = app.run(&["annotate", "--set", &set, &path]).await;
        let statement = &finished.json()["statements"][0];
        assert_eq!(statement["kind"], "attack", "{finished:?}");
        scores.push(statement["score"].as_f64().expect("a score"));
    }
    let apart = (scores[0] - scores[1]).abs();
    assert!(0.0 < apart && apart < 0.05, "{scores:?}");
    let refused = app.run(&["annotate", "--set", "nlp.precision=int4", &path]).await;
    assert!(refused.code != Some(0) && refused.stderr.contains("float32"), "{refused:?}");
}

#[tokio::test]
async fn annotate_tells_who_attacked_whom_with_offsets_in_characters() {
    let app = TestApp::new();
    let text = "Überfällig 🙂. Iranian hackers attacked several American banks in 2012, a report \
        said. Three people were killed when militants bombed a police station in Kabul.";
    let good = json!({"id": 5, "text": text, "published_at": "2020-01-05"}).to_string();
    let bad = json!({"id": "bad", "title": "no text"}).to_string();
    let path = write_lines(&app, "texts.jsonl", &[good, bad, "{".to_owned()]);
    let finished = app.run(&["annotate", "--jsonl", &path]).await;
    let answers = check_second_line_failed(&finished, 3);
    assert!(answers[2]["error"].as_str().is_some_and(|it| it.contains('3')), "{}", answers[2]);
    let annotation = &answers[0];
    assert_eq!((&annotation["id"], &annotation["language"]), (&json!(5), &json!("en")));
    let letters: Vec<char> = text.chars().collect();
    let cut = |span: &Value| -> String {
        let at = |name: &str| span[name].as_u64().expect("an offset") as usize;
        letters[at("start")..at("end")].iter().collect()
    };
    for mention in annotation["mentions"].as_array().expect("mentions") {
        assert_eq!(mention["text"], cut(mention), "{mention}");
    }
    let statements = annotation["statements"].as_array().expect("statements");
    let attack = statements.iter().find(|it| it["kind"] == "attack");
    let attack = attack.unwrap_or_else(|| panic!("no attack in {annotation}"));
    let sentence = cut(&attack["sentence"]);
    assert!(text.contains(&sentence) && sentence.ends_with('.'), "{sentence}");
    let trigger = &attack["trigger"];
    assert!(sentence.contains(&cut(trigger)) && trigger["text"] == cut(trigger), "{trigger}");
    for (role, part) in [("actors", attack), ("targets", attack)] {
        for phrase in part[role].as_array().expect("a list") {
            assert_eq!(phrase["text"], cut(phrase), "{phrase}");
        }
    }
    assert_eq!(attack["time"]["tense"], "past", "{attack}");
}

#[tokio::test]
async fn correlate_puts_a_copy_into_the_story_of_its_original() {
    let app = TestApp::new();
    let line = |id: &str, n: u64| {
        let made_up = MadeUp::article(n);
        let text = made_up.paragraphs.join("\n");
        json!({"id": id, "title": made_up.title, "text": text, "published_at": "2026-01-05"})
            .to_string()
    };
    let bad = json!({"id": "bad"}).to_string();
    let lines = [line("a", 1), bad, line("b", 2), line("copy of a", 1)];
    let path = write_lines(&app, "articles.jsonl", &lines);
    let finished = app.run(&["correlate", "--jsonl", &path]).await;
    let answers = check_second_line_failed(&finished, 4);
    assert_eq!(answers[3]["id"], "copy of a");
    assert_eq!(answers[0]["story"], answers[3]["story"]);
    assert!(answers[0]["story"].is_string(), "{}", answers[0]);
}

#[tokio::test]
async fn what_index_takes_is_found_once_also_after_a_second_import_and_reindex() {
    let app = TestApp::new();
    let line = |n: u64| {
        let made_up = MadeUp::article(n);
        let (url, text) = (format!("https://www.wire.example/{n}"), made_up.paragraphs.join("\n"));
        json!({"id": n.to_string(), "url": url, "title": made_up.title, "text": text}).to_string()
    };
    let bad = json!({"id": "bad", "error": "the page is empty"}).to_string();
    let mut lines: Vec<String> = (0..20).map(line).collect();
    lines.push(bad);
    let path = write_lines(&app, "articles.jsonl", &lines);

    let finished = app.run(&["index", "--jsonl", &path]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let printed = answers(&finished);
    assert_eq!(printed[0]["id"], "bad", "{printed:?}");
    assert_eq!((&printed[1]["articles_new"], &printed[1]["indexed"]), (&json!(20), &json!(20)));

    let again = answers(&app.run(&["index", "--jsonl", &path]).await);
    assert_eq!((&again[1]["articles_new"], &again[1]["articles_known"]), (&json!(0), &json!(20)));
    check_each_is_found_once(&app).await;

    for args in [&["reindex"][..], &["reindex", "--index-only"]] {
        let finished = app.run(args).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(finished.stdout.contains("20 indexed"), "{finished:?}");
        check_each_is_found_once(&app).await;
    }
}

async fn check_each_is_found_once(app: &TestApp) {
    for n in [0, 7, 19] {
        let phrase = format!("\"{}\"", MadeUp::article(n).phrase);
        let found = app.search(&[&phrase]).await;
        assert_eq!(found["total"], 1, "{phrase}: {found}");
        assert_eq!(found["hits"][0]["title"], MadeUp::article(n).title);
    }
    let all = app.search(&["", "--limit", "3"]).await;
    assert_eq!((&all["total"], all["hits"].as_array().map(Vec::len)), (&json!(20), Some(3)));
}

#[tokio::test]
async fn search_points_at_the_mistake_and_prints_no_colours_into_a_pipe() {
    let app = TestApp::new();
    let line = json!({"id": "1", "text": "The ferry to the island was late again on Monday."});
    let path = write_lines(&app, "articles.jsonl", &[line.to_string()]);
    assert_eq!(app.run(&["index", "--jsonl", &path]).await.code, Some(0));

    let wrong = app.run(&["search", "ferry AND actr:iran"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("actr") && wrong.stderr.contains("actor"), "{wrong:?}");
    let shown = app.run(&["search", "ferry"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("ferry") && !shown.stdout.contains('\u{1b}'), "{shown:?}");
}

#[tokio::test]
async fn an_export_that_fails_leaves_the_file_of_before_and_nothing_half() {
    let app = TestApp::new();
    let article = json!({"id": "1", "title": "Grid", "text": "The grid failed.",
        "url": "https://www.wire.example/1"});
    let path = write_lines(&app, "articles.jsonl", &[article.to_string()]);
    assert_eq!(app.run(&["index", "--jsonl", &path]).await.code, Some(0));
    let output = app.folder().join("articles.csv");
    fs::write(&output, "of before").expect("a writable folder");
    let output = output.to_str().expect("a path in UTF-8");
    let refused = app.run(&["export", "csv", "(", "--output", output]).await;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert_eq!(fs::read_to_string(output).expect("it is there"), "of before");
    let written = app.run(&["export", "csv", "grid", "--output", output]).await;
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(written.stderr.contains("exported 1 articles"), "{written:?}");
    assert_ne!(fs::read_to_string(output).expect("it is there"), "of before");
    let here = fs::read_dir(app.folder()).expect("a folder").flatten();
    let parts = here.filter(|it| it.path().extension().is_some_and(|it| it == "part"));
    assert_eq!(parts.count(), 0);
}

#[tokio::test]
async fn all_mistakes_of_a_configuration_are_told_at_once() {
    let app = TestApp::new();
    let settings = "[http]\nbind = \"nowhere\"\n\n[poll]\ninterval_defualt_minutes = 5\n";
    let folder = app.folder().join("config");
    fs::write(folder.join("settings.toml"), settings).expect("a writable folder");
    let source = "[[source]]\nid = \"x\"\nname = \"X\"\nfeed_url = \"ftp://x.example/\"\n";
    fs::write(folder.join("sources/x.toml"), source).expect("a writable folder");
    for args in [&["check-config"][..], &["run-once"]] {
        let finished = app.run(args).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        for part in ["settings.toml:2", "settings.toml:5", "interval_default_minutes", "x.toml:4"] {
            let told = format!("{}{}", finished.stdout, finished.stderr);
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}

#[tokio::test]
async fn help_shows_examples_and_mistypes_are_met_with_the_right_word() {
    let app = TestApp::new();
    let help = app.run(&["--help"]).await;
    let has = |text: &str| help.stdout.contains(text);
    assert!(help.code == Some(0) && has("Examples:") && has("run-once"), "{help:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = app.run(&["completions", shell]).await;
        assert!(script.stdout.contains("run-once"), "{script:?}");
    }
    let unknown = app.run(&["serach"]).await;
    assert!(unknown.code == Some(2) && unknown.stderr.contains("search"), "{unknown:?}");
}
