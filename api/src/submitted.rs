//! Single pages that somebody names: which source they belong to.

use std::sync::LazyLock;

use config::{Config, Source, SourceId};
use url::{Position, Url};

/// The source of pages that belong to none that is declared.
pub(crate) const SOURCE: &str = "submitted";

static SUBMITTED: LazyLock<Source> = LazyLock::new(|| {
    let nowhere = Url::parse("http://submitted.harbinger.invalid/").expect("a fixed address");
    Source { name: "Single pages".to_owned(), ..Source::new(SOURCE, nowhere) }
});

/// The source with that id: a declared one, or that of single pages.
pub(crate) fn source<'a>(config: &'a Config, id: &SourceId) -> Option<&'a Source> {
    config.source(id).or_else(|| (id.as_str() == SOURCE).then(|| &*SUBMITTED))
}

/// The source that a page belongs to: the declared one with the same host, whose rules then hold,
/// else that of single pages.
///
/// Where a source may lie on private addresses, only pages of the very server of its feed belong
/// to it, so that nobody reads from elsewhere on an inner network by naming an address.
pub(crate) fn source_of_page<'a>(config: &'a Config, page: &Url) -> &'a Source {
    let host = |it: &Url| {
        it.host_str().map(|it| it.strip_prefix("www.").unwrap_or(it).to_ascii_lowercase())
    };
    let wanted = host(page);
    let is_of = |source: &&Source| {
        if source.allow_private_addresses {
            return source.feed_url[..Position::BeforePath] == page[..Position::BeforePath];
        }
        let home = source.home_url.as_ref().and_then(host);
        host(&source.feed_url) == wanted || (home.is_some() && home == wanted)
    };
    config.sources.iter().find(is_of).unwrap_or(&SUBMITTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_the_source_of_its_host_and_an_inner_one_to_its_very_server() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mut config = Config::builtin().unwrap();
        config.sources = vec![
            Source {
                home_url: Some(url("https://www.paper.example/")),
                ..Source::new("paper", url("https://feeds.wire.example/paper.xml"))
            },
            Source {
                allow_private_addresses: true,
                ..Source::new("inner", url("http://10.0.0.7:8080/feed"))
            },
        ];
        for (page, expected) in [
            ("https://paper.example/news/1", "paper"),
            ("https://feeds.wire.example/1", "paper"),
            ("https://other.example/1", SOURCE),
            ("http://10.0.0.7:8080/page", "inner"),
            ("http://10.0.0.7:22/page", SOURCE),
            ("http://10.0.0.8:8080/page", SOURCE),
        ] {
            assert_eq!(source_of_page(&config, &url(page)).id.as_str(), expected, "{page}");
        }
    }
}
