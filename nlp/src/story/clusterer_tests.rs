use super::*;

fn input(article: &str, title: &str, day: u32) -> StoryInput {
    let at = NaiveDate::from_ymd_opt(2026, 3, day).expect("the day exists");
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
fn meaning_and_names_join_what_other_words_do_not() {
    let told = |article: &str, title: &str| StoryInput {
        embedding: vec![0.6, 0.8],
        entities: vec!["place:valmora".into()],
        ..input(article, title, 1)
    };
    let mut stories = clusterer();
    let first = stories.assign(&told("a", "Valmora under water"));
    assert_eq!(first, stories.assign(&told("b", "Dam gone, says mayor of Valmora")));
    let elsewhere = StoryInput { embedding: vec![0.8, -0.6], ..told("c", "Mayor resigns") };
    assert_ne!(first, stories.assign(&elsewhere));
}

#[test]
fn headlines_of_one_event_that_share_few_words_are_joined() {
    let told = |article: &str, title: &str, meaning: [f32; 2]| StoryInput {
        embedding: meaning.to_vec(),
        ..input(article, title, 1)
    };
    let mut stories = clusterer();
    let first = stories.assign(&told("a", "Valmora floods after dam gate fails", [1.0, 0.0]));
    let again = told("b", "Dam failure floods streets of harbour town", [0.85, 0.527]);
    assert_eq!(first, stories.assign(&again));
    let other = told("c", "Dam of Verin opened by minister", [0.0, -1.0]);
    assert_ne!(first, stories.assign(&other));
}

#[test]
fn one_act_told_in_other_words_is_one_story() {
    let told = |article: &str, title: &str, acts: &str| StoryInput {
        embedding: vec![0.8, 0.6],
        acts: vec![acts.to_owned()],
        ..input(article, title, 1)
    };
    let join = |acts: &str| {
        let mut stories = clusterer();
        let first = told("a", "Kestrel claims blackout", "kestrel Attack grid");
        let first = stories.assign(&first);
        first == stories.assign(&told("b", "Lights out as hackers hit the grid", acts))
    };
    assert!(join("kestrel Attack grid"));
    assert!(!join("kestrel Attack port"));
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
        after.restore(&input(article, title, day), story, None);
    }
    let next = input("d", "Dam gate fails, Valmora flooded", 15);
    assert_eq!(before.assign(&next), after.assign(&next));
    assert_eq!(before.assign(&next).as_str(), "a");
}

#[test]
fn memory_follows_the_window() {
    let mut stories = clusterer();
    for day in 1..=28 {
        stories.assign(&input(&format!("a{day}"), &format!("Report number {day} of x{day}"), day));
    }
    assert_eq!(stories.members.len(), 15);
    assert_eq!(stories.by_article.len(), 15);
    assert_eq!(stories.by_time.len(), 15);
    let n_in_stories: usize = stories.by_story.values().map(VecDeque::len).sum();
    assert_eq!(n_in_stories, 15);
}

/// Eight words out of a long tale, from word `from` on.
fn told(article: &str, from: usize) -> StoryInput {
    const TALE: &str = "harbour Valmora flooded dam gate collapse villagers fled rescue boats ferry \
                        captain storm insurers minister inquiry engineers blamed rusted hinges";
    let words: Vec<&str> = TALE.split_whitespace().skip(from).take(8).collect();
    input(article, &words.join(" "), 1)
}

/// A clusterer that has read about other things.
fn well_read() -> StoryClusterer {
    let mut stories = clusterer();
    for n in 0..40 {
        let title = format!("Report{n} about topic{n} from town{n} with name{n} and thing{n}");
        stories.assign(&input(&format!("other{n}"), &title, 1));
    }
    stories
}

/// From which word on a report is too far from that of the first words to share its story.
fn far() -> usize {
    let far = (1..8).find(|&far| {
        let mut two = well_read();
        two.assign(&told("a", 0)) != two.assign(&told("b", far))
    });
    far.expect("without a common word there is no likeness")
}

/// Two stories about one event, and the article between them that brings them together.
fn bridged() -> (StoryClusterer, Placed) {
    let far = far();
    let mut stories = well_read();
    stories.assign(&told("a", 0));
    stories.assign(&told("b", far));
    let placed = stories.place(&told("c", far / 2));
    (stories, placed)
}

#[test]
fn an_article_between_two_stories_makes_them_one() {
    let (mut stories, placed) = bridged();
    assert_eq!(placed.story.as_str(), "a", "the first of them stays");
    assert_eq!(placed.merged, [StoryId::founded_by("b")]);
    assert_eq!(stories.assign(&told("b", 0)).as_str(), "a", "its articles came along");
    assert_eq!(stories.by_story[&placed.story], [40, 41, 42]);
}

#[test]
fn stories_that_somebody_decided_about_are_not_merged() {
    let (mut stories, placed) = bridged();
    let apart = StoryId::founded_by("b");
    stories.move_article("b", &apart, true);
    stories.move_article("a", &placed.story, true);
    stories.move_article("c", &placed.story, false);
    for from in 0..4 {
        let again = stories.place(&told(&format!("d{from}"), from));
        assert_eq!(again.merged, []);
    }
    assert_eq!(stories.assign(&told("b", 0)), apart);
}

#[test]
fn a_story_ends_in_the_one_that_somebody_decided_about() {
    let far = far();
    let mut stories = well_read();
    stories.assign(&told("a", 0));
    let later = stories.assign(&told("b", far));
    stories.move_article("b", &later, true);
    let placed = stories.place(&told("c", far / 2));
    assert_eq!((placed.story, placed.merged), (later, vec![StoryId::founded_by("a")]));
}

#[test]
fn an_article_that_repeats_another_names_it() {
    let mut stories = clusterer();
    stories.place(&input("a", FLOOD, 1));
    let copy = stories.place(&input("b", FLOOD, 1));
    assert_eq!(copy.copy_of.as_deref(), Some("a"));
    let copy_of_copy = stories.place(&input("c", FLOOD, 2));
    assert_eq!(copy_of_copy.copy_of.as_deref(), Some("a"), "the earliest, not the nearest");
    assert_eq!(stories.place(&input("d", STRIKE, 2)).copy_of, None);
}

#[test]
fn a_copy_that_was_moved_away_from_its_original_is_one_for_later_copies() {
    let mut stories = clusterer();
    stories.place(&input("a", FLOOD, 1));
    let story = stories.place(&input("b", FLOOD, 3)).story;
    stories.move_article("a", &StoryId::founded_by("elsewhere"), true);
    stories.move_article("b", &story, true);
    let later = stories.place(&input("c", FLOOD, 4));
    assert_eq!(later.story, story, "the nearer in time");
    assert_eq!(later.copy_of.as_deref(), Some("b"));
}

/// An article that was published at that hour of the first of March.
fn published(article: &str, title: &str, hour: i64) -> StoryInput {
    let day = input(article, title, 1);
    let at = day.at.map(|it| it + TimeDelta::hours(hour));
    StoryInput { at, published_at: at, ..day }
}

#[test]
fn an_original_that_comes_after_its_copies_takes_their_place() {
    let mut stories = clusterer();
    stories.place(&published("late", FLOOD, 9));
    let later = stories.place(&published("later", FLOOD, 10));
    assert_eq!((later.copy_of.as_deref(), later.leads), (Some("late"), None));
    let first = stories.place(&published("first", FLOOD, 8));
    assert_eq!((first.copy_of, first.leads.as_deref()), (None, Some("late")));
    assert_eq!(first.story.as_str(), "late");
    for article in ["late", "later", "last"] {
        let copy = stories.place(&published(article, FLOOD, 11));
        assert_eq!((copy.copy_of.as_deref(), copy.leads), (Some("first"), None), "{article}");
    }
    // Unknown times, and a day without a time, prove nothing.
    for copy in [input("undated", FLOOD, 1), published("of that day", FLOOD, 0)] {
        assert_eq!(stories.place(&copy).copy_of.as_deref(), Some("first"), "{}", copy.article);
    }
    // An earlier one still is the original of all that were copies of the first.
    let before = stories.place(&published("before", FLOOD, 7));
    assert_eq!(before.leads.as_deref(), Some("first"));
    assert_eq!(stories.place(&published("later", FLOOD, 9)).copy_of.as_deref(), Some("before"));
}

#[test]
fn an_original_that_came_elsewhere_is_heard_of() {
    let mut stories = clusterer();
    stories.place(&published("late", FLOOD, 9));
    stories.place(&published("later", FLOOD, 10));
    for article in ["late", "later", "never here"] {
        stories.set_original(article, Some("first"));
    }
    let next = stories.place(&published("next", FLOOD, 11));
    assert_eq!(next.copy_of.as_deref(), Some("first"));
    stories.set_original("late", None);
    let again = stories.place(&published("late", FLOOD, 9));
    assert_eq!(again.copy_of, None);
}

#[test]
fn what_an_original_told_is_called_by_its_headline() {
    let told = |article: &str, title: &str, hour| {
        let lead = report(article, FLOOD).lead;
        StoryInput { lead, ..published(article, title, hour) }
    };
    let mut stories = clusterer();
    stories.place(&told("copy", "Valmora flooded, agency says", 9));
    let original = stories.place(&told("original", "Valmora flooded, says agency", 8));
    assert_eq!(original.leads.as_deref(), Some("copy"));
    assert_eq!(original.headline.as_deref(), Some("Valmora flooded, says agency"));
}

#[test]
fn a_restored_state_knows_which_article_is_the_original() {
    let mut stories = clusterer();
    let story = StoryId::founded_by("late");
    let first = Some("first".to_owned());
    stories.restore(&published("late", FLOOD, 9), story.clone(), first.clone());
    stories.restore(&published("first", FLOOD, 8), story, None);
    assert_eq!(stories.place(&published("next", FLOOD, 10)).copy_of, first);
}

#[test]
fn a_state_of_any_time_puts_together_what_is_of_one_time() {
    let at = |article: &str, title: &str, days: i64| {
        let day = input(article, title, 1);
        StoryInput { at: day.at.map(|it| it + TimeDelta::days(days)), ..day }
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut stories = StoryClusterer::of_any_time(TimeDelta::days(14));
        stories.assign(&at("now", STRIKE, 400));
        let told: BTreeSet<StoryId> = order
            .into_iter()
            .map(|day| stories.assign(&at(&format!("day {day}"), FLOOD, day)))
            .collect();
        assert_eq!(told.len(), 1, "{order:?}");
        let recurring = stories.assign(&at("a year later", FLOOD, 365));
        assert!(!told.contains(&recurring));
        assert_eq!(told.first(), Some(&stories.assign(&at("day 3", FLOOD, 3))));
        assert_eq!(stories.n_articles(), 6);
    }
}

#[test]
fn a_state_of_any_time_forgets_the_days_that_it_is_told_to() {
    let mut stories = StoryClusterer::of_any_time(TimeDelta::days(14));
    for day in 1..=28 {
        stories.assign(&input(&format!("a{day}"), &format!("Report number {day} of x{day}"), day));
    }
    let time = |day| input("", "", day).at.expect("it has a time");
    assert_eq!((stories.n_articles(), stories.n_between(time(3), time(5))), (28, 2));
    assert_eq!(stories.latest(), Some(time(28)));
    stories.forget_between(time(1), time(28));
    assert_eq!((stories.n_articles(), stories.by_article.len(), stories.by_story.len()), (1, 1, 1));
}

/// A state in which floods and strikes are one story.
fn mixed_up() -> StoryClusterer {
    let mut stories = clusterer();
    let story = StoryId::founded_by("flood 0");
    let day = |n: u32| 1 + n / 4;
    for n in 0..8 {
        let (name, title) = if n % 2 == 0 { ("flood", FLOOD) } else { ("strike", STRIKE) };
        stories.restore(&input(&format!("{name} {n}"), title, day(n)), story.clone(), None);
    }
    stories
}

#[test]
fn a_story_that_proves_to_be_two_is_taken_apart() {
    let mut stories = mixed_up();
    let placed = stories.place(&input("strike 9", STRIKE, 3));
    let split = placed.split.expect("two events");
    assert_eq!(split.from.as_str(), "flood 0");
    assert_eq!(split.articles, ["strike 1", "strike 3", "strike 5", "strike 7", "strike 9"]);
    assert_eq!(split.from_headline.as_deref(), Some(FLOOD));
    assert_eq!(split.to_headline.as_deref(), Some(STRIKE));
    assert_eq!(placed.story, split.to);
    assert_eq!(split.to.as_str().len(), 32);
    // From here on each has its own, and the same evidence gives the same ids.
    assert_eq!(stories.assign(&input("x", STRIKE, 3)), split.to);
    assert_eq!(stories.assign(&input("y", FLOOD, 3)), split.from);
    let again = mixed_up().place(&input("strike 9", STRIKE, 3));
    assert_eq!(again.split, Some(split));
}

/// More than a headline.
fn report(article: &str, title: &str) -> StoryInput {
    let lead = match title {
        FLOOD => {
            "Water rose quickly behind rusted hinges; ferries stopped, villagers climbed onto roofs \
             while rescuers rowed through streets, insurers counted losses, engineers blamed neglect."
        }
        _ => {
            "Explosions woke residents; transformers burned until morning, hospitals switched over \
             to generators, soldiers searched fields for wreckage, neighbours denied any launch."
        }
    };
    StoryInput { lead: lead.to_owned(), ..input(article, title, 1) }
}

/// Two stories that both mix up floods and strikes, each with as many strikes as make them alike.
fn mixed_up_twice() -> StoryClusterer {
    let mut stories = clusterer();
    for story in ["a", "b"] {
        for (n, title) in [FLOOD, FLOOD, STRIKE, STRIKE, STRIKE, STRIKE].into_iter().enumerate() {
            let article = report(&format!("{story} {n}"), title);
            stories.restore(&article, StoryId::founded_by(&format!("{story} 0")), None);
        }
    }
    stories
}

#[test]
fn an_article_that_makes_two_stories_one_takes_nothing_apart() {
    let mut stories = mixed_up_twice();
    let bridge = stories.place(&report("x", STRIKE));
    assert_eq!(bridge.story.as_str(), "a 0");
    assert_eq!((bridge.merged, bridge.split), (vec![StoryId::founded_by("b 0")], None));
    // The next one shows that the story is two.
    let placed = stories.place(&report("y", STRIKE));
    let split = placed.split.expect("two events");
    assert_eq!((placed.merged, &placed.story), (vec![], &split.to));
    assert_eq!(split.articles.len(), 10);
}

#[test]
fn what_somebody_put_together_stays_together() {
    let mut stories = mixed_up();
    stories.move_article("strike 1", &StoryId::founded_by("flood 0"), true);
    let placed = stories.place(&input("strike 9", STRIKE, 3));
    assert_eq!((placed.story.as_str(), placed.split), ("flood 0", None));
}

#[test]
fn a_story_of_one_event_stays_whole() {
    let mut stories = clusterer();
    for n in 0..30 {
        let title = if n % 2 == 0 { FLOOD } else { FLOOD_AGAIN };
        assert_eq!(stories.place(&input(&n.to_string(), title, 1 + n / 5)).split, None);
    }
}
