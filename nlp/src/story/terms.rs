//! The words and entities of an article as weighted terms.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use super::StoryInput;

/// A term by its hash. Articles of one language share words; of two, entities.
pub(super) type Term = u64;

/// Terms with their weight in the article, by rising term.
pub(super) type Terms = Vec<(Term, f32)>;

/// Words of headline and lead: `1 + ln(count)`, those of the headline count twice.
pub(super) fn words(input: &StoryInput) -> Terms {
    let lead = input.lead.trim();
    let first_line = lead.lines().next().unwrap_or_default();
    let title = input.title.trim();
    // Without a headline the first line stands for it; where it repeats it, it counts once.
    let (title, lead) = match title.is_empty() || title == first_line {
        true => (first_line, &lead[first_line.len()..]),
        false => (title, lead),
    };
    let mut counts: BTreeMap<Term, u32> = BTreeMap::new();
    for (text, weight) in [(title, 2), (lead, 1)] {
        for word in text.unicode_words() {
            let stem = stem(&word.to_lowercase());
            if 1 < stem.len() && !STOP_WORDS.contains(&stem.as_str()) {
                *counts.entry(hash(&stem)).or_default() += weight;
            }
        }
    }
    counts.into_iter().map(|(term, count)| (term, 1.0 + (count as f32).ln())).collect()
}

/// Entities, all of one weight.
pub(super) fn entities(input: &StoryInput) -> Terms {
    let entities: BTreeMap<Term, f32> = input.entities.iter().map(|it| (hash(it), 1.0)).collect();
    entities.into_iter().collect()
}

/// A word without its most common English endings.
fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    let endings = ["ing", "ed", "es", "s"].iter();
    let mut stems = endings.filter_map(|it| word.strip_suffix(it));
    stems.find(|it| 4 <= it.chars().count()).unwrap_or(word).to_owned()
}

/// FNV-1a, 64 bits: the same on every machine, so that ties fall the same way.
fn hash(text: &str) -> Term {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Words that say nothing about an event.
const STOP_WORDS: &[&str] = &[
    "a",
    "about",
    "after",
    "again",
    "against",
    "also",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "been",
    "before",
    "being",
    "between",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "done",
    "down",
    "during",
    "for",
    "from",
    "further",
    "had",
    "has",
    "have",
    "having",
    "he",
    "her",
    "here",
    "him",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "just",
    "may",
    "me",
    "might",
    "more",
    "most",
    "mr",
    "mrs",
    "ms",
    "must",
    "my",
    "new",
    "no",
    "nor",
    "not",
    "of",
    "off",
    "on",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "own",
    "said",
    "same",
    "say",
    "says",
    "shall",
    "she",
    "should",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "to",
    "too",
    "two",
    "under",
    "up",
    "us",
    "very",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
    "according",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_and_stop_words_do_not_matter() {
        let of = |title: &str| words(&StoryInput { title: title.into(), ..StoryInput::default() });
        assert_eq!(of("Rebels attacked the ports"), of("The rebel attacks a port"));
        assert_ne!(of("Rebels attacked"), of("Rebels fled"));
    }

    #[test]
    fn the_first_line_stands_for_a_missing_headline() {
        let lead = "Dam fails\nA dam has failed.".to_owned();
        let with = StoryInput { title: "Dam fails".into(), lead, ..StoryInput::default() };
        let without = StoryInput { title: String::new(), ..with.clone() };
        assert_eq!(words(&with), words(&without));
    }
}
