//! How sure two articles tell of one event: a logistic function of a few likenesses.
//!
//! The weights were fitted on pairs of `ecbplus-dev`, whose topics hold two look-alike events
//! each: names and numbers tell these apart better than meaning and common words. Where there is
//! little more than a headline on both sides, few words are shared even by reports of one event:
//! such pairs have weights of their own, chosen on the first lines of `ecbplus-dev` and `newswcl50`.
//! Sharing a hostile act (who, whom, what) speaks for one event; to share none says nothing, since
//! reports of one event tell different acts of it.

use super::terms::TermLikeness;

/// What each likeness counts, as log odds.
struct Weights {
    intercept: f32,
    meaning: f32,
    words: f32,
    lead_names: f32,
    names: f32,
    numbers: f32,
    acts: f32,
}

const OF_TEXTS: Weights = Weights {
    intercept: -8.9,
    meaning: 6.3,
    words: 1.0,
    lead_names: 3.0,
    names: 9.0,
    numbers: 5.0,
    acts: 3.0,
};
const OF_HEADLINES: Weights = Weights {
    intercept: -5.5,
    meaning: 6.3,
    words: 8.0,
    lead_names: 1.0,
    names: 1.0,
    numbers: 3.0,
    acts: 3.0,
};
/// What it adds when both state their date and the dates agree.
const SAME_DATE: f32 = 3.0;

/// Meaning as words tell it, where one has no embedding: fitted on articles that have.
const MEANING_OF_WORDS: (f32, f32) = (0.4, 0.8);

/// What two articles have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common {
    /// Cosine of the embeddings; `None` when either is unknown.
    pub(super) meaning: Option<f32>,
    /// Words, names, numbers, acts.
    pub(super) terms: TermLikeness,
    /// Whether both are written in one language, as far as is known.
    pub(super) is_one_language: bool,
    /// Whether both texts state a date and the dates are at most a week apart.
    pub(super) is_same_date: bool,
    /// Whether both are hardly longer than a headline.
    pub(super) is_short: bool,
}

/// The probability, `0.0..=1.0`, that two articles tell of one event.
///
/// Articles of two languages share neither words nor meaning of the embedding; names stand for
/// both.
pub(super) fn probability(common: Common) -> f32 {
    let terms = common.terms;
    let words = terms.words.unwrap_or(0.0);
    let lead_names = terms.lead_names.or(terms.lead_words).unwrap_or(0.0);
    let names = terms.names.unwrap_or(words);
    let (words, meaning) = match common.is_one_language {
        true => (words, common.meaning),
        false => (names, None),
    };
    let meaning = meaning.unwrap_or(MEANING_OF_WORDS.0 + MEANING_OF_WORDS.1 * words);
    let weights = if common.is_short { OF_HEADLINES } else { OF_TEXTS };
    let sum = weights.intercept
        + weights.meaning * meaning
        + weights.words * words
        + weights.lead_names * lead_names
        + weights.names * names
        + weights.numbers * terms.numbers.unwrap_or(0.0)
        + weights.acts * terms.acts.unwrap_or(0.0).sqrt()
        + if common.is_same_date { SAME_DATE } else { 0.0 };
    1.0 / (1.0 + (-sum).exp())
}
