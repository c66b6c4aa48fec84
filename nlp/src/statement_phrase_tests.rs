use super::*;
use crate::document::AnalysedSentence;
use crate::tagger::EncodedSentence;

/// Words and marks, as bytes in the sentence.
fn words(sentence: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = vec![];
    let mut is_inside = false;
    for (at, it) in sentence.char_indices() {
        let end = at + it.len_utf8();
        if is_inside && it.is_alphanumeric() {
            if let Some(last) = words.last_mut() {
                last.end = end;
            }
        } else if !it.is_whitespace() {
            words.push(at..end);
        }
        is_inside = it.is_alphanumeric();
    }
    words
}

fn document(sentences: &[&str]) -> AnalysedDocument {
    let text = sentences.join(" ");
    let mut start = 0;
    let analysed = sentences.iter().map(|it| {
        let range = start..start + it.len();
        start = range.end + 1;
        let encoded = EncodedSentence { words: words(it), ..EncodedSentence::default() };
        AnalysedSentence { range, encoded }
    });
    AnalysedDocument { sentences: analysed.collect(), text, ..AnalysedDocument::default() }
}

/// The last place of `words`, with its sentence.
#[track_caller]
fn find(document: &AnalysedDocument, words: &str) -> (Range<usize>, usize) {
    let start = document.text.rfind(words).expect("the text holds the words");
    let sentence = document.sentences.iter().position(|it| it.range.contains(&start));
    (start..start + words.len(), sentence.expect("within a sentence"))
}

fn mention(document: &AnalysedDocument, name: &str, kind: MentionKind, id: &str) -> LinkedMention {
    let (range, sentence) = find(document, name);
    LinkedMention {
        range,
        sentence,
        kind,
        score: 1.0,
        entity: Some(EntityRef { id: id.to_owned(), name: name.to_owned() }),
        acts_for: None,
        listed: None,
        is_demonym: false,
    }
}

/// Reads the last place of `actor`; `expected` are the words that it means and the id of its
/// entity.
#[track_caller]
fn check(
    sentences: &[&str],
    names: &[(&str, MentionKind, &str)],
    (actor, speaker): (&str, Option<&str>),
    expected: Option<(&str, Option<&str>)>,
) {
    let document = document(sentences);
    let mentions: Vec<LinkedMention> =
        names.iter().map(|(name, kind, id)| mention(&document, name, *kind, id)).collect();
    let reader =
        PhraseReader { document: &document, mentions: &mentions, acted: vec![], hit: vec![] };
    let (range, sentence) = find(&document, actor);
    let AnalysedSentence { range: around, encoded } = &document.sentences[sentence];
    let is_within = |it: &Range<usize>| {
        range.start <= around.start + it.start && around.start + it.end <= range.end
    };
    let first = encoded.words.iter().position(is_within).expect("whole words");
    let n_words = encoded.words.iter().filter(|it| is_within(it)).count();
    let words = first..first + n_words;
    let span = RoleSpan { role: Role::Actor, sentence, words, score: 1.0, sectors: vec![] };
    let speaker =
        speaker.map(|it| BytePhrase { range: find(&document, it).0, entity: None, listed: None });
    let found = reader.read(&span, speaker.as_ref());
    let found = found.as_ref().map(|it| {
        let id = it.entity.as_ref().map(|it| it.id.as_str());
        (document.text_of(it.range.clone()), id)
    });
    assert_eq!(found, expected, "{actor}");
}

const BRANDT: (&str, MentionKind, &str) = ("Ovi Brandt", MentionKind::Person, "person:brandt");
const SPIDER: (&str, MentionKind, &str) =
    ("Glass Spider", MentionKind::ThreatGroup, "group:glass-spider");

#[test]
fn we_are_the_person_that_he_who_speaks_is() {
    check(
        &["Ovi Brandt spoke on Monday.", "“We will strike,” he said."],
        &[BRANDT],
        ("We", Some("he")),
        Some(("Ovi Brandt", Some("person:brandt"))),
    );
}

#[test]
fn we_are_the_speaker_where_nobody_was_named_before() {
    let sentences = &["Rain fell.", "“We will strike,” he said."];
    check(sentences, &[], ("We", Some("he")), Some(("he", None)));
    let sentences = &["Rain fell.", "“We will strike,” Ovi Brandt said."];
    check(sentences, &[], ("We", Some("Ovi Brandt")), Some(("Ovi Brandt", None)));
}

#[test]
fn a_name_in_capitals_is_no_pronoun() {
    let country = ("US", MentionKind::Location, "country:US");
    check(
        &["Ovi Brandt spoke on Monday.", "US strikes Iran."],
        &[BRANDT, country],
        ("US", Some("Ovi Brandt")),
        Some(("US", Some("country:US"))),
    );
}

#[test]
fn only_the_hackers_are_the_group_that_was_named() {
    let check_hackers = |sentence: &str, words: &str, id: Option<&str>| {
        let sentences = &["Glass Spider leaked the files.", sentence];
        check(sentences, &[SPIDER], (words, None), Some(("hackers", id)));
    };
    check_hackers("Later hackers struck a port.", "hackers", None);
    check_hackers("Later the hackers struck a port.", "hackers", Some("group:glass-spider"));
    check_hackers("Later the hackers struck a port.", "the hackers", Some("group:glass-spider"));
    check_hackers("“The hackers are back,” it said.", "hackers", Some("group:glass-spider"));
    check_hackers("Soon these hackers struck again.", "hackers", Some("group:glass-spider"));
}

#[test]
fn a_pronoun_is_who_was_named_before_or_nobody() {
    let sentences = &["Glass Spider leaked the files.", "Later they struck a port."];
    let spider = ("Glass Spider", Some("group:glass-spider"));
    check(sentences, &[SPIDER], ("they", None), Some(spider));
    check(&["Rain fell.", "Later they struck."], &[], ("they", None), None);
}

#[test]
fn who_is_the_noun_before_it() {
    let check_who = |sentence: &str, expected| {
        let sentences = &["Rain fell.", sentence];
        check(sentences, &[SPIDER], ("who", None), Some(expected));
    };
    check_who("Glass Spider met masked gunmen, who struck.", ("masked gunmen", None));
    check_who("Glass Spider met a hacker who struck.", ("hacker", None));
    let spider = ("Glass Spider", Some("group:glass-spider"));
    check_who("They met Glass Spider, who struck.", spider);
    check_who("Glass Spider did not know who struck.", spider);
    let sentences = &["Glass Spider leaked the files.", "“Who struck the port is unknown.”"];
    check(sentences, &[SPIDER], ("Who", None), None);
}

#[test]
fn an_article_names_nobody() {
    check(&["Murk wrote the message."], &[], ("the", None), None);
}

#[test]
fn forces_mean_whose_they_are() {
    let document = document(&["Ruritania says its troops struck."]);
    let country = mention(&document, "Ruritania", MentionKind::Location, "country:RU");
    let mentions = [country];
    let reader =
        PhraseReader { document: &document, mentions: &mentions, acted: vec![], hit: vec![] };
    let span = |words: Range<usize>| RoleSpan {
        role: Role::Actor,
        sentence: 0,
        words,
        score: 1.0,
        sectors: vec![],
    };
    let owner = reader.party(&span(0..1));
    assert!(owner.is_name && owner.holds_name);
    let troops = reader.party(&span(2..4));
    assert!(!troops.is_name && !troops.holds_name);
    let troops = Party { owner: Some(owner.span), ..troops };
    let found = reader.read_party(&troops, None).expect("a phrase");
    assert_eq!(document.text_of(found.range), "its troops");
    assert_eq!(found.entity.map(|it| it.id), Some("country:RU".to_owned()));
}

#[test]
fn only_names_in_a_row_are_told_apart() {
    let check_apart = |sentence: &str, expected: &[&str]| {
        let document = document(&[sentence]);
        let names = [("Ruritania", "country:RU"), ("New Freedonia", "country:FR")];
        let mentions = names.map(|(it, id)| mention(&document, it, MentionKind::Location, id));
        let reader =
            PhraseReader { document: &document, mentions: &mentions, acted: vec![], hit: vec![] };
        let words = 0..document.sentences[0].encoded.words.len();
        let span = RoleSpan { role: Role::Target, sentence: 0, words, score: 1.0, sectors: vec![] };
        let apart = reader.apart(&span);
        let text = |it: &RoleSpan| document.text_of(document.words_range(0, it.words.clone()));
        assert_eq!(apart.iter().map(text).collect::<Vec<_>>(), expected);
    };
    check_apart("Ruritania and New Freedonia", &["Ruritania", "New Freedonia"]);
    check_apart("Ruritania or the New Freedonia", &["Ruritania", "New Freedonia"]);
    check_apart("ports of Ruritania and New Freedonia", &["ports of Ruritania and New Freedonia"]);
    check_apart("New Freedonia the Ruritania", &["New Freedonia the Ruritania"]);
}
