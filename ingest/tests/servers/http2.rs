//! HTTP/2 over TLS, agreed on by ALPN, and authorities that only the settings trust.
//!
//! The files in `tls/` are an authority made for this test by `openssl ca`, whose key was thrown away,
//! and a certificate of `127.0.0.1` by it, with its key. They are good for nothing else.

use std::sync::{Arc, Mutex};

use axum::http::Response;
use bytes::Bytes;
use ingest::FailureClass;
use ingest::fetch::{FetchOutcome, FetchRequest, FetchSettings, Fetcher};
use reqwest::Certificate;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::fetch::settings;

const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("tls/server.pem");
const KEY: &[u8] = include_bytes!("tls/server.key");

/// What the server saw: one list of paths for each connection on which HTTP/2 was agreed.
type Connections = Arc<Mutex<Vec<Vec<String>>>>;

/// Serves HTTP/2, and nothing else, on a free port; answers its address.
async fn serve() -> (String, Connections) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()];
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let connections = Connections::default();
    let seen = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(acceptor.clone(), stream, Arc::clone(&seen)));
        }
    });
    (address, connections)
}

async fn converse(acceptor: TlsAcceptor, stream: TcpStream, seen: Connections) {
    // Clients that do not trust the certificate end it here.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 was not agreed on");
    let at = {
        let mut seen = seen.lock().unwrap();
        seen.push(Vec::new());
        seen.len() - 1
    };
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let path = request.uri().path().to_owned();
        seen.lock().unwrap()[at].push(path.clone());
        let status: u16 = if path == "/robots.txt" { 404 } else { 200 };
        let response = Response::builder().status(status).header("content-type", "text/html");
        let mut body = respond.send_response(response.body(()).unwrap(), false).unwrap();
        body.send_data(Bytes::from(path), true).unwrap();
    }
}

fn page(url: String) -> FetchRequest {
    FetchRequest { allows_private_addresses: true, ..FetchRequest::page(url) }
}

#[tokio::test]
async fn requests_to_one_host_share_one_http_2_connection() {
    let (address, connections) = serve().await;
    let certificates = Certificate::from_pem_bundle(AUTHORITY).unwrap();
    assert_eq!(certificates.len(), 1);
    let fetcher = Fetcher::new(FetchSettings { certificates, ..settings() }).unwrap();
    for path in ["/1", "/2", "/3"] {
        let outcome = fetcher.fetch(&page(format!("{address}{path}"))).await.unwrap();
        let FetchOutcome::Fetched(page) = outcome else { panic!("{outcome:?}") };
        assert_eq!(page.body, path.as_bytes());
    }
    assert_eq!(*connections.lock().unwrap(), [["/robots.txt", "/1", "/2", "/3"]]);
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_nobody_named_is_refused() {
    let (address, connections) = serve().await;
    let fetcher = Fetcher::new(settings()).unwrap();
    let request = FetchRequest { allows_private_addresses: true, ..FetchRequest::feed(address) };
    let error = fetcher.fetch(&request).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Tls, "{error}");
    assert!(connections.lock().unwrap().is_empty(), "it was asked nothing");
}
