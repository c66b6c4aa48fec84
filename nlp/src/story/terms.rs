//! What an article is compared by besides its meaning: words, names, numbers and hostile acts;
//! entities only find what to compare.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use unicode_segmentation::UnicodeSegmentation;

use super::StoryInput;
use super::stop_words::is_stop_word;

/// Characters of headline and text that make the lead.
const N_LEAD_CHARS: usize = 600;
/// Share of capitalised words from which a line is set like a headline, so that capitals tell
/// nothing.
const TITLE_CASE_SHARE: f32 = 0.7;
/// Words that such a line has at least.
const N_TITLE_WORDS_MIN: usize = 3;
/// What a word of the headline counts.
const HEADLINE_WEIGHT: u8 = 2;
/// Articles taken to have been read before the first, so that early weights are not extreme.
const N_PRIOR: f32 = 50.0;
/// Document frequencies whose rarity is tabulated.
const N_TABULATED: usize = 1_024;

const WORD: u8 = 1;
const NAME: u8 = 2;
const NUMBER: u8 = 4;
const ENTITY: u8 = 8;
const ACT: u8 = 16;

/// A term of an article, by its number in the [`TermIndex`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) term: u32,
    /// Occurrences in all of the text, those of the headline twice.
    n_all: u8,
    /// The same in the lead.
    n_lead: u8,
    sorts: u8,
}

impl Use {
    /// Whether it is a word or an entity, which the longer text has more of.
    pub(super) fn is_of_text(&self) -> bool {
        self.sorts != ACT
    }
}

/// The terms of an article by rising number.
pub(super) type Uses = Vec<Use>;

/// A term before it has a number.
#[derive(Clone, Copy, Default)]
struct Draft {
    n_all: u8,
    n_lead: u8,
    sorts: u8,
}

/// Numbers of terms, and which of the articles at hand use each.
#[derive(Default)]
pub(super) struct TermIndex {
    numbers: HashMap<u64, u32>,
    /// By number: the hash of the term, and the articles that use it, rising.
    terms: Vec<(u64, VecDeque<u32>)>,
    free: Vec<u32>,
}

impl TermIndex {
    /// The terms of an article. Terms that no article uses yet get numbers.
    pub(super) fn uses(&mut self, input: &StoryInput) -> Uses {
        let drafts = drafts(input);
        let mut uses: Uses = (drafts.into_iter())
            .map(|(hash, Draft { n_all, n_lead, sorts })| {
                let term = self.number(hash);
                Use { term, n_all, n_lead, sorts }
            })
            .collect();
        uses.sort_unstable_by_key(|it| it.term);
        uses
    }

    fn number(&mut self, hash: u64) -> u32 {
        if let Some(number) = self.numbers.get(&hash) {
            return *number;
        }
        let number = self.free.pop().unwrap_or(self.terms.len() as u32);
        match self.terms.get_mut(number as usize) {
            Some(slot) => slot.0 = hash,
            None => self.terms.push((hash, VecDeque::new())),
        }
        self.numbers.insert(hash, number);
        number
    }

    /// Notes that `article`, a number higher than all before, uses `uses`.
    pub(super) fn add(&mut self, uses: &Uses, article: u32) {
        for it in uses {
            self.terms[it.term as usize].1.push_back(article);
        }
    }

    /// Takes an article back; terms without articles give up their number.
    pub(super) fn remove(&mut self, uses: &Uses, article: u32) {
        for it in uses {
            let (hash, articles) = &mut self.terms[it.term as usize];
            if let Ok(at) = articles.binary_search(&article) {
                articles.remove(at);
            }
            if articles.is_empty() {
                self.numbers.remove(hash);
                articles.shrink_to_fit();
                self.free.push(it.term);
            }
        }
    }

    /// The newest articles with a term, newest first.
    pub(super) fn newest(&self, term: u32) -> impl Iterator<Item = u32> {
        self.terms[term as usize].1.iter().rev().copied()
    }

    /// How rare each term is among `n_articles` at hand.
    pub(super) fn rarities(&self, n_articles: usize) -> Rarities<'_> {
        let n_articles = n_articles as f32 + 2.0 + N_PRIOR;
        let tabulated = (0..N_TABULATED).map(|it| rarity(n_articles, it)).collect();
        Rarities { terms: &self.terms, n_articles, tabulated }
    }

    #[cfg(test)]
    pub(super) fn n_terms(&self) -> usize {
        self.numbers.len()
    }
}

/// Inverse document frequencies at one moment.
pub(super) struct Rarities<'a> {
    terms: &'a [(u64, VecDeque<u32>)],
    n_articles: f32,
    tabulated: Vec<f32>,
}

impl Rarities<'_> {
    /// Inverse document frequency, the article at hand included.
    pub(super) fn of(&self, term: u32) -> f32 {
        let n_with = self.terms[term as usize].1.len();
        let tabulated = self.tabulated.get(n_with).copied();
        tabulated.unwrap_or_else(|| rarity(self.n_articles, n_with))
    }
}

fn rarity(n_articles: f32, n_with: usize) -> f32 {
    (n_articles / (n_with as f32 + 1.5)).ln().max(0.05)
}

/// How alike two articles are in each sort of term: cosines of TF-IDF vectors, `0.0..=1.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct TermLikeness {
    /// Words of the leads; `None` when either has none. So for all fields.
    pub(super) lead_words: Option<f32>,
    pub(super) words: Option<f32>,
    pub(super) lead_names: Option<f32>,
    pub(super) names: Option<f32>,
    pub(super) numbers: Option<f32>,
    pub(super) acts: Option<f32>,
}

const N_VECTORS: usize = 6;

/// Adds what a term of weight `rarity` means for the product of two articles, or of one with
/// itself.
fn add_product(sums: &mut [f32; N_VECTORS], a: Use, b: Use, rarity: f32) {
    let square = rarity * rarity;
    let sorts = a.sorts & b.sorts;
    let all = count_weight(a.n_all) * count_weight(b.n_all) * square;
    let lead = count_weight(a.n_lead) * count_weight(b.n_lead) * square;
    if sorts & WORD != 0 {
        sums[0] += lead;
        sums[1] += all;
    }
    if sorts & NAME != 0 {
        sums[2] += lead;
        sums[3] += all;
    }
    if sorts & NUMBER != 0 {
        sums[4] += square;
    }
    if sorts & ACT != 0 {
        sums[5] += square;
    }
}

/// `1 + ln(count)`, 0 for 0.
fn count_weight(count: u8) -> f32 {
    const TABLE: [f32; 9] =
        [0.0, 1.0, 1.693_147, 2.098_612, 2.386_294, 2.609_438, 2.791_759, 2.945_91, 3.079_442];
    TABLE.get(usize::from(count)).copied().unwrap_or_else(|| 1.0 + f32::from(count).ln())
}

/// The squares of an article's vector lengths.
pub(super) struct Norms([f32; N_VECTORS]);

impl Norms {
    pub(super) fn of(uses: &Uses, rarities: &Rarities) -> Norms {
        let mut sums = [0.0; N_VECTORS];
        for it in uses {
            add_product(&mut sums, *it, *it, rarities.of(it.term));
        }
        Norms(sums)
    }
}

/// Compares an article, whose `norms` are known, with another.
pub(super) fn likeness(a: &Uses, norms: &Norms, b: &Uses, rarities: &Rarities) -> TermLikeness {
    let (mut common, mut squares) = ([0.0; N_VECTORS], [0.0; N_VECTORS]);
    let mut others = a.iter().peekable();
    for it in b {
        let rarity = rarities.of(it.term);
        add_product(&mut squares, *it, *it, rarity);
        while others.next_if(|other| other.term < it.term).is_some() {}
        if let Some(other) = others.next_if(|other| other.term == it.term) {
            add_product(&mut common, *it, *other, rarity);
        }
    }
    let cosine = |n: usize| {
        let product = (norms.0[n] * squares[n]).sqrt();
        (0.0 < product).then(|| common[n] / product)
    };
    TermLikeness {
        lead_words: cosine(0),
        words: cosine(1),
        lead_names: cosine(2),
        names: cosine(3),
        numbers: cosine(4),
        acts: cosine(5),
    }
}

/// The terms that find related articles best, with their weight, best first.
pub(super) fn tellers(uses: &Uses, rarities: &Rarities, n_max: usize) -> Vec<(u32, f32)> {
    let weight = |it: &Use| count_weight(it.n_all.max(1)) * rarities.of(it.term).powi(2);
    let mut tellers: Vec<(u32, f32)> = uses.iter().map(|it| (it.term, weight(it))).collect();
    tellers.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    tellers.truncate(n_max);
    tellers
}

/// Words, names and numbers of headline and text, entities and acts, by their hash.
fn drafts(input: &StoryInput) -> BTreeMap<u64, Draft> {
    let text = input.lead.trim();
    let first_line = text.lines().next().unwrap_or_default();
    let title = input.title.trim();
    // Without a headline the first line stands for it; where it repeats it, it counts once.
    let (title, body) = match title.is_empty() || title == first_line {
        true => (first_line, &text[first_line.len()..]),
        false => (title, text),
    };
    let mut drafts: BTreeMap<u64, Draft> = BTreeMap::new();
    let (mut lower, mut capital) = (HashSet::new(), HashSet::new());
    let mut n_chars = 0;
    for (number, line) in std::iter::once(title).chain(body.lines()).enumerate() {
        let weight = if number == 0 { HEADLINE_WEIGHT } else { 1 };
        let words: Vec<&str> = line.unicode_words().collect();
        let is_title_case = is_title_case(&words);
        for word in words {
            let Some(stem) = stem(word) else { continue };
            let term = hash(&stem);
            let draft = drafts.entry(term).or_default();
            draft.sorts |= WORD;
            draft.n_all = draft.n_all.saturating_add(weight);
            if n_chars < N_LEAD_CHARS {
                draft.n_lead = draft.n_lead.saturating_add(weight);
            }
            let first = word.chars().next().unwrap_or_default();
            if first.is_numeric() {
                draft.sorts |= if is_year(word) { 0 } else { NUMBER };
            } else if !first.is_uppercase() {
                lower.insert(term);
            } else if !is_title_case {
                capital.insert(term);
            }
        }
        n_chars += line.chars().count() + 1;
    }
    for name in capital.difference(&lower) {
        if let Some(draft) = drafts.get_mut(name) {
            draft.sorts |= NAME;
        }
    }
    for entity in &input.entities {
        drafts.insert(hash(entity), Draft { n_all: 1, n_lead: 1, sorts: ENTITY });
    }
    for act in &input.acts {
        drafts.insert(hash(act), Draft { n_all: 1, n_lead: 1, sorts: ACT });
    }
    drafts
}

fn is_title_case(words: &[&str]) -> bool {
    let (mut n_words, mut n_capital) = (0, 0);
    for word in words {
        let first = word.chars().next().unwrap_or_default();
        if first.is_alphabetic() && stem(word).is_some() {
            n_words += 1;
            n_capital += usize::from(first.is_uppercase());
        }
    }
    N_TITLE_WORDS_MIN <= n_words && TITLE_CASE_SHARE * n_words as f32 <= n_capital as f32
}

fn is_year(word: &str) -> bool {
    word.parse::<u32>().is_ok_and(|it| (1900..=2100).contains(&it))
}

/// A word in lower case without its most common English endings; `None` when it tells nothing.
pub(super) fn stem(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(&word);
    let endings = ["ing", "ed", "es", "s"].iter();
    let mut stems = endings.filter_map(|it| word.strip_suffix(it));
    let stem = stems.find(|it| 4 <= it.chars().count()).unwrap_or(word);
    (1 < stem.len() && !is_stop_word(stem)).then(|| stem.to_owned())
}

/// FNV-1a, 64 bits: the same on every machine, so that ties fall the same way.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness_of(a: &StoryInput, b: &StoryInput) -> TermLikeness {
        let mut index = TermIndex::default();
        let (a, b) = (index.uses(a), index.uses(b));
        let rarities = index.rarities(2);
        likeness(&a, &Norms::of(&a, &rarities), &b, &rarities)
    }

    fn told(title: &str, lead: &str) -> StoryInput {
        StoryInput { title: title.into(), lead: lead.into(), ..StoryInput::default() }
    }

    #[track_caller]
    fn check(cosine: Option<f32>, expected: f32) {
        assert!(cosine.is_some_and(|it| (it - expected).abs() < 1e-4), "{cosine:?}");
    }

    #[test]
    fn endings_and_stop_words_do_not_matter() {
        let rebels = told("Rebels attacked the ports", "");
        check(likeness_of(&rebels, &told("The rebel attacks a port", "")).words, 1.0);
        let fled = likeness_of(&rebels, &told("Rebels fled", ""));
        assert!(fled.words.is_some_and(|it| it < 0.9), "{fled:?}");
    }

    #[test]
    fn the_first_line_stands_for_a_missing_headline() {
        let lead = "Dam fails\nA dam has failed.";
        check(likeness_of(&told("Dam fails", lead), &told("", lead)).words, 1.0);
    }

    #[test]
    fn capitals_make_names_but_not_in_a_headline_that_has_them_throughout() {
        let valmora = told("Mayor of Valmora resigns after flood", "");
        let again = likeness_of(&valmora, &told("Flood: the mayor of Valmora has gone", ""));
        assert!(again.names.is_some_and(|it| 0.2 < it), "{again:?}");
        let shouted = told("Valmora Mayor Resigns After Flood", "");
        assert_eq!(likeness_of(&valmora, &shouted).names, None);
    }

    #[test]
    fn years_are_no_numbers_of_an_event() {
        let a = told("Quake of 5.6 kills 11 people in 2008", "");
        check(likeness_of(&a, &told("11 dead in quake of magnitude 5.6", "")).numbers, 1.0);
        assert_eq!(likeness_of(&a, &told("The year 2008", "")).numbers, None);
    }

    #[test]
    fn acts_are_likeness_of_their_own() {
        let with = |acts: &[&str]| StoryInput {
            acts: acts.iter().map(|it| (*it).to_owned()).collect(),
            ..told("Rebels attacked the ports", "")
        };
        let (one, other) = (with(&["Attack by x"]), with(&["Attack of y"]));
        check(likeness_of(&one, &one).acts, 1.0);
        check(likeness_of(&one, &other).acts, 0.0);
        check(likeness_of(&one, &other).words, 1.0);
        assert_eq!(likeness_of(&one, &with(&[])).acts, None);
    }

    #[test]
    fn terms_without_articles_are_forgotten() {
        let mut index = TermIndex::default();
        for number in 0..10 {
            let uses = index.uses(&told(&format!("Report x{number} of the harbour"), ""));
            index.add(&uses, number);
            index.remove(&uses, number);
        }
        assert_eq!(index.n_terms(), 0);
        assert!(index.terms.len() < 8);
    }
}
