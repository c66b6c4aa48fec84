//! A server that takes messages and answers as it was told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Received,
}

impl Receiver {
    /// Answers the n-th message with the n-th of `answers`.
    pub(crate) async fn start(answers: Vec<u16>) -> Receiver {
        Receiver::start_with(answers, []).await
    }

    /// The same with `extra` headers in every answer.
    pub(crate) async fn start_with<const N: usize>(
        answers: Vec<u16>,
        extra: [(&'static str, &'static str); N],
    ) -> Receiver {
        let received = Received::default();
        let kept = Arc::clone(&received);
        let answer = move |headers: HeaderMap, body: String| async move {
            let mut received = kept.lock().unwrap();
            received.push((headers, body));
            (StatusCode::from_u16(answers[received.len() - 1]).unwrap(), extra)
        };
        let router = Router::new().fallback(answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { url, received }
    }

    pub(crate) fn received(&self) -> Vec<(HeaderMap, String)> {
        self.received.lock().unwrap().clone()
    }
}
