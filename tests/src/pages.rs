//! Writes pages and feeds for a [`crate::FixtureSite`].

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::{Article, ArticleId, CanonicalUrl};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Words of made-up articles: enough variety that no two texts are near-duplicates.
const WORDS: &[&str] = &[
    "anchor", "barley", "basin", "beacon", "bishop", "bramble", "bridge", "bucket", "candle",
    "canal", "carpet", "cellar", "chapel", "cherry", "clock", "copper", "cotton", "council",
    "cradle", "creek", "cupboard", "curtain", "daisy", "dancer", "dealer", "desert", "dinner",
    "drawer", "eagle", "engine", "evening", "farmer", "fiddle", "finger", "forest", "fountain",
    "garden", "ginger", "glacier", "gravel", "hammer", "harbour", "harvest", "heather", "hollow",
    "insect", "island", "jacket", "juniper", "kettle", "kitchen", "ladder", "lantern", "lemon",
    "letter", "library", "lobster", "magnet", "maple", "market", "meadow", "mirror", "monkey",
    "mountain", "museum", "needle", "nephew", "orchard", "otter", "oyster", "paddle", "parcel",
    "pebble", "pepper", "pigeon", "pillow", "planet", "pocket", "pottery", "pumpkin", "quarry",
    "rabbit", "railing", "raven", "ribbon", "river", "saddle", "sailor", "salmon", "shadow",
    "shelter", "silver", "spider", "spring", "squirrel", "station", "summer", "tailor", "teacher",
    "thunder", "ticket", "timber", "tunnel", "turnip", "valley", "velvet", "village", "violin",
    "walnut", "weaver", "whistle", "willow", "window", "winter", "wizard", "yellow",
];

/// A made-up article, the same for the same number.
pub struct MadeUp {
    /// Headline.
    pub title: String,
    /// Paragraphs of the text.
    pub paragraphs: Vec<String>,
    /// Seven words of the text that stand in no other article with fair certainty.
    pub phrase: String,
}

impl MadeUp {
    /// The `n`th article: 5 paragraphs of 40 words.
    pub fn article(n: u64) -> MadeUp {
        let mut rng = StdRng::seed_from_u64(n);
        let title = format!("{} number {n}", sentence(&mut rng, 5).trim_end_matches('.'));
        let paragraphs: Vec<String> = (0..5)
            .map(|_| (0..4).map(|_| sentence(&mut rng, 10)).collect::<Vec<_>>().join(" "))
            .collect();
        let third = paragraphs[2].split_once(". ").expect("a paragraph has several sentences").0;
        let phrase = third.split(' ').skip(1).take(7).collect::<Vec<_>>().join(" ");
        MadeUp { title, paragraphs, phrase }
    }

    /// Its page.
    pub fn html(&self) -> String {
        article_html(&self.title, &self.paragraphs)
    }

    /// As it is archived when it was found by `source` at `url`, published and fetched `at`.
    pub fn archived(self, url: &str, source: &str, at: DateTime<Utc>) -> Article {
        let url = CanonicalUrl::parse(url).expect("a URL");
        Article {
            id: ArticleId::of(&url),
            url,
            canonical_url: None,
            source: SourceId::new(source),
            title: self.title,
            authors: Vec::new(),
            text: self.paragraphs.join("\n"),
            language: Some("en".to_owned()),
            site_name: None,
            published_at: Some(at),
            fetched_at: at,
            page_sha256: "00".repeat(32),
            details: Default::default(),
        }
    }
}

fn sentence(rng: &mut StdRng, n_words: usize) -> String {
    let words: Vec<&str> =
        (0..n_words).map(|_| *WORDS.choose(rng).expect("there are words")).collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// A plain article page around `paragraphs`, which are escaped.
pub fn article_html(title: &str, paragraphs: &[String]) -> String {
    let title = escape(title);
    let paragraphs: String =
        paragraphs.iter().map(|it| format!("<p>{}</p>\n", escape(it))).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         </head>\n<body><nav><a href=\"/\">Home</a></nav>\n<main><article><h1>{title}</h1>\n\
         {paragraphs}</article></main>\n<footer>Made up for a test.</footer></body></html>\n"
    )
}

/// An RSS 2.0 feed with `(url, title)` of each item.
pub fn rss(title: &str, items: &[(String, String)]) -> String {
    let items: String = items
        .iter()
        .map(|(url, title)| {
            let (url, title) = (escape(url), escape(title));
            format!("<item><title>{title}</title><link>{url}</link><guid>{url}</guid></item>\n")
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel>\n\
         <title>{}</title><link>http://127.0.0.1/</link><description>Test</description>\n\
         {items}</channel></rss>\n",
        escape(title)
    )
}

/// Id of the article at `url`.
///
/// # Panics
/// When it is no URL.
pub fn id_of(url: &str) -> ArticleId {
    ArticleId::of(&CanonicalUrl::parse(url).expect("a URL"))
}

/// Escapes text for HTML and XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
