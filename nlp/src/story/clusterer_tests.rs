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
        stories.assign(&input(&format!("a{day}"), &format!("Report number {day} of x{day}"), day));
    }
    assert_eq!(stories.members.len(), 15);
    assert_eq!(stories.by_article.len(), 15);
    assert_eq!(stories.by_time.len(), 15);
    let n_in_stories: usize = stories.by_story.values().map(VecDeque::len).sum();
    assert_eq!(n_in_stories, 15);
}
