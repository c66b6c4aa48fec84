//! What else a page says about its article: lead image, section, tags, paywall.

use url::Url;

use super::page::PageFacts;
use crate::plain_text::plain_text;

/// Most tags of one article, and characters of a tag or section.
const N_TAGS_MAX: usize = 30;
const LABEL_CHARS_MAX: usize = 80;
/// A text with more characters than that is an article, whatever is sold beside it.
const STUB_CHARS_MAX: usize = 2_500;

/// The address of the lead image: by OpenGraph, JSON-LD, then Twitter's and old metas.
pub(super) fn image(facts: &PageFacts, url: Option<&Url>) -> Option<String> {
    let metas = ["og:image:secure_url", "og:image", "og:image:url"];
    let stated = metas.iter().find_map(|it| facts.meta(it));
    let found = stated
        .or(facts.article.image.as_deref())
        .or_else(|| facts.meta("twitter:image"))
        .or_else(|| facts.meta("twitter:image:src"))
        .or_else(|| facts.meta("thumbnail"))
        .or_else(|| facts.meta("image"))?;
    let absolute = match url {
        Some(url) => url.join(found).ok()?,
        None => Url::parse(found).ok()?,
    };
    matches!(absolute.scheme(), "http" | "https").then(|| absolute.into())
}

/// The section: by meta, then JSON-LD.
pub(super) fn section(facts: &PageFacts) -> Option<String> {
    let metas =
        ["article:section", "og:article:section", "parsely-section", "section", "dc.subject"];
    let stated = metas.iter().find_map(|it| facts.meta(it)).map(str::to_owned);
    stated
        .or_else(|| facts.article.section.clone())
        .map(|it| plain_text(&it))
        .filter(|it| is_label(it))
}

/// The tags: by metas, JSON-LD, then the keywords.
pub(super) fn tags(facts: &PageFacts) -> Vec<String> {
    let metas = ["article:tag", "og:article:tag", "parsely-tags", "dc.subject", "dcterms.subject"];
    let mut found: Vec<&str> = metas.iter().flat_map(|it| facts.metas_of(it)).collect();
    found.extend(facts.article.keywords.iter().map(String::as_str));
    if found.is_empty() {
        found.extend(facts.metas_of("news_keywords").chain(facts.metas_of("keywords")));
    }
    let mut tags: Vec<String> = Vec::new();
    for tag in
        found.iter().flat_map(|it| it.split([',', ';'])).map(plain_text).filter(|it| is_label(it))
    {
        if tags.len() < N_TAGS_MAX && !tags.iter().any(|it| it.eq_ignore_ascii_case(&tag)) {
            tags.push(tag);
        }
    }
    tags
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LABEL_CHARS_MAX
}

/// Whether the text is only the beginning of an article that must be paid for: the page says that
/// it is not free (JSON-LD, meta) or has a paywall in its markup, and the text is short, or much
/// shorter than the page says.
pub(super) fn is_paywall_stub(facts: &PageFacts, text: &str) -> bool {
    let tier = facts.meta("article:content_tier").unwrap_or_default().to_ascii_lowercase();
    let is_sold = facts.article.is_free == Some(false) || matches!(&*tier, "locked" | "metered");
    if !is_sold && !facts.has_paywall {
        return false;
    }
    let n_words = text.split_whitespace().count();
    let is_part = facts.article.n_words.is_some_and(|it| n_words * 2 < it);
    let is_short = text.chars().count() <= STUB_CHARS_MAX;
    (is_sold && (is_short || is_part))
        || (facts.has_paywall && is_short && is_part)
        || (facts.has_paywall && text.chars().count() <= STUB_CHARS_MAX / 3)
}
