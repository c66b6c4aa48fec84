//! Second looks: asks for the pages of articles again when the archive says so, to notice edits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use config::SourceKind;
use index::archive::versions::{DueReading, Reading, Reread};
use ingest::crawl::crawl_entry;
use ingest::fetch::Fetcher;
use ingest::{Entry, FailureClass};
use tracing::{Instrument, debug, info, info_span};

use super::{Mode, Shared, add};

/// Pages in hand at once; new articles come first.
const N_AT_ONCE: usize = 4;
/// How often the archive is asked what is due.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// An article of many pages, each of which waits for its host's turn, may take so long.
const LEASE_MIN: Duration = Duration::from_secs(1_800);

/// Reads pages again until the pipeline stops; in `Once` mode until polling is done and none is
/// due.
pub(super) async fn run(shared: &Shared, fetcher: &Fetcher) -> anyhow::Result<()> {
    if !shared.config.settings.crawl.reread {
        return Ok(());
    }
    let lease = lease(shared.config.settings.crawl.lease_s);
    while !shared.shutdown.is_cancelled() {
        let is_polled = shared.poll_done.is_cancelled();
        let due = match shared.is_model_behind() {
            true => Vec::new(),
            false => shared.archive.claim_readings(N_AT_ONCE, (shared.now)(), lease).await?,
        };
        if due.is_empty() {
            if is_polled && shared.mode == Mode::Once && !shared.is_model_behind() {
                break;
            }
            tokio::select! {
                () = shared.shutdown.cancelled() => {}
                () = shared.poll_done.cancelled(), if !is_polled => {}
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
            continue;
        }
        let looks = due.into_iter().map(|it| {
            let span = info_span!("reread", source.id = %it.article.source);
            look(shared, fetcher, it).instrument(span)
        });
        let looks = futures::future::try_join_all(looks);
        tokio::select! {
            outcome = looks => drop(outcome?),
            // Those in hand come again when their lease ends.
            () = shared.shutdown.cancelled() => {}
        }
    }
    Ok(())
}

/// How long nobody else looks at what is in hand: as long as for new articles, or longer.
fn lease(lease_s: u32) -> Duration {
    Duration::from_secs(lease_s.into()).max(LEASE_MIN)
}

async fn look(shared: &Shared, fetcher: &Fetcher, due: DueReading) -> anyhow::Result<()> {
    let DueReading { article, headline, text } = due;
    let Some(listed) = crate::submitted::source(&shared.roster, &article.source) else {
        // Declared by another worker that shares the database: it may have the page, in time.
        return Ok(());
    };
    // The document of such a source holds the text: polls notice when it changes, and it waits here.
    let has_texts = matches!(listed.source.kind(), SourceKind::Json(it) if it.text.is_some());
    let entry = Entry {
        id: article.id,
        url: article.url.clone(),
        source: article.source.clone(),
        title: Some(headline),
        summary: None,
        published_at: article.published_at,
        guid: None,
        text: text.or_else(|| has_texts.then(|| article.text.clone())),
    };
    let now = (shared.now)();
    let n_chars_max = shared.config.settings.crawl.text_chars_max;
    let reading = match crawl_entry(fetcher, &listed.source, &entry, n_chars_max, now).await {
        Ok(crawled) => {
            let warc = shared.warc.as_ref();
            super::keep_evidence(warc, &shared.archive, &crawled, now).await?;
            Reading::Read(Box::new(crawled.article))
        }
        Err(failure) if failure.is_postponed => {
            // It was not asked for; it comes again when the lease ends.
            debug!("no second look yet: {}", failure.message);
            return Ok(());
        }
        Err(failure) => {
            debug!(failure.class = failure.class.name(), "no second look: {}", failure.message);
            match failure.class {
                FailureClass::Http404 | FailureClass::Http410 => Reading::Gone,
                _ => Reading::Failed,
            }
        }
    };
    let outcome = shared.archive.record_reading(&article.id, &reading, now).await?;
    let class = match (outcome, &reading) {
        (Reread::Same, _) => "same",
        (Reread::Edited(_), _) => "edited",
        (Reread::Cut, _) => "cut",
        (Reread::Missed, Reading::Gone) => "gone",
        (Reread::Missed, _) => "failed",
    };
    metrics::counter!("harbinger_rereads_total", "class" => class).increment(1);
    if let Reread::Edited(version) = outcome {
        info!(article.id = %article.id, version, "{} was edited", article.url);
        add(&shared.counts.n_edited, 1);
        shared.n_unannotated.fetch_add(1, Ordering::Relaxed);
        shared.articles_added.notify_one();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicI64, AtomicUsize};
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::response::Html;
    use axum::routing::get;
    use chrono::{DateTime, TimeDelta, Utc};
    use config::{Config, Source};
    use index::archive::annotations::CorrelatedArticle;
    use index::{Archive, ArchiveSettings};
    use ingest::fetch::FetchSettings;
    use ingest::{ArticleId, CanonicalUrl};
    use nlp::story::StoryId;
    use nlp::{
        Annotation, Domain, Modality, Phrase, Span, Statement, StatementKind, StatementTime, Tense,
    };
    use tokio::sync::Notify;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::pipeline::Counts;
    use crate::roster::Roster;
    use crate::state::Events;

    const LEAD: &str = "The Northern Guard threatened on Tuesday to attack oil tankers in the \
        Strait of Lindahl, its commander said.";
    const SOFTER: &str = "The Northern Guard would like to talk to oil companies about the Strait \
        of Lindahl, its commander said on Tuesday.";

    /// Minutes since the page was read first.
    static MINUTES: AtomicI64 = AtomicI64::new(0);

    fn now() -> DateTime<Utc> {
        let minutes = TimeDelta::minutes(MINUTES.load(Ordering::SeqCst));
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + minutes
    }

    fn html(lead: &str) -> String {
        format!(
            "<!doctype html><html lang=\"en\"><head><title>The strait</title></head><body>\
             <article><h1>The strait</h1><p>{lead}</p><p>The harbour master told reporters that no \
             ship had left since Sunday, and that pilots were waiting for news from the ministry \
             in the capital. Three crews had gone home by train. Traders said that the price of \
             diesel had not moved for a week.</p></article></body></html>"
        )
    }

    /// Serves `page` and counts who asks for it; returns its address.
    async fn serve(page: Arc<Mutex<String>>, n_asked: Arc<AtomicUsize>) -> String {
        let answer = move || {
            n_asked.fetch_add(1, Ordering::SeqCst);
            let page = page.lock().unwrap().clone();
            async move { Html(page) }
        };
        let router = Router::new().route("/strait.html", get(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/strait.html")
    }

    /// What the stages share when polling is done, with one source, `port`.
    async fn shared(folder: &Path, url: &str) -> Shared {
        let mut config = Config::builtin().unwrap();
        config.sources = vec![Source {
            allow_private_addresses: true,
            host_interval_ms: Some(0),
            ..Source::new("port", url.parse().unwrap())
        }];
        config.settings.crawl.reread = true;
        let archive = Archive::open(&ArchiveSettings::in_folder(folder)).await.unwrap();
        let roster = Roster::new(&config, now().date_naive());
        archive.sync_sources(&roster.rows(), now()).await.unwrap();
        let poll_done = CancellationToken::new();
        poll_done.cancel();
        Shared {
            config: Arc::new(config),
            roster: Arc::new(roster),
            archive,
            events: Events::new(1),
            now,
            mode: Mode::Once,
            shutdown: CancellationToken::new(),
            poll_done,
            crawl_done: CancellationToken::new(),
            correlate_done: CancellationToken::new(),
            entries_added: Notify::new(),
            articles_added: Notify::new(),
            annotations_added: Notify::new(),
            alerts_added: Notify::new(),
            warc: None,
            n_unannotated: AtomicI64::new(0),
            committed_seq: AtomicI64::new(0),
            counts: Counts::default(),
            hubs: None,
        }
    }

    fn threat() -> Statement {
        Statement {
            kind: StatementKind::Threat,
            domain: Domain::Physical,
            modality: Modality::Asserted,
            time: StatementTime { tense: Tense::Future, from: None, to: None },
            sentence: Span { start: 0, end: 20 },
            trigger: Phrase::default(),
            actors: Vec::new(),
            targets: Vec::new(),
            sectors: Vec::new(),
            means: Vec::new(),
            speaker: None,
            score: 0.9,
        }
    }

    /// Fetches the page, archives it and finds a threat in it.
    async fn read_first(shared: &Shared, fetcher: &Fetcher, url: &str) -> ArticleId {
        let listed = shared.roster.source(&"port".into()).unwrap();
        let entry = Entry::at(CanonicalUrl::parse(url).unwrap(), "port".into());
        let crawled = crawl_entry(fetcher, &listed.source, &entry, 100_000, now()).await.unwrap();
        let article = crawled.article;
        shared.archive.record_article(&article, None).await.unwrap();
        let id = article.id.to_string();
        let read = CorrelatedArticle {
            article: article.id,
            story: StoryId::founded_by(&id),
            annotation: Annotation { id, statements: vec![threat()], ..Annotation::default() },
            embedding: vec![0.5; 8],
            headline: None,
            copy_of: None,
            merged: Vec::new(),
            split: None,
        };
        shared.archive.record_annotations(&[read], now()).await.unwrap();
        article.id
    }

    #[test]
    fn a_long_article_is_in_hand_until_it_is_read() {
        let declared = Config::builtin().unwrap().settings.crawl.lease_s;
        for lease_s in [1, declared] {
            assert!(Duration::from_secs(1_800) <= lease(lease_s), "{lease_s}");
        }
        assert_eq!(lease(7_200), Duration::from_secs(7_200));
    }

    #[tokio::test]
    async fn a_page_with_a_threat_is_asked_for_again_after_an_hour_a_day_and_a_week() {
        let (page, n_asked) = (Arc::new(Mutex::new(html(LEAD))), Arc::new(AtomicUsize::new(0)));
        let url = serve(Arc::clone(&page), Arc::clone(&n_asked)).await;
        let folder = tempfile::tempdir().unwrap();
        let shared = shared(folder.path(), &url).await;
        let fetcher = Fetcher::new(FetchSettings::default()).unwrap();
        let id = read_first(&shared, &fetcher, &url).await;
        let day = 24 * 60;
        for (minutes, expected) in [
            (59, 1),
            (60, 2),
            (day - 1, 2),
            (day, 3),
            (7 * day - 1, 3),
            (7 * day, 4),
            (100 * day, 4),
        ] {
            if minutes == day {
                *page.lock().unwrap() = html(SOFTER);
            }
            MINUTES.store(minutes, Ordering::SeqCst);
            run(&shared, &fetcher).await.unwrap();
            assert_eq!(n_asked.load(Ordering::SeqCst), expected, "after {minutes} minutes");
        }
        assert_eq!(shared.counts.summary().n_edited, 1, "the edit of the day was seen, once");
        let versions = shared.archive.article_versions(&id).await.unwrap();
        assert_eq!(versions.len(), 1);
        assert!(versions[0].text.contains("attack oil tankers"), "{}", versions[0].text);
    }
}
