//! What a story is about, in two or three sentences that its articles wrote.
//!
//! Pure. News says the most important thing first, so a sentence weighs by its place; and what many
//! articles say matters more than what one says, so it weighs by how many share its words. What a
//! sentence chosen before says already counts no more.

use std::collections::{BTreeMap, BTreeSet};

use unicode_segmentation::UnicodeSegmentation;

use super::terms::stem;
use crate::sentence::sentences;

/// Sentences of a summary at most.
const N_SENTENCES_MAX: usize = 3;
/// Characters of a summary at most, but for its first sentence.
const N_CHARS_MAX: usize = 520;
/// Characters of a sentence that can stand in a summary.
const SENTENCE_CHARS: std::ops::RangeInclusive<usize> = 40..=360;
/// Sentences from the start of an article that are looked at.
const N_READ_MAX: usize = 8;
/// Articles that are looked at, the first to come.
const N_ARTICLES_MAX: usize = 24;
/// What each place further down takes from the weight of a sentence.
const DISCOUNT: f32 = 0.85;
/// Share of the words of a sentence that a later one may not repeat.
const REPEATED_MAX: f32 = 0.5;
/// New weight, as a share of that of the first sentence, that the second and third must bring.
const GAINS_MIN: [f32; N_SENTENCES_MAX] = [0.0, 0.1, 0.35];

/// An article of the story, as the summary reads it.
#[derive(Clone, Copy, Debug)]
pub struct Lead<'a> {
    /// Its headline.
    pub title: &'a str,
    /// The start of its text.
    pub lead: &'a str,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<&'a str>,
}

/// A sentence of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummarySentence {
    /// Place of its article among those given.
    pub article: usize,
    /// The sentence, its white space made single.
    pub text: String,
}

struct Candidate {
    article: usize,
    place: usize,
    text: String,
    stems: BTreeSet<String>,
}

/// Two or three sentences of `articles`, which are given in order of arrival and without copies.
/// Fewer where the articles hold fewer that can stand alone; all of one language, that of most.
pub fn summary(articles: &[Lead<'_>]) -> Vec<SummarySentence> {
    let language = main_language(articles);
    let read = articles.iter().take(N_ARTICLES_MAX).enumerate();
    let read: Vec<_> = read.filter(|(_, it)| it.language == language).collect();
    let candidates: Vec<Candidate> = read.iter().flat_map(|(at, it)| candidates(*at, it)).collect();
    let weights = weights(&candidates, &read);
    let mut chosen: Vec<&Candidate> = Vec::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let (mut n_chars, mut first_gain) = (0, None);
    while chosen.len() < N_SENTENCES_MAX {
        let best = (candidates.iter())
            .filter(|it| chosen.is_empty() || is_other(it, &chosen))
            .filter(|it| chosen.is_empty() || n_chars + it.text.chars().count() <= N_CHARS_MAX)
            .map(|it| (gain(it, &weights, &told), it))
            .reduce(|best, it| if best.0 < it.0 { it } else { best });
        let Some((gain, best)) = best else { break };
        let enough = *first_gain.get_or_insert(gain) * GAINS_MIN[chosen.len()];
        if gain < enough {
            break;
        }
        n_chars += best.text.chars().count();
        told.extend(best.stems.iter().map(String::as_str));
        chosen.push(best);
    }
    // The weightiest first; then as they were told.
    chosen.get_mut(1..).unwrap_or_default().sort_by_key(|it| (it.article, it.place));
    let sentences = chosen.into_iter();
    sentences.map(|it| SummarySentence { article: it.article, text: it.text.clone() }).collect()
}

/// The language of most articles, of equals that of the first.
fn main_language<'a>(articles: &[Lead<'a>]) -> Option<&'a str> {
    let mut counts: Vec<(Option<&str>, usize)> = Vec::new();
    for it in articles {
        match counts.iter_mut().find(|(language, _)| *language == it.language) {
            Some((_, n)) => *n += 1,
            None => counts.push((it.language, 1)),
        }
    }
    let best = counts.into_iter().reduce(|best, it| if best.1 < it.1 { it } else { best });
    best.and_then(|it| it.0)
}

fn candidates(article: usize, it: &Lead<'_>) -> Vec<Candidate> {
    let title = stems(it.title);
    let spans = sentences(it.lead).into_iter().map(|span| &it.lead[span]);
    // Where the text begins with the headline, it is no sentence.
    let spans = spans.filter(|span| *span != it.title.trim());
    let candidates = spans.take(N_READ_MAX).enumerate().filter_map(|(place, span)| {
        let text = span.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = without_dateline(&text).to_owned();
        let stems = stems(&text);
        (can_stand_alone(&text) && stems != title).then_some(Candidate {
            article,
            place,
            text,
            stems,
        })
    });
    candidates.collect()
}

/// The sentence without the town and the agency that open it: `TORNVIG (Wire) — Hackers …`.
fn without_dateline(text: &str) -> &str {
    let Some((line, rest)) = text.split_once(" — ").or_else(|| text.split_once(" – ")) else {
        return text;
    };
    let capital = line.chars().take_while(|it| !it.is_lowercase()).filter(|it| it.is_alphabetic());
    let is_dateline = line.chars().count() <= 60 && 3 <= capital.count();
    let starts_anew =
        rest.chars().next().is_some_and(|it| it.is_uppercase() || !it.is_alphabetic());
    if is_dateline && starts_anew { rest } else { text }
}

/// Whether a reader understands the sentence without the one before it.
fn can_stand_alone(text: &str) -> bool {
    const POINTERS: &[&str] = &[
        "he", "she", "it", "they", "this", "that", "these", "those", "but", "and", "however",
        "his", "her", "their", "its", "er", "sie", "es", "dies", "diese", "dieser", "doch", "aber",
        "und", "il", "elle", "ils", "elles", "mais", "pero", "ella", "ellos", "ma",
    ];
    let is_quoted = text.starts_with(['"', '“', '„', '«', '‘', '\'', '”', '’', '»', '-', '–', '—']);
    let ends = text.ends_with(['.', '!', '?', '。', '！', '？', '"', '”', '’', '»', '“', '…']);
    let first = text.unicode_words().next().unwrap_or_default().to_lowercase();
    let starts_low = text.chars().next().is_some_and(char::is_lowercase);
    SENTENCE_CHARS.contains(&text.chars().count())
        && ends
        && !is_quoted
        && !starts_low
        && !POINTERS.contains(&first.as_str())
        && text.matches(['"', '“', '”', '„']).count().is_multiple_of(2)
}

fn stems(text: &str) -> BTreeSet<String> {
    text.unicode_words().filter_map(stem).collect()
}

/// What each word weighs: the articles that have it, those in the headline twice.
fn weights(candidates: &[Candidate], articles: &[(usize, &Lead<'_>)]) -> BTreeMap<String, f32> {
    let mut having: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for it in candidates {
        for stem in &it.stems {
            having.entry(stem).or_default().insert(it.article);
        }
    }
    let mut weights: BTreeMap<String, f32> = having
        .into_iter()
        .map(|(stem, articles)| (stem.to_owned(), articles.len() as f32))
        .collect();
    for (_, it) in articles {
        for stem in stems(it.title) {
            *weights.entry(stem).or_default() += 2.0;
        }
    }
    weights
}

/// What a sentence adds to what is told: the weight of its new words, spread over its length.
fn gain(it: &Candidate, weights: &BTreeMap<String, f32>, told: &BTreeSet<&str>) -> f32 {
    let new = it.stems.iter().filter(|stem| !told.contains(stem.as_str()));
    let sum: f32 = new.map(|stem| weights.get(stem).copied().unwrap_or(0.0)).sum();
    sum / (it.stems.len() as f32 + 4.0) * DISCOUNT.powi(it.place as i32)
}

fn is_other(it: &Candidate, chosen: &[&Candidate]) -> bool {
    let n_most = chosen.iter().map(|other| it.stems.intersection(&other.stems).count()).max();
    n_most.unwrap_or(0) as f32 <= REPEATED_MAX * it.stems.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead<'a>(title: &'a str, lead: &'a str, language: &'a str) -> Lead<'a> {
        Lead { title, lead, language: Some(language) }
    }

    fn texts(articles: &[Lead<'_>]) -> Vec<(usize, String)> {
        summary(articles).into_iter().map(|it| (it.article, it.text)).collect()
    }

    const FLOOD: &str = "VALMORA (Wire) — The harbour of Valmora was flooded on Monday after a \
        dam gate failed upstream. “We lost everything,” a fisherman said. He has a boat. \
        Engineers closed the gate by hand before noon, and the water fell by evening. \
        The town has a museum of lighthouses that tourists like to visit in summer.";

    #[test]
    fn a_story_of_one_article_is_told_by_its_first_sentences() {
        let expected = [
            "The harbour of Valmora was flooded on Monday after a dam gate failed upstream.",
            "Engineers closed the gate by hand before noon, and the water fell by evening.",
        ];
        let found = texts(&[lead("Dam gate fails, Valmora harbour flooded", FLOOD, "en")]);
        let found: Vec<&str> = found.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(found[..2], expected);
    }

    #[test]
    fn what_is_told_is_not_told_again() {
        let again = "The harbour of Valmora was under water on Monday after a gate of the dam \
            failed. Two hundred people were brought to a school in the next town for the night.";
        let found =
            texts(&[lead("Dam gate fails", FLOOD, "en"), lead("Valmora flooded", again, "en")]);
        let n_told = found.iter().filter(|it| it.1.contains("Monday")).count();
        assert_eq!(n_told, 1, "{found:?}");
        assert!((2..=3).contains(&found.len()), "{found:?}");
    }

    #[test]
    fn it_speaks_the_language_of_most_articles() {
        let german = "Der Hafen von Valmora stand am Montag unter Wasser, weil ein Tor brach.";
        let english = "The harbour of Valmora was flooded on Monday after a dam gate failed.";
        let articles = [
            lead("Hafen überflutet", german, "de"),
            lead("Dam gate fails", english, "en"),
            lead("Valmora flooded", english, "en"),
        ];
        assert_eq!(texts(&articles), [(1, english.to_owned())]);
        // The other sentence could stand there as well.
        assert_eq!(texts(&articles[..1]), [(0, german.to_owned())]);
    }

    #[test]
    fn what_cannot_stand_alone_is_left_out() {
        for text in [
            "",
            "Too short.",
            "He said that the gate of the dam would be mended by the end of May.",
            "“The gate of the dam will be mended by the end of the month of May,” the mayor said.",
            "continued from the page before where the gate of the dam was described at length.",
            "A line of a menu without an end that holds many words of no use to anybody",
        ] {
            assert_eq!(texts(&[lead("Gate", text, "en")]), [], "{text}");
        }
        assert_eq!(texts(&[]), []);
    }
}
