//! Single pages that somebody names: which source they belong to.

use std::sync::{Arc, LazyLock};

use config::{Source, SourceId, SourceKind};
use url::{Position, Url};

use crate::roster::{Listed, Roster};

/// What the source of pages is called that belong to none that is listed; its id is
/// [`SourceId::SUBMITTED`].
pub(crate) const NAME: &str = "Single pages";

static SUBMITTED: LazyLock<Arc<Listed>> = LazyLock::new(|| {
    let nowhere = Url::parse("http://submitted.harbinger.invalid/").expect("a fixed address");
    let source = Source { name: NAME.to_owned(), ..Source::new(SourceId::SUBMITTED, nowhere) };
    Arc::new(Listed { source, added: None, is_paused: false })
});

/// Whether `id` is the source of single pages, which nobody polls.
pub(crate) fn is_submitted(id: &SourceId) -> bool {
    id.as_str() == SourceId::SUBMITTED
}

/// The source `id`, if pages of it are read now; that of single pages always are.
pub(crate) fn source(roster: &Roster, id: &SourceId) -> Option<Arc<Listed>> {
    if is_submitted(id) { Some(SUBMITTED.clone()) } else { roster.source(id) }
}

/// What is known of the source `id`, whether it is read now or paused.
pub(crate) fn about(roster: &Roster, id: &SourceId) -> Option<Arc<Listed>> {
    if is_submitted(id) { Some(SUBMITTED.clone()) } else { roster.listed_now().get(id).cloned() }
}

/// The source that a page belongs to: the listed one with the same host, whose rules then hold,
/// else that of single pages.
///
/// Where a source may lie on private addresses, only pages of the very server that it reads belong
/// to it, so that nobody reads from elsewhere on an inner network by naming an address. Pages of
/// services that carry their texts in a JSON document, and of folders, belong to none.
pub(crate) fn source_of_page(roster: &Roster, page: &Url) -> Arc<Listed> {
    let host = |it: &Url| {
        it.host_str().map(|it| it.strip_prefix("www.").unwrap_or(it).to_ascii_lowercase())
    };
    let wanted = host(page);
    let is_of = |listed: &&Arc<Listed>| {
        let source = &listed.source;
        let kind = source.kind();
        let Some(address) = kind.url() else { return false };
        if listed.is_paused || matches!(kind, SourceKind::Json(rules) if rules.text.is_some()) {
            return false;
        }
        if source.allow_private_addresses {
            return address[..Position::BeforePath] == page[..Position::BeforePath];
        }
        let home = source.home_url.as_ref().and_then(host);
        host(address) == wanted || (home.is_some() && home == wanted)
    };
    let listed = roster.listed_now();
    listed.values().find(is_of).cloned().unwrap_or_else(|| SUBMITTED.clone())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use config::Config;

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
        let roster = Roster::new(&config, NaiveDate::MIN);
        for (page, expected) in [
            ("https://paper.example/news/1", "paper"),
            ("https://feeds.wire.example/1", "paper"),
            ("https://other.example/1", SourceId::SUBMITTED),
            ("http://10.0.0.7:8080/page", "inner"),
            ("http://10.0.0.7:22/page", SourceId::SUBMITTED),
            ("http://10.0.0.8:8080/page", SourceId::SUBMITTED),
        ] {
            let listed = source_of_page(&roster, &url(page));
            assert_eq!(listed.source.id.as_str(), expected, "{page}");
        }
    }
}
