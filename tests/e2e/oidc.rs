//! Login by a real OpenID Connect provider (`oidc-provider` of npm) on loopback, in a real browser.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tests::{TestApp, project_root, skipped};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::browser::Tools;
use crate::users::add_user;

const SECRET: &str = "a secret of the client that nobody else knows";

/// A provider for people who come back to `redirect`, and its issuer.
async fn provider(redirect: &str) -> (Child, String) {
    let mut provider = Command::new("node")
        .arg(project_root().join("tests/browser/provider.mjs"))
        .arg(redirect)
        .env("OIDC_CLIENT_SECRET", SECRET)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("node is installed");
    let mut lines = BufReader::new(provider.stdout.take().expect("a piped output")).lines();
    let said = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let line = lines.next_line().await.expect("readable").expect("the provider ended");
            if let Some(issuer) = line.strip_prefix("issuer ") {
                return issuer.to_owned();
            }
        }
    });
    let issuer = said.await.expect("the provider starts");
    (provider, issuer)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_by_a_provider_and_nothing_wrong_gets_through() {
    let Some(tools) = Tools::find() else { return };
    if !project_root().join("tests/browser/node_modules/oidc-provider").is_dir() {
        skipped("oidc-provider is absent; `make test` installs it");
        return;
    }
    // The provider must know where people come back to before the server runs.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let port = port.expect("a free port").port();
    let base = format!("http://127.0.0.1:{port}");
    let (_provider, issuer) = provider(&format!("{base}/login/oidc/callback")).await;
    let app = TestApp::new();
    std::fs::create_dir(app.folder().join("secrets")).expect("a writable folder");
    std::fs::write(app.folder().join("secrets/oidc-client-secret"), SECRET).expect("the same");
    // Somebody who has a password here and the name of somebody there.
    add_user(&app, "ana", "reader").await;
    let secrets = app.folder().join("secrets").display().to_string();
    let app = app
        .set("http.bind", &format!("127.0.0.1:{port}"))
        .set("http.login", "always")
        .set("alerts.public_url", &base)
        .set("alerts.secrets_dir", &secrets)
        .set("oidc.issuer", &issuer)
        .set("oidc.client_id", "harbinger")
        .set("oidc.admins", "[\"chiefs\"]")
        .set("oidc.analysts", "[\"soc\"]")
        .set("oidc.scopes", "[\"profile\", \"groups\"]")
        .set("oidc.button", "Log in at the office");
    let waiting = app.folder().join("waiting.json").display().to_string();
    let env = |step| {
        let step = ("HARBINGER_STEP", step);
        [("HARBINGER_ISSUER", issuer.as_str()), ("HARBINGER_WAITING", &waiting), step]
    };
    let served = app.serve().await;
    tools.run("oidc.mjs", &served, &env("begin"), Duration::from_secs(60)).await;
    served.stop().await;
    let served = app.serve().await;
    tools.run("oidc.mjs", &served, &env("finish"), Duration::from_secs(60)).await;
    tools.run("oidc.mjs", &served, &env("all"), Duration::from_secs(240)).await;
    let (_, printed) = served.stop().await;
    assert!(!printed.contains(SECRET), "the secret is in the log");
    let archive = app.archive().await;
    let audit = archive.audit_page(None, 100).await.expect("an audit log").0;
    let logins = |outcome: &str| {
        audit.iter().filter(|it| it.action == "log in" && it.outcome == outcome).count()
    };
    assert_eq!((logins("ok"), logins("refused")), (3, 9), "{audit:?}");
    archive.close().await;
}
