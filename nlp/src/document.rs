//! Documents on their way through the NLP stage: as they come, and as the tagger has read them.
//!
//! Everything in this module counts **bytes**, always on `char` boundaries; [`crate::annotation`],
//! which the outside sees, counts characters.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::MentionKind;
use crate::tagger::EncodedSentence;

/// A document to annotate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The caller's id; comes back in the annotation.
    pub id: String,
    /// Headline, when the text does not hold it.
    pub title: Option<String>,
    /// Body as plain text; lines are paragraphs.
    pub text: String,
    /// When it was published; dates in the text are relative to it.
    pub published_at: Option<DateTime<Utc>>,
    /// Where it stood.
    pub url: Option<String>,
    /// ISO 639-1 code; `None` lets the annotator find out.
    pub language: Option<String>,
}

/// A text whose sentences the tagger has read: what statements, links and sectors are made from.
///
/// A headline is a document of its own (its `text` is the headline and `title` is `None`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnalysedDocument {
    /// The text that all ranges point into.
    pub text: String,
    /// Headline that stands above `text`; context only, no range points into it.
    pub title: Option<String>,
    /// When it was published; dates in the text are relative to it.
    pub published_at: Option<DateTime<Utc>>,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
    /// Whether the text is surely in another language than English, so that no statements are read.
    pub is_foreign: bool,
    /// Sentences in order; they do not overlap.
    pub sentences: Vec<AnalysedSentence>,
    /// Names found in `text`, by start; they do not overlap and do not cross sentences.
    pub mentions: Vec<RawMention>,
}

/// A sentence of an [`AnalysedDocument`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnalysedSentence {
    /// Bytes in the document's text, without white space around.
    pub range: Range<usize>,
    /// Words and labels; **their** ranges count from the start of the sentence.
    pub encoded: EncodedSentence,
}

/// A place in an [`AnalysedDocument`] that names something, not linked to an entity yet.
#[derive(Clone, Debug, PartialEq)]
pub struct RawMention {
    /// Bytes in the document's text.
    pub range: Range<usize>,
    /// What sort of thing is named.
    pub kind: MentionKind,
    /// Confidence, `0.0..=1.0`.
    pub score: f32,
    /// Number of the sentence in [`AnalysedDocument::sentences`].
    pub sentence: usize,
}

impl AnalysedDocument {
    /// The words of sentence `sentence`.
    pub fn sentence_text(&self, sentence: usize) -> &str {
        &self.text[self.sentences[sentence].range.clone()]
    }

    /// Bytes in the document's text of the words `words` of sentence `sentence`.
    ///
    /// An empty range of words gives the empty range at the start of its first word, or at the
    /// end of the sentence.
    pub fn words_range(&self, sentence: usize, words: Range<usize>) -> Range<usize> {
        let AnalysedSentence { range, encoded } = &self.sentences[sentence];
        let start = encoded.words.get(words.start).map_or(range.len(), |it| it.start);
        let last = encoded.words[..words.end].last().filter(|_| !words.is_empty());
        range.start + start..range.start + last.map_or(start, |it| it.end)
    }

    /// The words as printed.
    pub fn text_of(&self, range: Range<usize>) -> &str {
        &self.text[range]
    }
}
