//! What assistants may ask at `/mcp`.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::newsroom::{Answer, FRONT, Newsroom, id_of};

async fn post(newsroom: &Newsroom, message: &Value) -> Answer {
    let request = Request::post("/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18");
    newsroom.ask(request.body(Body::from(message.to_string())).expect("a request")).await
}

async fn ask(newsroom: &Newsroom, method: &str, params: Value) -> Value {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let answer = post(newsroom, &message).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let answer = answer.json();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    answer
}

async fn call(newsroom: &Newsroom, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    ask(newsroom, "tools/call", params).await["result"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_is_greeted_and_told_the_tools() {
    let newsroom = Newsroom::open().await;
    let hello = ask(&newsroom, "initialize", json!({"protocolVersion": "2025-03-26"})).await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-03-26");
    assert_eq!(hello["result"]["serverInfo"]["name"], "harbinger");
    let newer = ask(&newsroom, "initialize", json!({"protocolVersion": "2099-01-01"})).await;
    assert_eq!(newer["result"]["protocolVersion"], "2025-06-18");
    let notified = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(post(&newsroom, &notified).await.status, StatusCode::ACCEPTED);
    let tools = ask(&newsroom, "tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    let names: Vec<_> = tools.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["search", "story", "entity", "statements"]);
    for tool in &tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tool_answers_what_the_json_address_does() {
    let newsroom = Newsroom::open().await;
    let found = call(&newsroom, "search", json!({"q": "tankers", "limit": 2})).await;
    let hits = found["structuredContent"]["hits"].as_array().expect("hits");
    assert_eq!(hits.len(), 2, "{found}");
    let text = found["content"][0]["text"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), found["structuredContent"]);

    let id = id_of("meridian", "grid");
    let story = call(&newsroom, "story", json!({"id": id})).await;
    assert_eq!(story["structuredContent"], newsroom.get(&format!("/v1/stories/{id}")).await.json());

    let entity = call(&newsroom, "entity", json!({"id": FRONT.0})).await;
    assert!(entity["structuredContent"]["as_actor"][0]["sentence_text"].is_string(), "{entity}");
    let named = call(&newsroom, "entity", json!({"name": "Northern"})).await;
    assert_eq!(named["structuredContent"]["entities"][0]["id"], FRONT.0, "{named}");

    let threats = call(&newsroom, "statements", json!({"kind": "threat", "actor": FRONT.0})).await;
    let threats = threats["structuredContent"]["statements"].as_array().expect("statements");
    assert!(!threats.is_empty() && threats.iter().all(|it| it["kind"] == "threat"), "{threats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_so_that_they_can_be_mended() {
    let newsroom = Newsroom::open().await;
    for (tool, arguments, reason) in [
        ("search", json!({"q": "actor:("}), "invalid_query"),
        ("search", json!({"q": "x", "colour": "red"}), "unknown"),
        ("search", json!({"q": {"deep": 1}}), "neither text nor number"),
        ("story", json!({"id": "nothing"}), "not_found"),
        ("story", json!({}), "not_found"),
        ("statements", json!({"limit": 9999}), "not within"),
    ] {
        let answer = call(&newsroom, tool, arguments).await;
        assert_eq!(answer["isError"], true, "{answer}");
        let text = answer["content"][0]["text"].as_str().expect("text");
        assert!(text.contains(reason), "{text}");
    }
    let tool = ask(&newsroom, "tools/call", json!({"name": "delete_everything"})).await;
    assert_eq!(tool["error"]["code"], -32602);
    let method = ask(&newsroom, "resources/list", json!({})).await;
    assert_eq!(method["error"]["code"], -32601);
    let nonsense = post(&newsroom, &json!([1, 2])).await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    assert_eq!(nonsense.json()["error"]["code"], -32600, "{}", nonsense.body);
    let get = newsroom.get("/mcp").await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED, "there is no stream to listen to");
    let foreign = Request::post("/mcp")
        .header("content-type", "application/json")
        .header("origin", "https://evil.example");
    let foreign = newsroom.ask(foreign.body(Body::from("{}")).expect("a request")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{}", foreign.body);
}
