//! The state machine that puts articles into stories.
//!
//! Related articles are found through the terms that they share, rare ones first; for each story
//! among them, [`likeness`](super::likeness) says how probably the new article tells of the same
//! event as the story's articles. Nearest and mean are mixed, so that one odd article does not
//! chain two stories together. Nothing of this grows with the number of old stories.

mod copies;
mod memory;
mod merge;
mod split;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::likeness::{Common, probability};
use super::stated_date::stated_date;
use super::terms::{Norms, Rarities, TermIndex, Uses, likeness, tellers};
use super::{StoryId, StoryInput};

pub use split::Split;

/// Share of the nearest article in the likeness to a story; the rest is the mean.
const NEAREST_SHARE: f32 = 0.5;
/// Likeness from which an article joins a story.
const THRESHOLD: f32 = 0.5;
/// What each day between an article and a story asks for on top: what recurs is not one event.
const THRESHOLD_PER_DAY: f32 = 0.01;
/// Terms of an article that is hardly longer than a headline, entities among them.
const N_TERMS_OF_HEADLINE: usize = 20;
/// Days between two stated dates that still mean one event.
const SAME_DATE_DAYS: i64 = 7;

/// Newest articles of a story that a new one is compared with.
const N_COMPARED_MAX: usize = 24;
/// Stories that are compared with a new article.
const N_STORIES_MAX: usize = 16;
/// Terms through which stories are found.
const N_TELLERS_MAX: usize = 48;
/// Newest articles with a term through which stories are found.
const N_POSTINGS_READ_MAX: usize = 400;

/// Puts articles into stories, one after the other.
///
/// A pure state machine: the same articles in the same order give the same stories, and an article
/// that comes again stays where it was. It remembers the articles of one time window, at most
/// 50 000; given those in their order, [`restore`](StoryClusterer::restore) makes the same state.
pub struct StoryClusterer {
    window: TimeDelta,
    /// Whether articles of any time are remembered, and each is only held against those of its own.
    is_of_any_time: bool,
    /// Articles by number of arrival.
    members: BTreeMap<u32, Member>,
    n_seen: u32,
    by_time: BTreeSet<(DateTime<Utc>, u32)>,
    by_article: HashMap<String, u32>,
    /// Numbers of the articles of each story, rising.
    by_story: HashMap<StoryId, VecDeque<u32>>,
    terms: TermIndex,
}

/// Where an article went, and what follows for its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its story: one of before, or one that it founds.
    pub story: StoryId,
    /// Headline of the story's most central article; `None` when that has none.
    pub headline: Option<String>,
    /// The original that it repeats, by its id; `None` when it was written independently.
    pub copy_of: Option<String>,
    /// The article that was the original until now and repeats this one, which was published before
    /// it, by its id; its copies are this one's from now on. `None` when there is none.
    pub leads: Option<String>,
    /// Stories that turned out to be this one: they end here.
    pub merged: Vec<StoryId>,
    /// Articles that leave a story, which this article showed to be two; it may be among them.
    pub split: Option<Split>,
}

struct Member {
    article: String,
    title: String,
    story: StoryId,
    features: Features,
    at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
    copy_of: Option<String>,
    /// Whether somebody said that it belongs to this story.
    is_decided: bool,
    /// Sum of the likenesses to other articles of the story, and how many these are.
    closeness: (f32, u32),
}

/// What an article is compared by.
struct Features {
    /// The embedding in steps of 1/127; empty when unknown.
    meaning: Box<[i8]>,
    uses: Uses,
    language: Option<String>,
    /// Date that the text states, when nothing else dates the article.
    stated: Option<NaiveDate>,
}

impl Features {
    fn of(input: &StoryInput, terms: &mut TermIndex) -> Features {
        let is_known = input.embedding.iter().any(|&it| it != 0.0);
        let steps = input.embedding.iter().map(|it| (it * 127.0).round() as i8);
        Features {
            meaning: if is_known { steps.collect() } else { Box::default() },
            uses: terms.uses(input),
            language: input.language.clone(),
            stated: match input.at {
                None => stated_date(&format!("{}\n{}", input.title, input.lead)),
                Some(_) => None,
            },
        }
    }

    fn is_short(&self) -> bool {
        self.uses.iter().filter(|it| it.is_of_text()).count() <= N_TERMS_OF_HEADLINE
    }

    fn meaning_likeness(&self, other: &Features) -> Option<f32> {
        let is_known = !self.meaning.is_empty() && self.meaning.len() == other.meaning.len();
        is_known.then(|| {
            let products = self.meaning.iter().zip(&other.meaning);
            let sum: i32 = products.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            sum as f32 / (127.0 * 127.0)
        })
    }
}

/// An article on its way into a story.
struct Newcomer<'a> {
    features: &'a Features,
    norms: Norms,
    rarities: Rarities<'a>,
}

impl Newcomer<'_> {
    /// How probably it tells of the same event as another article, and the cosine of their words.
    fn likeness(&self, other: &Features) -> (f32, f32) {
        let terms = likeness(&self.features.uses, &self.norms, &other.uses, &self.rarities);
        let languages = (&self.features.language, &other.language);
        let dates = (self.features.stated, other.stated);
        let common = Common {
            meaning: self.features.meaning_likeness(other),
            terms,
            is_one_language: !matches!(languages, (Some(a), Some(b)) if a != b),
            is_same_date: matches!(dates, (Some(a), Some(b))
                if (a - b).num_days().abs() <= SAME_DATE_DAYS),
            is_short: self.features.is_short() && other.is_short(),
        };
        (probability(common), terms.words.unwrap_or(0.0))
    }
}

/// A story as a newcomer sees it.
struct Seen {
    story: StoryId,
    /// By how much the likeness exceeds what is asked for.
    surplus: f32,
    /// Articles compared with: number, likeness, cosine of words.
    compared: Vec<(u32, f32, f32)>,
}

impl StoryClusterer {
    /// An empty state. An article can join a story one of whose articles is at most `window` older
    /// or younger.
    pub fn new(window: TimeDelta) -> StoryClusterer {
        StoryClusterer {
            window,
            is_of_any_time: false,
            members: BTreeMap::new(),
            n_seen: 0,
            by_time: BTreeSet::new(),
            by_article: HashMap::new(),
            by_story: HashMap::new(),
            terms: TermIndex::default(),
        }
    }

    /// The story of an article: one of before, or one that it founds.
    pub fn assign(&mut self, input: &StoryInput) -> StoryId {
        self.place(input).story
    }

    /// Puts an article into the story that it is likest to, or into a new one.
    pub fn place(&mut self, input: &StoryInput) -> Placed {
        if let Some(member) = self.by_article.get(&input.article).map(|it| &self.members[it]) {
            let (story, copy_of) = (member.story.clone(), member.copy_of.clone());
            let headline = self.headline(&story);
            return Placed { story, headline, copy_of, leads: None, merged: vec![], split: None };
        }
        let features = Features::of(input, &mut self.terms);
        let mut seen = self.seen(&features, input.at).into_iter();
        let (story, compared) = match seen.next() {
            Some(best) => (best.story, best.compared),
            None => (StoryId::founded_by(&input.article), vec![]),
        };
        let others: Vec<StoryId> = seen.map(|it| it.story).collect();
        let (copy_of, leads) = self.copied(input, &compared);
        self.keep(input, features, story.clone(), copy_of.clone(), &compared);
        if let Some(former) = &leads {
            self.lead(&story, former, &input.article);
        }
        let (story, merged) = self.merge(story, others);
        // What one article brings together it does not take apart as well.
        let split = if merged.is_empty() { self.split(&story, mean(&compared)) } else { None };
        let left = split.as_ref().filter(|it| it.articles.contains(&input.article));
        let story = left.map_or(story, |it| it.to.clone());
        let headline = self.headline(&story);
        Placed { story, headline, copy_of, leads, merged, split }
    }

    /// Takes an article whose story was found before, and the original that it repeats.
    pub fn restore(&mut self, input: &StoryInput, story: StoryId, copy_of: Option<String>) {
        if self.by_article.contains_key(&input.article) {
            return;
        }
        let features = Features::of(input, &mut self.terms);
        let newcomer = self.newcomer(&features);
        let compared = self.compare(&newcomer, &story, input.at);
        self.keep(input, features, story, copy_of, &compared);
    }

    /// Headline of the story's most central article, the first of equals.
    fn headline(&self, story: &StoryId) -> Option<String> {
        let mut best: Option<(f32, &Member)> = None;
        for number in self.by_story.get(story)?.iter() {
            let member = &self.members[number];
            let closeness = member.closeness.0 / member.closeness.1.max(1) as f32;
            let is_better = best.is_none_or(|(most, _)| most < closeness);
            if is_better && member.copy_of.is_none() && !member.title.trim().is_empty() {
                best = Some((closeness, member));
            }
        }
        best.map(|(_, member)| member.title.clone())
    }

    fn newcomer<'a>(&'a self, features: &'a Features) -> Newcomer<'a> {
        let rarities = self.terms.rarities(self.members.len());
        let norms = Norms::of(&features.uses, &rarities);
        Newcomer { features, norms, rarities }
    }

    /// The stories that an article is like enough to join, best first.
    fn seen(&self, features: &Features, at: Option<DateTime<Utc>>) -> Vec<Seen> {
        let newcomer = self.newcomer(features);
        let mut seen: Vec<Seen> = vec![];
        for story in self.candidates(&newcomer, at) {
            let Some(days) = self.days_between(story, at) else { continue };
            let compared = self.compare(&newcomer, story, at);
            let nearest = compared.iter().map(|it| it.1).fold(0.0_f32, f32::max);
            let likeness = NEAREST_SHARE * nearest + (1.0 - NEAREST_SHARE) * mean(&compared);
            let surplus = likeness - THRESHOLD - THRESHOLD_PER_DAY * days;
            if 0.0 <= surplus {
                seen.push(Seen { story: story.clone(), surplus, compared });
            }
        }
        // A stable sort: of equals the better candidate stays first.
        seen.sort_by(|a, b| b.surplus.total_cmp(&a.surplus));
        seen
    }

    /// The stories whose articles share the most weight of terms, best first.
    fn candidates(&self, newcomer: &Newcomer, at: Option<DateTime<Utc>>) -> Vec<&StoryId> {
        let mut shared: HashMap<u32, f32> = HashMap::new();
        for (term, weight) in tellers(&newcomer.features.uses, &newcomer.rarities, N_TELLERS_MAX) {
            for number in self.terms.newest(term).take(N_POSTINGS_READ_MAX) {
                *shared.entry(number).or_default() += weight;
            }
        }
        let mut shared: Vec<(u32, f32)> = shared.into_iter().collect();
        shared.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut stories: Vec<&StoryId> = vec![];
        for (number, _) in shared {
            let Member { story, at: its_at, .. } = &self.members[&number];
            if !stories.contains(&story) && !self.is_far(at, *its_at) {
                stories.push(story);
            }
            if stories.len() == N_STORIES_MAX {
                break;
            }
        }
        stories
    }

    /// Days between an article and the nearest of a story's newest; 0 when either has no date,
    /// `None` when they are more than the window apart.
    fn days_between(&self, story: &StoryId, at: Option<DateTime<Utc>>) -> Option<f32> {
        let Some(at) = at else { return Some(0.0) };
        let others = self.nearest(story, Some(at)).into_iter();
        let others = others.filter_map(|it| self.members[&it].at);
        let Some(gap) = others.map(|it| (at - it).abs()).min() else { return Some(0.0) };
        (gap <= self.window).then(|| gap.as_seconds_f32() / 86_400.0)
    }

    fn newest(&self, story: &StoryId) -> impl Iterator<Item = u32> {
        let numbers = self.by_story.get(story).into_iter().flatten();
        numbers.rev().take(N_COMPARED_MAX).copied()
    }

    fn compare(
        &self,
        newcomer: &Newcomer,
        story: &StoryId,
        at: Option<DateTime<Utc>>,
    ) -> Vec<(u32, f32, f32)> {
        let compared = self.nearest(story, at).into_iter().map(|number| {
            let (likeness, words) = newcomer.likeness(&self.members[&number].features);
            (number, likeness, words)
        });
        compared.collect()
    }

    fn keep(
        &mut self,
        input: &StoryInput,
        features: Features,
        story: StoryId,
        copy_of: Option<String>,
        compared: &[(u32, f32, f32)],
    ) {
        let number = self.n_seen;
        self.n_seen += 1;
        self.terms.add(&features.uses, number);
        self.by_article.insert(input.article.clone(), number);
        self.by_story.entry(story.clone()).or_default().push_back(number);
        self.by_time.extend(input.at.map(|at| (at, number)));
        let mut closeness = (0.0, 0);
        for (other, likeness, _) in compared {
            closeness = (closeness.0 + likeness, closeness.1 + 1);
            if let Some(other) = self.members.get_mut(other) {
                other.closeness = (other.closeness.0 + likeness, other.closeness.1 + 1);
            }
        }
        let member = Member {
            article: input.article.clone(),
            title: input.title.clone(),
            story,
            features,
            at: input.at,
            published_at: input.published_at,
            copy_of,
            is_decided: false,
            closeness,
        };
        self.members.insert(number, member);
        self.forget();
    }
}

/// Mean likeness of those compared with.
fn mean(compared: &[(u32, f32, f32)]) -> f32 {
    compared.iter().map(|it| it.1).sum::<f32>() / compared.len().max(1) as f32
}

/// Takes `number` from the rising numbers of `story`, and the story with its last one.
fn remove_number(stories: &mut HashMap<StoryId, VecDeque<u32>>, story: &StoryId, number: u32) {
    let Some(numbers) = stories.get_mut(story) else { return };
    if let Ok(at) = numbers.binary_search(&number) {
        numbers.remove(at);
    }
    if numbers.is_empty() {
        stories.remove(story);
    }
}

#[cfg(test)]
#[path = "clusterer_tests.rs"]
mod tests;
