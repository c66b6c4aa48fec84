//! The articles and outlets as they are written in `api/sample/`, read from the binary.

use rust_embed::RustEmbed;
use serde::Deserialize;

/// `api/sample/articles`: one folder for each outlet, one file for each article.
#[derive(RustEmbed)]
#[folder = "sample/articles"]
struct ArticleFiles;

const OUTLETS_TOML: &str = include_str!("../../sample/outlets.toml");

/// An invented publisher.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    /// Name of its folder and first segment of its paths; also the id of its source.
    pub id: String,
    /// Name as readers see it.
    pub name: String,
    /// One line below the name.
    pub tagline: String,
    /// ISO 639-1 code of everything that it publishes.
    pub language: String,
    /// Format of its feed.
    pub feed: FeedFlavour,
    /// Template of its pages.
    pub layout: Layout,
    /// Encoding of its pages.
    pub charset: Charset,
}

/// Format of an outlet's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FeedFlavour {
    /// RSS 2.0 with summaries.
    #[serde(rename = "rss2")]
    Rss2,
    /// RSS 2.0 with the whole text in `content:encoded` and tracking parameters in its links.
    #[serde(rename = "rss2-full")]
    Rss2Full,
    /// RSS 1.0 (RDF).
    #[serde(rename = "rss1")]
    Rss1,
    /// Atom 1.0.
    #[serde(rename = "atom")]
    Atom,
    /// JSON Feed 1.1.
    #[serde(rename = "json")]
    Json,
}

/// Template of an outlet's pages, by its file in `api/sample/layouts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// JSON-LD, semantic elements.
    Wire,
    /// OpenGraph only, newsletter box and comments.
    Broadsheet,
    /// A table layout without any metadata.
    Courier,
    /// Microdata and a cookie box.
    Trade,
    /// German, JSON-LD in a graph.
    Zeitung,
    /// No metadata but a day; headline in `h2`.
    Station,
}

/// Encoding of an outlet's pages, as the HTTP header and the page name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Charset {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// The encoding of western European sites of the nineties.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// An article as written, without dates.
#[derive(Clone, Debug)]
pub struct SampleArticle {
    /// Id of the [`Outlet`].
    pub outlet: String,
    /// Last segment of its path.
    pub slug: String,
    /// What the file says above the text.
    pub front: FrontMatter,
    /// The text: paragraphs and `## ` subheads, separated by empty lines, with placeholders.
    pub source: String,
}

impl SampleArticle {
    /// Path of its page on the sample site, with a leading slash.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.outlet, self.slug)
    }
}

/// What an article's file says above the text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontMatter {
    /// Key that all articles on the same event share; expected by tests.
    pub story: String,
    /// Headline of the page.
    pub title: String,
    /// Headline that the feed still shows; `None` when it is the page's.
    pub feed_title: Option<String>,
    /// Byline.
    pub author: String,
    /// Section of the outlet.
    pub section: String,
    /// Minutes from publication to the anchor.
    pub age_minutes: u32,
    /// Minutes from the last change to the anchor; `None` when never changed.
    pub updated_minutes: Option<u32>,
    /// One sentence for feeds and search engines.
    pub summary: String,
    /// `outlet/slug` of the article of which this is an edited copy; expected by tests.
    pub near_copy_of: Option<String>,
    /// Slug of the article of the same outlet that this one corrects.
    pub corrects: Option<String>,
    /// Kinds of hostile statements in the text; expected by tests.
    pub statements: Vec<String>,
    /// Domains of those statements; expected by tests.
    pub domains: Vec<String>,
    /// A passage that stands in no other article, free of placeholders; expected by tests.
    pub phrase: String,
}

/// Why the embedded files are no sample wire: a mistake of whoever wrote them.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// `outlets.toml` or a front matter is not as documented.
    #[error("api/sample/{file} cannot be read")]
    Toml {
        /// Path below `api/sample`.
        file: String,
        /// What the parser said.
        source: Box<toml::de::Error>,
    },
    /// An article without `+++` lines, in an unknown folder, or not in UTF-8.
    #[error("api/sample/articles/{file}: {reason}")]
    Article {
        /// Path below `api/sample/articles`.
        file: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutletFile {
    outlet: Vec<Outlet>,
}

/// Reads all outlets, in the order of their file.
pub(super) fn outlets() -> Result<Vec<Outlet>, ContentError> {
    let file: OutletFile = toml::from_str(OUTLETS_TOML).map_err(|error| ContentError::Toml {
        file: "outlets.toml".into(),
        source: Box::new(error),
    })?;
    Ok(file.outlet)
}

/// Reads all articles, newest first.
pub(super) fn articles(outlets: &[Outlet]) -> Result<Vec<SampleArticle>, ContentError> {
    let mut articles = ArticleFiles::iter()
        .map(|file| article(&file, outlets))
        .collect::<Result<Vec<SampleArticle>, ContentError>>()?;
    articles.sort_by_key(|it| (it.front.age_minutes, it.path()));
    Ok(articles)
}

fn article(file: &str, outlets: &[Outlet]) -> Result<SampleArticle, ContentError> {
    let wrong = |reason| ContentError::Article { file: file.to_owned(), reason };
    let bytes = ArticleFiles::get(file).ok_or_else(|| wrong("is not embedded"))?.data;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8"))?;
    let (outlet, slug) = file
        .strip_suffix(".md")
        .and_then(|it| it.split_once('/'))
        .ok_or_else(|| wrong("is not OUTLET/SLUG.md"))?;
    if !outlets.iter().any(|it| it.id == outlet) {
        return Err(wrong("lies in a folder that is no outlet"));
    }
    let (front, source) = text
        .strip_prefix("+++\n")
        .and_then(|it| it.split_once("\n+++\n"))
        .ok_or_else(|| wrong("has no front matter between `+++` lines"))?;
    let front = toml::from_str(front).map_err(|error| ContentError::Toml {
        file: format!("articles/{file}"),
        source: Box::new(error),
    })?;
    Ok(SampleArticle {
        outlet: outlet.to_owned(),
        slug: slug.to_owned(),
        front,
        source: source.trim().to_owned(),
    })
}
