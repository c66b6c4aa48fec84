//! The state machine that puts articles into stories.
//!
//! An article is like a story by three signals: meaning (cosine of embeddings), words and entities
//! (cosines of TF-IDF vectors, rare ones weigh most). Nearest and mean likeness to the story's
//! articles are mixed, so that one odd article does not chain two stories together. The weights
//! were chosen on `ecbplus-dev` and `newswcl50`, where a wide range of them does as well.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::terms::{Term, Terms, entities, words};
use super::{StoryId, StoryInput};

const MEANING_WEIGHT: f32 = 0.5;
const WORDS_WEIGHT: f32 = 0.3;
const ENTITIES_WEIGHT: f32 = 0.2;
/// Share of the nearest article in the likeness to a story; the rest is the mean.
const NEAREST_SHARE: f32 = 0.75;
/// Likeness from which an article joins a story.
const THRESHOLD: f32 = 0.46;
/// What each day between an article and a story asks for on top: what recurs is not one event.
const THRESHOLD_PER_DAY: f32 = 0.005;

/// Articles kept at most, whatever the time window.
const N_ARTICLES_MAX: usize = 50_000;
/// Newest articles of a story that a new one is compared with.
const N_COMPARED_MAX: usize = 24;
/// Stories that are compared with a new article.
const N_STORIES_MAX: usize = 40;
/// Newest articles with a term through which stories are found.
const N_POSTINGS_READ_MAX: usize = 500;
/// Articles taken to have been read before the first, so that early weights are not extreme.
const N_PRIOR: f32 = 50.0;

/// Puts articles into stories, one after the other.
///
/// A pure state machine: the same articles in the same order give the same stories, and an article
/// that comes again stays where it was. It remembers the articles of one time window, at most
/// 50 000; given those in their order, [`restore`](StoryClusterer::restore) makes the same state.
pub struct StoryClusterer {
    window: TimeDelta,
    /// Articles by number of arrival.
    members: BTreeMap<usize, Member>,
    n_seen: usize,
    by_time: BTreeSet<(DateTime<Utc>, usize)>,
    by_article: HashMap<String, usize>,
    /// Numbers of the articles of each story, rising.
    by_story: HashMap<StoryId, VecDeque<usize>>,
    /// Numbers of the articles with each term, rising.
    by_term: HashMap<Term, VecDeque<usize>>,
}

struct Member {
    article: String,
    story: StoryId,
    features: Features,
    at: Option<DateTime<Utc>>,
}

/// What an article is compared by.
struct Features {
    embedding: Vec<f32>,
    words: Terms,
    entities: Terms,
}

impl Features {
    fn of(input: &StoryInput) -> Features {
        let embedding = input.embedding.clone();
        Features { embedding, words: words(input), entities: entities(input) }
    }

    fn terms(&self) -> impl Iterator<Item = &(Term, f32)> {
        self.words.iter().chain(&self.entities)
    }
}

impl StoryClusterer {
    /// An empty state. An article can join a story one of whose articles is at most `window` older
    /// or younger.
    pub fn new(window: TimeDelta) -> StoryClusterer {
        StoryClusterer {
            window,
            members: BTreeMap::new(),
            n_seen: 0,
            by_time: BTreeSet::new(),
            by_article: HashMap::new(),
            by_story: HashMap::new(),
            by_term: HashMap::new(),
        }
    }

    /// The story of an article: one of before, or one that it founds.
    pub fn assign(&mut self, input: &StoryInput) -> StoryId {
        if let Some(number) = self.by_article.get(&input.article) {
            return self.members[number].story.clone();
        }
        let features = Features::of(input);
        let joined = self.likest(&features, input.at);
        let story = joined.unwrap_or_else(|| StoryId::founded_by(&input.article));
        self.keep(input, features, story.clone());
        story
    }

    /// Takes an article whose story was decided before.
    pub fn restore(&mut self, input: &StoryInput, story: StoryId) {
        if !self.by_article.contains_key(&input.article) {
            self.keep(input, Features::of(input), story);
        }
    }

    /// The story that an article is likest to, if it is like enough.
    fn likest(&self, features: &Features, at: Option<DateTime<Utc>>) -> Option<StoryId> {
        let mut best: Option<(f32, &StoryId)> = None;
        for story in self.candidates(features) {
            let Some(days) = self.days_between(story, at) else { continue };
            let surplus =
                self.likeness_to_story(features, story) - THRESHOLD - THRESHOLD_PER_DAY * days;
            if 0.0 <= surplus && best.is_none_or(|(most, _)| most < surplus) {
                best = Some((surplus, story));
            }
        }
        best.map(|(_, story)| story.clone())
    }

    /// The stories whose articles share the most weight of terms, best first.
    fn candidates(&self, features: &Features) -> Vec<&StoryId> {
        let mut shared: BTreeMap<usize, f32> = BTreeMap::new();
        for (term, weight) in features.terms() {
            let Some(numbers) = self.by_term.get(term) else { continue };
            let weight = weight * self.rarity(*term).powi(2);
            for number in numbers.iter().rev().take(N_POSTINGS_READ_MAX) {
                *shared.entry(*number).or_default() += weight;
            }
        }
        let mut shared: Vec<(usize, f32)> = shared.into_iter().collect();
        shared.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut stories: Vec<&StoryId> = vec![];
        for (number, _) in shared {
            let story = &self.members[&number].story;
            if !stories.contains(&story) {
                stories.push(story);
            }
            if stories.len() == N_STORIES_MAX {
                break;
            }
        }
        stories
    }

    /// Days between an article and the nearest of a story; 0 when either has no date, `None` when
    /// they are more than the window apart.
    fn days_between(&self, story: &StoryId, at: Option<DateTime<Utc>>) -> Option<f32> {
        let Some(at) = at else { return Some(0.0) };
        let others = self.by_story[story].iter().filter_map(|number| self.members[number].at);
        let Some(gap) = others.map(|it| (at - it).abs()).min() else { return Some(0.0) };
        (gap <= self.window).then(|| gap.as_seconds_f32() / 86_400.0)
    }

    fn likeness_to_story(&self, features: &Features, story: &StoryId) -> f32 {
        let members = self.by_story[story].iter().rev().take(N_COMPARED_MAX);
        let (mut nearest, mut sum, mut n) = (0.0_f32, 0.0, 0.0);
        for number in members {
            let likeness = self.likeness(features, &self.members[number].features);
            nearest = nearest.max(likeness);
            sum += likeness;
            n += 1.0;
        }
        NEAREST_SHARE * nearest + (1.0 - NEAREST_SHARE) * sum / n
    }

    /// Where an article lacks embedding or entities, its words stand for them.
    fn likeness(&self, a: &Features, b: &Features) -> f32 {
        let words = self.cosine(&a.words, &b.words).unwrap_or(0.0);
        let entities = self.cosine(&a.entities, &b.entities).unwrap_or(words);
        let has_meaning = [a, b].iter().all(|it| it.embedding.iter().any(|&value| value != 0.0));
        let meaning = match has_meaning {
            true => a.embedding.iter().zip(&b.embedding).map(|(a, b)| a * b).sum(),
            false => words,
        };
        MEANING_WEIGHT * meaning + WORDS_WEIGHT * words + ENTITIES_WEIGHT * entities
    }

    /// TF-IDF cosine; `None` when either has no terms.
    fn cosine(&self, a: &Terms, b: &Terms) -> Option<f32> {
        let norm = |terms: &Terms| {
            terms.iter().map(|(term, it)| (it * self.rarity(*term)).powi(2)).sum::<f32>().sqrt()
        };
        let product = norm(a) * norm(b);
        let mut others = b.iter().peekable();
        let mut common = 0.0;
        for (term, weight) in a {
            while others.next_if(|(other, _)| other < term).is_some() {}
            if let Some((_, other)) = others.next_if(|(other, _)| other == term) {
                common += weight * other * self.rarity(*term).powi(2);
            }
        }
        (0.0 < product).then(|| common / product)
    }

    /// Inverse document frequency among the articles at hand, the new one included.
    fn rarity(&self, term: Term) -> f32 {
        let n_with = self.by_term.get(&term).map_or(0, VecDeque::len) as f32 + 1.0;
        ((self.members.len() as f32 + 2.0 + N_PRIOR) / (n_with + 0.5)).ln()
    }

    fn keep(&mut self, input: &StoryInput, features: Features, story: StoryId) {
        let number = self.n_seen;
        self.n_seen += 1;
        for (term, _) in features.terms() {
            self.by_term.entry(*term).or_default().push_back(number);
        }
        self.by_article.insert(input.article.clone(), number);
        self.by_story.entry(story.clone()).or_default().push_back(number);
        self.by_time.extend(input.at.map(|at| (at, number)));
        let article = input.article.clone();
        self.members.insert(number, Member { article, story, features, at: input.at });
        self.forget();
    }

    /// Drops what is older than the newest article by more than the window, and the first to come
    /// when there are too many.
    fn forget(&mut self) {
        let newest = self.by_time.last().map(|(at, _)| *at);
        while let Some(&(at, number)) = self.by_time.first()
            && newest.is_some_and(|newest| self.window < newest - at)
        {
            self.drop_member(number);
        }
        while N_ARTICLES_MAX < self.members.len() {
            let first = *self.members.keys().next().expect("there are too many");
            self.drop_member(first);
        }
    }

    fn drop_member(&mut self, number: usize) {
        let Some(member) = self.members.remove(&number) else { return };
        if let Some(at) = member.at {
            self.by_time.remove(&(at, number));
        }
        self.by_article.remove(&member.article);
        remove_number(&mut self.by_story, &member.story, number);
        for (term, _) in member.features.terms() {
            remove_number(&mut self.by_term, term, number);
        }
    }
}

/// Takes `number` from the rising numbers of `key`, and the key with its last one.
fn remove_number<K: Eq + std::hash::Hash>(
    numbers: &mut HashMap<K, VecDeque<usize>>,
    key: &K,
    number: usize,
) {
    let Some(list) = numbers.get_mut(key) else { return };
    if let Ok(at) = list.binary_search(&number) {
        list.remove(at);
    }
    if list.is_empty() {
        numbers.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(article: &str, title: &str, day: u32) -> StoryInput {
        let at = chrono::NaiveDate::from_ymd_opt(2026, 3, day).expect("the day exists");
        StoryInput {
            article: article.to_owned(),
            title: title.to_owned(),
            at: Some(at.and_time(chrono::NaiveTime::MIN).and_utc()),
            ..StoryInput::default()
        }
    }

    fn clusterer() -> StoryClusterer {
        StoryClusterer::new(TimeDelta::days(14))
    }

    const FLOOD: &str = "Harbour town of Valmora flooded after dam gate fails";
    const FLOOD_AGAIN: &str = "Valmora harbour flooded as dam gate fails";
    const STRIKE: &str = "Drone strike damages substation near northern border";

    #[test]
    fn reports_of_one_event_share_a_story_and_others_do_not() {
        let mut stories = clusterer();
        let flood = stories.assign(&input("a", FLOOD, 1));
        let strike = stories.assign(&input("b", STRIKE, 1));
        let again = stories.assign(&input("c", FLOOD_AGAIN, 2));
        assert_eq!(flood, again);
        assert_ne!(flood, strike);
    }

    #[test]
    fn meaning_and_entities_join_what_words_do_not() {
        let told = |article: &str, title: &str| StoryInput {
            embedding: vec![0.6, 0.8],
            entities: vec!["place:valmora".into()],
            ..input(article, title, 1)
        };
        let mut stories = clusterer();
        let first = stories.assign(&told("a", "Water everywhere"));
        assert_eq!(first, stories.assign(&told("b", "Valmora: Damm gebrochen")));
        let elsewhere = StoryInput { embedding: vec![0.8, -0.6], ..told("c", "Mayor resigns") };
        assert_ne!(first, stories.assign(&elsewhere));
    }

    #[test]
    fn an_article_outside_the_window_founds_a_story() {
        let mut stories = clusterer();
        let first = stories.assign(&input("a", FLOOD, 1));
        assert_ne!(first, stories.assign(&input("b", FLOOD, 20)));
        // What came late joins the story of its own days only while that is remembered.
        assert_eq!(stories.members.len(), 1);
    }

    #[test]
    fn an_article_that_comes_again_stays_where_it_was() {
        let mut stories = clusterer();
        let first = stories.assign(&input("a", FLOOD, 1));
        stories.assign(&input("b", STRIKE, 1));
        assert_eq!(first, stories.assign(&input("a", STRIKE, 2)));
        assert_eq!(stories.members.len(), 2);
    }

    #[test]
    fn a_restored_state_decides_as_the_one_before() {
        let (mut before, mut after) = (clusterer(), clusterer());
        for (article, title, day) in [("a", FLOOD, 1), ("b", STRIKE, 1), ("c", FLOOD_AGAIN, 12)] {
            let story = before.assign(&input(article, title, day));
            after.restore(&input(article, title, day), story);
        }
        let next = input("d", "Dam gate fails, Valmora flooded", 15);
        assert_eq!(before.assign(&next), after.assign(&next));
        assert_eq!(before.assign(&next).as_str(), "a");
    }

    #[test]
    fn memory_follows_the_window() {
        let mut stories = clusterer();
        for day in 1..=28 {
            stories.assign(&input(
                &format!("a{day}"),
                &format!("Report number {day} of x{day}"),
                day,
            ));
        }
        assert_eq!(stories.members.len(), 15);
        assert_eq!(stories.by_article.len(), 15);
        assert_eq!(stories.by_time.len(), 15);
        let n_in_stories: usize = stories.by_story.values().map(VecDeque::len).sum();
        assert_eq!(n_in_stories, 15);
        assert!(stories.by_term.values().all(|it| !it.is_empty()));
    }
}
