//! What a reader sees around the headline: dates and bylines in the lines of the page.

use chrono::NaiveDate;

use super::date_text;
use super::features::LineFacts;
use super::outline::{FAR, Kind, N_AROUND, Outline};

/// Lines so far from the headline no longer belong to it.
const DISTANCE_MAX: i64 = 80;
/// Still longer ones are no notes about the article either.
const NOTE_CHARS_MAX: u32 = 320;
/// The same for dates, of which the nearest counts most.
const DATE_DISTANCE_MAX: i64 = 400;
/// Lines after the headline in which the text itself may begin with its day.
const DATELINE_DISTANCE_MAX: i64 = 12;
/// Longer lines are sentences that mention a date or a person.
const LINE_CHARS_MAX: u32 = 140;

/// Groups of `hints.rs`, by their order there.
const ELSEWHERE: &[usize] = &[6, 8, 9, 10, 11];
const DATED: &[usize] = &[20, 21];
const PHRASE_UPDATED: u32 = 1 << 10;

/// Words of longer lines that give the day of publication.
const PUBLISHED: &[&str] = &[
    "veröffentlicht",
    "posted on",
    "published on",
    "publié le",
    "publicado el",
    "pubblicato",
    "was posted",
    "was published",
    "dieser eintrag",
];

/// Words of lines that give the day of a change.
const UPDATED: &[&str] = &[
    "updat",
    "modif",
    "revis",
    "aktualisiert",
    "mis à jour",
    "actualiz",
    "обновл",
    "geändert",
    "bewerkt",
    "aggiornat",
];

/// A date that the page shows.
#[derive(Clone, Debug)]
pub(super) struct SeenDate {
    pub(super) date: NaiveDate,
    pub(super) is_update: bool,
    /// How far it is from where a date is looked for; less is better.
    pub(super) cost: i64,
}

/// The lines of a page that may be about its article, with their distance from the headline.
pub(super) struct Seen<'a> {
    outline: &'a Outline,
    headline: i64,
}

impl<'a> Seen<'a> {
    /// `headline` is the line of the headline, as `features.rs` found it.
    pub(super) fn of(outline: &'a Outline, headline: usize) -> Seen<'a> {
        Seen { outline, headline: headline as i64 }
    }

    /// Short lines near the headline, nearest first; lines before it count double, those of lists
    /// of other articles and of comments are left out.
    pub(super) fn near(&self) -> Vec<(i64, &'a str)> {
        let lines = self.outline.lines.iter().enumerate();
        let mut near: Vec<(i64, &str)> = lines
            .filter(|(_, line)| line.n_chars <= LINE_CHARS_MAX && !self.is_elsewhere(line.element))
            .map(|(at, line)| (self.distance(at), line.text.as_str()))
            .filter(|(distance, _)| *distance <= DISTANCE_MAX)
            .collect();
        near.sort_by_key(|it| it.0);
        near
    }

    /// Dates near the headline, the best first.
    pub(super) fn dates(&self, facts: &[LineFacts], is_american: bool) -> Vec<SeenDate> {
        let mut dates = Vec::new();
        for (at, line) in self.outline.lines.iter().enumerate() {
            let distance = self.distance(at);
            let is_long = line.n_chars > LINE_CHARS_MAX;
            let is_first = (0..=DATELINE_DISTANCE_MAX).contains(&(at as i64 - self.headline));
            let dateline = is_long && is_first && date_text::is_at_start(&line.text, is_american);
            let is_far = line.n_chars > NOTE_CHARS_MAX || distance > DATE_DISTANCE_MAX;
            if is_far && !dateline {
                continue;
            }
            let Some(date) = date_text::find(&line.text, is_american) else { continue };
            let lower = line.text.to_lowercase();
            if is_long && !dateline && !PUBLISHED.iter().any(|it| lower.contains(it)) {
                continue;
            }
            let is_update = UPDATED.iter().any(|it| lower.contains(it));
            let is_right = ["©", "copyright"].iter().any(|it| lower.contains(it));
            let element = &self.outline.elements[line.element as usize];
            let is_marked = DATED.iter().any(|it| element.distances[N_AROUND + it] <= 1);
            let is_stated = facts.get(at).is_some_and(|it| it.phrases & PHRASE_UPDATED != 0);
            let is_heading = matches!(element.kind, Kind::Heading(_));
            let cost = distance
                + if self.is_elsewhere(line.element) || self.is_quoted(line.element) {
                    60
                } else {
                    0
                }
                + if is_update { 12 } else { 0 }
                + if is_right { 100 } else { 0 }
                + if is_long { 20 } else { 0 }
                + if line.n_chars > 60 { 10 } else { 0 }
                + if is_heading { 8 } else { 0 }
                - if is_marked { 6 } else { 0 }
                - if is_stated { 6 } else { 0 };
            dates.push(SeenDate { date, is_update, cost });
        }
        dates.sort_by_key(|it| it.cost);
        dates
    }

    fn distance(&self, at: usize) -> i64 {
        let distance = at as i64 - self.headline;
        if distance < 0 { -2 * distance } else { distance }
    }

    /// Whether the line stands in a quotation, such as a post of somebody else.
    fn is_quoted(&self, element: u32) -> bool {
        let element = &self.outline.elements[element as usize];
        let parent = &self.outline.elements[element.parent as usize];
        element.kind == Kind::Quote || parent.kind == Kind::Quote
    }

    fn is_elsewhere(&self, element: u32) -> bool {
        let distances = &self.outline.elements[element as usize].distances;
        // Footer, navigation and aside by element, then by class.
        distances[3] <= 4
            || distances[4] < FAR
            || distances[5] < FAR
            || ELSEWHERE.iter().any(|it| distances[N_AROUND + it] <= 3)
    }
}
