//! Elements that may be the one that holds the article.

use super::LONG_CHARS;
use crate::extract::outline::{Kind, Line, Outline};

/// An element that may be the one that holds the article.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Candidate {
    pub(super) element: u32,
    pub(super) n_chars: f32,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// The element whose paragraphs score best, as in Readability: long lines with commas give points
/// to the elements around them, links take them away.
pub(super) fn top_candidate(outline: &Outline) -> Candidate {
    let mut points = vec![0.0_f32; outline.elements.len()];
    for line in &outline.lines {
        if line.n_chars < 25 || line.n_link_chars * 2 > line.n_chars {
            continue;
        }
        let n_commas = line.text.matches([',', '،', '、', '，']).count() as f32;
        let worth = 1.0 + n_commas.min(10.0) + (line.n_chars as f32 / 100.0).min(3.0);
        let element = &outline.elements[line.element as usize];
        let is_holder = matches!(element.kind, Kind::Division | Kind::Other);
        let mut at = if is_holder { line.element } else { element.parent };
        for share in [1.0, 0.5, 0.33] {
            points[at as usize] += worth * share;
            at = outline.parent(at);
        }
    }
    let score = |at: usize| {
        let element = &outline.elements[at];
        points[at] * (1.0 - element.n_link_chars as f32 / (element.n_chars as f32).max(1.0))
    };
    let best = (0..points.len()).max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(0);
    candidate(outline, best as u32)
}

/// The deepest element that holds most of the long lines.
pub(super) fn dense_candidate(outline: &Outline) -> Candidate {
    let mut held = vec![0.0_f32; outline.elements.len()];
    let mut all = 0.0;
    for line in &outline.lines {
        if line.n_chars >= LONG_CHARS && line.n_link_chars * 3 < line.n_chars {
            held[line.element as usize] += line.n_chars as f32;
            all += line.n_chars as f32;
        }
    }
    for at in (1..held.len()).rev() {
        let parent = outline.elements[at].parent as usize;
        held[parent] += held[at];
    }
    let deepest = (0..held.len()).filter(|it| held[*it] >= 0.6 * all);
    let best = deepest.max_by_key(|it| outline.elements[*it].depth).unwrap_or(0);
    candidate(outline, best as u32)
}

fn candidate(outline: &Outline, element: u32) -> Candidate {
    let is_inside = |line: &Line| {
        let mut at = line.element;
        while at > element {
            at = outline.parent(at);
        }
        at == element
    };
    let first = outline.lines.iter().position(is_inside).unwrap_or(0);
    let last = outline.lines.iter().rposition(is_inside).unwrap_or(0);
    let n_chars = outline.elements.get(element as usize).map_or(0.0, |it| it.n_chars as f32);
    Candidate { element, n_chars, first, last }
}
