//! A small HTTP server that does what it is told, also what no good server does.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How to answer one request.
pub(crate) enum Reply {
    /// These bytes, head and body, then the end of the connection.
    Bytes(Vec<u8>),
    /// The bytes one by one, with this pause between them.
    Dripping(Vec<u8>, Duration),
}

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Lower-case head of the request, all lines.
    pub(crate) head: String,
    pub(crate) began_at: Instant,
    pub(crate) ended_at: Instant,
}

/// A running server; it stops with the test's runtime.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Serves `answer(path, head)` on a free port of `127.0.0.1`.
    pub(crate) async fn start(
        answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(serve(stream, log, answer));
            }
        });
        Server { port, asked }
    }

    /// The address of `path` on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All requests until now, in order of arrival.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The paths asked for until now, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|it| it.path).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<impl Fn(&str, &str) -> Reply>,
) {
    let began_at = Instant::now();
    let mut head = Vec::new();
    let mut buffer = [0; 4_096];
    // A TLS client begins with byte 0x16 and waits; this server speaks no TLS and says so.
    while head.first() != Some(&0x16) && !head.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => head.extend_from_slice(&buffer[..n]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = answer(&path, &head.to_lowercase());
    let asked = Asked { path, head: head.to_lowercase(), began_at, ended_at: Instant::now() };
    log.lock().unwrap().push(asked);
    // A client that hangs up in the middle is part of the tests.
    let _ = match reply {
        Reply::Bytes(bytes) => stream.write_all(&bytes).await,
        Reply::Dripping(bytes, pause) => drip(&mut stream, &bytes, pause).await,
    };
    let _ = stream.shutdown().await;
}

async fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        stream.flush().await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// A whole response with this status line, extra headers and body.
pub(crate) fn response(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("Connection: close\r\n\r\n");
    Reply::Bytes([head.as_bytes(), body].concat())
}

/// 200 with this type and body.
pub(crate) fn ok(content_type: &str, body: &[u8]) -> Reply {
    response("200 OK", &[("Content-Type", content_type)], body)
}

/// 404.
pub(crate) fn not_found() -> Reply {
    response("404 Not Found", &[], b"nothing here")
}

/// A redirect to `location`.
pub(crate) fn redirect(status: &str, location: &str) -> Reply {
    response(status, &[("Location", location)], b"")
}
