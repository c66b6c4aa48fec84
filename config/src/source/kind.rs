//! Where the entries of a source come from: one of six kinds, each with a key of its own.

use std::path::Path;

use url::Url;

use super::Source;
use crate::declare::declare;
use crate::value::{Rule, if_set, not_empty};

/// The keys of which a source has exactly one.
pub(crate) const KIND_KEYS: &str =
    "`feed_url`, `site_url`, `sitemap_url`, `listing`, `json`, `folder`";

/// Where the entries of a source come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SourceKind<'a> {
    /// A feed: RSS, RDF, Atom or JSON Feed.
    Feed(&'a Url),
    /// A site whose feed or sitemap is found by itself.
    Site(&'a Url),
    /// A sitemap or an index of sitemaps.
    Sitemap(&'a Url),
    /// A page that lists articles.
    Listing(&'a ListingRules),
    /// A JSON document that lists articles.
    Json(&'a JsonRules),
    /// A folder of files on this machine.
    Folder(&'a Path),
}

impl SourceKind<'_> {
    /// The kind's name in JSON and for people: `feed`, `site`, `sitemap`, `listing`, `json`,
    /// `folder`.
    pub fn name(&self) -> &'static str {
        match self {
            SourceKind::Feed(_) => "feed",
            SourceKind::Site(_) => "site",
            SourceKind::Sitemap(_) => "sitemap",
            SourceKind::Listing(_) => "listing",
            SourceKind::Json(_) => "json",
            SourceKind::Folder(_) => "folder",
        }
    }

    /// The key of the declaration that holds the address.
    pub fn key(&self) -> &'static str {
        match self {
            SourceKind::Feed(_) => "feed_url",
            SourceKind::Site(_) => "site_url",
            SourceKind::Sitemap(_) => "sitemap_url",
            SourceKind::Listing(_) => "listing.url",
            SourceKind::Json(_) => "json.url",
            SourceKind::Folder(_) => "folder",
        }
    }
}

impl<'a> SourceKind<'a> {
    /// The address that is asked; `None` for a folder.
    pub fn url(&self) -> Option<&'a Url> {
        match *self {
            SourceKind::Feed(url) | SourceKind::Site(url) | SourceKind::Sitemap(url) => Some(url),
            SourceKind::Listing(rules) => Some(&rules.url),
            SourceKind::Json(rules) => Some(&rules.url),
            SourceKind::Folder(_) => None,
        }
    }
}

declare! {
    /// A page that lists articles, and CSS selectors of what it lists.
    pub struct ListingRules {
        /// Address of the page.
        url: Url,
        /// Selects each entry: a link, or an element with one inside or around it.
        item: String => not_empty(),
        /// Selects the link within an entry. None by default: the first one.
        link: Option<String> => if_set(not_empty()),
        /// Selects the headline within an entry. None by default: the link's text.
        title: Option<String> => if_set(not_empty()),
        /// Selects the date within an entry. None by default: its `time` element, if there is one.
        date: Option<String> => if_set(not_empty()),
        /// Selects the summary within an entry. None by default.
        summary: Option<String> => if_set(not_empty()),
    }
}

declare! {
    /// A JSON document that lists articles, and where in it the fields are: names with dots
    /// between them (`cve.id`), numbers from 0 for places in a list, or a text with such paths in
    /// braces (`https://nvd.nist.gov/vuln/detail/{cveID}`).
    pub struct JsonRules {
        /// Address of the document.
        url: Url,
        /// Path of the list of entries. Default empty: the document itself is the list.
        items: String = String::new(),
        /// Address of an entry's page.
        link: String => json_field(),
        /// Headline.
        title: String => json_field(),
        /// Summary. None by default.
        summary: Option<String> => if_set(json_field()),
        /// Date of publication. None by default.
        date: Option<String> => if_set(json_field()),
        /// The article's text: with it no page is fetched. None by default.
        text: Option<String> => if_set(json_field()),
    }
}

fn json_field() -> Rule<String> {
    let wanted = "a path such as \"cve.id\", or a text with paths in braces";
    Rule::new(wanted, |it: &String| is_json_field(it))
}

fn is_json_field(text: &str) -> bool {
    let mut pieces = text.split('{');
    let is_closed = !pieces.next().is_some_and(|it| it.contains('}'))
        && pieces.all(|it| match it.split_once('}') {
            Some((path, rest)) => !path.trim().is_empty() && !rest.contains('}'),
            None => false,
        });
    !text.trim().is_empty() && is_closed
}

impl Source {
    /// Where its entries come from.
    ///
    /// # Panics
    /// When it has none of the keys for that, which no checked source lacks.
    pub fn kind(&self) -> SourceKind<'_> {
        self.kinds().into_iter().next().expect("a checked source has exactly one kind")
    }

    /// What is polled, as text: an address, or the path of a folder.
    pub fn address(&self) -> String {
        match self.kind() {
            SourceKind::Folder(path) => path.display().to_string(),
            other => other.url().map(Url::to_string).unwrap_or_default(),
        }
    }

    /// Every kind that the declaration names; a good one names one.
    pub(crate) fn kinds(&self) -> Vec<SourceKind<'_>> {
        [
            self.feed_url.as_ref().map(SourceKind::Feed),
            self.site_url.as_ref().map(SourceKind::Site),
            self.sitemap_url.as_ref().map(SourceKind::Sitemap),
            self.listing.as_ref().map(SourceKind::Listing),
            self.json.as_ref().map(SourceKind::Json),
            self.folder.as_deref().map(SourceKind::Folder),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The CSS selectors of the declaration, each with its key.
    pub(crate) fn selectors(&self) -> Vec<(&'static str, &str)> {
        let listing = self.listing.as_ref();
        let extract = &self.extract;
        [
            ("listing.item", listing.map(|it| &it.item)),
            ("listing.link", listing.and_then(|it| it.link.as_ref())),
            ("listing.title", listing.and_then(|it| it.title.as_ref())),
            ("listing.date", listing.and_then(|it| it.date.as_ref())),
            ("listing.summary", listing.and_then(|it| it.summary.as_ref())),
            ("extract.content", extract.content.as_ref()),
            ("extract.title", extract.title.as_ref()),
            ("extract.author", extract.author.as_ref()),
            ("extract.date", extract.date.as_ref()),
            ("extract.remove", extract.remove.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, it)| Some((key, it?.as_str())))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_field_is_a_path_or_has_paths_in_braces() {
        for (text, is_good) in [
            ("cve.id", true),
            ("https://a.example/{cve.id}?{x}", true),
            ("{x", false),
            ("}x{", false),
            ("{a{b}}", false),
            ("{ }", false),
            (" ", false),
        ] {
            assert_eq!(is_json_field(text), is_good, "{text}");
        }
    }
}
