//! A page as a row of lines of visible text, each with its place among the elements.

mod elements;

use std::collections::HashMap;

use ego_tree::NodeRef;
use scraper::{Html, Node};

use super::hints::{self, N_NAMES};
use elements::{
    Shape, around_group, is_bold, is_hidden_inline, is_hiding, is_invisible, kind_of, shape,
};

/// Most lines and elements that are looked at; the rest of a longer page is not read.
const N_LINES_MAX: usize = 10_000;
const N_ELEMENTS_MAX: usize = 100_000;
/// A cell of a table with more text than that is a line of its own.
const CELL_CHARS_MAX: usize = 200;

/// Groups of elements of which a line knows how far away the nearest one around it is.
pub(super) const N_AROUND: usize = 18;
/// Names of [`N_AROUND`], in order.
pub(super) const AROUND: [&str; N_AROUND] = [
    "article",
    "main",
    "section",
    "aside",
    "nav",
    "footer",
    "header",
    "form",
    "list",
    "table",
    "figure",
    "quote",
    "details",
    "link",
    "button",
    "dialog",
    "hidden",
    "body_prop",
];
/// Distance of what is not around a line at all.
pub(super) const FAR: u8 = 30;
/// Number of distances that an element keeps.
pub(super) const N_DISTANCES: usize = N_AROUND + N_NAMES;

/// What kind of line an element makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    Other,
    Paragraph,
    Item,
    Heading(u8),
    Row,
    Quote,
    Caption,
    Division,
    Term,
    Code,
    Button,
}

/// An element that holds lines.
#[derive(Debug)]
pub(super) struct Element {
    /// Index of the element around it; its own for the first.
    pub(super) parent: u32,
    pub(super) kind: Kind,
    pub(super) depth: u16,
    /// Hash of the element names from the root to here, and of its own name and class.
    pub(super) path: u64,
    pub(super) signature: u64,
    /// How many levels up the nearest element of each group is.
    pub(super) distances: [u8; N_DISTANCES],
    /// Text inside, in characters, of which in links, and of which in paragraphs.
    pub(super) n_chars: u32,
    pub(super) n_link_chars: u32,
    pub(super) n_paragraph_chars: u32,
    /// Lines inside, and of them items of lists.
    pub(super) n_lines: u32,
    pub(super) n_items: u32,
}

/// A line of visible text.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// The innermost block element around it.
    pub(super) element: u32,
    pub(super) n_chars: u32,
    pub(super) n_link_chars: u32,
    pub(super) n_bold_chars: u32,
    pub(super) n_links: u32,
}

/// The lines of a page in order, and the elements around them.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) elements: Vec<Element>,
    pub(super) lines: Vec<Line>,
}

impl Outline {
    /// Reads a page; elements for which `is_removed` is true are left out.
    pub(super) fn of(document: &Html, is_removed: &dyn Fn(NodeRef<'_, Node>) -> bool) -> Outline {
        let root = document.tree.root();
        let mut walk = Walk::default();
        let mut node = root;
        loop {
            let is_open = walk.enter(node, is_removed);
            if is_open && let Some(child) = node.first_child() {
                node = child;
                continue;
            }
            if is_open {
                walk.leave(node);
            }
            loop {
                if node == root || walk.is_full() {
                    return walk.finish();
                }
                if let Some(next) = node.next_sibling() {
                    node = next;
                    break;
                }
                let Some(parent) = node.parent() else { return walk.finish() };
                node = parent;
                walk.leave(node);
            }
        }
    }

    /// Index of the element around element `at`.
    pub(super) fn parent(&self, at: u32) -> u32 {
        self.elements[at as usize].parent
    }
}

#[derive(Default)]
struct Walk {
    outline: Outline,
    /// Open block elements.
    open: Vec<u32>,
    n_links: usize,
    n_bold: usize,
    line: Pending,
    names: HashMap<String, u64>,
}

#[derive(Default)]
struct Pending {
    text: String,
    element: Option<u32>,
    has_space: bool,
    n_chars: u32,
    n_link_chars: u32,
    n_bold_chars: u32,
    n_links: u32,
}

impl Walk {
    fn is_full(&self) -> bool {
        self.outline.lines.len() >= N_LINES_MAX || self.outline.elements.len() >= N_ELEMENTS_MAX
    }

    /// Whether what is inside `node` is read.
    fn enter(
        &mut self,
        node: NodeRef<'_, Node>,
        is_removed: &dyn Fn(NodeRef<'_, Node>) -> bool,
    ) -> bool {
        match node.value() {
            Node::Text(text) => {
                self.push_text(text);
                false
            }
            Node::Document | Node::Fragment => {
                self.push_element(node);
                true
            }
            Node::Element(element) => {
                let name = element.name();
                if is_invisible(name) || is_removed(node) {
                    return false;
                }
                match shape(name) {
                    Shape::Inline if is_hidden_inline(element) => return false,
                    Shape::Inline => self.enter_inline(name),
                    Shape::Cell => self.end_cell(),
                    Shape::Break => {
                        self.end_line();
                        return false;
                    }
                    Shape::Block => {
                        self.end_line();
                        self.push_element(node);
                    }
                }
                true
            }
            _ => false,
        }
    }

    fn leave(&mut self, node: NodeRef<'_, Node>) {
        let Node::Element(element) = node.value() else { return };
        let name = element.name();
        match shape(name) {
            Shape::Inline if name == "a" => self.n_links = self.n_links.saturating_sub(1),
            Shape::Inline if is_bold(name) => self.n_bold = self.n_bold.saturating_sub(1),
            Shape::Inline | Shape::Break => {}
            Shape::Cell => self.end_cell(),
            Shape::Block => {
                self.end_line();
                self.pop_element();
            }
        }
    }

    fn enter_inline(&mut self, name: &str) {
        if name == "a" {
            self.n_links += 1;
            self.line.n_links += 1;
        } else if is_bold(name) {
            self.n_bold += 1;
        }
    }

    fn end_cell(&mut self) {
        if self.line.text.len() > CELL_CHARS_MAX {
            self.end_line();
        } else {
            self.line.has_space = true;
        }
    }

    fn push_text(&mut self, text: &str) {
        let line = &mut self.line;
        let (mut n_chars, mut is_started) = (0, !line.text.is_empty());
        for character in text.chars() {
            if character.is_whitespace() || character.is_control() {
                line.has_space = true;
                continue;
            }
            if matches!(character, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}') {
                continue;
            }
            if line.has_space && is_started {
                line.text.push(' ');
                n_chars += 1;
            }
            line.has_space = false;
            is_started = true;
            line.text.push(character);
            n_chars += 1;
        }
        if n_chars == 0 {
            return;
        }
        line.element = line.element.or(self.open.last().copied());
        line.n_chars += n_chars;
        line.n_link_chars += if self.n_links > 0 { n_chars } else { 0 };
        line.n_bold_chars += if self.n_bold > 0 { n_chars } else { 0 };
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let Some(at) = line.element else { return };
        let element = &mut self.outline.elements[at as usize];
        let is_paragraph = element.kind == Kind::Paragraph && line.n_link_chars * 2 < line.n_chars;
        element.n_chars += line.n_chars;
        element.n_link_chars += line.n_link_chars;
        element.n_paragraph_chars += if is_paragraph { line.n_chars } else { 0 };
        element.n_lines += 1;
        element.n_items += u32::from(element.kind == Kind::Item);
        let (n_chars, n_link_chars) = (line.n_chars, line.n_link_chars);
        self.outline.lines.push(Line {
            text: line.text,
            element: at,
            n_chars,
            n_link_chars,
            n_bold_chars: line.n_bold_chars,
            n_links: line.n_links,
        });
    }

    fn push_element(&mut self, node: NodeRef<'_, Node>) {
        let at = self.outline.elements.len() as u32;
        let parent = self.open.last().copied().unwrap_or(at);
        let around = self.outline.elements.get(parent as usize);
        let mut distances = around.map_or([FAR; N_DISTANCES], |it| {
            it.distances.map(|it| if it < FAR - 1 { it + 1 } else { it })
        });
        let mut signature = 0;
        let (mut path, mut kind) = (0, Kind::Other);
        let depth = around.map_or(0, |it| it.depth + 1);
        if let Node::Element(element) = node.value() {
            let name = element.name();
            kind = kind_of(name);
            path = mixed(around.map_or(0, |it| it.path), name);
            signature = mixed(mixed(0, name), element.attr("class").unwrap_or_default());
            if let Some(group) = around_group(name) {
                distances[group] = 0;
            }
            let mut bits = 0;
            for (name, value) in element.attrs() {
                match name {
                    "class" | "id" | "role" | "itemprop" | "data-testid" | "data-component" => {
                        bits |= self.hints_of(value);
                    }
                    _ => {}
                }
                let is_hidden = match name {
                    "hidden" => true,
                    "aria-hidden" => value == "true",
                    "style" => is_hiding(value),
                    _ => false,
                };
                if is_hidden {
                    distances[16] = 0;
                }
                if name == "itemprop" && value.contains("articleBody") {
                    distances[17] = 0;
                }
            }
            if matches!(name, "html" | "body") {
                bits = 0;
            }
            while bits != 0 {
                distances[N_AROUND + bits.trailing_zeros() as usize] = 0;
                bits &= bits - 1;
            }
        }
        if self.n_links > 0 {
            distances[13] = 0;
        }
        self.open.push(at);
        self.outline.elements.push(Element {
            parent,
            kind,
            depth,
            path,
            signature,
            distances,
            n_chars: 0,
            n_link_chars: 0,
            n_paragraph_chars: 0,
            n_lines: 0,
            n_items: 0,
        });
    }

    /// What an attribute's value speaks of; values are repeated all over a page.
    fn hints_of(&mut self, value: &str) -> u64 {
        if let Some(bits) = self.names.get(value) {
            return *bits;
        }
        let bits = hints::of_name(value);
        self.names.insert(value.to_owned(), bits);
        bits
    }

    fn pop_element(&mut self) {
        let Some(at) = self.open.pop() else { return };
        let element = &self.outline.elements[at as usize];
        let sums = (
            element.n_chars,
            element.n_link_chars,
            element.n_paragraph_chars,
            element.n_lines,
            element.n_items,
        );
        let parent = element.parent;
        if parent != at {
            let parent = &mut self.outline.elements[parent as usize];
            parent.n_chars += sums.0;
            parent.n_link_chars += sums.1;
            parent.n_paragraph_chars += sums.2;
            parent.n_lines += sums.3;
            parent.n_items += sums.4;
        }
    }

    fn finish(mut self) -> Outline {
        self.end_line();
        while !self.open.is_empty() {
            self.pop_element();
        }
        self.outline
    }
}

/// A hash of a text and of what came before (FNV-1a); equal ones are likely, and harmless.
fn mixed(before: u64, text: &str) -> u64 {
    let start = before ^ 0xcbf2_9ce4_8422_2325;
    text.bytes().fold(start, |sum, it| (sum ^ u64::from(it)).wrapping_mul(0x0000_0100_0000_01b3))
}
