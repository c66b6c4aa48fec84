//! Who may do what: login, roles, keys, forms of other sites, limits.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use config::LoginMode;
use index::archive::access::{ApiKey, Role};
use index::archive::audit::AuditEntry;
use ingest::FailureClass;

use crate::newsroom::{Answer, Newsroom, id_of, now};
use crate::pages::Page;

const PASSWORD: &str = "a long enough password";

/// A newsroom that asks for a login, with one user for each role.
async fn guarded() -> Newsroom {
    let newsroom = Newsroom::open_with(|settings| settings.http.login = LoginMode::Always).await;
    for (name, role) in [("rita", Role::Reader), ("ana", Role::Analyst), ("ada", Role::Admin)] {
        let hash = hash();
        assert!(newsroom.state.archive.add_user(name, role, hash, now()).await.expect("a user"));
    }
    newsroom
}

/// The hash of [`PASSWORD`], computed once.
fn hash() -> &'static str {
    use std::sync::OnceLock;
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        use argon2::PasswordHasher;
        let hash = argon2::Argon2::default().hash_password(PASSWORD.as_bytes());
        hash.expect("a hash").to_string()
    })
}

fn form(path: &str, cookie: &str, body: &str) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

async fn log_in(newsroom: &Newsroom, name: &str, password: &str) -> Answer {
    let password = password.replace(' ', "+");
    let body = format!("name={name}&password={password}&next=%2Fsettings");
    newsroom.ask(form("/login", "", &body)).await
}

/// Logs in and answers the cookie.
async fn session(newsroom: &Newsroom, name: &str) -> String {
    let answer = log_in(newsroom, name, PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "no {part} in {cookie}");
    }
    assert_eq!(answer.header("location"), "/settings");
    cookie.split(';').next().expect("a cookie").to_owned()
}

async fn browse_as(newsroom: &Newsroom, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header("accept", "text/html").header("cookie", cookie);
    newsroom.ask(request.body(Body::empty()).expect("a request")).await
}

/// What forms of the session with this cookie must send back.
async fn token_of(newsroom: &Newsroom, cookie: &str) -> String {
    let page = Page::of(&browse_as(newsroom, "/settings", cookie).await.body);
    page.attributes("footer input[name=csrf]", "value").remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_the_login_page_and_nothing_else() {
    let newsroom = guarded().await;
    let answer = newsroom.browse("/search?q=iran").await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "/login?next=%2Fsearch%3Fq%3Diran");
    for path in ["/v1/search", "/metrics", "/openapi.json", "/v1/events"] {
        let answer = newsroom.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.json()["error"]["code"], "unauthorized", "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"harbinger\"", "{path}");
    }
    for path in ["/feeds/grid.atom", "/taxii2/"] {
        let answer = newsroom.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        let ways = answer.headers.get_all("www-authenticate").iter();
        let ways: Vec<&str> = ways.filter_map(|it| it.to_str().ok()).collect();
        assert!(ways[0].starts_with("Bearer ") && ways[1].starts_with("Basic "), "{ways:?}");
    }
    let refused = log_in(&newsroom, "ana", "wrong").await;
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"harbinger\"");
    for path in ["/livez", "/readyz", "/login", "/static/app.css"] {
        assert_eq!(newsroom.browse(path).await.status, 200, "{path}");
    }
    let door = Page::of(&newsroom.browse("/login").await.body);
    assert_eq!(door.texts("h1"), ["Log in"]);
    assert!(door.texts("nav a").is_empty(), "nowhere to go yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_that_sources_fail_and_may_look_and_a_stranger_is_not() {
    let newsroom = guarded().await;
    newsroom.poll("meridian", Some(FailureClass::Timeout)).await;
    let cookie = session(&newsroom, "rita").await;
    let today = Page::of(&browse_as(&newsroom, "/", &cookie).await.body);
    assert_eq!(today.texts("nav a[href='/sources'] .sr"), ["1 source fails"]);
    let way = today.attributes(".head a[href]", "href").remove(0);
    let sources = browse_as(&newsroom, &way, &cookie).await;
    assert_eq!((way.as_str(), sources.status.as_u16()), ("/sources", 200));
    let door = newsroom.browse("/login").await;
    assert!(!door.body.contains("fails"), "{}", door.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_lasts_until_its_end() {
    let newsroom = guarded().await;
    let refused = log_in(&newsroom, "ana", "a wrong password").await;
    assert_eq!(refused.status, 401);
    assert!(refused.body.contains("Name or password is wrong"), "{}", refused.body);
    assert_eq!(log_in(&newsroom, "nobody", PASSWORD).await.status, 401);

    let cookie = session(&newsroom, "ana").await;
    let page = browse_as(&newsroom, "/settings", &cookie).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You are ana, analyst"), "{}", page.body);
    let csrf = Page::of(&page.body).attributes("footer input[name=csrf]", "value").remove(0);

    let out = newsroom.ask(form("/logout", &cookie, &format!("csrf={csrf}"))).await;
    assert_eq!((out.status.as_u16(), out.header("location")), (303, "/login"));
    assert_eq!(browse_as(&newsroom, "/settings", &cookie).await.status, 303, "logged out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_of_its_session_changes_nothing() {
    let newsroom = guarded().await;
    let cookie = session(&newsroom, "ada").await;
    let fields = "name=eve&role=admin&password=a+long+enough+password";
    for body in [fields.to_owned(), format!("{fields}&csrf=guess")] {
        let answer = newsroom.ask(form("/settings/users", &cookie, &body)).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["error"]["code"], "cross_site");
    }
    assert_eq!(newsroom.state.archive.users().await.expect("users").len(), 3);

    let csrf = token_of(&newsroom, &cookie).await;
    let body = format!("{fields}&csrf={csrf}");
    assert_eq!(newsroom.ask(form("/settings/users", &cookie, &body)).await.status, 303);
    assert_eq!(newsroom.state.archive.users().await.expect("users").len(), 4);

    let log = newsroom.state.archive.audit_page(None, 10).await.expect("a log").0;
    let line = log.iter().find(|it| it.subject == "/settings/users: eve, admin");
    let line = line.expect("it is written down with its name");
    assert_eq!((line.who.as_str(), line.action.as_str()), ("ada", "POST"));
    assert!(line.request_id.is_some());
    assert!(log.iter().all(|it| !it.subject.contains("password")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_waits_for_to_the_end_is_written_down_too() {
    let newsroom = Newsroom::open().await;
    let endless = futures::stream::pending::<std::io::Result<axum::body::Bytes>>();
    let request = Request::post("/sources/opml")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from_stream(endless))
        .expect("a request");
    let a_moment = Duration::from_millis(300);
    let answer = tokio::time::timeout(a_moment, newsroom.ask(request)).await;
    assert!(answer.is_err(), "the list never ends");
    for _ in 0..200 {
        let log = newsroom.state.archive.audit_page(None, 10).await.expect("a log").0;
        if let [line] = &log[..] {
            assert_eq!((line.action.as_str(), line.outcome.as_str()), ("POST", "broken off"));
            assert_eq!((line.who.as_str(), line.subject.as_str()), ("local", "/sources/opml"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is not in the audit log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_user_that_were_removed_come_back_by_the_button() {
    let newsroom = guarded().await;
    let cookie = session(&newsroom, "ada").await;
    let csrf = token_of(&newsroom, &cookie).await;
    let send = async |path: &str, fields: &str| {
        newsroom.ask(form(path, &cookie, &format!("{fields}&csrf={csrf}"))).await
    };
    let made = send("/settings/keys", "name=board&role=reader").await;
    let secret = Page::of(&made.body).texts(".empty code").remove(0);
    let asks = async || {
        let request =
            Request::get("/v1/stories").header("authorization", format!("Bearer {secret}"));
        newsroom.ask(request.body(Body::empty()).expect("a request")).await.status.as_u16()
    };
    assert_eq!(asks().await, 200);
    let key = newsroom.state.archive.api_keys().await.expect("keys").remove(0).id;
    for (removal, fields, name) in [
        ("/settings/keys/remove", format!("id={key}"), "board"),
        ("/settings/users/remove", "id=rita".to_owned(), "rita"),
    ] {
        let removed = send(removal, &fields).await;
        assert_eq!(removed.status, 303, "{}", removed.body);
        let to = removed.header("location").to_owned();
        let page = Page::of(&browse_as(&newsroom, &to, &cookie).await.body);
        assert_eq!(page.texts(".note bdi"), [name]);
        let undo = page.attributes(".note form", "action").remove(0);
        if name == "board" {
            assert_eq!(asks().await, 401, "it opens nothing meanwhile");
        }
        let back = send(&undo, "").await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, "/settings"));
        assert_eq!(send(&undo, "").await.status, 404, "once");
        let page = Page::of(&browse_as(&newsroom, &to, &cookie).await.body);
        assert!(page.texts(".note bdi").is_empty(), "nothing is left to bring back");
    }
    assert_eq!(asks().await, 200);
    assert_eq!(log_in(&newsroom, "rita", PASSWORD).await.status, 303);
    // Who is no admin brings nobody back.
    let cookie = session(&newsroom, "ana").await;
    let csrf = token_of(&newsroom, &cookie).await;
    let asked = form("/settings/users/rita/restore", &cookie, &format!("csrf={csrf}"));
    assert_eq!(newsroom.ask(asked).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_names_what_was_changed_page_by_page() {
    let newsroom = guarded().await;
    let cookie = session(&newsroom, "ada").await;
    let csrf = token_of(&newsroom, &cookie).await;
    let send = async |path: &str, fields: &str| {
        newsroom.ask(form(path, &cookie, &format!("{fields}&csrf={csrf}"))).await
    };
    let made = send("/settings/keys", "name=board&role=reader").await;
    assert_eq!(made.status, 200, "{}", made.body);
    let secret = Page::of(&made.body).texts(".empty code").remove(0);
    let id = newsroom.state.archive.api_keys().await.expect("keys").remove(0).id;
    let removed = send("/settings/keys/remove", &format!("id={id}")).await;
    assert_eq!(removed.status, 303, "{}", removed.body);
    assert_eq!(send("/settings/users/remove", "id=rita").await.status, 303);
    let correction = "action=not-an-entity&text=Northern+Front&entity=group%3Anorthern-front";
    assert_eq!(send("/corrections", correction).await.status, 303);
    let kept = newsroom.state.archive.corrections().await.expect("corrections").remove(0);
    assert_eq!(send("/corrections/undo", &format!("id={}", kept.id)).await.status, 303);
    let search = "name=Grid+watch&query=grid&unit=article";
    assert_eq!(send("/alerts/searches", search).await.status, 303);

    let log = newsroom.state.archive.audit_page(None, 10).await.expect("a log").0;
    let subjects: Vec<&str> = log.iter().rev().map(|it| it.subject.as_str()).collect();
    let said = "“Northern Front” does not name group:northern-front";
    let corrected = [format!("/corrections: {said}"), format!("/corrections/undo: undo {said}")];
    let expected = [
        "/settings/keys: board, reader",
        "/settings/keys/remove: board",
        "/settings/users/remove: rita",
        corrected[0].as_str(),
        corrected[1].as_str(),
        "/alerts/searches: grid-watch",
    ];
    assert!(subjects.ends_with(&expected), "{subjects:?}");
    assert!(log.iter().all(|it| !it.subject.contains(&secret)), "{subjects:?}");

    for n in 0..100 {
        let entry = AuditEntry { subject: format!("line {n}"), ..log[0].clone() };
        newsroom.state.archive.record_audit(&entry).await.expect("a line");
    }
    let lines = |page: &Page| page.texts("#audit tbody tr").len();
    let first = Page::of(&browse_as(&newsroom, "/settings", &cookie).await.body);
    assert_eq!(lines(&first), 100);
    assert!(first.attributes("#audit a[rel=first]", "href").is_empty());
    let older = first.attributes("#audit a[rel=next]", "href").remove(0);
    let path = older.trim_end_matches("#audit");
    let last = Page::of(&browse_as(&newsroom, path, &cookie).await.body);
    assert!(last.texts("#audit tbody tr")[0].contains("grid-watch"), "{older}");
    assert!(last.attributes("#audit a[rel=next]", "href").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_no_form_that_would_be_refused() {
    let newsroom = guarded().await;
    let (reader, analyst) = (session(&newsroom, "rita").await, session(&newsroom, "ana").await);
    let seen = async |path: &str, who: &str| {
        let answer = browse_as(&newsroom, path, who).await;
        assert_eq!(answer.status, 200, "{path}");
        let page = Page::of(&answer.body);
        let buttons = page.texts("main form[method=post] button");
        let links = page.texts("main a[href^=\"/alerts/searches/new\"]");
        buttons.into_iter().chain(links).collect::<Vec<String>>()
    };
    let check = async |path: &str| {
        assert_eq!(seen(path, &reader).await, [""; 0], "{path}");
        assert!(!seen(path, &analyst).await.is_empty(), "{path}");
    };
    check("/").await;
    check("/entities/group%3Anorthern-front").await;
    crate::alerts::raise(&newsroom, "Port Ravel goes dark").await;
    let correction = "action=not-an-entity&text=Northern+Front&entity=group%3Anorthern-front";
    let front = browse_as(&newsroom, "/corrections", &analyst).await;
    let csrf = Page::of(&front.body).attributes("footer input[name=csrf]", "value").remove(0);
    let body = format!("{correction}&csrf={csrf}");
    assert_eq!(newsroom.ask(form("/corrections", &analyst, &body)).await.status, 303);

    let article = format!("/articles/{}", id_of("lindahl-courier", "water"));
    for path in ["/alerts", "/corrections", &article, "/alerts/searches/grid"] {
        check(path).await;
    }
    let found = Page::of(&browse_as(&newsroom, "/search?q=grid", &reader).await.body);
    assert!(found.texts("[data-save]").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_a_file_sends_the_token_too() {
    let newsroom = guarded().await;
    let cookie = session(&newsroom, "ada").await;
    let page = Page::of(&browse_as(&newsroom, "/sources", &cookie).await.body);
    let csrf = page.attributes("#opml input[name=csrf]", "value").remove(0);
    let list =
        "<opml><body><outline text='Grid' xmlUrl='https://grid.example/feed'/></body></opml>";
    let sent = |tokens: &[&str]| {
        let field = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n")
        };
        let tokens: String = tokens.iter().map(|it| field("csrf", it)).collect();
        let body = format!("{tokens}{}--x--\r\n", field("file; filename=grid.opml", list));
        let mut request = form("/sources/opml", &cookie, &body);
        let kind = "multipart/form-data; boundary=x".parse().expect("a value");
        request.headers_mut().insert("content-type", kind);
        newsroom.ask(request)
    };
    for tokens in [&[] as &[&str], &["guess"]] {
        let answer = sent(tokens).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["code"]),
            (403, &"cross_site".into())
        );
    }
    let answer = sent(&[&csrf]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("1 source added"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_every_page_sends_the_token_back() {
    let newsroom = guarded().await;
    let cookie = session(&newsroom, "ada").await;
    let article = format!("/articles/{}", id_of("meridian", "ultimatum"));
    for path in ["/", "/alerts", "/alerts/searches/new", "/corrections", "/settings", &article] {
        let answer = browse_as(&newsroom, path, &cookie).await;
        assert_eq!(answer.status, 200, "{path}");
        let page = Page::of(&answer.body);
        let n_forms = page.attributes("form[method=post]", "action").len();
        let n_tokens = page.attributes("form[method=post] > input[name=csrf]", "value").len();
        assert!(0 < n_forms, "{path} has at least the form that logs out");
        assert_eq!(n_tokens, n_forms, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_saves_a_search_through_a_session() {
    let newsroom = guarded().await;
    let cookie = session(&newsroom, "ana").await;
    let page = Page::of(&browse_as(&newsroom, "/alerts/searches/new", &cookie).await.body);
    let csrf = page.attributes("main input[name=csrf]", "value").remove(0);
    let fields =
        "name=Grid&query=grid&unit=article&schedule=at-once&novelty_days=7&throttle_minutes=0";
    let answer = newsroom.ask(form("/alerts/searches", &cookie, fields)).await;
    assert_eq!(answer.status, 403, "without the token");
    let body = format!("{fields}&csrf={csrf}");
    let answer = newsroom.ask(form("/alerts/searches", &cookie, &body)).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let saved = newsroom.state.archive.saved_searches("", 10).await.expect("searches");
    assert_eq!(saved.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_bound_what_somebody_may_change() {
    let newsroom = guarded().await;
    for (name, expected) in [("rita", 403), ("ana", 403), ("ada", 303)] {
        let cookie = session(&newsroom, name).await;
        let page = Page::of(&browse_as(&newsroom, "/settings", &cookie).await.body);
        let csrf = page.attributes("footer input[name=csrf]", "value").remove(0);
        let body = format!("name=new-{name}&role=reader&password=0123456789&csrf={csrf}");
        let answer = newsroom.ask(form("/settings/users", &cookie, &body)).await;
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
        assert_eq!(page.texts("#users").is_empty(), name != "ada", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_asks_with_its_key() {
    let newsroom = guarded().await;
    let key = ApiKey {
        id: "k".to_owned(),
        name: "reader".to_owned(),
        role: Role::Reader,
        created_at: now(),
        expires_at: None,
        last_used_at: None,
    };
    let hash = blake3::hash(b"hbk_secret").to_hex().to_string();
    newsroom.state.archive.add_api_key(&key, &hash).await.expect("a key");
    // The pair `anything:hbk_secret` of HTTP Basic.
    for value in ["Bearer hbk_secret", "Basic YW55dGhpbmc6aGJrX3NlY3JldA=="] {
        let request = Request::get("/v1/search?q=iran").header("authorization", value);
        let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, 200, "{value}");
    }
    let request = Request::get("/v1/search").header("authorization", "Bearer hbk_other");
    let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, 401);
    let request = Request::post("/settings/users").header("authorization", "Bearer hbk_secret");
    let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, 403, "a reader's key changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_cannot_be_tried_for_ever() {
    let newsroom = guarded().await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(log_in(&newsroom, "ana", "a wrong password").await.status.as_u16());
    }
    assert_eq!(statuses[..6], [401; 6]);
    assert_eq!(statuses[6], 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_told_to_wait() {
    let newsroom = Newsroom::open_with(|settings| {
        settings.http.login = LoginMode::Always;
        settings.http.n_requests_per_minute_max = 2;
    })
    .await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(newsroom.get("/livez").await);
    }
    assert_eq!(answers[1].status, 200);
    assert_eq!(answers[2].status, 429);
    assert!(answers[2].header("retry-after").parse::<u32>().is_ok_and(|it| 0 < it));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_login_only_this_machine_and_its_own_pages_may_ask() {
    let newsroom = Newsroom::open().await;
    let ask = async |headers: &[(&str, &str)], method: &str| {
        let mut request = Request::builder().method(method).uri("/settings/keys/remove");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        newsroom.ask(request.body(Body::from("id=none")).expect("a request")).await.status.as_u16()
    };
    // 400: the form was read, and there is no such key.
    assert_eq!(ask(&[("host", "127.0.0.1:8321")], "POST").await, 400);
    assert_eq!(
        ask(&[("host", "localhost:8321"), ("sec-fetch-site", "same-origin")], "POST").await,
        400
    );
    assert_eq!(ask(&[("host", "[::1]:8321"), ("origin", "http://[::1]:8321")], "POST").await, 400);
    for refused in [
        &[("host", "rebound.example")][..],
        &[("host", "localhost"), ("sec-fetch-site", "cross-site")],
        &[("host", "localhost"), ("origin", "https://evil.example")],
        &[("host", "localhost"), ("origin", "null")],
        &[("host", "localhost"), ("x-forwarded-for", "203.0.113.9")],
    ] {
        assert_eq!(ask(refused, "POST").await, 403, "{refused:?}");
    }
}

#[test]
fn other_addresses_than_loopback_ask_for_a_login() {
    let mut http = config::Settings::default().http;
    assert!(!http.is_login_required());
    http.bind = SocketAddr::from(([0, 0, 0, 0], 8321));
    assert!(http.is_login_required());
    http.bind = SocketAddr::from(([127, 0, 0, 1], 8321));
    http.login = LoginMode::Always;
    assert!(http.is_login_required());
}
