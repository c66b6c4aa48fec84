//! What one question may cost: too much of it is refused before it is begun, and so are too many at
//! once.

use axum::body::Body;
use axum::http::Request;
use futures::future::join_all;

use crate::newsroom::Newsroom;

/// Questions at once, far more than may be worked on.
const N_AT_ONCE: usize = 200;

fn repeated(part: &str, n: usize) -> String {
    vec![part; n].join("%20")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_would_cost_too_much_is_refused_and_says_why() {
    let newsroom = Newsroom::open().await;
    let values = |n| (0..n).map(|it| format!("&actor=name:{it}")).collect::<String>();
    let too_much = [
        format!("/v1/search?q={}", "a".repeat(2_001)),
        format!("/v1/search?q={}", repeated("a", 257)),
        format!("/v1/search?q={}", "(".repeat(40)),
        "/v1/search?q=%22ships%20port%22~51".to_owned(),
        format!("/v1/search?q=port{}", values(100)),
        "/v1/graph?q=port&nodes=501".to_owned(),
        "/v1/statements?limit=201".to_owned(),
        "/v1/entities?limit=201".to_owned(),
        "/v1/stories?limit=201".to_owned(),
    ];
    for path in too_much {
        let answer = newsroom.get(&path).await;
        let shown = &path[..path.len().min(60)];
        assert_eq!(answer.status, 400, "{shown}: {}", answer.body);
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().len();
        assert!(10 < message, "{shown} is refused without a reason: {}", answer.body);
    }
    let just_enough = [
        format!("/v1/search?q={}", repeated("a", 256)),
        format!("/v1/search?q=port{}", values(99)),
        // More of these than is given is not asked for by mistake: the most is given.
        "/v1/search?limit=9999999&facet_limit=9999999&significant=9999999".to_owned(),
        "/v1/graph?q=port&nodes=500".to_owned(),
    ];
    for path in just_enough {
        assert_eq!(newsroom.get(&path).await.status, 200, "{}", &path[..path.len().min(60)]);
    }
    let long = format!("/v1/search?q={}", "a".repeat(9_000));
    assert_eq!(newsroom.get(&long).await.status, 414);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_searches_at_once_are_told_to_come_back() {
    let newsroom = Newsroom::open().await;
    let query = format!("/v1/search?q={}&facet_limit=1000", repeated("tankers", 200));
    let ask = |_| {
        let request = Request::get(&query).body(Body::empty()).expect("a request");
        newsroom.ask(request)
    };
    let answers = join_all((0..N_AT_ONCE).map(ask)).await;
    let busy: Vec<_> = answers.iter().filter(|it| it.status == 503).collect();
    let n_done = answers.iter().filter(|it| it.status == 200).count();
    assert_eq!(busy.len() + n_done, N_AT_ONCE, "either answered or told to come back");
    assert!(0 < n_done && !busy.is_empty(), "{n_done} of {N_AT_ONCE} were answered");
    for answer in &busy {
        assert!(!answer.header("retry-after").is_empty(), "{}", answer.body);
    }
    assert_eq!(newsroom.get(&query).await.status, 200, "and later it is answered");
}
