//! Users, keys and backups on the command line, and the server that they guard.

use std::fs;

use tests::TestApp;

pub(crate) const PASSWORD: &str = "a long enough password";

/// Adds `name` with [`PASSWORD`].
pub(crate) async fn add_user(app: &TestApp, name: &str, role: &str) {
    let file = app.folder().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).expect("a writable folder");
    let file = file.to_string_lossy().into_owned();
    let added = app.run(&["users", "add", name, "--role", role, "--password-file", &file]).await;
    assert_eq!(added.code, Some(0), "{added:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_keys_come_and_go() {
    let app = TestApp::new();
    add_user(&app, "ana", "admin").await;
    add_user(&app, "rita", "reader").await;
    let listed = app.run(&["users", "list"]).await;
    assert!(listed.stdout.contains("ana") && listed.stdout.contains("reader"), "{listed:?}");
    let last = app.run(&["users", "remove", "ana"]).await;
    assert_ne!(last.code, Some(0), "the last admin stays: {last:?}");
    assert_eq!(app.run(&["users", "remove", "rita"]).await.code, Some(0));

    let key = app.run(&["keys", "add", "dashboard", "--days", "30"]).await;
    assert!(key.stdout.starts_with("hbk_"), "{key:?}");
    let listed = app.run(&["keys", "list"]).await;
    assert!(listed.stdout.contains("dashboard"), "{listed:?}");
    assert!(!listed.stdout.contains(key.stdout.trim()), "a key is shown once");
    let id = listed.stdout.split_whitespace().next().expect("an id").to_owned();
    assert_eq!(app.run(&["keys", "remove", &id]).await.code, Some(0));
    assert_ne!(app.run(&["keys", "remove", &id]).await.code, Some(0));

    let short = app.folder().join("short");
    fs::write(&short, "short\n").expect("a writable folder");
    let short = short.to_string_lossy().into_owned();
    let refused = app.run(&["users", "add", "eve", "--password-file", &short]).await;
    assert!(refused.stderr.contains("shorter than 10"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_others_reach_does_not_start_without_users() {
    let app = TestApp::new();
    let refused = app.run(&["serve", "--bind", "0.0.0.0:0"]).await;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(refused.stderr.contains("harbinger users add"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_restores_what_was_there() {
    let app = TestApp::new();
    add_user(&app, "ana", "admin").await;
    let copy = app.folder().join("copy.db").to_string_lossy().into_owned();
    let made = app.run(&["backup", &copy]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    add_user(&app, "rita", "reader").await;
    let restored = app.run(&["restore", &copy]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let listed = app.run(&["users", "list"]).await;
    assert!(listed.stdout.contains("ana") && !listed.stdout.contains("rita"), "{listed:?}");
    let again = app.run(&["backup", &copy]).await;
    assert!(again.code != Some(0) && again.stderr.contains("copy.db"), "{again:?}");
}
