use chrono::{DateTime, TimeDelta, Utc};

use super::world::on_each_database;
use crate::archive::access::{ApiKey, Role};
use crate::archive::audit::AuditEntry;
use crate::archive::removed_access::Restored;

fn at(hour: u32) -> DateTime<Utc> {
    format!("2026-03-01T{hour:02}:30:00Z").parse().unwrap()
}

/// A reader's key that ends at that hour.
fn key_until(hour: u32) -> ApiKey {
    ApiKey {
        id: "k1".to_owned(),
        name: "dashboard".to_owned(),
        role: Role::Reader,
        created_at: at(1),
        expires_at: Some(at(hour)),
        last_used_at: None,
    }
}

#[tokio::test]
async fn a_user_logs_in_until_the_session_ends_or_the_password_changes() {
    on_each_database(async |world| {
        let archive = &world.archive;
        assert!(archive.add_user("ana", Role::Analyst, "hash-1", at(1)).await.unwrap());
        assert!(!archive.add_user("ana", Role::Admin, "hash-2", at(1)).await.unwrap());
        assert_eq!(archive.password_hash("ana").await.unwrap().as_deref(), Some("hash-1"));
        assert_eq!(archive.password_hash("an\0a").await.unwrap(), None);

        archive.begin_session("t1", "ana", "c1", at(1), at(3)).await.unwrap();
        let session = archive.session("t1", at(2)).await.unwrap().unwrap();
        assert_eq!((session.user.as_str(), session.role), ("ana", Role::Analyst));
        assert_eq!(session.csrf, "c1");
        assert_eq!(archive.session("t1", at(3)).await.unwrap(), None, "it has ended");
        assert_eq!(archive.session("t2", at(2)).await.unwrap(), None);

        assert!(archive.set_password("ana", "hash-3").await.unwrap());
        assert_eq!(archive.session("t1", at(2)).await.unwrap(), None, "the password changed");
        assert!(!archive.set_password("bo", "hash").await.unwrap());

        archive.begin_session("t3", "ana", "c3", at(4), at(6)).await.unwrap();
        archive.end_session("t3").await.unwrap();
        assert_eq!(archive.session("t3", at(4)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    on_each_database(async |world| {
        let archive = &world.archive;
        archive.add_user("root", Role::Admin, "h", at(1)).await.unwrap();
        archive.add_user("reader", Role::Reader, "h", at(1)).await.unwrap();
        archive.begin_session("t", "root", "c", at(1), at(9)).await.unwrap();
        assert!(!archive.remove_user("root", at(2)).await.unwrap());
        assert!(archive.session("t", at(2)).await.unwrap().is_some(), "and stays logged in");
        assert!(archive.remove_user("reader", at(2)).await.unwrap());
        archive.add_user("second", Role::Admin, "h", at(1)).await.unwrap();
        assert!(archive.remove_user("root", at(2)).await.unwrap());
        assert!(!archive.remove_user("root", at(2)).await.unwrap(), "gone already");
        let names: Vec<String> =
            archive.users().await.unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["second"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_works_until_it_ends_and_tells_when_it_was_used() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let key = key_until(5);
        archive.add_api_key(&key, "secret-hash").await.unwrap();
        assert_eq!(archive.api_key("secret-hash", at(2)).await.unwrap(), Some(key.clone()));
        assert_eq!(archive.api_key("other", at(2)).await.unwrap(), None);
        assert_eq!(archive.api_key("secret-hash", at(5)).await.unwrap(), None);
        let used = archive.api_keys().await.unwrap()[0].last_used_at;
        assert_eq!(used, Some(at(2) - TimeDelta::minutes(30)), "the hour of its use");
        assert!(archive.remove_api_key("k1", at(2)).await.unwrap());
        assert!(!archive.remove_api_key("k1", at(2)).await.unwrap());
        assert_eq!(archive.api_key("secret-hash", at(2)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_user_who_was_removed_comes_back_with_the_password_and_without_sessions() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let restore = async |since| archive.restore_user("ana", at(since)).await.unwrap();
        archive.add_user("root", Role::Admin, "h", at(1)).await.unwrap();
        archive.add_user("ana", Role::Analyst, "hash-1", at(1)).await.unwrap();
        archive.begin_session("t1", "ana", "c1", at(1), at(9)).await.unwrap();
        assert_eq!(restore(0).await, Restored::Missing, "nobody removed her");
        assert!(!archive.remove_user("root", at(2)).await.unwrap());
        assert!(!archive.is_removed_user("root", at(0)).await.unwrap(), "the last admin stayed");

        assert!(archive.remove_user("ana", at(3)).await.unwrap());
        assert_eq!(archive.password_hash("ana").await.unwrap(), None, "it opens nothing");
        assert!(archive.is_removed_user("ana", at(3)).await.unwrap());
        assert_eq!(restore(4).await, Restored::Missing, "too late");
        assert_eq!(restore(3).await, Restored::Back);
        assert_eq!(archive.password_hash("ana").await.unwrap().as_deref(), Some("hash-1"));
        let users = archive.users().await.unwrap();
        assert_eq!((users[0].role, users[0].created_at), (Role::Analyst, at(1)));
        assert_eq!(archive.session("t1", at(4)).await.unwrap(), None, "she logs in again");
        assert_eq!(restore(3).await, Restored::Missing, "she is back already");

        assert!(archive.remove_user("ana", at(5)).await.unwrap());
        archive.add_user("ana", Role::Reader, "hash-2", at(6)).await.unwrap();
        assert_eq!(restore(5).await, Restored::Taken);
        assert_eq!(archive.password_hash("ana").await.unwrap().as_deref(), Some("hash-2"));
        assert!(archive.remove_user("ana", at(7)).await.unwrap());
        archive.forget_deleted(at(8)).await.unwrap();
        assert_eq!(restore(0).await, Restored::Missing, "forgotten for good");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_removed_works_again_once_it_is_back_and_not_before() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let key = key_until(9);
        let works = async |hour| archive.api_key("secret-hash", at(hour)).await.unwrap().is_some();
        let restore = async |since| archive.restore_api_key("k1", at(since)).await.unwrap();
        archive.add_api_key(&key, "secret-hash").await.unwrap();
        assert_eq!(restore(0).await, Restored::Missing);
        assert!(archive.remove_api_key("k1", at(3)).await.unwrap());
        assert!(!works(3).await);
        let name = archive.removed_api_key("k1", at(3)).await.unwrap();
        assert_eq!(name.as_deref(), Some("dashboard"));
        assert_eq!(archive.removed_api_key("k1", at(4)).await.unwrap(), None);
        assert_eq!(restore(4).await, Restored::Missing, "too late");
        assert_eq!(restore(3).await, Restored::Back);
        assert_eq!(archive.api_keys().await.unwrap(), [key]);
        assert!(works(4).await);
        assert!(!works(9).await, "it still ends");
        assert!(archive.remove_api_key("k1", at(5)).await.unwrap());
        archive.forget_deleted(at(6)).await.unwrap();
        assert_eq!(restore(0).await, Restored::Missing, "forgotten for good");
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_keeps_changes_in_order() {
    on_each_database(async |world| {
        for n in 0..3 {
            let entry = AuditEntry {
                at: at(n),
                who: "ana".to_owned(),
                action: "DELETE".to_owned(),
                subject: format!("/v1/saved-searches/{n}"),
                outcome: "204".to_owned(),
                request_id: Some(format!("r{n}")),
            };
            world.archive.record_audit(&entry).await.unwrap();
        }
        let (newest, next) = world.archive.audit_page(None, 2).await.unwrap();
        let subjects: Vec<&str> = newest.iter().map(|it| it.subject.as_str()).collect();
        assert_eq!(subjects, ["/v1/saved-searches/2", "/v1/saved-searches/1"]);
        assert_eq!(newest[0].request_id.as_deref(), Some("r2"));
        assert_eq!(newest.len(), 2);
        let (oldest, end) = world.archive.audit_page(next, 2).await.unwrap();
        let subjects: Vec<&str> = oldest.iter().map(|it| it.subject.as_str()).collect();
        assert_eq!((subjects, end), (vec!["/v1/saved-searches/0"], None));
    })
    .await;
}
