//! What an article costs the story clusterer, by how many came before: 10 000, 100 000, 1 000 000.
//!
//! Articles are made up: 2 500 characters of words drawn by Zipf's law from 60 000, five names and
//! an embedding near that of their event; events come up all the time and are told by 1 to 40
//! articles within two days. 10 000 articles make a day. Those in between are handed over as after
//! a restart, with their story, which keeps the state the same and takes less time.
//!
//! The mean is of the time on the processor, where Linux tells it (in steps of milliseconds), so that
//! others on the machine do not count; the rest goes by the clock.
//!
//! `make bench-stories`; `HARBINGER_BENCH_ARTICLES` sets where it ends.

#![expect(clippy::print_stdout, reason = "a bench reports to its user")]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use nlp::story::{StoryClusterer, StoryId, StoryInput};

const N_MEASURED: usize = 2_000;
const N_WORDS: u64 = 60_000;
const N_DIMENSIONS: usize = 384;
const N_A_DAY: i64 = 10_000;
/// Events under way at a time.
const N_EVENTS: usize = 1_500;

/// A small generator of random numbers (xorshift64*), the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// A rank from 1, as Zipf's law has it.
    fn rank(&mut self) -> u64 {
        let most = (N_WORDS as f32).ln();
        ((self.unit() * most).exp() as u64).clamp(1, N_WORDS)
    }
}

struct Event {
    number: u64,
    n_left: u64,
    names: Vec<String>,
    words: Vec<u64>,
    meaning: Vec<f32>,
}

impl Event {
    fn new(number: u64, dice: &mut Dice) -> Event {
        Event {
            number,
            n_left: 1 + dice.next() % 40,
            // Some names are of few events, some of many.
            names: (0..5)
                .map(|it| format!("Name{}", dice.next() % [20_000, 500][it % 2]))
                .collect(),
            words: (0..40).map(|_| dice.rank()).collect(),
            meaning: (0..N_DIMENSIONS).map(|_| dice.unit() - 0.5).collect(),
        }
    }

    fn article(&self, number: usize, now: DateTime<Utc>, dice: &mut Dice) -> StoryInput {
        let mut lead = String::with_capacity(2_700);
        while lead.len() < 2_500 {
            match dice.next() % 12 {
                0 => lead.push_str(&self.names[dice.next() as usize % self.names.len()]),
                1..=3 => {
                    let word = self.words[dice.next() as usize % self.words.len()];
                    lead.push_str(&format!("word{word}"));
                }
                _ => lead.push_str(&format!("word{}", dice.rank())),
            }
            lead.push_str(if dice.next().is_multiple_of(15) { ".\n" } else { " " });
        }
        let mut embedding: Vec<f32> =
            self.meaning.iter().map(|it| it + 0.4 * (dice.unit() - 0.5)).collect();
        let length = embedding.iter().map(|it| it * it).sum::<f32>().sqrt();
        embedding.iter_mut().for_each(|it| *it /= length);
        let names = self.names[..3].iter();
        StoryInput {
            article: format!("{number:032x}"),
            title: format!("{} word{} after word{}", self.names[0], self.words[0], self.words[1]),
            lead,
            embedding,
            entities: names.map(|it| format!("name:org:{}", it.to_lowercase())).collect(),
            acts: vec![format!("{} Attack {}", self.names[0], self.names[1])],
            at: Some(now),
            published_at: Some(now),
            language: Some("en".to_owned()),
        }
    }
}

struct World {
    dice: Dice,
    events: Vec<Event>,
    n_events: u64,
    n_articles: usize,
}

impl World {
    fn new() -> World {
        let mut dice = Dice(42);
        let events = (0..N_EVENTS as u64).map(|it| Event::new(it, &mut dice)).collect();
        World { dice, events, n_events: N_EVENTS as u64, n_articles: 0 }
    }

    /// The next article, and the number of its event.
    fn next(&mut self) -> (StoryInput, u64) {
        let place = self.dice.next() as usize % self.events.len();
        if self.events[place].n_left == 0 {
            self.events[place] = Event::new(self.n_events, &mut self.dice);
            self.n_events += 1;
        }
        let event = &mut self.events[place];
        event.n_left -= 1;
        let day = TimeDelta::days(1) / N_A_DAY as i32;
        let now = DateTime::UNIX_EPOCH + day * self.n_articles as i32;
        self.n_articles += 1;
        (event.article(self.n_articles, now, &mut self.dice), event.number)
    }
}

fn main() {
    let n_max = std::env::var("HARBINGER_BENCH_ARTICLES").ok().and_then(|it| it.parse().ok());
    let n_max: usize = n_max.unwrap_or(1_000_000);
    let mut world = World::new();
    let mut stories = StoryClusterer::new(TimeDelta::days(14));
    for n_before in [10_000, 100_000, 1_000_000] {
        if n_max < n_before {
            break;
        }
        while world.n_articles < n_before {
            let (article, event) = world.next();
            stories.restore(&article, StoryId::founded_by(&format!("event {event}")), None);
        }
        measure(n_before, &mut world, &mut stories);
    }
}

/// How long this thread has run on a processor; elsewhere than on Linux, how long ago it began.
fn time_worked() -> Duration {
    static BEGUN_AT: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let worked = told.split(' ').next().and_then(|it| it.parse().ok());
    worked.map_or_else(|| BEGUN_AT.elapsed(), Duration::from_nanos)
}

fn measure(n_before: usize, world: &mut World, stories: &mut StoryClusterer) {
    let mut times: Vec<Duration> = Vec::with_capacity(N_MEASURED);
    let (mut n_right, mut worked) = (0, Duration::ZERO);
    for _ in 0..N_MEASURED {
        let (article, event) = world.next();
        let (worked_before, started) = (time_worked(), Instant::now());
        let placed = stories.place(&article);
        times.push(started.elapsed());
        worked += time_worked() - worked_before;
        n_right += usize::from(placed.story.as_str() == format!("event {event}"));
    }
    times.sort_unstable();
    let mean = worked / N_MEASURED as u32;
    let at = |share: usize| times[(N_MEASURED * share / 1_000).min(N_MEASURED - 1)];
    println!(
        "{n_before:8} before: mean {mean:8.2?}  p50 {:8.2?}  p99 {:8.2?}  max {:8.2?}  \
         ({} % went to a story of before)",
        at(500),
        at(990),
        at(1_000),
        100 * n_right / N_MEASURED,
    );
}
