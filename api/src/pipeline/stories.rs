//! What the correlate stage knows of stories: the articles of the last days, and for those that come
//! long after their time, as out of web archives, the archived articles of their days.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use index::StoryInput as Archived;
use index::archive::Archive;
use nlp::story::{Placed, StoryClusterer, StoryInput};

/// Articles, and moves of articles, that are read at once.
const N_PER_READ: usize = 1_000;
/// Articles about the time of an old one that are enough to be held against it: with so many, days
/// further away are not read.
const N_NEAR_MAX: usize = 5_000;
/// Articles of long ago in memory, from which on days that are not in use are forgotten.
const N_PAST_MAX: usize = 30_000;
/// After this time without an old article all of them are forgotten.
const PAST_IDLE: TimeDelta = TimeDelta::hours(1);

/// The state of the stage.
pub(super) struct Stories {
    window: TimeDelta,
    /// Of the last days.
    live: StoryClusterer,
    past: Past,
    /// The last move of an article that was followed.
    last_move: i64,
}

impl Stories {
    /// The state as it was, from the articles of the last `window` before `now`.
    pub(super) async fn restore(
        archive: &Archive,
        window: TimeDelta,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Stories> {
        // Taken first: a move in between is then followed a second time, which changes nothing.
        let last_move = archive.last_story_move().await?;
        let mut live = StoryClusterer::new(window);
        let mut after = 0;
        loop {
            let read = archive.recent_story_inputs(now - window, after, N_PER_READ).await;
            let inputs = read.context("stories could not be restored")?;
            let Some(last) = inputs.last() else { break };
            after = last.arrival;
            for it in inputs {
                tell(&mut live, it);
            }
        }
        Ok(Stories { window, live, past: Past::new(window, now), last_move })
    }

    /// Puts an article into a story: among those of the last days, or of its own time when it is
    /// older than what is remembered.
    pub(super) async fn place(
        &mut self,
        archive: &Archive,
        input: &StoryInput,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Placed> {
        let Some(at) = input.at else { return Ok(self.live.place(input)) };
        // An archive that has nothing of these days is as old as its newest article.
        let latest = self.live.latest().filter(|it| now - self.window <= *it);
        if latest.unwrap_or(now) - self.window <= at {
            let placed = self.live.place(input);
            self.past.hear(input, at, &placed);
            return Ok(placed);
        }
        let placed = self.past.around(archive, at, now).await?.place(input);
        if latest.is_none() {
            // Where all is read anew, the first articles of the last days find those before them.
            self.live.restore(input, placed.story.clone(), placed.copy_of.clone());
        }
        Ok(placed)
    }

    /// Moves articles as the archive did since: by analysts, by other workers, and where the archive
    /// knew better than this stage.
    pub(super) async fn follow_moves(
        &mut self,
        archive: &Archive,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        if PAST_IDLE < now - self.past.used_at {
            self.past = Past::new(self.window, now);
        }
        loop {
            let moves = archive.story_moves_after(self.last_move, N_PER_READ).await;
            let moves = moves.context("changes of stories could not be read")?;
            for it in &moves {
                let article = it.article.to_string();
                for stories in [&mut self.live, &mut self.past.stories] {
                    stories.move_article(&article, &it.story, it.is_pinned);
                }
                self.last_move = it.seq;
            }
            if moves.len() < N_PER_READ {
                return Ok(());
            }
        }
    }
}

/// Articles of days long ago, a day at a time: what is read once serves the next articles of about
/// that time, in whatever order they come.
struct Past {
    window: TimeDelta,
    stories: StoryClusterer,
    /// Days that were read, each with the round in which it was in use last.
    days: BTreeMap<NaiveDate, u64>,
    n_rounds: u64,
    used_at: DateTime<Utc>,
    /// [`N_PAST_MAX`].
    n_max: usize,
}

impl Past {
    fn new(window: TimeDelta, now: DateTime<Utc>) -> Past {
        Past {
            window,
            stories: StoryClusterer::of_any_time(window),
            days: BTreeMap::new(),
            n_rounds: 0,
            used_at: now,
            n_max: N_PAST_MAX,
        }
    }

    /// The state in which the archived articles about the time `at` are known, the nearest days
    /// first, to the window's end or until they are enough.
    async fn around(
        &mut self,
        archive: &Archive,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<&mut StoryClusterer> {
        self.used_at = now;
        self.n_rounds += 1;
        let day = at.date_naive();
        let mut n_near = self.read(archive, Some(day)).await?;
        for distance in 1..=self.window.num_days().unsigned_abs() {
            if N_NEAR_MAX <= n_near {
                break;
            }
            n_near += self.read(archive, day.checked_sub_days(Days::new(distance))).await?;
            n_near += self.read(archive, day.checked_add_days(Days::new(distance))).await?;
        }
        self.forget();
        Ok(&mut self.stories)
    }

    /// Tells of an article that is of the last days, where its day is in memory.
    fn hear(&mut self, input: &StoryInput, at: DateTime<Utc>, placed: &Placed) {
        if self.days.contains_key(&at.date_naive()) {
            self.stories.restore(input, placed.story.clone(), placed.copy_of.clone());
        }
    }

    /// Sees to it that the articles of a day are in memory; answers how many these are.
    async fn read(&mut self, archive: &Archive, day: Option<NaiveDate>) -> anyhow::Result<usize> {
        let Some((day, (from, to))) = day.and_then(|it| Some((it, span(it)?))) else {
            return Ok(0);
        };
        if self.days.insert(day, self.n_rounds).is_none() {
            let read = archive.story_inputs_between(from, to, N_NEAR_MAX).await;
            for it in read.context("the stories of a day could not be read")? {
                tell(&mut self.stories, it);
            }
        }
        Ok(self.stories.n_between(from, to))
    }

    /// Forgets the days that have not been in use for longest while too many articles are in memory.
    fn forget(&mut self) {
        while self.n_max < self.stories.n_articles() {
            let unused = self.days.iter().filter(|it| *it.1 < self.n_rounds);
            let Some((&day, _)) = unused.min_by_key(|it| *it.1) else { return };
            self.days.remove(&day);
            if let Some((from, to)) = span(day) {
                self.stories.forget_between(from, to);
            }
        }
    }
}

/// The first instant of a day and of the next; `None` at the end of time.
fn span(day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let start = |it: NaiveDate| it.and_time(NaiveTime::MIN).and_utc();
    Some((start(day), start(day.succ_opt()?)))
}

/// Tells a state of an article whose story the archive knows.
fn tell(stories: &mut StoryClusterer, it: Archived) {
    let id = it.article.to_string();
    let input = StoryInput {
        article: id.clone(),
        title: it.title,
        lead: it.lead,
        embedding: it.embedding,
        entities: it.entities,
        acts: nlp::story::acts(&it.statements),
        at: Some(it.dated_at),
        published_at: it.published_at,
        language: it.language,
    };
    stories.restore(&input, it.story.clone(), it.copy_of.map(|it| it.to_string()));
    if it.is_pinned {
        stories.move_article(&id, &it.story, true);
    }
}

#[cfg(test)]
mod tests {
    use index::ArchiveSettings;
    use index::archive::annotations::CorrelatedArticle;
    use ingest::{Article, ArticleId, CanonicalUrl};
    use nlp::Annotation;
    use nlp::story::StoryId;

    use super::*;

    const WINDOW: TimeDelta = TimeDelta::days(14);
    const FLOOD: &str = "Harbour town of Valmora flooded after dam gate fails";
    const FLOOD_AGAIN: &str = "Valmora harbour flooded as dam gate fails";
    const STRIKE: &str = "Drone strike damages substation near northern border";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).unwrap()
    }

    /// An archive and the stage's state of it.
    struct Desk {
        archive: Archive,
        stories: Stories,
        n_told: u32,
        _folder: tempfile::TempDir,
    }

    impl Desk {
        async fn new() -> Desk {
            let folder = tempfile::tempdir().unwrap();
            let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
            let stories = Stories::restore(&archive, WINDOW, now()).await.unwrap();
            Desk { archive, stories, n_told: 0, _folder: folder }
        }

        async fn restart(&mut self) {
            self.stories = Stories::restore(&self.archive, WINDOW, now()).await.unwrap();
        }

        /// The story of a new article that was published so many days ago.
        async fn tell(&mut self, title: &str, days_ago: i64) -> String {
            self.n_told += 1;
            let url = format!("https://desk.example/{}", self.n_told);
            let url = CanonicalUrl::parse(&url).unwrap();
            let published_at = Some(now() - TimeDelta::days(days_ago));
            let article = Article {
                id: ArticleId::of(&url),
                url,
                canonical_url: None,
                source: "desk".into(),
                title: title.to_owned(),
                authors: Vec::new(),
                text: String::new(),
                language: None,
                site_name: None,
                published_at,
                fetched_at: now(),
                page_sha256: String::new(),
                details: Default::default(),
            };
            self.archive.record_articles(std::slice::from_ref(&article)).await.unwrap();
            let input = StoryInput {
                article: article.id.to_string(),
                title: article.title,
                at: published_at,
                published_at,
                ..StoryInput::default()
            };
            self.stories.follow_moves(&self.archive, now()).await.unwrap();
            let placed = self.stories.place(&self.archive, &input, now()).await.unwrap();
            let story = placed.story.to_string();
            let item = CorrelatedArticle {
                article: article.id,
                annotation: Annotation { id: input.article, ..Annotation::default() },
                embedding: vec![0.0; 2],
                story: placed.story,
                headline: placed.headline,
                copy_of: placed.copy_of.or(placed.leads).and_then(|it| it.parse().ok()),
                merged: placed.merged,
                split: placed.split,
            };
            self.archive.record_annotations(&[item], now()).await.unwrap();
            story
        }
    }

    #[tokio::test]
    async fn old_articles_on_one_event_share_a_story_in_whatever_order_they_come() {
        for order in [[302, 301, 300], [300, 301, 302], [301, 300, 302]] {
            let mut desk = Desk::new().await;
            let live = desk.tell(STRIKE, 0).await;
            let first = desk.tell(FLOOD, order[0]).await;
            let other = desk.tell(STRIKE, order[0]).await;
            assert!(first != other && live != other, "{order:?}");
            assert_eq!(desk.tell(FLOOD_AGAIN, order[1]).await, first, "{order:?}");
            // What an earlier run archived is found as well.
            desk.restart().await;
            assert_eq!(desk.tell(FLOOD, order[2]).await, first, "{order:?}");
            assert_ne!(desk.tell(FLOOD, 200).await, first, "another flood");
        }
    }

    #[tokio::test]
    async fn articles_of_these_days_know_nothing_of_old_ones() {
        let mut desk = Desk::new().await;
        let live = desk.tell(FLOOD, 1).await;
        let old = desk.tell(FLOOD_AGAIN, 100).await;
        assert_ne!(old, live);
        assert_eq!(desk.stories.live.n_articles(), 1);
        assert_eq!(desk.tell(FLOOD_AGAIN, 0).await, live);
        // One that just left the last days still finds what followed it.
        assert_eq!(desk.tell(FLOOD, 15).await, live);
        assert_eq!(desk.stories.live.n_articles(), 2);
        // Also what came after these days were read.
        let strike = desk.tell(STRIKE, 3).await;
        assert_eq!(desk.tell(STRIKE, 16).await, strike);
    }

    #[tokio::test]
    async fn where_all_is_read_anew_the_last_days_go_on_from_those_before() {
        let mut desk = Desk::new().await;
        let first = desk.tell(FLOOD, 16).await;
        assert_eq!(desk.tell(FLOOD, 13).await, first);
    }

    #[tokio::test]
    async fn old_articles_follow_what_analysts_decide() {
        let mut desk = Desk::new().await;
        let flood = desk.tell(FLOOD, 300).await;
        let strike = desk.tell(STRIKE, 300).await;
        let (from, into) = (StoryId::founded_by(&strike), StoryId::founded_by(&flood));
        desk.archive.merge_stories(&from, &into, now()).await.unwrap();
        assert_eq!(desk.tell(STRIKE, 299).await, flood);
    }

    #[tokio::test]
    async fn memory_holds_a_limited_number_of_old_articles() {
        let mut desk = Desk::new().await;
        desk.stories.past.n_max = 3;
        let first = desk.tell(FLOOD, 1_000).await;
        for month in 1..10 {
            desk.tell(&format!("Report{month} about topic{month}"), 1_000 - 30 * month).await;
            assert!(desk.stories.past.stories.n_articles() <= 4);
        }
        assert_eq!(desk.tell(FLOOD_AGAIN, 999).await, first, "what was forgotten is read again");
        let later = now() + PAST_IDLE + TimeDelta::seconds(1);
        desk.stories.follow_moves(&desk.archive, later).await.unwrap();
        assert_eq!(desk.stories.past.stories.n_articles(), 0);
    }
}
