//! Addresses as those of pages with a number: `/story/2`, `/story?page=2`, `/story-2.html`.

use crate::canonical_url::CanonicalUrl;

/// Largest number of a page that is linked.
const NUMBER_MAX: u32 = 50;
/// What stands between a path and the number of a page.
pub(super) const MARKS: [char; 4] = ['/', '-', '_', ','];
/// Names of queries and parts of paths that say that a number is that of a page.
const QUERY_NAMES: [&str; 8] =
    ["page", "paged", "pageno", "page_no", "pagenumber", "pg", "seite", "pagina"];
const PATH_WORDS: [&str; 4] = ["page", "seite", "pagina", "strona"];

/// An address, and the ways in which it can be that of a page with a number.
pub(super) struct Address {
    /// Host and port.
    pub(super) site: (String, Option<u16>),
    /// Path, without a slash at its end, and query.
    pub(super) text: String,
    numbered: Vec<Numbered>,
}

/// An address with the number of a page.
pub(super) struct Numbered {
    /// The address without the number.
    pub(super) stem: String,
    pub(super) form: Form,
    pub(super) number: u32,
}

/// How the number of a page is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `?page=2`
    Query(&'static str),
    /// `/page/2`, `/seite-2`
    Word(&'static str),
    /// `/2`
    Folder,
    /// `-2`, `_2.html`
    Mark(char),
}

impl Form {
    /// Whether the address says that the number is that of a page.
    pub(super) fn is_named(self) -> bool {
        matches!(self, Form::Query(_) | Form::Word(_))
    }
}

impl Address {
    /// `None` for the front page, which has no next page.
    pub(super) fn of(url: &CanonicalUrl) -> Option<Address> {
        let url = url.to_url();
        let path = url.path().trim_end_matches('/');
        if path.is_empty() {
            return None;
        }
        let query = url.query().unwrap_or_default();
        let mut numbered = in_query(path, query);
        numbered.extend(in_path(path, query));
        let site = (url.host_str().unwrap_or_default().to_owned(), url.port());
        Some(Address { site, text: joined(path, query), numbered })
    }
}

fn joined(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn in_query(path: &str, query: &str) -> Vec<Numbered> {
    let pairs: Vec<&str> = query.split('&').filter(|it| !it.is_empty()).collect();
    let numbered = |name: &'static str| {
        let value_of = |pair: &str| {
            let (found, value) = pair.split_once('=')?;
            found.eq_ignore_ascii_case(name).then(|| page_number(value))
        };
        let mut named = pairs.iter().filter_map(|it| value_of(it));
        let number = named.next()??;
        if named.next().is_some() {
            return None;
        }
        let others = pairs.iter().filter(|it| value_of(it).is_none()).copied();
        let others = others.collect::<Vec<&str>>().join("&");
        Some(Numbered { stem: joined(path, &others), form: Form::Query(name), number })
    };
    QUERY_NAMES.into_iter().filter_map(numbered).collect()
}

fn in_path(path: &str, query: &str) -> Option<Numbered> {
    let (path, ending) = split_ending(path);
    let before = path.trim_end_matches(|it: char| it.is_ascii_digit());
    let number = page_number(&path[before.len()..])?;
    let mark = before.chars().next_back().filter(|it| it.is_alphabetic() || MARKS.contains(it))?;
    let bare = before.trim_end_matches(MARKS);
    let named = PATH_WORDS.into_iter().find_map(|word| {
        let stem = bare.strip_suffix(word)?;
        stem.ends_with(MARKS).then(|| (stem.trim_end_matches(MARKS), Form::Word(word)))
    });
    let (stem, form) = match named {
        Some(named) => named,
        None if mark.is_alphabetic() => return None,
        None if mark == '/' => (bare, Form::Folder),
        None => (bare, Form::Mark(mark)),
    };
    if stem.is_empty() || (!form.is_named() && is_part_of_a_date(stem, form)) {
        return None;
    }
    Some(Numbered { stem: joined(&format!("{stem}{ending}"), query), form, number })
}

fn split_ending(path: &str) -> (&str, &str) {
    let endings = [".html", ".htm", ".shtml", ".php", ".aspx"];
    let found = endings.into_iter().find_map(|it| Some((path.strip_suffix(it)?, it)));
    found.unwrap_or((path, ""))
}

/// Whether what stands before a number is a year, or a year and a month: `/2025/11`.
fn is_part_of_a_date(stem: &str, form: Form) -> bool {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let is_year =
        |it: &str| it.len() == 4 && is_number(it) && (it.starts_with("19") || it.starts_with("20"));
    let last = stem.rsplit('/').next().unwrap_or_default();
    // A headline may end with a year.
    if form == Form::Folder && !last.bytes().all(|it| it.is_ascii_digit() || it == b'-') {
        return false;
    }
    let mut parts = stem.rsplit(MARKS);
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    is_year(last) || (is_number(last) && last.len() <= 2 && is_year(before))
}

/// From 1 to [`NUMBER_MAX`], without zeros before it, which dates have.
pub(super) fn page_number(text: &str) -> Option<u32> {
    let is_plain = !text.starts_with('0') && text.bytes().all(|it| it.is_ascii_digit());
    text.parse::<u32>().ok().filter(|it| is_plain && (1..=NUMBER_MAX).contains(it))
}

/// In what way `next` is the page after `own`; `None` when it is not.
pub(super) fn next_of<'a>(own: &Address, next: &'a Address) -> Option<&'a Numbered> {
    let follows = |own: &Numbered, next: &Numbered| {
        let is_numbered = own.form.is_named() || 1 < own.number;
        is_numbered
            && own.form == next.form
            && own.stem == next.stem
            && own.number + 1 == next.number
    };
    next.numbered.iter().filter(|_| own.site == next.site).find(|next| {
        let is_second = next.number == 2 && next.stem == own.text;
        is_second || own.numbered.iter().any(|own| follows(own, next))
    })
}
