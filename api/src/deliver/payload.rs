//! What messages say, in the forms that receivers expect. Pure.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use config::SavedSearch;
use index::archive::alerts::AlertRecord;
use index::archive::outbox::Message;
use serde_json::{Value, json};
use url::Url;

/// Alerts that a chat message shows at most; the rest is counted.
const N_SHOWN_IN_CHAT: usize = 10;
const LINE_CHARS_MAX: usize = 300;

/// `Grid: 3 alerts`, or with the headline when it is one.
pub(crate) fn subject(search: &SavedSearch, message: &Message) -> String {
    match message.alerts.as_slice() {
        [single] => format!("{}: {}", search.name, cut(&single.title)),
        _ => format!("{}: {} alerts", search.name, message.n_alerts),
    }
}

/// The page of the alerts, or the article when Harbinger has no public address.
pub(crate) fn main_link(message: &Message, public_url: Option<&Url>) -> String {
    let page = public_url.and_then(|it| it.join("alerts").ok());
    let page = page.map(|it| format!("{it}?search={}", message.search));
    page.unwrap_or_else(|| message.alerts.first().map(|it| it.url.clone()).unwrap_or_default())
}

/// The event of a webhook.
pub(crate) fn webhook(search: &SavedSearch, message: &Message, public_url: Option<&Url>) -> Value {
    let alerts: Vec<Value> = message.alerts.iter().map(|it| alert(it, public_url)).collect();
    json!({
        "type": "alert.fired",
        "timestamp": message.planned_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "data": {
            "search": { "id": search.id, "name": search.name, "query": search.query },
            "total": message.n_alerts,
            "alerts": alerts,
        },
    })
}

fn alert(it: &AlertRecord, public_url: Option<&Url>) -> Value {
    let page = public_url.and_then(|base| base.join(&format!("articles/{}", it.article)).ok());
    json!({
        "id": it.id,
        "unit": it.unit,
        "article": it.article.to_string(),
        "story": it.story.as_ref().map(ToString::to_string),
        "title": it.title,
        "url": it.url,
        "page": page,
        "source": it.source,
        "source_name": it.source_name,
        "dated_at": it.dated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "fired_at": it.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "sentence": it.sentence,
        "reasons": it.reasons,
    })
}

/// Slack's `text` with its three escapes, and nothing else that it would read as markup.
pub(crate) fn slack(search: &SavedSearch, message: &Message, public_url: Option<&Url>) -> Value {
    let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = format!("*{}*", safe(&subject(search, message)).replace('*', ""));
    for it in message.alerts.iter().take(N_SHOWN_IN_CHAT) {
        let link = it.url.replace(['<', '>', '|'], "");
        let _ = write!(text, "\n• <{link}|{}> ({})", safe(&cut(&it.title)), safe(&it.source_name));
        if let Some(sentence) = evidence(it) {
            let _ = write!(text, "\n>{}", safe(&sentence));
        }
        let _ = write!(text, "\n_{}_", safe(&why(it)).replace('_', " "));
    }
    push_more(&mut text, message, public_url);
    json!({ "text": text, "unfurl_links": false })
}

/// A Teams message with one Adaptive Card.
pub(crate) fn teams(search: &SavedSearch, message: &Message, public_url: Option<&Url>) -> Value {
    let mut body = vec![json!({
        "type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true,
        "text": subject(search, message),
    })];
    for it in message.alerts.iter().take(N_SHOWN_IN_CHAT) {
        let title = cut(&it.title).replace(['[', ']'], " ");
        let url = it.url.replace(')', "%29");
        let mut text = format!("[{title}]({url}) ({})", it.source_name);
        if let Some(sentence) = evidence(it) {
            let _ = write!(text, "\n\n“{sentence}”");
        }
        let _ = write!(text, "\n\n{}", why(it));
        body.push(json!({ "type": "TextBlock", "wrap": true, "text": text }));
    }
    let mut more = String::new();
    push_more(&mut more, message, public_url);
    if !more.is_empty() {
        body.push(json!({ "type": "TextBlock", "wrap": true, "text": more.trim() }));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "body": body,
            },
        }],
    })
}

/// The body of a notification: few lines, no markup.
pub(crate) fn ntfy(message: &Message, public_url: Option<&Url>) -> String {
    let mut text = String::new();
    for it in message.alerts.iter().take(3) {
        let _ = writeln!(text, "{} ({})", cut(&it.title), it.source_name);
        if let Some(sentence) = evidence(it) {
            let _ = writeln!(text, "“{sentence}”");
        }
    }
    let n_more = message.n_alerts.saturating_sub(3);
    if n_more > 0 {
        let _ = writeln!(text, "and {n_more} more: {}", main_link(message, public_url));
    }
    text.trim_end().to_owned()
}

/// The text of a mail.
pub(crate) fn mail(search: &SavedSearch, message: &Message, public_url: Option<&Url>) -> String {
    let mut text = String::new();
    for it in &message.alerts {
        let date = it.dated_at.format("%Y-%m-%d %H:%M UTC");
        let _ = writeln!(text, "{}\n{}, {date}\n{}", it.title, it.source_name, it.url);
        if let Some(sentence) = evidence(it) {
            let _ = writeln!(text, "  “{sentence}”");
        }
        let _ = writeln!(text, "  {}\n", why(it));
    }
    let n_more = message.n_alerts.saturating_sub(message.alerts.len() as u64);
    if n_more > 0 {
        let _ = writeln!(text, "… and {n_more} more.\n");
    }
    let _ = writeln!(text, "-- \nSaved search “{}”: {}", search.name, search.query);
    if let Some(page) = public_url.and_then(|it| it.join("alerts").ok()) {
        let _ = writeln!(text, "{page}?search={}", search.id);
    }
    text
}

fn push_more(text: &mut String, message: &Message, public_url: Option<&Url>) {
    let n_more = message.n_alerts.saturating_sub(N_SHOWN_IN_CHAT as u64);
    if n_more > 0 {
        let _ = write!(text, "\nand {n_more} more: {}", main_link(message, public_url));
    }
}

/// The sentence that proves the alert: the statement's, else that of the first reason.
fn evidence(alert: &AlertRecord) -> Option<String> {
    let sentences = alert.reasons.iter().map(|it| &it.sentence);
    let found = [&alert.sentence].into_iter().chain(sentences).find(|it| !it.is_empty());
    found.map(|it| cut(it))
}

/// `because of actor:iran (“Tehran”), sector:/energy`.
pub(crate) fn why(alert: &AlertRecord) -> String {
    let reasons = alert.reasons.iter().map(|it| match it.alias.as_str() {
        "" => it.clause.clone(),
        alias if it.clause.to_lowercase().ends_with(&alias.to_lowercase()) => it.clause.clone(),
        alias => format!("{} (“{}”)", it.clause, cut(alias)),
    });
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    if reasons.is_empty() { "matches".to_owned() } else { format!("because of {reasons}") }
}

fn cut(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= LINE_CHARS_MAX {
        return flat;
    }
    flat.chars().take(LINE_CHARS_MAX - 1).chain(['…']).collect()
}
