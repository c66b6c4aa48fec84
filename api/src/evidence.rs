//! Statements with the articles that make them, and what several of them say alike: [`merge`].
//!
//! Pages and answers to programs show the same groups; which statements are alike is decided by
//! [`index::merging`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use index::StatementRecord;
use index::archive::told_before::ToldBefore;
use index::merging::{Said, groups, n_named};
use nlp::{Statement, StatementKind};

/// One statement with the article that makes it.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) statement: Statement,
    /// The sentence, from the character on at which it begins.
    pub(crate) sentence: String,
    /// Whether it stands in the headline.
    pub(crate) in_title: bool,
    pub(crate) article_id: String,
    /// The article's page.
    pub(crate) article_url: String,
    /// Id of the article that its article repeats; `None` when it was written independently.
    pub(crate) copy_of: Option<String>,
    pub(crate) source_id: String,
    pub(crate) source_name: String,
    /// ISO 639-1 code of the article.
    pub(crate) language: Option<String>,
    pub(crate) is_sample: bool,
    /// When the article was published, or else fetched.
    pub(crate) dated_at: DateTime<Utc>,
    /// The article's story with its headline.
    pub(crate) story: Option<(String, String)>,
    /// Where the story had said all of it before the time that the page shows; `None` when
    /// something in it is new, or nobody asked.
    pub(crate) told_before: Option<ToldBefore>,
}

impl Evidence {
    /// The statement of `record`; `story` is its story with the headline.
    pub(crate) fn of(record: StatementRecord, story: Option<(String, String)>) -> Evidence {
        Evidence {
            statement: record.statement,
            sentence: record.sentence,
            in_title: record.in_title,
            article_id: record.article.to_string(),
            article_url: record.article_url,
            copy_of: record.copy_of.map(|it| it.to_string()),
            source_id: record.source.to_string(),
            source_name: record.source_name,
            language: record.language,
            is_sample: record.is_sample,
            dated_at: record.dated_at,
            story,
            told_before: None,
        }
    }

    fn said(&self) -> Said<'_> {
        Said {
            statement: &self.statement,
            article: &self.article_id,
            story: self.story.as_ref().map(|it| it.0.as_str()),
            in_title: self.in_title,
        }
    }
}

/// Statements that say the same, in order of time; never empty.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    members: Vec<Evidence>,
    /// Place of [`Merged::best`].
    best: usize,
}

/// Groups statements that say the same; of one article, when it is in no story.
///
/// Headlines that repeat a sentence of their own article fall into its group too.
pub(crate) fn merge(mut all: Vec<Evidence>) -> Vec<Merged> {
    all.sort_by(|a, b| a.dated_at.cmp(&b.dated_at).then_with(|| a.article_id.cmp(&b.article_id)));
    let places = groups(&all.iter().map(Evidence::said).collect::<Vec<_>>());
    let mut all: Vec<Option<Evidence>> = all.into_iter().map(Some).collect();
    let mut merged = Vec::with_capacity(places.len());
    for group in places {
        merged.push(Merged::of(group.into_iter().filter_map(|it| all[it].take()).collect()));
    }
    merged
}

impl Merged {
    fn of(members: Vec<Evidence>) -> Merged {
        let rank = |it: &Evidence| {
            let sureness = (it.statement.score * 10.0).round() as i64;
            (n_named(&it.statement), !it.in_title, sureness)
        };
        // Of equals `max_by_key` takes the last.
        let best = (0..members.len()).rev().max_by_key(|&it| rank(&members[it]));
        Merged { best: best.unwrap_or_default(), members }
    }

    /// What is said, by the member whose sentence says it best: the one that names most parties,
    /// the body before the headline, then the surest (to a tenth), then the first.
    pub(crate) fn best(&self) -> &Evidence {
        &self.members[self.best]
    }

    /// The kind of all members.
    pub(crate) fn kind(&self) -> StatementKind {
        self.members[0].statement.kind
    }

    /// When it was said last.
    pub(crate) fn latest_at(&self) -> DateTime<Utc> {
        self.members.last().expect("a group has members").dated_at
    }

    /// When it was said first.
    pub(crate) fn first_at(&self) -> DateTime<Utc> {
        self.members[0].dated_at
    }

    /// Where the story had said it before; `None` when one of the members says something new.
    pub(crate) fn told_before(&self) -> Option<&ToldBefore> {
        let is_old = self.members.iter().all(|it| it.told_before.is_some());
        self.best().told_before.as_ref().filter(|_| is_old)
    }

    /// All members in order of time.
    pub(crate) fn members(&self) -> &[Evidence] {
        &self.members
    }

    /// The articles that say it, each by its first member, in order of time, and whether they only
    /// repeat others: as a whole, or word for word where they say it.
    pub(crate) fn articles(&self) -> Vec<(&Evidence, bool)> {
        let mut said: BTreeMap<String, &str> = BTreeMap::new();
        // Without the original among them, the first of its copies stands for it.
        let mut told: BTreeMap<&str, &str> = BTreeMap::new();
        let mut articles: Vec<(&Evidence, bool)> = Vec::new();
        for member in &self.members {
            let article = member.article_id.as_str();
            let original = member.copy_of.as_deref().unwrap_or(article);
            let first_said = *said.entry(words(&member.sentence)).or_insert(article);
            let first_told = *told.entry(original).or_insert(article);
            let is_copy = first_said != article || first_told != article;
            match articles.last_mut().filter(|it| it.0.article_id == article) {
                Some(known) => known.1 &= is_copy,
                None => articles.push((member, is_copy)),
            }
        }
        articles
    }

    /// Sources that wrote for themselves, and articles that repeat another.
    pub(crate) fn n_sources_and_copies(&self) -> (usize, usize) {
        let articles = self.articles();
        let own = articles.iter().filter(|it| !it.1).map(|it| it.0.source_id.as_str());
        let n_sources = own.collect::<BTreeSet<_>>().len();
        (n_sources, articles.iter().filter(|it| it.1).count())
    }

    /// The sentences that say it, that of [`Merged::best`] first, the others in order of time; each
    /// with the articles that hold it word for word, oldest first.
    pub(crate) fn sentences(&self) -> Vec<Vec<&Evidence>> {
        let mut places = BTreeMap::from([(words(&self.best().sentence), 0)]);
        let mut sentences: Vec<Vec<&Evidence>> = vec![Vec::new()];
        for member in &self.members {
            let place = *places.entry(words(&member.sentence)).or_insert(sentences.len());
            if place == sentences.len() {
                sentences.push(Vec::new());
            }
            let known = &mut sentences[place];
            if known.last().is_none_or(|it| it.article_id != member.article_id) {
                known.push(member);
            }
        }
        sentences
    }
}

/// The letters and digits of a sentence, so that typography does not make a copy an original.
fn words(sentence: &str) -> String {
    sentence.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
