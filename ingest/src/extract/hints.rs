//! Words in class names and in short lines that tell what a part of a page is for.
//!
//! Each row is a group; an element or a line has one bit for each group that it names a word of.
//! The groups are no rules: a trained model (`forest.rs`) weighs them.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// Groups of words in class names, ids, roles and other attributes. A word that begins with `=`
/// must be a whole word of the name.
#[rustfmt::skip]
const NAMES: &[&[&str]] = &[
    &["article", "story", "artikel"],
    &["content", "body", "richtext", "rich-text", "prose", "=text", "copy"],
    &["=entry", "entry-", "=post", "post-", "single"],
    &["=main", "main-", "primary"],
    &["=nav", "navi", "nav-", "navbar", "menu"],
    &["breadcrumb", "crumb"],
    &["footer", "foot-", "=foot"],
    &["header", "masthead", "=hero", "hero-", "topbar"],
    &["sidebar", "aside", "=rail", "-rail", "=side", "secondary", "column-right"],
    &["related", "recommend", "similar", "suggest", "readmore", "read-more", "=more", "more-",
        "read-next", "outbrain", "taboola"],
    &["popular", "latest", "trending", "recent", "=top", "most-"],
    &["comment", "disqus", "respond", "reply", "discussion"],
    &["share", "sharing", "social", "facebook", "twitter", "follow"],
    &["promo", "advert", "sponsor", "banner", "=ad", "=ads", "teaser", "adslot", "dfp"],
    &["newsletter", "subscri", "signup", "sign-up", "optin", "opt-in", "mailing", "mailchimp"],
    &["cookie", "consent", "gdpr", "privacy"],
    &["caption", "credit", "legend"],
    &["figure", "image", "photo", "=img", "picture", "media"],
    &["gallery", "carousel", "slider", "swiper", "slide"],
    &["video", "audio", "player", "podcast"],
    &["author", "byline", "=bio", "-bio", "avatar", "writer", "contributor"],
    &["meta", "=date", "=time", "timestamp", "publish"],
    &["=tag", "=tags", "tags-", "tag-", "categor", "topic", "keyword"],
    &["widget", "module", "plugin"],
    &["=toc", "toc-", "-toc", "table-of-contents", "contents", "=jump", "ez-toc"],
    &["=cta", "cta-", "-cta", "button", "=btn", "btn-", "call-to-action"],
    &["modal", "popup", "overlay", "dialog", "lightbox", "drawer", "tooltip"],
    &["faq", "accordion", "question", "collaps", "=tab", "tabs", "toggle"],
    &["disclaimer", "legal", "copyright", "notice", "disclosure"],
    &["product", "price", "=shop", "cart", "=buy", "review", "rating", "checkout"],
    &["login", "search", "=form", "account", "input", "register"],
    &["sr-only", "visually-hidden", "screen-reader", "hidden", "invisible", "visuallyhidden"],
    &["title", "headline", "heading"],
    &["summary", "=lead", "intro", "excerpt", "=dek", "standfirst", "subtitle", "=deck",
        "description", "abstract", "lede", "subhead"],
    &["takeaway", "highlight", "key-point", "keypoint", "callout", "infobox", "=box", "-box"],
    &["quote", "cite"],
    &["card", "=grid", "grid-", "=item", "tile", "=feed", "=loop", "=list", "-list"],
    &["paywall", "premium", "piano", "regwall", "locked"],
    &["footnote", "reference", "citation", "sources", "bibliograph"],
    &["paragraph", "=para", "wp-block", "elementor-widget-text", "block-text", "text-block"],
    &["=live", "liveblog", "live-blog"],
    &["alert", "notification", "sticky", "toast", "=bar"],
    &["embed", "tweet", "instagram"],
    &["pagination", "pager", "paging", "page-link"],
    &["contact", "address", "phone", "location"],
    &["articlebody", "article-body", "article_body", "article__body", "entry-content",
        "post-content", "post-body", "story-body", "article-content", "article__content",
        "postcontent", "entrycontent", "story-content", "main-content", "post_content",
        "blog-content"],
];

/// Groups of words in short lines, in the languages that most pages are in.
#[rustfmt::skip]
const PHRASES: &[&[&str]] = &[
    &["share", "teilen", "partag", "compart", "condivid", "udostępnij", "поделит", "tweet",
        "facebook", "twitter", "whatsapp", "linkedin", "pinterest", "instagram", "telegram",
        "=print", "drucken", "imprim", "copy link", "follow us", "分享", "シェア"],
    &["read more", "mehr lesen", "weiterlesen", "lire la suite", "leer más", "leggi", "lees ook",
        "lees meer", "also read", "read also", "read next", "see also", "czytaj", "читать",
        "читайте", "подробнее", "lire aussi", "lesen sie auch", "siehe auch", "mehr zum thema",
        "related", "ähnliche", "continue reading", "learn more", "view all", "show more",
        "load more", "see all", "view more", "voir aussi", "à lire", "le más", "más información",
        "mehr erfahren", "weitere"],
    &["most read", "most popular", "meistgelesen", "trending", "latest", "recommended",
        "empfohlen", "you may also", "you might", "recent posts", "more from", "more stories",
        "top stories", "editor's pick", "editors' pick", "popular", "neueste", "más leíd",
        "les plus lus", "don't miss", "up next", "more in", "more on"],
    &["newsletter", "subscribe", "sign up", "signup", "abonn", "suscri", "iscriv", "inbox",
        "email address", "e-mail", "подпис", "mailing list", "delivered", "unsubscribe"],
    &["comment", "kommentar", "comentari", "commento", "reply", "antworten", "leave a",
        "reactie", "коммент", "réagir", "répondre", "评论", "コメント"],
    &["cookie", "privacy", "datenschutz", "terms of", "terms &", "impressum", "rgpd", "consent",
        "mentions légales", "conditions", "agb", "politique de", "política de"],
    &["©", "copyright", "all rights reserved", "alle rechte", "tous droits",
        "todos los derechos", "tutti i diritti", "wszelkie prawa"],
    &["advertisement", "anzeige", "werbung", "publicité", "publicidad", "pubblicità",
        "sponsored", "реклама", "affiliate", "commission", "advertis"],
    &["photo:", "foto:", "image:", "credit:", "getty", "shutterstock", "bild:", "photo by",
        "image courtesy", "photograph", "image source", "photo credit", "unsplash", "/afp",
        "/ap", "dpa", "pictured", "file photo"],
    &["=by", "=von", "=par", "=por", "written by", "=author", "=autor", "posted by", "=editor",
        "reporter", "reviewed by", "about the author", "staff writer", "correspondent",
        "contributor", "автор", "redaktion"],
    &["published", "updated", "veröffentlicht", "aktualisiert", "publié", "mis à jour",
        "posted on", "last modified", "reviewed on", "opublikowano", "опубликован", "publicado",
        "pubblicato", "stand:"],
    &["log in", "=login", "sign in", "=register", "anmelden", "registrieren", "connexion",
        "my account", "create an account", "войти", "already a"],
    &["min read", "minute read", "mins read", "lesezeit", "reading time", "read time", "minuten",
        "minutes to read"],
    &["table of contents", "in this article", "inhalt", "jump to", "on this page", "=contents",
        "skip to", "sommaire", "quick links", "what's inside"],
    &["=tags", "=tag", "=topics", "filed under", "categor", "schlagw", "=themen", "kategorie",
        "mots-clés", "posted in", "etiquetas", "tagged", "keywords", "метки", "теги"],
    &["contact us", "call us", "get started", "book a", "download", "buy now", "shop now",
        "free trial", "request a", "demo", "get a quote", "click here", "order now", "visit our",
        "join us", "learn how", "try it", "schedule", "today!", "apply now", "add to", "shop"],
    &["references", "=sources", "quellen", "citations", "footnotes", "bibliography",
        "further reading", "=source", "quelle", "works cited", "resources", "external links",
        "notes"],
    &["faq", "frequently asked", "conclusion", "fazit", "takeaway", "final thoughts",
        "bottom line", "summary", "introduction", "overview"],
    &["listen", "watch", "video", "podcast", "play", "audio", "gallery", "slideshow"],
    &["donate", "spenden", "support us", "become a", "member", "donation", "patreon"],
    &["about us", "=home", "about the", "=contact", "careers", "site map", "sitemap",
        "advertise", "=help", "=search", "suche", "menu", "accueil", "startseite", "главная"],
    &["previous", "next", "vorherig", "nächst", "précédent", "suivant", "anterior", "siguiente",
        "older", "newer", "zurück", "=back", "назад"],
    &["disclaimer", "disclosure", "this article is for", "not intended", "for informational",
        "editor's note", "the views expressed", "opinions expressed", "was originally",
        "first appeared", "edited by", "additional reporting", "contributed to this",
        "press release", "media contact"],
];

/// Number of groups of [`NAMES`].
pub(super) const N_NAMES: usize = 46;
/// Number of groups of [`PHRASES`].
pub(super) const N_PHRASES: usize = 23;

struct Lexicon {
    finder: AhoCorasick,
    /// Group of each pattern, and whether it must be a whole word.
    groups: Vec<(u8, bool)>,
}

impl Lexicon {
    fn of(rows: &[&[&str]]) -> Lexicon {
        let mut patterns = Vec::new();
        let mut groups = Vec::new();
        for (group, row) in rows.iter().enumerate() {
            for word in *row {
                let whole = word.strip_prefix('=');
                patterns.push(whole.unwrap_or(word).to_lowercase());
                groups.push((group as u8, whole.is_some()));
            }
        }
        let finder = AhoCorasickBuilder::new()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&patterns)
            .expect("the patterns are fixed and were tested");
        Lexicon { finder, groups }
    }

    fn bits(&self, text: &str) -> u64 {
        let is_part = |at: Option<u8>| at.is_some_and(|it| it.is_ascii_alphanumeric() || it >= 128);
        let bytes = text.as_bytes();
        let mut bits = 0;
        for found in self.finder.find_overlapping_iter(text) {
            let (group, is_whole) = self.groups[found.pattern().as_usize()];
            let before = found.start().checked_sub(1).map(|it| bytes[it]);
            let after = bytes.get(found.end()).copied();
            if !is_whole || !(is_part(before) || is_part(after)) {
                bits |= 1 << group;
            }
        }
        bits
    }
}

static NAME_LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::of(NAMES));
static PHRASE_LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::of(PHRASES));

/// One bit for each group of names that an attribute's value speaks of.
pub(super) fn of_name(value: &str) -> u64 {
    NAME_LEXICON.bits(value)
}

/// One bit for each group of phrases that a line (in lower case) speaks of.
pub(super) fn of_line(line: &str) -> u32 {
    PHRASE_LEXICON.bits(line) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted_right_and_whole_words_are_whole() {
        assert_eq!(NAMES.len(), N_NAMES);
        assert_eq!(PHRASES.len(), N_PHRASES);
        assert_eq!(of_name("shadow") & (1 << 13), 0, "no advertisement");
        assert_ne!(of_name("col ad slot") & (1 << 13), 0);
        assert_eq!(of_line("also read: why"), of_line("also read"));
        assert_eq!(of_line("nearby"), 0);
    }
}
