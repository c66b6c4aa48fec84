//! Fetching through proxies: two small ones of our own, SOCKS5 and HTTP, that look names up in
//! their own way.

use std::sync::{Arc, Mutex};

use ingest::FailureClass;
use ingest::fetch::{FetchOutcome, FetchRequest, Fetcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::fetch::settings;
use crate::server::{Server, ok, redirect};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Socks5,
    Http,
}

/// A proxy for which every name lies on one server.
struct Proxy {
    address: String,
    /// Targets asked for, as they came: `name:port`.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(kind: Kind, server: &Server) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if kind == Kind::Socks5 { "socks5h" } else { "http" };
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (log, upstream) = (Arc::clone(&asked), server.port);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                tokio::spawn(async move {
                    match kind {
                        Kind::Socks5 => socks5(stream, upstream, &log).await,
                        Kind::Http => http(stream, upstream, &log).await,
                    }
                });
            }
        });
        Proxy { address: format!("{scheme}://127.0.0.1:{port}"), asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn page(&self, url: &str) -> FetchRequest {
        FetchRequest { proxy: Some(self.address.clone()), ..FetchRequest::page(url) }
    }
}

/// RFC 1928, without authentication.
async fn socks5(mut client: TcpStream, upstream: u16, log: &Mutex<Vec<String>>) {
    let mut head = [0; 2];
    client.read_exact(&mut head).await.unwrap();
    let mut methods = vec![0; head[1].into()];
    client.read_exact(&mut methods).await.unwrap();
    client.write_all(&[5, 0]).await.unwrap();
    let mut request = [0; 4];
    client.read_exact(&mut request).await.unwrap();
    let name = match request[3] {
        3 => {
            let length = client.read_u8().await.unwrap();
            let mut name = vec![0; length.into()];
            client.read_exact(&mut name).await.unwrap();
            String::from_utf8(name).unwrap()
        }
        kind => format!("an address of kind {kind}, looked up elsewhere"),
    };
    let port = client.read_u16().await.unwrap();
    log.lock().unwrap().push(format!("{name}:{port}"));
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

/// Plain requests with the whole address in their first line.
async fn http(mut client: TcpStream, upstream: u16, log: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let url: url::Url = head.split(' ').nth(1).unwrap().parse().unwrap();
    let target = format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap());
    log.lock().unwrap().push(target);
    let head = head.replacen(url.as_str(), url.path(), 1);
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
    server.write_all(head.as_bytes()).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

async fn site() -> Server {
    Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nDisallow: /private\n"),
        "/away" => redirect("302 Found", "http://10.0.0.1/secret"),
        "/home" => redirect("302 Found", "http://localhost:8080/"),
        _ => ok("text/html", b"<p>hello"),
    })
    .await
}

async fn refused(fetcher: &Fetcher, request: &FetchRequest) -> FailureClass {
    fetcher.fetch(request).await.expect_err("a refusal").class()
}

#[tokio::test]
async fn a_proxy_looks_the_name_up_and_robots_txt_comes_through_it_too() {
    for kind in [Kind::Socks5, Kind::Http] {
        let server = site().await;
        let proxy = Proxy::start(kind, &server).await;
        let fetcher = Fetcher::new(settings()).unwrap();
        // No resolver knows these names, and the guard of direct requests would ask one.
        for name in ["paper.example", "abcdefghijklmnop.onion"] {
            let outcome = fetcher.fetch(&proxy.page(&format!("http://{name}/news"))).await;
            let FetchOutcome::Fetched(page) = outcome.unwrap() else { panic!("no page") };
            assert_eq!(&page.body[..], b"<p>hello");
        }
        let private = proxy.page("http://paper.example/private");
        assert_eq!(refused(&fetcher, &private).await, FailureClass::Robots);
        assert_eq!(server.paths(), ["/robots.txt", "/news", "/robots.txt", "/news"]);
        let asked = proxy.asked();
        assert!(asked.contains(&"paper.example:80".to_owned()), "{asked:?}");
        assert!(asked.iter().all(|it| it.ends_with(".example:80") || it.ends_with(".onion:80")));
    }
}

#[tokio::test]
async fn inner_addresses_and_names_are_refused_through_a_proxy_also_after_a_redirect() {
    for kind in [Kind::Socks5, Kind::Http] {
        let server = site().await;
        let proxy = Proxy::start(kind, &server).await;
        let fetcher = Fetcher::new(settings()).unwrap();
        for url in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://169.254.169.254/latest/meta-data",
            "http://localhost/",
            "http://intranet/",
            "http://printer.local/",
        ] {
            let class = refused(&fetcher, &proxy.page(url)).await;
            assert_eq!(class, FailureClass::AddressRefused, "{url}");
        }
        assert_eq!(proxy.asked(), Vec::<String>::new(), "the proxy was asked");
        for path in ["/away", "/home"] {
            let request = proxy.page(&format!("http://paper.example{path}"));
            assert_eq!(refused(&fetcher, &request).await, FailureClass::AddressRefused, "{path}");
        }
    }
}

#[tokio::test]
async fn without_its_proxy_a_source_is_not_asked_at_all() {
    let server = site().await;
    let fetcher = Fetcher::new(settings()).unwrap();
    for dead in ["socks5h://127.0.0.1:1", "http://127.0.0.1:1"] {
        let request = FetchRequest {
            allows_private_addresses: true,
            proxy: Some(dead.to_owned()),
            ..FetchRequest::page(server.url("/news"))
        };
        assert_eq!(refused(&fetcher, &request).await, FailureClass::Connect, "{dead}");
    }
    assert_eq!(server.paths(), Vec::<String>::new());
}
