//! What JSON-LD says about the article of a page.

use serde_json::Value;

use crate::plain_text::plain_text;

/// Bytes of one script that are read, and objects that are looked at.
const SCRIPT_BYTES_MAX: usize = 1_024 * 1_024;
const N_OBJECTS_MAX: usize = 5_000;

/// Facts about the article, from the objects that are one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ArticleData {
    /// `headline`, else `name`.
    pub(super) headline: Option<String>,
    /// `datePublished`, as written.
    pub(super) published: Option<String>,
    /// `dateModified`, as written.
    pub(super) modified: Option<String>,
    /// Names of `author`s, else of `creator`s.
    pub(super) authors: Vec<String>,
    /// Name of the `publisher`.
    pub(super) publisher: Option<String>,
    /// `articleBody`, as written; of a live blog with the bodies of its updates.
    pub(super) body: Option<String>,
    /// Address of the first `image`.
    pub(super) image: Option<String>,
    /// First `articleSection`.
    pub(super) section: Option<String>,
    /// `keywords`, as written.
    pub(super) keywords: Vec<String>,
    /// `isAccessibleForFree`.
    pub(super) is_free: Option<bool>,
    /// `wordCount`.
    pub(super) n_words: Option<usize>,
}

/// Reads the JSON-LD scripts of a page. The first article wins, later ones fill its gaps; objects
/// that are pages are asked last.
pub(super) fn read(scripts: &[String]) -> ArticleData {
    let values: Vec<Value> = scripts.iter().filter_map(|it| parse(it)).collect();
    let mut objects = Vec::new();
    for value in &values {
        collect(value, &mut objects, 0);
    }
    let mut article = ArticleData::default();
    for kind in [is_article as fn(&str) -> bool, is_page] {
        for object in objects.iter().filter(|it| types(it).any(kind)) {
            fill(&mut article, object, &objects);
        }
    }
    article
}

/// Parses a script, with the mistakes that template engines make: comments around it, raw line
/// feeds in strings, a trailing semicolon.
fn parse(script: &str) -> Option<Value> {
    let script = script.get(..script.len().min(SCRIPT_BYTES_MAX))?.trim();
    let script = script.trim_start_matches("<!--").trim_end_matches("-->");
    let script = script.trim_start_matches("//<![CDATA[").trim_start_matches("<![CDATA[");
    let script = script.trim_end_matches("//]]>").trim_end_matches("]]>");
    let script = script.trim().trim_end_matches(';');
    let value = serde_json::from_str(script);
    value.ok().or_else(|| {
        let flat: String =
            script.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        serde_json::from_str(&flat).ok()
    })
}

fn collect<'a>(value: &'a Value, objects: &mut Vec<&'a Value>, depth: usize) {
    if depth > 12 || objects.len() >= N_OBJECTS_MAX {
        return;
    }
    match value {
        Value::Array(values) => values.iter().for_each(|it| collect(it, objects, depth + 1)),
        Value::Object(fields) => {
            objects.push(value);
            for (name, field) in fields {
                // What an article merely mentions or is followed by is no article of this page.
                let is_other = matches!(
                    name.as_str(),
                    "mentions"
                        | "about"
                        | "comment"
                        | "review"
                        | "itemListElement"
                        | "citation"
                        | "isBasedOn"
                        | "relatedLink"
                        | "hasPart"
                        | "subjectOf"
                        | "liveBlogUpdate"
                );
                if !is_other {
                    collect(field, objects, depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn types(object: &Value) -> impl Iterator<Item = &str> {
    let kind = object.get("@type");
    let many = kind.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    many.chain(kind.and_then(Value::as_str))
}

fn is_article(kind: &str) -> bool {
    kind.ends_with("Article")
        || kind.ends_with("BlogPosting")
        || matches!(
            kind,
            "Report" | "Review" | "SocialMediaPosting" | "DiscussionForumPosting" | "NewsStory"
        )
}

fn is_page(kind: &str) -> bool {
    matches!(kind, "WebPage" | "ItemPage" | "CreativeWork" | "VideoObject")
}

fn fill(article: &mut ArticleData, object: &Value, objects: &[&Value]) {
    let text = |name: &str| object.get(name).and_then(text_of);
    let set = |field: &mut Option<String>, value: Option<String>| {
        if field.is_none() {
            *field = value;
        }
    };
    let headline = text("headline").or_else(|| text("name"));
    set(&mut article.headline, headline.map(|it| plain_text(&it)));
    set(&mut article.published, text("datePublished"));
    set(&mut article.modified, text("dateModified"));
    set(&mut article.body, body_of(object));
    set(&mut article.image, object.get("image").and_then(address_of));
    set(&mut article.section, text("articleSection").map(|it| plain_text(&it)));
    if article.keywords.is_empty() {
        article.keywords = object.get("keywords").map(texts_of).unwrap_or_default();
    }
    article.is_free = article.is_free.or_else(|| truth_of(object.get("isAccessibleForFree")?));
    article.n_words = article.n_words.or_else(|| number_of(object.get("wordCount")?));
    set(&mut article.publisher, object.get("publisher").and_then(|it| name_of(it, objects)));
    if article.authors.is_empty() {
        let people = object.get("author").or_else(|| object.get("creator"));
        article.authors = people.map(|it| names_of(it, objects)).unwrap_or_default();
    }
}

fn names_of(value: &Value, objects: &[&Value]) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(|it| names_of(it, objects)).collect(),
        other => name_of(other, objects).into_iter().collect(),
    }
}

/// The name of a person or organisation, which may be given by reference.
fn name_of(value: &Value, objects: &[&Value]) -> Option<String> {
    let named = text_of(value).map(|it| plain_text(&it)).filter(|it| !it.is_empty());
    named.or_else(|| {
        let id = value.get("@id")?;
        let target =
            objects.iter().find(|it| it.get("@id") == Some(id) && it.get("name").is_some());
        target.and_then(|it| text_of(it.get("name")?)).map(|it| plain_text(&it))
    })
}

fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Array(values) => values.first()?.as_str()?.trim(),
        Value::Object(fields) => {
            let field = fields.get("name").or_else(|| fields.get("@value"))?;
            field.as_str().or_else(|| field.as_array()?.first()?.as_str())?.trim()
        }
        _ => return None,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// The body of an article, with those of a live blog's updates.
fn body_of(object: &Value) -> Option<String> {
    let own = object.get("articleBody").and_then(text_of);
    let updates = object.get("liveBlogUpdate").and_then(Value::as_array).into_iter().flatten();
    let updates = updates.take(N_OBJECTS_MAX).filter_map(|it| text_of(it.get("articleBody")?));
    let bodies: Vec<String> = own.into_iter().chain(updates).collect();
    (!bodies.is_empty()).then(|| bodies.join("\n"))
}

/// An address that is given as text, as object with `url`, or as first of a list of them.
fn address_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Array(values) => return address_of(values.first().filter(|it| !it.is_array())?),
        Value::Object(fields) => {
            fields.get("url").or_else(|| fields.get("contentUrl"))?.as_str()?
        }
        other => other.as_str()?,
    };
    Some(text.trim().to_owned()).filter(|it| !it.is_empty())
}

fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().take(200).filter_map(text_of).collect(),
        other => text_of(other).into_iter().collect(),
    }
}

fn truth_of(value: &Value) -> Option<bool> {
    let by_word = || match value.as_str()?.rsplit('/').next()?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    value.as_bool().or_else(by_word)
}

fn number_of(value: &Value) -> Option<usize> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    usize::try_from(number).ok()
}
