//! The annotator on real text, with the real model.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use config::SectorId;
use proptest::prelude::*;

use super::*;
use crate::rten_tagger::RtenTagger;
use crate::tagger::{Labels, Precision};
use crate::{Domain, MentionKind, Modality, Phrase, Span, StatementKind, StatementTime, Tense};

fn annotator_with(tagger: Box<dyn Tagger>) -> Annotator {
    let reader = StatementReader::embedded(Arc::default(), Precision::Int8, NonZeroUsize::MIN)
        .expect("it loads");
    Annotator::new(tagger, reader, 1_000_000)
}

fn annotator() -> Annotator {
    let tagger =
        RtenTagger::embedded(Precision::Int8, NonZeroUsize::MIN).expect("the built-in model loads");
    annotator_with(Box::new(tagger))
}

fn document(title: Option<&str>, text: &str) -> Document {
    Document {
        id: "d".into(),
        title: title.map(str::to_owned),
        text: text.to_owned(),
        ..Document::default()
    }
}

/// The names of the first document's text.
fn names_of(text: &str) -> Vec<(String, MentionKind)> {
    let analysed = annotator().analyse_all(&[document(None, text)]).expect("the model runs");
    let (_, body) = &analysed[0];
    let names = body.mentions.iter();
    names.map(|it| (body.text_of(it.range.clone()).to_owned(), it.kind)).collect()
}

#[test]
fn names_in_every_sentence_are_found_with_their_place() {
    let names = names_of(
        "Gen. Omar Haddad of Syria’s army met the U.S. envoy in Geneva. “It went well,” he said.\n\
         Siemens, the Munich-based company, sent Anna Weiß.",
    );
    for (text, kind) in [
        ("Omar Haddad", MentionKind::Person),
        ("Syria", MentionKind::Location),
        ("U.S.", MentionKind::Location),
        ("Geneva", MentionKind::Location),
        ("Siemens", MentionKind::Organization),
        ("Munich", MentionKind::Location),
        ("Anna Weiß", MentionKind::Person),
    ] {
        assert!(names.contains(&(text.to_owned(), kind)), "{text} is not in {names:?}");
    }
}

#[test]
fn hacker_groups_are_found_where_the_text_speaks_of_hacking() {
    let names = names_of("The hacker group APT28 used the Drovorub malware against ministries.");
    assert!(names.contains(&("APT28".to_owned(), MentionKind::ThreatGroup)), "{names:?}");
    let names =
        names_of("The will of the late Mr. Bokassa was read. Termites ate the village hall.");
    let cyber = |kind| !matches!(kind, MentionKind::ThreatGroup | MentionKind::Malware);
    assert!(names.iter().all(|(_, kind)| cyber(*kind)), "{names:?}");
}

/// Of each statement of `text` its actors, its targets and its sectors.
fn parties_of(text: &str) -> Vec<[Vec<String>; 3]> {
    let annotated = knowing_annotator().annotate(&[document(None, text)]);
    let texts = |it: &[Phrase]| it.iter().map(|it| it.text.clone()).collect();
    let sectors = |it: &Statement| it.sectors.iter().map(|it| it.as_str().to_owned()).collect();
    let statements = annotated[0].annotation.statements.iter();
    statements.map(|it| [texts(&it.actors), texts(&it.targets), sectors(it)]).collect()
}

#[test]
fn parties_are_told_once_and_each_on_its_own() {
    let found = parties_of(
        "A hacker going by the pseudonym Murk leaked the files of Valmora Bank on Monday.",
    );
    assert_eq!(found.iter().map(|it| &it[0]).collect::<Vec<_>>(), [&["Murk"]]);
    let found = parties_of("The group warned of new attacks on Sony and Nintendo.");
    assert_eq!(found.iter().map(|it| &it[1]).collect::<Vec<_>>(), [&["Sony", "Nintendo"]]);
}

/// The kinds of the statements that are read in `text`, which is said to be in `language`.
fn kinds_of(language: &str, text: &str) -> Vec<StatementKind> {
    let language = Some(language.to_owned());
    let annotated = annotator().annotate(&[Document { language, ..document(None, text) }]);
    annotated[0].annotation.statements.iter().map(|it| it.kind).collect()
}

#[test]
fn statements_are_read_in_english_whatever_the_page_says_it_is() {
    let text = "Hackers attacked the power grid of Marl on Monday and threatened to strike again.";
    assert_eq!(kinds_of("en", text)[0], StatementKind::Attack);
    assert_eq!(kinds_of("de", text), kinds_of("en", text));
    // A text in German stays one where it quotes.
    let text = "Das Ministerium wollte am Montag nichts dazu sagen, was auf der Seite der Gruppe stand und \
                seither von vielen Zeitungen des Landes gedruckt worden ist.\n\
                Hackers attacked the power grid of Marl.\n\
                Die Stadt hat inzwischen einen Stab eingerichtet, der auch in der Nacht erreichbar ist.";
    assert_eq!(kinds_of("de", text), []);
}

#[test]
fn storms_attack_nobody() {
    let text = "The storm Ylva attacked the harbour of Marl and destroyed forty houses.";
    assert_eq!(kinds_of("en", text), []);
    let text = "The gang Volt Typhoon attacked the harbour of Marl and destroyed forty servers.";
    assert!(!kinds_of("en", text).is_empty());
}

#[test]
fn both_acts_of_a_sentence_are_read() {
    let text = "Hackers leaked the show after two failed blackmail attempts against Larkin Studios \
                and Hulu.";
    assert_eq!(parties_of(text).len(), 2);
}

#[test]
fn words_that_the_model_rules_out_tell_no_sector() {
    let found = parties_of("Rebels attacked an army base near Marl.");
    assert_eq!(found.iter().map(|it| &it[2]).collect::<Vec<_>>(), [&["/defence"]]);
    let found = parties_of("Soldiers shelled rebel-held areas near Marl.");
    assert_eq!(found.iter().map(|it| &it[2]).collect::<Vec<_>>(), [&[] as &[&str]]);
}

#[test]
fn a_headline_is_read_on_its_own_unless_the_text_begins_with_it() {
    let text = "Iran warns Israel\nTehran threatened to close the strait.";
    let documents = [
        document(Some("Iran warns Israel"), text),
        document(Some("Tehran speaks"), text),
        document(Some("  "), text),
    ];
    let annotated = annotator().annotate(&documents);
    let has_title = annotated.iter().map(|it| it.annotation.title.is_some());
    assert_eq!(has_title.collect::<Vec<_>>(), [false, true, false]);
    assert_ne!(annotated[0].embedding, annotated[1].embedding);
}

#[test]
fn empty_foreign_and_odd_texts_are_read_without_fuss() {
    let long_word = "x".repeat(100_000);
    let texts =
        ["", " \n ", "Иран пригрозил Израилю. 北京警告。", "\u{0}\u{fffd}\u{301}", &long_word];
    let documents: Vec<Document> = texts.iter().map(|it| document(None, it)).collect();
    let annotated = annotator().annotate(&documents);
    assert!(annotated.iter().all(|it| it.error.is_none()));
    assert!(annotated[0].embedding.iter().all(|&it| it == 0.0));
    assert_eq!(annotated.len(), texts.len());
}

/// Fails on every batch that holds a certain word.
struct Moody {
    inner: RtenTagger,
}

impl Tagger for Moody {
    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn encode(&mut self, sentences: &[&str]) -> Result<Vec<EncodedSentence>, TagError> {
        if sentences.iter().any(|it| it.contains("poison")) {
            return Err(TagError::Run { n_sequences: sentences.len(), reason: "poison".into() });
        }
        self.inner.encode(sentences)
    }
}

#[test]
fn a_document_that_the_tagger_cannot_read_passes_without_mentions_and_harms_no_other() {
    let inner =
        RtenTagger::embedded(Precision::Int8, NonZeroUsize::MIN).expect("the built-in model loads");
    let mut annotator = annotator_with(Box::new(Moody { inner }));
    let documents = [
        document(None, "Kyiv was hit."),
        document(None, "This is poison."),
        document(None, "Oslo was not."),
    ];
    let annotated = annotator.annotate(&documents);
    let has_error = annotated.iter().map(|it| it.error.is_some());
    assert_eq!(has_error.collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(annotated[1].annotation.id, "d");
    assert!(annotated[0].embedding.iter().any(|&it| it != 0.0));
}

/// Every fourth row is enough to see that something broke.
const N_ROWS_SKIPPED: usize = 4;

type Spans = BTreeSet<(usize, usize, &'static str)>;

/// Micro F1 of exact spans over every fourth row of a token-tagged set of `shared/`, as
/// `shared/eval/score_ner.py` counts it; `None` (and a line on standard error) without the set.
fn f1(set: &str, class_of: fn(MentionKind) -> Option<&'static str>) -> Option<f64> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var_os("HARBINGER_SHARED").map_or(here.into(), PathBuf::from);
    let Ok(file) = std::fs::File::open(shared.join(format!("data/nlp/{set}.jsonl.gz"))) else {
        eprintln!("skipped: ../shared is absent");
        return None;
    };
    let mut jsonl = String::new();
    let mut reader = flate2::read::GzDecoder::new(file);
    std::io::Read::read_to_string(&mut reader, &mut jsonl).expect("the set is gzip");
    let rows: Vec<serde_json::Value> = jsonl
        .lines()
        .step_by(N_ROWS_SKIPPED)
        .map(|it| serde_json::from_str(it).expect("JSON"))
        .collect();
    let tokens = |row: &serde_json::Value, key: &str| -> Vec<String> {
        let list = row[key].as_array().into_iter().flatten();
        list.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let documents: Vec<Document> =
        rows.iter().map(|it| document(None, &tokens(it, "t").join(" "))).collect();
    let analysed = annotator().analyse_all(&documents).expect("the model runs");
    let (mut n_right, mut n_found, mut n_gold) = (0, 0, 0);
    for (row, (_, body)) in rows.iter().zip(&analysed) {
        let missing = tokens(row, "miss");
        let of_class = |it: &RawMention| Some((it.range.start, it.range.end, class_of(it.kind)?));
        let found: Spans = body.mentions.iter().filter_map(of_class).collect();
        let found: Spans =
            found.into_iter().filter(|it| !missing.contains(&it.2.to_owned())).collect();
        let gold = gold_spans(&tokens(row, "t"), &tokens(row, "y"));
        n_right += gold
            .iter()
            .filter(|(start, end, class)| {
                found.iter().any(|it| it.0 == *start && it.1 == *end && it.2 == class)
            })
            .count();
        n_found += found.len();
        let classes = ["PER", "ORG", "LOC", "MISC"];
        let cyber = ["GROUP", "MALWARE", "TOOL", "VULN", "SECTOR"];
        let scored: &[&str] = if set.starts_with("ner") { &classes } else { &cyber };
        n_gold += gold.iter().filter(|it| scored.contains(&it.2.as_str())).count();
    }
    let f1 = 200.0 * n_right as f64 / (n_found + n_gold) as f64;
    eprintln!("{set}: F1 {f1:.1}, {n_right} right of {n_found} found and {n_gold} in the set");
    Some(f1)
}

/// Byte spans of BIO tags over tokens joined by single spaces.
fn gold_spans(tokens: &[String], tags: &[String]) -> Vec<(usize, usize, String)> {
    let mut spans: Vec<(usize, usize, String)> = vec![];
    let (mut start, mut is_open) = (0, false);
    for (token, tag) in tokens.iter().zip(tags) {
        let end = start + token.len();
        match tag.split_once('-') {
            Some(("I", class)) if is_open && spans.last().is_some_and(|it| it.2 == class) => {
                spans.last_mut().expect("checked above").1 = end;
            }
            Some((_, class)) => spans.push((start, end, class.to_owned())),
            None => {}
        }
        is_open = tag != "O";
        start = end + 1;
    }
    spans
}

#[test]
fn names_in_news_are_as_good_as_the_model_card_says() {
    let f1 = f1("ner.ww_dev", |kind| match kind {
        MentionKind::Person => Some("PER"),
        MentionKind::Organization | MentionKind::ThreatGroup => Some("ORG"),
        MentionKind::Location => Some("LOC"),
        MentionKind::Misc => Some("MISC"),
        _ => None,
    });
    assert!(f1.is_none_or(|it| 80.0 < it), "F1 {f1:?}");
}

#[test]
fn names_in_security_reports_are_as_good_as_the_model_card_says() {
    let f1 = f1("cyber.anno_dev", |kind| match kind {
        MentionKind::ThreatGroup => Some("GROUP"),
        MentionKind::Malware => Some("MALWARE"),
        MentionKind::Tool => Some("TOOL"),
        MentionKind::Vulnerability => Some("VULN"),
        MentionKind::Sector => Some("SECTOR"),
        _ => None,
    });
    assert!(f1.is_none_or(|it| 50.0 < it), "F1 {f1:?}");
}

#[test]
fn a_sector_that_only_the_headline_tells_is_the_documents() {
    let sector = |id: &str, score| ScoredSector { id: SectorId::new(id), score };
    let of_text = vec![sector("/energy", 0.6), sector("/water", 0.5)];
    let of_title = vec![sector("/health", 0.55), sector("/energy", 0.9), sector("/water", 0.1)];
    let expected = [sector("/energy", 0.9), sector("/health", 0.55), sector("/water", 0.5)];
    assert_eq!(joined(of_text, of_title), expected);
}

/// Offsets count characters, and the words between them are those printed, whatever the text.
#[test]
fn offsets_give_back_the_printed_words() {
    let annotator = std::cell::RefCell::new(annotator());
    let parts = prop::collection::vec(prop::sample::select(ODD_PARTS), 1..12);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    let checked = runner.run(&parts, |parts| {
        let text = parts.concat();
        let document = document(Some("Iran warns Israel"), &text);
        let annotated = annotator.borrow_mut().annotate(&[document]);
        let annotation = &annotated[0].annotation;
        let chars: Vec<char> = text.chars().collect();
        let printed = |start: usize, end: usize| chars[start..end].iter().collect::<String>();
        for it in &annotation.mentions {
            prop_assert_eq!(&printed(it.start, it.end), &it.text);
        }
        for it in &annotation.statements {
            let phrases = it.actors.iter().chain(&it.targets).chain(&it.means).chain(&it.speaker);
            for phrase in phrases.chain([&it.trigger]) {
                prop_assert_eq!(&printed(phrase.start, phrase.end), &phrase.text);
            }
            prop_assert!(it.sentence.start <= it.trigger.start);
            prop_assert!(it.trigger.end <= it.sentence.end);
        }
        Ok(())
    });
    checked.unwrap();
}

fn attack(sectors: &[&str]) -> Statement {
    Statement {
        kind: StatementKind::Attack,
        domain: Domain::Cyber,
        modality: Modality::Asserted,
        time: StatementTime { tense: Tense::Past, from: None, to: None },
        sentence: Span { start: 0, end: 40 },
        trigger: Phrase::default(),
        actors: vec![],
        targets: vec![],
        sectors: sectors.iter().map(|it| SectorId::new(*it)).collect(),
        means: vec![],
        speaker: None,
        score: 0.8,
    }
}

fn scored(id: &str, score: f32) -> ScoredSector {
    ScoredSector { id: SectorId::new(id), score }
}

#[test]
fn the_whole_passage_judges_what_targets_and_headline_say() {
    let findings = |sectors: &[&str]| Findings {
        statements: vec![attack(sectors)],
        sectors: sectors.iter().map(|it| scored(it, 0.8)).collect(),
        ..Findings::default()
    };
    let mut of_text = findings(&["/energy/nuclear", "/water"]);
    let mut of_title = findings(&["/water"]);
    let of_passage = vec![scored("/energy", 0.9), scored("/water", 0.001), scored("/media", 0.9)];
    let sectors = judged(of_passage, &mut of_text, Some(&mut of_title));
    let found: Vec<&str> = sectors.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(found, ["/energy/nuclear", "/media"]);
    assert_eq!(of_text.statements[0].sectors, [SectorId::new("/energy/nuclear")]);
    assert!(of_title.statements[0].sectors.is_empty());
}

#[test]
fn a_passage_is_the_headline_the_lead_and_later_hostile_sentences() {
    let title = "Nothing new";
    let text = "One.\nTwo.\nThree.\nFour.\nFive.\nSix.\nSeven.\nEight.\nNine.";
    let analysed = annotator().analyse_all(&[document(Some(title), text)]).expect("it runs");
    let (title, body) = &analysed[0];
    let passage = passage(title.as_ref(), body, &[1, 7]);
    assert_eq!(passage, "Nothing new\nOne.\nTwo.\nThree.\nFour.\nFive.\nSix.\nEight.");
}

/// Pieces of texts that offsets go wrong at: wide letters, marks that combine, right to left,
/// surrogates in pairs, ends of lines, no end of a sentence.
const ODD_PARTS: &[&str] = &[
    "Iran threatened to bomb oil tankers. ",
    "“We’ll strike,” the Ğroup said — ",
    "北京警告。",
    "הם תקפו את הבנק ",
    "e\u{301}\u{302}",
    "\u{1f4a5}\u{1f468}\u{200d}\u{1f469}",
    "\r\n\u{0}\u{85}\u{2028}",
    "Hackers hit U.S. banks in 2012",
    "İstanbul’s port was shelled",
    "<b>Attackers</b> &amp; Co. ",
];

/// The ids of listed entities that a text in `language` names, headline and all.
fn listed_ids(annotator: &mut Annotator, language: Option<&str>, text: &str) -> BTreeSet<String> {
    let language = language.map(str::to_owned);
    let document = Document { language, ..document(None, text) };
    let annotated = annotator.annotate(&[document]);
    let mentions = annotated[0].annotation.mentions.iter();
    let ids = mentions.filter_map(|it| it.entity.as_ref().map(|it| it.id.clone()));
    ids.filter(|it| !it.starts_with("name:")).collect()
}

fn knowing_annotator() -> Annotator {
    let config = config::Config::builtin().expect("it has no mistakes");
    let knowledge = crate::knowledge::Knowledge::new(config.gazetteer, &config.taxonomy);
    let reader = StatementReader::embedded(Arc::new(knowledge), Precision::Int8, NonZeroUsize::MIN)
        .expect("it loads");
    let tagger =
        RtenTagger::embedded(Precision::Int8, NonZeroUsize::MIN).expect("the built-in model loads");
    Annotator::new(Box::new(tagger), reader, 1_000_000)
}

/// Invented sentences, each with two countries and a body or a group.
const FOREIGN_NEWS: &[(&str, &str, [&str; 3])] = &[
    (
        "de",
        "Die Marine Irans bedroht russische Tanker; die Vereinten Nationen warnen Russland.",
        ["country:IR", "country:RU", "org:united-nations"],
    ),
    (
        "fr",
        "L’Arabie saoudite accuse les Houthis d’avoir visé un port du Yémen, dit l’ONU.",
        ["country:SA", "country:YE", "group:houthis"],
    ),
    (
        "es",
        "La OTAN advierte a Rusia tras el ataque contra un puerto de Ucrania.",
        ["org:nato", "country:RU", "country:UA"],
    ),
    (
        "it",
        "Hezbollah minaccia Israele, dice un portavoce dal Libano.",
        ["group:hezbollah", "country:IL", "country:LB"],
    ),
    (
        "pl",
        "Rada Bezpieczeństwa ONZ ostrzegła Rosję po ataku na port w Ukrainie.",
        ["org:un-security-council", "country:RU", "country:UA"],
    ),
    (
        "ru",
        "ХАМАС пригрозил Израилю ударами, сообщили в Египте.",
        ["group:hamas", "country:IL", "country:EG"],
    ),
    (
        "uk",
        "НАТО попередило Росію про наслідки атаки на порт України.",
        ["org:nato", "country:RU", "country:UA"],
    ),
    (
        "ar",
        "هدد حزب الله إسرائيل بضرب الموانئ، وحذرت وزارة الدفاع في لبنان من التصعيد.",
        ["group:hezbollah", "country:IL", "country:LB"],
    ),
    (
        "fa",
        "سپاه پاسداران تهدید کرد که به کشتی‌های آمریکا در نزدیکی عراق حمله می‌کند.",
        ["org:islamic-revolutionary-guard-corps", "country:US", "country:IQ"],
    ),
    (
        "he",
        "חיזבאללה איים על ישראל, כך נמסר בלבנון ביום שישי.",
        ["group:hezbollah", "country:IL", "country:LB"],
    ),
    (
        "tr",
        "NATO, Rusya'yı Ukrayna'daki limana saldırı konusunda uyardı.",
        ["org:nato", "country:RU", "country:UA"],
    ),
    (
        "zh",
        "联合国安理会警告俄罗斯不要袭击乌克兰的港口。",
        ["org:un-security-council", "country:RU", "country:UA"],
    ),
    (
        "ja",
        "革命防衛隊はイスラエルとアメリカの船を攻撃すると警告した。",
        ["org:islamic-revolutionary-guard-corps", "country:IL", "country:US"],
    ),
    (
        "ko",
        "유엔은 러시아가 우크라이나의 항구를 공격했다고 밝혔다.",
        ["org:united-nations", "country:RU", "country:UA"],
    ),
];

#[test]
fn articles_in_other_languages_name_the_entities_of_the_english_ones() {
    let mut annotator = knowing_annotator();
    for (language, text, expected) in FOREIGN_NEWS {
        let found = listed_ids(&mut annotator, Some(language), text);
        for id in expected {
            assert!(found.contains(*id), "{language}: {id} is not in {found:?}");
        }
        let known = expected.iter().map(|it| (*it).to_owned()).collect();
        let more: Vec<&String> = found.difference(&known).collect();
        let is_known = |it: &&&String| *language == "fr" && it.as_str() == "org:united-nations";
        assert!(more.iter().all(|it| is_known(&it)), "{language}: {more:?} are too many");
    }
    // The language is found out where nobody tells it.
    let found = listed_ids(&mut annotator, None, FOREIGN_NEWS[5].1);
    assert!(found.contains("country:IL"), "{found:?}");
}

#[test]
fn ordinary_words_of_other_languages_name_nothing() {
    let mut annotator = knowing_annotator();
    for (language, text) in [
        ("de", "Der Opa las im Garten und trank danach eine Tasse Tee mit seinem Enkel."),
        ("ru", "Того, кто украл чад печи и мали соли, так и не нашли в деревне у реки."),
        ("ko", "그리스도의 말씀을 전하는 수단과 오만한 태도에 대하여 이야기했다."),
        ("zh", "发展中国家需要更多的帮助，这是大家都知道的事情。"),
        ("ja", "発展途上の地域ではインドネシア料理が人気だという。"),
        ("ar", "قال إن الوضع مالي صعب وإن صور المشهد في المدينة كثيرة."),
        ("tr", "Durum zor ama dili güzel ve elmas gibi bir taş buldular dün akşam."),
        ("he", "הודו לה' כי טוב, בית הכנסת פתוח בכל יום."),
    ] {
        let found = listed_ids(&mut annotator, Some(language), text);
        let wrong: Vec<&String> = found.iter().filter(|it| *it != "country:ID").collect();
        assert!(wrong.is_empty(), "{language}: {wrong:?}");
    }
}
