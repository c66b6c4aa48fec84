//! Fetched text that means harm, and readers that do.

use axum::body::Body;
use axum::http::Request;
use config::SavedSearch;
use index::archive::alerts::{Match, MatchItem};
use index::archive::searches::Expect;
use index::matching::Reason;
use nlp::{EntityRef, Mention, MentionKind};

use crate::newsroom::{Draft, Newsroom, id_of, now};
use crate::pages::Page;

const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}gnp.exe";
/// What somebody types, who may turn the direction of his own words.
const MARKUP: &str = "\"><svg onload=alert(8)><style>*{}</style>";

/// An article whose every field attacks.
pub(crate) fn hostile() -> Draft {
    let text =
        format!("{SCRIPT} was printed.\n\"><svg onload=alert(3)> {{{{ 7 * 7 }}}} \u{0} end.");
    let mut draft = Draft::new("evil", "x?a=%22%3E%3Cscript%3E", 1, SCRIPT, &text);
    draft.article.authors = vec!["<i>Mallory</i>\" onmouseover=\"alert(4)".to_owned()];
    draft.article.language = Some("\"><script>".to_owned());
    draft.article.page_sha256 = "<script>".to_owned();
    draft.article.details = ingest::Details {
        image: Some("javascript:alert(6)".to_owned()),
        section: Some(SCRIPT.to_owned()),
        tags: vec![SCRIPT.to_owned(), "\"><svg onload=alert(7)>".to_owned()],
        is_paywall_stub: true,
        ..ingest::Details::default()
    };
    draft.annotation.mentions = vec![Mention {
        start: 0,
        end: 8,
        text: "<script>".to_owned(),
        kind: MentionKind::Misc,
        entity: Some(EntityRef {
            id: "name:misc:\"/../<script>?#".to_owned(),
            name: "\"><script>alert(5)</script>".to_owned(),
        }),
        score: f32::NAN,
    }];
    let mut statement = crate::newsroom::all()
        .into_iter()
        .flat_map(|it| it.annotation.statements)
        .find(|it| !it.actors.is_empty())
        .expect("the newsroom has actors");
    statement.actors[0].text = "<script>alert(6)</script>".to_owned();
    statement.targets[0].entity = Some(EntityRef {
        id: "javascript:alert(7)".to_owned(),
        name: "\u{202e}<b>target</b>".to_owned(),
    });
    statement.sectors = vec![config::SectorId::new("/\"><script>"), config::SectorId::new("x y")];
    statement.sentence = nlp::Span { start: 3, end: usize::MAX };
    draft.annotation.statements = vec![statement];
    draft
}

#[tokio::test(flavor = "multi_thread")]
async fn fetched_text_never_becomes_markup() {
    let newsroom = Newsroom::with(vec![hostile()]).await;
    let id = id_of("evil", "x?a=%22%3E%3Cscript%3E");
    let entity = "/entities/name:misc:%22%2F..%2F%3Cscript%3E%3F%23";
    let paths = [
        "/",
        "/search?q=printed",
        "/search",
        &format!("/articles/{id}"),
        &format!("/stories/{id}"),
        entity,
        "/sources",
    ];
    for path in paths {
        is_harmless(&newsroom, path).await;
    }
}

/// The page at `path` has no scripts, handlers and addresses but ours.
async fn is_harmless(newsroom: &Newsroom, path: &str) {
    let answer = newsroom.browse(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let page = Page::of(&answer.body);
    let scripts = page.attributes("script", "src");
    let are_ours = scripts.iter().all(|it| it.starts_with("/static/"));
    assert!(are_ours && (1..=4).contains(&scripts.len()), "{path} has scripts {scripts:?}");
    assert_eq!(page.texts("script").len(), scripts.len(), "{path} has a script of its own");
    assert!(page.texts("img, svg[onload], main i, main style").is_empty(), "{path}");
    for handler in ["onerror", "onload", "onmouseover", "style"] {
        assert!(page.attributes("*", handler).is_empty(), "{path} has {handler}");
    }
    for href in page.attributes("a", "href") {
        let is_ours = href.starts_with('/') || href.starts_with('#');
        assert!(is_ours || href.starts_with("https://evil.example/"), "{path}: {href}");
    }
    assert!(!answer.body.contains('\u{202e}'), "{path} lets the text turn its direction");
    assert!(!answer.body.contains('\0'), "{path}");
}

/// Lets a saved search whose every field attacks fire on an article that does.
async fn provoke(newsroom: &Newsroom) {
    let archive = &newsroom.state.archive;
    let search = SavedSearch {
        name: MARKUP.to_owned(),
        notes: Some(format!("</textarea>{MARKUP}")),
        ..SavedSearch::new("evil", MARKUP)
    };
    archive.save_search(&search, Expect::New, now()).await.expect("a saved search");
    let draft = Draft::new("evil", "fired", 1, SCRIPT, SCRIPT);
    let article = &draft.article;
    archive.record_article(article, None).await.expect("an article");
    let text = || SCRIPT.to_owned();
    let item = MatchItem {
        place: String::new(),
        sentence: format!("</blockquote>{SCRIPT}"),
        reasons: vec![Reason { clause: text(), alias: text(), sentence: text() }],
        claims: Vec::new(),
    };
    let matched = Match {
        search,
        search_created_at: now(),
        article: article.id,
        title: article.title.clone(),
        url: article.url.to_string(),
        source: article.source.clone(),
        source_name: SCRIPT.to_owned(),
        dated_at: now(),
        items: vec![item],
    };
    let batch = [draft.correlated()];
    let recorded = archive.record_annotations_and_alerts(&batch, &[matched], now()).await;
    assert_eq!(recorded.expect("an alert").alerts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_of_fetched_text_never_becomes_markup_either() {
    let newsroom = Newsroom::with(vec![hostile()]).await;
    provoke(&newsroom).await;
    let of_text = "q=%3C/title%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let paths = [
        "/graph",
        "/graph?q=printed",
        "/map",
        "/map?days=30",
        "/stories",
        "/stories?kind=%22%3E%3Cscript%3E&cursor=1~%3Cscript%3E",
        "/alerts",
        "/alerts?state=all&search=evil",
        "/alerts?state=all&search=%22%3E%3Cscript%3E",
        "/alerts/searches/evil",
        &format!("/alerts/searches/new?{of_text}&actor=%22%3E%3Csvg%20onload=x%3E&from=%3Ci%3E"),
    ];
    for path in paths {
        is_harmless(&newsroom, path).await;
    }
    let form = [
        ("action", "means"),
        ("text", "<script>"),
        ("entity", "name:misc:\"/../<script>?#"),
        ("to_name", MARKUP),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post("/corrections");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let kept = newsroom.ask(request.body(Body::from(body)).expect("a request")).await;
    assert_eq!(kept.status, 303, "{}", kept.body);
    for path in ["/corrections", "/settings"] {
        is_harmless(&newsroom, path).await;
        let page = newsroom.browse(path).await.body;
        assert!(page.contains("svg onload"), "{path} does not say what was corrected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_makes_the_server_fail() {
    let newsroom = Newsroom::open().await;
    let ids = [
        "%00",
        "..%2F..%2Fetc",
        "%FF%FE",
        "javascript:x",
        "country:%22%3E",
        "%F0%9F%92%A3",
        "x%0d%0ay",
    ];
    let queries = [
        "%22",
        "(((((",
        "a*",
        "*",
        "title:",
        "actor:%00",
        "%FF",
        "-",
        "NOT",
        "a%20AND",
        "[a TO",
        "~9",
        "%E2%80%AE",
    ];
    let mut paths: Vec<String> = Vec::new();
    for id in ids {
        for branch in ["articles", "stories", "entities"] {
            paths.extend([format!("/{branch}/{id}"), format!("/v1/{branch}/{id}")]);
        }
        paths.push(format!("/static/{id}"));
        for filter in
            ["sector", "actor", "day", "story", "cursor", "from", "limit", "sort", "date_field"]
        {
            paths.extend([format!("/v1/search?{filter}={id}"), format!("/search?{filter}={id}")]);
        }
        for list in ["statements", "stories", "entities"] {
            paths.push(format!("/v1/{list}?cursor={id}"));
            paths.push(format!("/v1/{list}?limit={id}&kind={id}&from={id}"));
        }
    }
    for query in queries {
        paths.extend([format!("/v1/search?q={query}"), format!("/search?q={query}")]);
    }
    paths.push(format!("/v1/search?q={}", "a%20".repeat(1_500)));
    paths.push(format!("/v1/search?{}", "actor=x&".repeat(300)));
    paths.push("/v1/search?from=9999-12-31&to=0001-01-01".to_owned());
    paths.push("/v1/search?limit=99999999999999999999".to_owned());
    paths.push("/v1/statements?from=262142-12-31&to=-262143-01-01".to_owned());
    for path in paths {
        let request = Request::get(&path).body(Body::empty());
        let Ok(request) = request else { continue };
        let answer = newsroom.ask(request).await;
        assert!(!answer.status.is_server_error(), "{path}: {} {}", answer.status, answer.body);
    }
}
