//! From role probabilities to spans: the likeliest legal sequence of BIO labels.

use std::ops::Range;

use crate::statement_head::{SECTORS, sigmoid};

/// Part of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Who does or would do the harm.
    Actor,
    /// To whom or what.
    Target,
    /// Instrument or method.
    Means,
    /// Who says it.
    Speaker,
}

/// Words that play a role.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RoleSpan {
    /// Which.
    pub(crate) role: Role,
    /// Number of the sentence.
    pub(crate) sentence: usize,
    /// Words of that sentence.
    pub(crate) words: Range<usize>,
    /// Mean probability of the labels.
    pub(crate) score: f32,
    /// For targets: probability of each of [`SECTORS`]; empty for other roles.
    pub(crate) sectors: Vec<f32>,
}

/// `O`, then `B-` and `I-` of each role.
const N_LABELS: usize = 9;
const ROLES: [Role; 4] = [Role::Actor, Role::Target, Role::Means, Role::Speaker];
/// What it costs (in log probability) when a role begins anew right behind itself: without it long
/// phrases fall apart. Tuned by cross-validation on the training documents.
const AGAIN: f32 = 3.0;

/// Finds the role spans in the first `n_words` words of a sentence: `roles` are the logits of the
/// nine labels of each word, `sectors` the logits of each of [`SECTORS`].
pub(crate) fn decode_roles(
    sentence: usize,
    n_words: usize,
    roles: &[f32],
    sectors: &[f32],
) -> Vec<RoleSpan> {
    let scores: Vec<[f32; N_LABELS]> =
        roles.as_chunks::<N_LABELS>().0.iter().take(n_words).map(|it| log_softmax(*it)).collect();
    let labels = likeliest_labels(&scores);
    let mut spans: Vec<RoleSpan> = vec![];
    for (word, &label) in labels.iter().enumerate() {
        match label {
            0 => {}
            begins if begins % 2 == 1 => {
                let role = ROLES[begins / 2];
                let sectors = vec![];
                spans.push(RoleSpan { role, sentence, words: word..word + 1, score: 0.0, sectors });
            }
            _ => {
                if let Some(span) = spans.last_mut() {
                    span.words.end = word + 1;
                }
            }
        }
    }
    for span in &mut spans {
        let probabilities = span.words.clone().map(|at| scores[at][labels[at]].exp());
        span.score = probabilities.sum::<f32>() / span.words.len() as f32;
        if span.role == Role::Target {
            let (from, to) = (span.words.start, span.words.end);
            span.sectors = mean_sectors(&sectors[from * SECTORS.len()..to * SECTORS.len()]);
        }
    }
    spans
}

fn mean_sectors(logits: &[f32]) -> Vec<f32> {
    let n_words = (logits.len() / SECTORS.len()).max(1) as f32;
    let mut mean = vec![0.0; SECTORS.len()];
    for (at, &logit) in logits.iter().enumerate() {
        mean[at % SECTORS.len()] += sigmoid(logit) / n_words;
    }
    mean
}

/// Viterbi over the labels: an `I-` follows only its own `B-` or `I-`.
fn likeliest_labels(scores: &[[f32; N_LABELS]]) -> Vec<usize> {
    const NEVER: f32 = -1e9;
    let jump = |earlier: usize, later: usize| {
        let is_inner = later != 0 && later.is_multiple_of(2);
        let is_own = earlier == later || earlier + 1 == later;
        let begins_again = later % 2 == 1 && (earlier == later || earlier == later + 1);
        if is_inner && !is_own {
            NEVER
        } else if begins_again {
            -AGAIN
        } else {
            0.0
        }
    };
    // Before the first word stands an imagined one without a role.
    let mut best = [NEVER; N_LABELS];
    best[0] = 0.0;
    let mut origins: Vec<[usize; N_LABELS]> = Vec::with_capacity(scores.len());
    for row in scores {
        let mut next = [f32::MIN; N_LABELS];
        let mut origin = [0; N_LABELS];
        for label in 0..N_LABELS {
            for (earlier, &so_far) in best.iter().enumerate() {
                let score = so_far + jump(earlier, label) + row[label];
                if next[label] < score {
                    (next[label], origin[label]) = (score, earlier);
                }
            }
        }
        best = next;
        origins.push(origin);
    }
    let mut label = (0..N_LABELS).fold(0, |a, b| if best[a] < best[b] { b } else { a });
    let mut labels = vec![0; scores.len()];
    for at in (0..scores.len()).rev() {
        labels[at] = label;
        label = origins[at][label];
    }
    labels
}

fn log_softmax(logits: [f32; N_LABELS]) -> [f32; N_LABELS] {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = logits.iter().map(|it| (it - max).exp()).sum();
    logits.map(|it| it - max - sum.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits that favour `labels` strongly.
    fn logits(labels: &[usize]) -> Vec<f32> {
        let mut logits = vec![0.0; labels.len() * N_LABELS];
        for (at, label) in labels.iter().enumerate() {
            logits[at * N_LABELS + label] = 9.0;
        }
        logits
    }

    #[track_caller]
    fn check(logits: &[f32], expected: &[(Role, Range<usize>)]) {
        let n_words = logits.len() / N_LABELS;
        let spans = decode_roles(3, n_words, logits, &vec![0.0; n_words * SECTORS.len()]);
        assert!(spans.iter().all(|it| it.sentence == 3));
        let found: Vec<_> = spans.into_iter().map(|it| (it.role, it.words)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn neighbouring_spans_stay_apart_when_the_model_is_sure() {
        let expected = [(Role::Actor, 0..2), (Role::Target, 3..4), (Role::Target, 4..5)];
        check(&logits(&[1, 2, 0, 3, 3]), &expected);
    }

    #[test]
    fn a_phrase_does_not_fall_apart_where_the_model_wavers() {
        let mut logits = logits(&[3, 3, 4]);
        logits[N_LABELS + 4] = 8.0; // Nearly as likely: the second word goes on.
        check(&logits, &[(Role::Target, 0..3)]);
    }

    #[test]
    fn no_span_begins_inside() {
        check(&logits(&[2, 0]), &[]);
    }

    #[test]
    fn no_words_have_no_roles() {
        check(&[], &[]);
    }
}
