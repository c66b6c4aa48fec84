//! Alerts sent to real servers on loopback: webhooks, chats, mail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod outbox;
mod receiver;
mod smtp;

use api::deliver::sign::is_signed;
use config::{AlertUnit, Channel, Schedule};
use outbox::{Outbox, delivery};
use receiver::Receiver;
use smtp::SmtpSink;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_and_says_why() {
    let receiver = Receiver::start(vec![200]).await;
    let mut to = delivery(Channel::Webhook, &receiver.url);
    to.signing_secret = Some("soc".to_owned());
    let outbox = Outbox::with(1, vec![to], |_| {}).await;
    outbox.write_secret("soc", SECRET);
    outbox.send().await;
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    let (headers, body) = &received[0];
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
    assert!(header("webhook-id").starts_with("msg_"));
    let signature = header("webhook-signature");
    assert!(is_signed(SECRET, &header("webhook-id"), timestamp, body.as_bytes(), &signature));
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["type"], "alert.fired");
    assert_eq!(json["data"]["alerts"][0]["title"], "Headline 0");
    assert_eq!(json["data"]["alerts"][0]["reasons"][0]["clause"], "actor:iran");
    assert_eq!(outbox.states().await, ["sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_tried_again_under_the_same_id() {
    let receiver = Receiver::start(vec![503, 429, 200]).await;
    let outbox = Outbox::with(1, vec![delivery(Channel::Webhook, &receiver.url)], |_| {}).await;
    for _ in 0..3 {
        outbox.send().await;
        outbox.pass_minutes(10);
    }
    let ids: Vec<_> = receiver.received().iter().map(|it| it.0["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|it| *it == ids[0]), "{ids:?}");
    assert_eq!(outbox.states().await, ["sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_may_name_the_time_of_the_next_try() {
    let patience = [
        ("date", "Mon, 12 Jan 2026 07:00:00 GMT"),
        ("retry-after", "Mon, 12 Jan 2026 09:00:00 GMT"),
    ];
    let receiver = Receiver::start_with(vec![503, 200], patience).await;
    let outbox = Outbox::with(1, vec![delivery(Channel::Webhook, &receiver.url)], |_| {}).await;
    outbox.send().await;
    outbox.pass_minutes(119);
    outbox.send().await;
    assert_eq!(receiver.received().len(), 1, "it asked for two hours");
    outbox.pass_minutes(1);
    outbox.send().await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(outbox.states().await, ["sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_well_is_given_up_after_three_days() {
    let receiver = Receiver::start(vec![500; 100]).await;
    let outbox = Outbox::with(1, vec![delivery(Channel::Webhook, &receiver.url)], |_| {}).await;
    for _ in 0..30 {
        outbox.send().await;
        outbox.pass_minutes(7 * 60);
    }
    assert_eq!(outbox.states().await, ["dead"]);
    let n_tries = receiver.received().len();
    assert!((5..30).contains(&n_tries), "{n_tries} tries in three days");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_gets_nothing_more() {
    let receiver = Receiver::start(vec![410, 200, 200, 200]).await;
    let outbox = Outbox::with(4, vec![delivery(Channel::Webhook, &receiver.url)], |_| {}).await;
    outbox.send_one().await;
    outbox.send().await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(outbox.states().await, ["dead"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_ones_own_network_is_refused_unless_allowed() {
    let receiver = Receiver::start(vec![200]).await;
    let outbox = Outbox::with(1, vec![delivery(Channel::Webhook, &receiver.url)], |settings| {
        settings.alerts.allow_private_addresses = false;
    })
    .await;
    outbox.send().await;
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(outbox.states().await, ["dead"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_get_the_shapes_they_know() {
    let receiver = Receiver::start(vec![200; 3]).await;
    let mut ntfy = delivery(Channel::Ntfy, &format!("{}/topic", receiver.url));
    ntfy.signing_secret = Some("token".to_owned());
    let mut slack = delivery(Channel::Slack, "");
    slack.to = None;
    slack.to_secret = Some("slack".to_owned());
    let teams = delivery(Channel::Teams, &format!("{}/teams", receiver.url));
    let outbox = Outbox::with(1, vec![slack, teams, ntfy], |_| {}).await;
    outbox.write_secret("slack", &format!("{}/slack", receiver.url));
    outbox.write_secret("token", "tk_1");
    outbox.send().await;
    let received = receiver.received();
    let body = |part: &str| {
        let found = received.iter().find(|it| it.1.contains(part));
        found.unwrap_or_else(|| panic!("nothing holds {part}: {received:?}")).clone()
    };
    let slack = body("unfurl_links").1;
    assert!(slack.contains("Iran &amp; the grid: Headline 0"), "{slack}");
    assert!(body("AdaptiveCard").1.contains("because of actor:iran"));
    let (headers, text) = body("Headline 0 (The wire)\n“Iran");
    assert_eq!(headers["authorization"], "Bearer tk_1");
    assert!(text.contains("Iran would punish Americans"), "{text}");
    assert_eq!(outbox.states().await, ["sent"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_through_a_mail_server_at_once_or_as_a_digest() {
    let sink = SmtpSink::start().await;
    let to = vec![delivery(Channel::Email, "soc@example.org")];
    let smtp_url = sink.url.clone();
    let outbox = Outbox::of(AlertUnit::Article, Schedule::Hourly, 2, to, |settings| {
        settings.alerts.smtp_url = Some(smtp_url);
        settings.alerts.mail_from = "harbinger@example.org".to_owned();
        settings.alerts.public_url = Some("https://harbinger.example/".parse().unwrap());
    })
    .await;
    outbox.send().await;
    assert_eq!(sink.mails(), Vec::<String>::new());
    outbox.pass_minutes(60);
    outbox.send().await;
    let mails = sink.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    for part in [
        "RCPT TO:<soc@example.org>",
        "Subject: Iran & the grid: 2 alerts",
        "List-Unsubscribe: <https://harbinger.example/alerts/searches/grid>",
        "Message-ID: <msg_",
        "Headline 0",
        "Headline 1",
        "because of actor:iran",
    ] {
        assert!(mail.contains(part), "no {part} in {mail}");
    }
    assert_eq!(outbox.states().await, ["sent"]);
}
