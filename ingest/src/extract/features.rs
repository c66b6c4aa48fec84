//! What the model knows about each line of a page, as numbers.
//!
//! The numbers do not depend on a language or a site. [`names`] says what each one is; the training
//! script (`ingest/training`) reads the same numbers from the example `line_features`. Longer than
//! most files, since the numbers are many and their order is that of the model's table.

mod candidates;
mod characters;
mod row;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use candidates::{Candidate, dense_candidate, top_candidate};
use characters::Characters;
use row::Row;

use super::guard::cut;
use super::hints::{self, N_PHRASES};
use super::outline::{AROUND, FAR, Kind, Line, N_DISTANCES, Outline};
use super::title::fold;

/// Lines with at least that many characters and few links are sentences of somebody's text.
const LONG_CHARS: u32 = 80;
/// Bytes of a line that are folded for comparisons.
const FOLDED_BYTES_MAX: usize = 2_000;
/// Characters of a line in which phrases are looked for.
const PHRASE_CHARS_MAX: u32 = 160;
/// Bytes of a stated body that lines are compared with.
const BODY_BYTES_MAX: usize = 400_000;

/// What the page states about its article, for comparison with its lines.
#[derive(Debug, Default)]
pub(super) struct Stated<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) body: &'a str,
    pub(super) authors: &'a [String],
}

/// The numbers of all lines; each row has the length of [`names`].
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Vec<f32>>,
    pub(super) lines: Vec<LineFacts>,
    /// The line of the headline; the first line when there is none.
    pub(super) headline: usize,
}

/// What is known about a line beyond its numbers, for choosing lines.
#[derive(Clone, Debug, Default)]
pub(super) struct LineFacts {
    pub(super) n_words: u32,
    pub(super) folded: String,
    pub(super) phrases: u32,
}

/// Measures the lines of a page.
pub(super) fn measure(outline: &Outline, stated: &Stated<'_>) -> Table {
    let page = Page::of(outline, stated);
    let rows = (0..outline.lines.len()).map(|at| page.row(at)).collect();
    Table { rows, headline: page.headline_at, lines: page.facts }
}

/// The names of the numbers, in order.
pub(super) fn names() -> Vec<String> {
    let page = Page::default();
    let mut out = Row { values: Vec::new(), names: Some(Vec::new()) };
    page.describe(&mut out, 0);
    out.names.unwrap_or_default()
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    n: f32,
    n_chars: f32,
    n_link_chars: f32,
}

#[derive(Default)]
struct Page<'a> {
    outline: Option<&'a Outline>,
    facts: Vec<LineFacts>,
    characters: Vec<Characters>,
    paths: HashMap<u64, Group>,
    signatures: HashMap<u64, Group>,
    repeats: HashMap<u64, f32>,
    /// How often each line stood before.
    seen: Vec<f32>,
    /// Characters before each line, and in all.
    before: Vec<f32>,
    links_before: Vec<f32>,
    n_chars: f32,
    n_link_chars: f32,
    n_long: f32,
    n_paragraphs: f32,
    long_before: Vec<f32>,
    previous_long: Vec<f32>,
    next_long: Vec<f32>,
    headline_at: usize,
    has_headline: bool,
    /// The heading before each line: its index, or `None`.
    heading: Vec<Option<usize>>,
    next_heading: Vec<usize>,
    top: Candidate,
    dense: Candidate,
    title_words: HashSet<String>,
    title: String,
    description: String,
    author_names: Vec<String>,
    body: String,
    body_shingles: HashSet<u64>,
}

impl<'a> Page<'a> {
    fn of(outline: &'a Outline, stated: &Stated<'_>) -> Page<'a> {
        let lines = &outline.lines;
        let mut page = Page { outline: Some(outline), ..Page::default() };
        page.title = fold(stated.title);
        page.title_words = page.title.split(' ').map(str::to_owned).collect();
        page.description = fold(stated.description);
        page.author_names = stated.authors.iter().map(|it| fold(it)).collect();
        page.body = fold(cut(stated.body, BODY_BYTES_MAX));
        page.body_shingles = shingles(&page.body).collect();
        for line in lines {
            let characters = Characters::of(&line.text);
            let folded = fold(cut(&line.text, FOLDED_BYTES_MAX));
            let phrases = if line.n_chars <= PHRASE_CHARS_MAX {
                hints::of_line(&line.text.to_lowercase())
            } else {
                0
            };
            page.facts.push(LineFacts { n_words: characters.n_words as u32, folded, phrases });
            page.characters.push(characters);
            page.before.push(page.n_chars);
            page.links_before.push(page.n_link_chars);
            page.n_chars += line.n_chars as f32;
            page.n_link_chars += line.n_link_chars as f32;
        }
        page.count_groups(outline);
        page.find_long_lines(lines);
        page.find_headings(outline);
        page.top = top_candidate(outline);
        page.dense = dense_candidate(outline);
        page
    }

    fn count_groups(&mut self, outline: &Outline) {
        for (at, line) in outline.lines.iter().enumerate() {
            let element = &outline.elements[line.element as usize];
            let parent = &outline.elements[element.parent as usize];
            let signature = element.signature.rotate_left(1) ^ parent.signature;
            for group in [
                self.paths.entry(element.path).or_default(),
                self.signatures.entry(signature).or_default(),
            ] {
                group.n += 1.0;
                group.n_chars += line.n_chars as f32;
                group.n_link_chars += line.n_link_chars as f32;
            }
            let repeats = self.repeats.entry(hash(&self.facts[at].folded)).or_default();
            self.seen.push(*repeats);
            *repeats += 1.0;
            self.n_paragraphs += f32::from(element.kind == Kind::Paragraph);
        }
    }

    fn find_long_lines(&mut self, lines: &[Line]) {
        let is_long =
            |line: &Line| line.n_chars >= LONG_CHARS && line.n_link_chars * 3 < line.n_chars;
        let (mut n_long, mut since) = (0.0, 99.0);
        for line in lines {
            self.long_before.push(n_long);
            self.previous_long.push(since);
            since = if is_long(line) { 1.0 } else { f32::min(since + 1.0, 99.0) };
            n_long += f32::from(is_long(line));
        }
        self.n_long = n_long;
        self.next_long = vec![99.0; lines.len()];
        let mut until = 99.0;
        for (at, line) in lines.iter().enumerate().rev() {
            self.next_long[at] = until;
            until = if is_long(line) { 1.0 } else { f32::min(until + 1.0, 99.0) };
        }
    }

    fn find_headings(&mut self, outline: &Outline) {
        let kind = |line: &Line| outline.elements[line.element as usize].kind;
        let is_title = |at: &usize| {
            let folded = &self.facts[*at].folded;
            !self.title.is_empty() && *folded == self.title
        };
        let lines = &outline.lines;
        let first_heading =
            (0..lines.len()).filter(|at| matches!(kind(&lines[*at]), Kind::Heading(1)));
        let titles = (0..lines.len()).filter(is_title);
        let both = first_heading.clone().find(is_title);
        let found = both.or_else(|| titles.clone().next()).or_else(|| first_heading.clone().next());
        self.has_headline = found.is_some();
        self.headline_at = found.unwrap_or(0);
        let mut last = None;
        for (at, line) in lines.iter().enumerate() {
            self.heading.push(last);
            if matches!(kind(line), Kind::Heading(_)) {
                last = Some(at);
            }
        }
        self.next_heading = vec![lines.len(); lines.len()];
        let mut next = lines.len();
        for (at, line) in lines.iter().enumerate().rev() {
            self.next_heading[at] = next;
            if matches!(kind(line), Kind::Heading(_)) {
                next = at;
            }
        }
    }

    fn row(&self, at: usize) -> Vec<f32> {
        let mut out = Row { values: Vec::with_capacity(240), names: None };
        self.describe(&mut out, at);
        out.values
    }

    fn describe(&self, out: &mut Row, at: usize) {
        self.describe_text(out, at);
        self.describe_place(out, at);
        self.describe_containers(out, at);
        self.describe_neighbours(out, at);
        self.describe_likeness(out, at);
        self.describe_page(out);
    }

    fn line(&self, at: usize) -> Option<&'a Line> {
        self.outline.and_then(|it| it.lines.get(at))
    }

    fn kind(&self, at: usize) -> Kind {
        let element = self.outline.zip(self.line(at));
        element.map_or(Kind::Other, |(outline, line)| outline.elements[line.element as usize].kind)
    }

    fn describe_text(&self, out: &mut Row, at: usize) {
        let characters = self.characters.get(at).cloned().unwrap_or_default();
        let line = self.line(at);
        let n_chars = line.map_or(0, |it| it.n_chars) as f32;
        out.put("chars", n_chars);
        out.put("words", characters.n_words);
        out.put("link_ratio", line.map_or(0, |it| it.n_link_chars) as f32 / n_chars.max(1.0));
        out.put("links", line.map_or(0, |it| it.n_links) as f32);
        out.put("bold_ratio", line.map_or(0, |it| it.n_bold_chars) as f32 / n_chars.max(1.0));
        out.put("digit_ratio", characters.n_digits / n_chars.max(1.0));
        out.put("upper_ratio", characters.n_upper / characters.n_letters.max(1.0));
        out.put("capital_words", characters.n_capital_words / characters.n_words.max(1.0));
        out.put("short_words", characters.n_short_words / characters.n_words.max(1.0));
        out.put("word_length", characters.n_letters / characters.n_words.max(1.0));
        out.put("sentence_ends", characters.n_ends);
        out.put("commas", characters.n_commas);
        out.put("separators", characters.n_separators);
        out.put("last", characters.last);
        out.put("first", characters.first);
        out.put("quotes", characters.n_quotes);
        out.put("year", f32::from(characters.has_year));
        let phrases = self.facts.get(at).map_or(0, |it| it.phrases);
        out.put_all("phrase", (0..N_PHRASES).map(|it| (phrases >> it & 1) as f32));
        out.put("phrases", phrases.count_ones() as f32);
    }

    fn describe_place(&self, out: &mut Row, at: usize) {
        let kind = self.kind(at);
        let number = match kind {
            Kind::Other => 0.0,
            Kind::Division => 1.0,
            Kind::Button => 2.0,
            Kind::Caption => 3.0,
            Kind::Item => 4.0,
            Kind::Row => 5.0,
            Kind::Term => 6.0,
            Kind::Heading(_) => 7.0,
            Kind::Code => 8.0,
            Kind::Quote => 9.0,
            Kind::Paragraph => 10.0,
        };
        out.put("kind", number);
        out.put("level", level(kind));
        let element =
            self.outline.zip(self.line(at)).map(|(it, line)| &it.elements[line.element as usize]);
        out.put("depth", element.map_or(0.0, |it| f32::from(it.depth)));
        let distances = element.map_or([FAR; N_DISTANCES], |it| it.distances);
        for (name, distance) in AROUND.iter().zip(distances) {
            out.put_of(name, "in", f32::from(distance));
        }
        out.put_all("near", distances[AROUND.len()..].iter().map(|it| f32::from(*it)));
        let n_lines = self.facts.len().max(1) as f32;
        out.put("at", at as f32);
        out.put("place", at as f32 / n_lines);
        let before = self.before.get(at).copied().unwrap_or(0.0);
        out.put("place_chars", before / self.n_chars.max(1.0));
        out.put("from_headline", at as f32 - self.headline_at as f32);
        let headline = self.before.get(self.headline_at).copied().unwrap_or(0.0);
        out.put("from_headline_chars", before - headline);
        out.put("has_headline", f32::from(self.has_headline));
        let long_before = self.long_before.get(at).copied().unwrap_or(0.0);
        out.put("long_before", long_before);
        out.put("long_after", self.n_long - long_before);
        out.put("previous_long", self.previous_long.get(at).copied().unwrap_or(99.0));
        out.put("next_long", self.next_long.get(at).copied().unwrap_or(99.0));
    }

    fn describe_containers(&self, out: &mut Row, at: usize) {
        let mut element = self.line(at).map_or(0, |it| it.element);
        for level in 0..5 {
            let holder = self.outline.and_then(|it| it.elements.get(element as usize));
            let n_chars = holder.map_or(0.0, |it| it.n_chars as f32);
            let n_links = holder.map_or(0.0, |it| it.n_link_chars as f32);
            let n_paragraph = holder.map_or(0.0, |it| it.n_paragraph_chars as f32);
            let n_lines = holder.map_or(0.0, |it| it.n_lines as f32);
            let n_items = holder.map_or(0.0, |it| it.n_items as f32);
            out.put_of(level, "holder_chars", n_chars);
            out.put_of(level, "holder_share", n_chars / self.n_chars.max(1.0));
            out.put_of(level, "holder_links", n_links / n_chars.max(1.0));
            out.put_of(level, "holder_paragraphs", n_paragraph / n_chars.max(1.0));
            out.put_of(level, "holder_lines", n_lines);
            out.put_of(level, "holder_items", n_items / n_lines.max(1.0));
            out.put_of(level, "holder_mean", n_chars / n_lines.max(1.0));
            element = self.outline.map_or(0, |it| it.parent(element));
        }
        self.describe_candidate(out, at, "top", self.top);
        self.describe_candidate(out, at, "dense", self.dense);
        let element = self.outline.zip(self.line(at)).map(|(it, line)| {
            let element = &it.elements[line.element as usize];
            (element, &it.elements[element.parent as usize])
        });
        let path =
            element.and_then(|(it, _)| self.paths.get(&it.path)).copied().unwrap_or_default();
        let signature = element
            .and_then(|(it, parent)| {
                self.signatures.get(&(it.signature.rotate_left(1) ^ parent.signature))
            })
            .copied()
            .unwrap_or_default();
        for (name, group) in [("path", path), ("signature", signature)] {
            out.put_of("n", name, group.n);
            out.put_of("share", name, group.n_chars / self.n_chars.max(1.0));
            out.put_of("mean", name, group.n_chars / group.n.max(1.0));
            out.put_of("links", name, group.n_link_chars / group.n_chars.max(1.0));
        }
    }

    fn describe_candidate(&self, out: &mut Row, at: usize, name: &str, candidate: Candidate) {
        let mut up = 0.0;
        let mut element = self.line(at).map_or(0, |it| it.element);
        let is_inside = self.outline.is_some_and(|outline| {
            while element > candidate.element {
                element = outline.parent(element);
                up += 1.0;
            }
            element == candidate.element
        });
        let n_before = candidate.first as f32 - at as f32;
        let n_after = at as f32 - candidate.last as f32;
        out.put_of("up", name, if is_inside { up } else { 40.0 });
        out.put_of("outside", name, if is_inside { 0.0 } else { f32::max(n_before, n_after) });
        out.put_of("after", name, f32::from(n_after > 0.0));
        let n_lines = (candidate.last - candidate.first + 1) as f32;
        out.put_of("place", name, (at as f32 - candidate.first as f32) / n_lines);
        out.put_of("end", name, candidate.last as f32 - at as f32);
        out.put_of("share", name, candidate.n_chars / self.n_chars.max(1.0));
    }

    fn describe_neighbours(&self, out: &mut Row, at: usize) {
        for offset in [-3, -2, -1, 1, 2, 3_isize] {
            let other = at.checked_add_signed(offset);
            let line = other.and_then(|it| self.line(it));
            let other = other.unwrap_or(usize::MAX);
            let n_chars = line.map_or(-1.0, |it| it.n_chars as f32);
            out.put_of(offset, "beside_chars", n_chars);
            let n_links = line.map_or(0.0, |it| it.n_link_chars as f32);
            out.put_of(offset, "beside_links", n_links / n_chars.max(1.0));
            out.put_of(offset, "beside_level", level(self.kind(other)));
            let element = |line: Option<&Line>| line.map_or(0, |it| it.element);
            let parent = |at: u32| self.outline.map_or(0, |it| it.parent(at));
            let (own, beside) = (element(self.line(at)), element(line));
            let is_near = own == beside || parent(own) == parent(beside);
            out.put_of(offset, "beside_near", f32::from(line.is_some() && is_near));
            let is_same = line.is_some() && self.kind(at) == self.kind(other);
            out.put_of(offset, "beside_same", f32::from(is_same));
            let last = self.characters.get(other).map_or(0.0, |it| it.last);
            out.put_of(offset, "beside_last", last);
        }
        let heading = self.heading.get(at).copied().flatten();
        out.put("heading_back", heading.map_or(99.0, |it| (at - it) as f32));
        out.put("heading_level", heading.map_or(0.0, |it| level(self.kind(it))));
        let phrases = heading.and_then(|it| self.facts.get(it)).map_or(0, |it| it.phrases);
        out.put_all("heading_phrase", (0..N_PHRASES).map(|it| (phrases >> it & 1) as f32));
        let next = self.next_heading.get(at).copied().unwrap_or(at);
        out.put("heading_next", (next - at.min(next)) as f32);
        let end = self.before.get(next).copied().unwrap_or(self.n_chars);
        out.put("heading_next_chars", end - self.before.get(at).copied().unwrap_or(0.0));
        let start = heading.map_or(0, |it| it);
        out.put("section_chars", end - self.before.get(start).copied().unwrap_or(0.0));
        let n_section = end - self.before.get(start).copied().unwrap_or(0.0);
        let links_before =
            |at: usize| self.links_before.get(at).copied().unwrap_or(self.n_link_chars);
        out.put("section_links", (links_before(next) - links_before(start)) / n_section.max(1.0));
    }

    fn describe_likeness(&self, out: &mut Row, at: usize) {
        let folded = self.facts.get(at).map_or("", |it| it.folded.as_str());
        let words: Vec<&str> = folded.split(' ').filter(|it| !it.is_empty()).collect();
        let n_common = words.iter().filter(|it| self.title_words.contains(**it)).count() as f32;
        out.put("title_words", n_common / (words.len() as f32).max(1.0));
        out.put("title_covered", n_common / (self.title_words.len() as f32).max(1.0));
        out.put("is_title", f32::from(!folded.is_empty() && folded == self.title));
        let is_described = folded.len() > 20 && self.description.contains(folded)
            || self.description.len() > 30 && folded.starts_with(self.description.as_str());
        out.put("described", f32::from(is_described));
        let has_author =
            self.author_names.iter().any(|it| it.len() > 4 && folded.contains(it.as_str()));
        out.put("names_author", f32::from(has_author));
        out.put("repeats", self.repeats.get(&hash(folded)).copied().unwrap_or(0.0));
        out.put("seen", self.seen.get(at).copied().unwrap_or(0.0));
        let stated = if self.body.len() < 200 {
            -1.0
        } else if words.len() >= 4 {
            let own: Vec<u64> = shingles(folded).collect();
            let n_found = own.iter().filter(|it| self.body_shingles.contains(it)).count();
            n_found as f32 / own.len().max(1) as f32
        } else {
            0.5 * f32::from(self.body.contains(folded))
        };
        out.put("stated", stated);
    }

    fn describe_page(&self, out: &mut Row) {
        out.put("page_chars", self.n_chars);
        out.put("page_lines", self.facts.len() as f32);
        out.put("page_links", self.n_link_chars / self.n_chars.max(1.0));
        out.put("page_long", self.n_long);
        out.put("page_paragraphs", self.n_paragraphs / (self.facts.len() as f32).max(1.0));
        out.put("page_body", self.body.len() as f32 / self.n_chars.max(1.0));
    }
}

fn level(kind: Kind) -> f32 {
    if let Kind::Heading(level) = kind { f32::from(level) } else { 0.0 }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Hashes of each run of four words.
fn shingles(folded: &str) -> impl Iterator<Item = u64> {
    let words: Vec<u64> = folded.split(' ').filter(|it| !it.is_empty()).map(hash).collect();
    let runs: Vec<u64> = words
        .windows(4)
        .map(|it| it.iter().fold(0_u64, |sum, word| sum.rotate_left(7).wrapping_mul(31) ^ word))
        .collect();
    runs.into_iter()
}
