//! From a text and its annotation to runs of text that a page can show. Pure; trusts no offset.
//!
//! The page writes every run through the template's escaping; nothing here makes HTML.

use nlp::{Annotation, Mention, Phrase, Statement, StatementKind, offsets::Offsets};

/// What part of a statement a run plays; on a clash the smaller wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The words that express the act.
    Trigger,
    /// Who does it.
    Actor,
    /// To whom.
    Target,
    /// With what.
    Means,
    /// Who says so.
    Speaker,
}

impl Role {
    /// Name of the role in style sheet and tooltips.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Trigger => "trigger",
            Role::Actor => "actor",
            Role::Target => "target",
            Role::Means => "means",
            Role::Speaker => "speaker",
        }
    }
}

/// A run of text of which the same is known throughout.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<'a> {
    /// The words, never empty.
    pub text: &'a str,
    /// Its part in a statement.
    pub role: Option<Role>,
    /// The statement in which it plays it, counted from 0 as in [`Annotation::statements`].
    pub role_of: Option<usize>,
    /// The mention that it belongs to.
    pub mention: Option<&'a Mention>,
}

/// Runs that lie in the same sentence of a statement, or in none.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<'a> {
    /// Statements whose sentence this is, in order, each with its kind; empty for plain text.
    pub statements: Vec<(usize, StatementKind)>,
    /// Whether the sentence begins here (it may go on in the next paragraph).
    pub is_start: bool,
    /// The text in order.
    pub runs: Vec<Run<'a>>,
}

/// Cuts `text` into paragraphs (at line feeds; blank ones are left out) and those into blocks and
/// runs. All the runs of a paragraph together are the paragraph, letter by letter.
pub fn paragraphs<'a>(text: &'a str, annotation: &'a Annotation) -> Vec<Vec<Block<'a>>> {
    let mut layers: Vec<Layer<'a>> = Vec::new();
    for mention in &annotation.mentions {
        push(&mut layers, mention.start, mention.end, Label::Mention(mention));
    }
    for (n, statement) in annotation.statements.iter().enumerate() {
        let sentence = statement.sentence;
        push(&mut layers, sentence.start, sentence.end, Label::Sentence(n, statement.kind));
        roles(statement, |phrase, role| {
            push(&mut layers, phrase.start, phrase.end, Label::Role(role, n));
        });
    }
    let runs = runs(text, layers);
    let mut all = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end_matches(['\n', '\r']);
        if !trimmed.trim().is_empty() {
            all.push(blocks(&runs, start, start + trimmed.len()));
        }
        start += line.len();
    }
    all
}

/// The sentence of `statement` with its roles marked, without blanks around it. `words` is the
/// text from the sentence's first character on.
pub fn sentence<'a>(words: &'a str, statement: &'a Statement) -> Vec<Run<'a>> {
    let trimmed = words.trim();
    let start = words.len() - words.trim_start().len();
    let mut layers = Vec::new();
    roles(statement, |phrase, role| {
        let first = statement.sentence.start;
        if let (Some(from), Some(to)) =
            (phrase.start.checked_sub(first), phrase.end.checked_sub(first))
        {
            push(&mut layers, from, to, Label::Role(role, 0));
        }
    });
    let blocks = blocks(&runs(words, layers), start, start + trimmed.len());
    blocks.into_iter().flat_map(|it| it.runs).collect()
}

#[derive(Clone, Copy, Debug)]
enum Label<'a> {
    Mention(&'a Mention),
    Sentence(usize, StatementKind),
    Role(Role, usize),
}

#[derive(Clone, Copy, Debug)]
struct Layer<'a> {
    start: usize,
    end: usize,
    label: Label<'a>,
}

/// A run with the bytes at which it lies and the sentences around it.
struct Placed<'a> {
    start: usize,
    run: Run<'a>,
    sentences: Vec<(usize, StatementKind)>,
    /// Byte at which the first of the sentences begins.
    sentence_start: usize,
}

fn push<'a>(layers: &mut Vec<Layer<'a>>, start: usize, end: usize, label: Label<'a>) {
    if start < end {
        layers.push(Layer { start, end, label });
    }
}

fn roles<'a>(statement: &'a Statement, mut each: impl FnMut(&'a Phrase, Role)) {
    each(&statement.trigger, Role::Trigger);
    statement.actors.iter().for_each(|it| each(it, Role::Actor));
    statement.targets.iter().for_each(|it| each(it, Role::Target));
    statement.means.iter().for_each(|it| each(it, Role::Means));
    statement.speaker.iter().for_each(|it| each(it, Role::Speaker));
}

/// Cuts the whole text wherever a layer begins or ends, sweeping once from left to right.
fn runs<'a>(text: &'a str, mut layers: Vec<Layer<'a>>) -> Vec<Placed<'a>> {
    let offsets = Offsets::of(text);
    for layer in &mut layers {
        let range = offsets.byte_range(layer.start, layer.end);
        (layer.start, layer.end) = (range.start, range.end);
    }
    layers.sort_by_key(|it| it.start);
    let mut cuts: Vec<usize> = layers.iter().flat_map(|it| [it.start, it.end]).collect();
    cuts.extend([0, text.len()]);
    cuts.extend(text.match_indices('\n').flat_map(|(at, _)| [at, at + 1]));
    cuts.sort_unstable();
    cuts.dedup();
    let mut waiting = layers.into_iter().peekable();
    let mut open: Vec<Layer<'a>> = Vec::new();
    let mut all = Vec::with_capacity(cuts.len());
    for pair in cuts.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        open.retain(|it| it.end > start);
        while let Some(layer) = waiting.next_if(|it| it.start <= start) {
            if layer.end > start {
                open.push(layer);
            }
        }
        all.push(placed(&text[start..end], start, &open));
    }
    all
}

fn placed<'a>(text: &'a str, start: usize, open: &[Layer<'a>]) -> Placed<'a> {
    let mut run = Run { text, role: None, role_of: None, mention: None };
    let mut sentences = Vec::new();
    let mut sentence_start = usize::MAX;
    for layer in open {
        match layer.label {
            Label::Mention(mention) => run.mention = run.mention.or(Some(mention)),
            Label::Role(role, of) if run.role.is_none_or(|it| role < it) => {
                (run.role, run.role_of) = (Some(role), Some(of));
            }
            Label::Role(..) => {}
            Label::Sentence(n, kind) => {
                sentences.push((n, kind));
                sentence_start = sentence_start.min(layer.start);
            }
        }
    }
    sentences.sort_unstable();
    Placed { start, run, sentences, sentence_start }
}

/// The runs between two bytes, gathered by sentence. Cuts runs that reach over an end.
fn blocks<'a>(runs: &[Placed<'a>], start: usize, end: usize) -> Vec<Block<'a>> {
    let mut all: Vec<Block<'a>> = Vec::new();
    let first = runs.partition_point(|it| it.start + it.run.text.len() <= start);
    for placed in runs[first..].iter().take_while(|it| it.start < end) {
        let from = start.saturating_sub(placed.start);
        let to = (end - placed.start).min(placed.run.text.len());
        let run = Run { text: &placed.run.text[from..to], ..placed.run.clone() };
        match all.last_mut() {
            Some(block) if block.statements == placed.sentences => block.runs.push(run),
            _ => all.push(Block {
                is_start: placed.sentence_start >= start
                    && placed.sentence_start == placed.start + from,
                statements: placed.sentences.clone(),
                runs: vec![run],
            }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use nlp::{Domain, MentionKind, Modality, Span, StatementTime, Tense};

    use super::*;

    fn phrase(text: &str, words: &str) -> Phrase {
        let at = text.find(words).expect("the words stand in the text");
        let start = text[..at].chars().count();
        Phrase { start, end: start + words.chars().count(), text: words.to_owned(), entity: None }
    }

    fn statement(text: &str, sentence: &str, actor: &str, target: &str) -> Statement {
        let at = phrase(text, sentence);
        Statement {
            kind: StatementKind::Threat,
            domain: Domain::Physical,
            modality: Modality::Asserted,
            time: StatementTime { tense: Tense::Future, from: None, to: None },
            sentence: Span { start: at.start, end: at.end },
            trigger: phrase(text, "will strike"),
            actors: vec![phrase(text, actor)],
            targets: vec![phrase(text, target)],
            sectors: Vec::new(),
            means: Vec::new(),
            speaker: None,
            score: 0.9,
        }
    }

    const TEXT: &str = "Früher war Ruhe 🕊.\nThe Reds will strike the “Blü” port.  More follows.";

    fn annotation() -> Annotation {
        let reds = phrase(TEXT, "Reds");
        Annotation {
            mentions: vec![Mention {
                start: reds.start,
                end: reds.end,
                text: reds.text,
                kind: MentionKind::ThreatGroup,
                entity: None,
                score: 1.0,
            }],
            statements: vec![statement(
                TEXT,
                "The Reds will strike the “Blü” port.",
                "Reds",
                "“Blü” port",
            )],
            ..Annotation::default()
        }
    }

    fn joined(blocks: &[Block<'_>]) -> String {
        blocks.iter().flat_map(|it| &it.runs).map(|it| it.text).collect()
    }

    #[test]
    fn paragraphs_keep_every_letter_and_leave_out_line_feeds() {
        let annotation = annotation();
        let all = paragraphs(TEXT, &annotation);
        let lines: Vec<String> = all.iter().map(|it| joined(it)).collect();
        assert_eq!(lines, TEXT.lines().collect::<Vec<_>>());
    }

    #[test]
    fn roles_and_mentions_lie_on_their_words() {
        let annotation = annotation();
        let all = paragraphs(TEXT, &annotation);
        let sentence = &all[1][0];
        assert!(sentence.is_start);
        assert_eq!(sentence.statements, [(0, StatementKind::Threat)]);
        let marked: Vec<_> = sentence
            .runs
            .iter()
            .filter_map(|it| it.role.map(|role| (role.as_str(), it.text)))
            .collect();
        assert_eq!(
            marked,
            [("actor", "Reds"), ("trigger", "will strike"), ("target", "“Blü” port")]
        );
        assert!(sentence.runs.iter().any(|it| it.mention.is_some() && it.text == "Reds"));
        assert!(all[1][1].statements.is_empty(), "what follows the sentence is plain");
    }

    #[test]
    fn a_sentence_alone_has_its_roles_and_no_blanks_around_it() {
        let statement = annotation().statements.remove(0);
        let runs = sentence("The Reds will strike the “Blü” port.  ", &statement);
        let words: String = runs.iter().map(|it| it.text).collect();
        assert_eq!(words, "The Reds will strike the “Blü” port.");
        let actor = runs.iter().find(|it| it.role == Some(Role::Actor));
        assert_eq!(actor.map(|it| it.text), Some("Reds"));
    }

    #[test]
    fn absurd_offsets_lose_nothing_and_break_nothing() {
        let mut annotation = annotation();
        annotation.statements[0].sentence = Span { start: 900, end: 1_000 };
        annotation.statements[0].actors[0].start = usize::MAX - 1;
        annotation.statements[0].actors[0].end = usize::MAX;
        annotation.statements[0].targets[0].start = 5;
        annotation.statements[0].targets[0].end = 2;
        annotation.mentions[0].start = 3;
        annotation.mentions[0].end = 40;
        let all = paragraphs(TEXT, &annotation);
        let lines: Vec<String> = all.iter().map(|it| joined(it)).collect();
        assert_eq!(lines, TEXT.lines().collect::<Vec<_>>());
        let alone: String =
            sentence(TEXT, &annotation.statements[0]).iter().map(|it| it.text).collect();
        assert_eq!(alone, TEXT);
    }
}
