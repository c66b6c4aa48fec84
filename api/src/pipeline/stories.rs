//! What the correlate stage knows of stories: the articles of the last days, and for those that come
//! long after their time, as out of web archives, the archived articles of their days.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use index::StoryInput as Archived;
use index::archive::Archive;
use nlp::story::{Placed, StoryClusterer, StoryInput};

/// Articles, and moves of articles, that are read at once.
const N_PER_READ: usize = 1_000;
/// Articles about the time of an old one that are enough to be held against it: with so many, hours
/// further away are not read.
const N_NEAR_MAX: usize = 5_000;
/// Hours from that time that are read one by one, so that the nearest articles of a busy day count;
/// those further away a day at a time.
const N_SINGLE_HOURS: i64 = 24;
/// Articles of long ago in memory, from which on hours that are not in use are forgotten.
const N_PAST_MAX: usize = 30_000;
/// Articles of long ago that are read for the articles of one batch, a query counting for at least
/// [`N_OF_QUERY`]: live news waits behind old ones only so long. What comes after that is held
/// against what is in memory, and may found a story of its own; the next batch reads on.
const N_READ_PER_BATCH: usize = 10_000;
const N_OF_QUERY: usize = 50;
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

    /// Moves articles as the archive did since, and takes what repeats what as it does: by analysts, by
    /// other workers, and where the archive knew better than this stage.
    pub(super) async fn follow_moves(
        &mut self,
        archive: &Archive,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        if PAST_IDLE < now - self.past.used_at {
            self.past = Past::new(self.window, now);
        }
        self.past.n_left = self.past.n_per_batch;
        loop {
            let moves = archive.story_moves_after(self.last_move, N_PER_READ).await;
            let moves = moves.context("changes of stories could not be read")?;
            for it in &moves {
                let article = it.article.to_string();
                let copy_of = it.copy_of.map(|it| it.to_string());
                for stories in [&mut self.live, &mut self.past.stories] {
                    stories.move_article(&article, &it.story, it.is_pinned);
                    if it.is_there {
                        stories.set_original(&article, copy_of.as_deref());
                    }
                }
                self.last_move = it.seq;
            }
            if moves.len() < N_PER_READ {
                return Ok(());
            }
        }
    }
}

/// Articles of long ago, by the hour: what is read once serves the next articles of about that time,
/// in whatever order they come.
struct Past {
    window: TimeDelta,
    stories: StoryClusterer,
    /// Hours since 1970 of which something is in memory, or all that there is.
    hours: BTreeMap<i64, Hour>,
    n_rounds: u64,
    used_at: DateTime<Utc>,
    /// [`N_NEAR_MAX`].
    n_near_max: usize,
    /// [`N_PAST_MAX`].
    n_max: usize,
    /// [`N_READ_PER_BATCH`].
    n_per_batch: usize,
    /// What is left of that.
    n_left: usize,
}

/// An hour that was read.
struct Hour {
    /// The round in which it was in use last.
    round: u64,
    /// Whether it need not be read again; `false` where the rest of it was cut off.
    is_whole: bool,
}

impl Past {
    fn new(window: TimeDelta, now: DateTime<Utc>) -> Past {
        Past {
            window,
            stories: StoryClusterer::of_any_time(window),
            hours: BTreeMap::new(),
            n_rounds: 0,
            used_at: now,
            n_near_max: N_NEAR_MAX,
            n_max: N_PAST_MAX,
            n_per_batch: N_READ_PER_BATCH,
            n_left: N_READ_PER_BATCH,
        }
    }

    /// The state in which the archived articles about the time `at` are known, the nearest hours
    /// first, to the window's end or until they are enough.
    async fn around(
        &mut self,
        archive: &Archive,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<&mut StoryClusterer> {
        self.used_at = now;
        self.n_rounds += 1;
        let (hour, n_hours) = (hour_of(at), self.window.num_hours().abs());
        let mut n_near = self.read(archive, hour..hour + 1).await?;
        let mut distance = 1;
        while distance <= n_hours && n_near < self.n_near_max && 0 < self.n_left {
            let n = if distance < N_SINGLE_HOURS { 1 } else { 24 };
            n_near += self.read(archive, hour - distance - n + 1..hour - distance + 1).await?;
            n_near += self.read(archive, hour + distance..hour + distance + n).await?;
            distance += n;
        }
        // What is about to be placed is in memory, also where its hour could not be read.
        self.hours.entry(hour).or_insert(Hour { round: self.n_rounds, is_whole: false });
        self.forget();
        Ok(&mut self.stories)
    }

    /// Tells of an article that is of the last days, where its hour is in memory.
    fn hear(&mut self, input: &StoryInput, at: DateTime<Utc>, placed: &Placed) {
        if self.hours.contains_key(&hour_of(at)) {
            self.stories.restore(input, placed.story.clone(), placed.copy_of.clone());
        }
    }

    /// Sees to it that the articles of these hours are in memory; answers how many these are. Of more
    /// than are enough, or than may be read for one batch, the rest is left for another time.
    async fn read(&mut self, archive: &Archive, hours: Range<i64>) -> anyhow::Result<usize> {
        let Some((from, to)) = span(&hours) else { return Ok(0) };
        let is_whole = |it: &i64| self.hours.get(it).is_some_and(|it| it.is_whole);
        let missing = hours.clone().find(|it| !is_whole(it));
        let end = match missing {
            None => hours.end,
            Some(missing) if self.n_left == 0 => missing,
            Some(missing) => self.read_from(archive, missing..hours.end).await?,
        };
        let round = self.n_rounds;
        for hour in hours {
            if hour < end {
                self.hours.insert(hour, Hour { round, is_whole: true });
            } else if let Some(known) = self.hours.get_mut(&hour) {
                known.round = round;
            }
        }
        Ok(self.stories.n_between(from, to))
    }

    /// Reads these hours; answers the first of which something is left to be read, or the end.
    async fn read_from(&mut self, archive: &Archive, hours: Range<i64>) -> anyhow::Result<i64> {
        let Some((from, to)) = span(&hours) else { return Ok(hours.end) };
        let n_max = self.n_near_max.min(self.n_left);
        let read = archive.story_inputs_between(from, to, n_max).await;
        let read = read.context("the stories of an hour could not be read")?;
        let mut end = hours.end;
        if let Some(last) = read.last()
            && n_max <= read.len()
        {
            end = hour_of(last.dated_at);
            self.hours.entry(end).or_insert(Hour { round: self.n_rounds, is_whole: false });
            // So many of one hour are enough, unless they are fewer because of the batch.
            if n_max == self.n_near_max {
                end = end.max(hours.start + 1);
            }
        }
        self.n_left = self.n_left.saturating_sub(read.len().max(N_OF_QUERY));
        for it in read {
            tell(&mut self.stories, it);
        }
        Ok(end)
    }

    /// Forgets the hours that have not been in use for longest while too many articles are in memory.
    fn forget(&mut self) {
        if self.stories.n_articles() <= self.n_max {
            return;
        }
        let unused = self.hours.iter().filter(|it| it.1.round < self.n_rounds);
        let mut unused: Vec<(u64, i64)> = unused.map(|(hour, it)| (it.round, *hour)).collect();
        unused.sort_unstable();
        for (_, hour) in unused {
            if self.stories.n_articles() <= self.n_max {
                return;
            }
            self.hours.remove(&hour);
            if let Some((from, to)) = span(&(hour..hour + 1)) {
                self.stories.forget_between(from, to);
            }
        }
    }
}

/// The hour of a time, counted from 1970.
fn hour_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(3_600)
}

/// The first instant of these hours and that after them; `None` at the end of time.
fn span(hours: &Range<i64>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let start = |hour: i64| DateTime::from_timestamp(hour.checked_mul(3_600)?, 0);
    Some((start(hours.start)?, start(hours.end)?))
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
            self.tell_at(title, now() - TimeDelta::days(days_ago)).await
        }

        /// Eight stories, a minute from one to the next.
        async fn tell_of_eight_topics(&mut self, from: DateTime<Utc>) {
            for minute in 0..8 {
                let title = format!("Report{minute} about topic{minute}");
                self.tell_at(&title, from + TimeDelta::minutes(minute)).await;
            }
        }

        /// The story of a new article that was published then.
        async fn tell_at(&mut self, title: &str, at: DateTime<Utc>) -> String {
            self.n_told += 1;
            let url = format!("https://desk.example/{}", self.n_told);
            let url = CanonicalUrl::parse(&url).unwrap();
            let published_at = Some(at);
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
    async fn old_articles_of_a_busy_day_find_those_nearest_to_them() {
        let mut desk = Desk::new().await;
        let day = now() - TimeDelta::days(300);
        for hour in 0..8 {
            let title = format!("Report{hour} about topic{hour}");
            desk.tell_at(&title, day + TimeDelta::hours(hour)).await;
        }
        let strike = desk.tell_at(STRIKE, day + TimeDelta::hours(1)).await;
        let flood = desk.tell_at(FLOOD, day + TimeDelta::hours(20)).await;
        desk.restart().await;
        desk.stories.past.n_near_max = 4;
        let story = desk.tell_at(FLOOD_AGAIN, day + TimeDelta::hours(21)).await;
        assert_eq!(story, flood);
        // What was left aside then is read when it is asked for.
        assert_eq!(desk.tell_at(STRIKE, day + TimeDelta::hours(2)).await, strike);
    }

    #[tokio::test]
    async fn what_the_budget_of_one_batch_cuts_off_is_read_for_the_next() {
        let mut desk = Desk::new().await;
        let day = now() - TimeDelta::days(300);
        desk.tell_of_eight_topics(day).await;
        let flood = desk.tell_at(FLOOD, day + TimeDelta::minutes(40)).await;
        desk.restart().await;
        desk.stories.past.n_per_batch = 4;
        desk.tell_at(STRIKE, day + TimeDelta::minutes(50)).await;
        assert_eq!(desk.stories.past.stories.n_articles(), 5, "four that were read, and its own");
        desk.stories.past.n_per_batch = N_READ_PER_BATCH;
        assert_eq!(desk.tell_at(FLOOD_AGAIN, day + TimeDelta::minutes(55)).await, flood);
        assert_eq!(desk.stories.past.stories.n_articles(), 11, "each of them once");
    }

    #[tokio::test]
    async fn of_one_hour_no_more_articles_are_read_than_are_enough() {
        let mut desk = Desk::new().await;
        let day = now() - TimeDelta::days(300);
        desk.tell_of_eight_topics(day).await;
        desk.restart().await;
        desk.stories.past.n_near_max = 4;
        for (n, title) in [FLOOD, STRIKE].into_iter().enumerate() {
            desk.tell_at(title, day + TimeDelta::minutes(50)).await;
            assert_eq!(desk.stories.past.stories.n_articles(), 5 + n, "{title}");
        }
    }

    #[tokio::test]
    async fn an_hour_that_was_read_in_part_is_forgotten_as_well() {
        let mut desk = Desk::new().await;
        let day = now() - TimeDelta::days(300);
        desk.tell_of_eight_topics(day).await;
        desk.restart().await;
        desk.stories.past.n_near_max = 4;
        desk.stories.past.n_max = 3;
        // So far away that many hours are read at once, which ends in the middle of one.
        desk.tell_at(FLOOD, day + TimeDelta::hours(30)).await;
        assert_eq!(desk.stories.past.stories.n_articles(), 5);
        desk.tell(STRIKE, 100).await;
        assert!(desk.stories.past.stories.n_articles() <= 3);

        // So is one for which nothing was left to be read.
        desk.stories.past.n_per_batch = 0;
        for days_ago in [400, 450, 500, 550, 600, 650] {
            desk.tell(FLOOD, days_ago).await;
            assert!(desk.stories.past.stories.n_articles() <= 4, "{days_ago}");
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
    async fn another_worker_hears_which_article_is_the_original() {
        // Of these days and of long ago.
        for days_ago in [2, 300] {
            let mut desk = Desk::new().await;
            let at = |hour: i64| now() - TimeDelta::days(days_ago) + TimeDelta::hours(hour);
            let told = |article: &str, hour: i64| StoryInput {
                article: article.to_owned(),
                title: FLOOD.to_owned(),
                at: Some(at(hour)),
                published_at: Some(at(hour)),
                ..StoryInput::default()
            };
            let story = desk.tell_at(FLOOD, at(5)).await;
            let mut other = Stories::restore(&desk.archive, WINDOW, now()).await.unwrap();
            let copy = other.place(&desk.archive, &told("copy", 6), now()).await.unwrap();
            assert_eq!((copy.story.as_str(), copy.copy_of.as_ref()), (&*story, Some(&story)));
            desk.tell_at(FLOOD, at(1)).await;
            let url = CanonicalUrl::parse("https://desk.example/2").unwrap();
            let original = ArticleId::of(&url).to_string();
            other.follow_moves(&desk.archive, now()).await.unwrap();
            let copy = other.place(&desk.archive, &told("another", 7), now()).await.unwrap();
            assert_eq!(copy.story.as_str(), story);
            assert_eq!(copy.copy_of, Some(original), "{days_ago} days ago");
        }
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
