//! The matcher against Tantivy, with random queries and random articles, and by example.

use chrono::{DateTime, TimeDelta, Utc};
use config::{SavedSearch, SearchFilters, SectorId};
use nlp::StatementKind;
use proptest::prelude::*;
use tantivy::collector::Count;
use tantivy::{Index, IndexWriter};

use super::explain::matching_statements;
use super::{Matcher, explain};
use crate::document::DocumentBuilder;
use crate::facet::FilterField;
use crate::query::QueryField;
use crate::query::ast::{Ast, Clause, Value};
use crate::query::compile::{Context, compile};
use crate::query::date::{AgoUnit, DateBound, DatePoint, DateRange};
use crate::record::StoredArticle;
use crate::schema::schema;
use crate::testing::{With, article, at};
use crate::tokenizer::{Language, register};

const NOW: &str = "2026-01-12";

/// One article in an index of its own.
struct OneDocument {
    index: Index,
}

impl OneDocument {
    fn of(stored: &StoredArticle) -> OneDocument {
        let (schema, fields) = schema();
        let index = Index::create_in_ram(schema);
        register(&index);
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        writer.add_document(DocumentBuilder::new(fields).document(stored)).unwrap();
        writer.commit().unwrap();
        OneDocument { index }
    }

    /// What Tantivy says.
    fn matches(&self, ast: &Ast, now: DateTime<Utc>) -> bool {
        let (_, fields) = schema();
        let searcher = self.index.reader().unwrap().searcher();
        let languages = Language::ALL;
        let context = Context {
            searcher: &searcher,
            fields,
            languages,
            now,
            with_scores: false,
            word_freqs: &[],
        };
        let compiled = compile(ast, &[] as &[(FilterField, &[String])], &context).unwrap();
        searcher.search(&compiled.query, &Count).unwrap() == 1
    }
}

/// Few words, so that random queries often hit random texts; with accents, acronyms, dashes,
/// possessives, and scripts without spaces.
const WORDS: &[&str] = &[
    "attack",
    "attacks",
    "attacked",
    "power",
    "grid",
    "Iran",
    "Iran's",
    "U.S.",
    "sécurité",
    "securite",
    "Erdoğan",
    "erdogan",
    "CVE-2024-1234",
    "oil-tanker",
    "the",
    "of",
    "Straße",
    "中国对",
    "中",
    "美国",
    "атаки",
    "a",
    "tanker",
];

fn any_words(n: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let word = proptest::sample::select(WORDS);
    let sign = proptest::sample::select(&[" ", " ", " ", ", ", ". ", "-"][..]);
    proptest::collection::vec((word, sign), n)
        .prop_map(|it| it.into_iter().flat_map(|(word, sign)| [word, sign]).collect())
}

fn any_article() -> impl Strategy<Value = StoredArticle> {
    let language =
        proptest::sample::select(&[Some("en"), Some("fr"), Some("de"), Some("zh"), None][..]);
    let hours = -50_i64..50;
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (any_words(0..5), any_words(0..14), language, hours, flags, any_words(1..3)).prop_map(
        |(
            title,
            text,
            language,
            hours,
            (has_threat, has_attack, has_sector, has_mention),
            name,
        )| {
            let mut stored = article("a.example/1", &title, &text)
                .language(language)
                .published(Some(at(NOW) + TimeDelta::hours(hours)))
                .authors(&["Erdoğan Power"]);
            if has_threat {
                let entity = ("country:IR", "Iran");
                stored = stored.statement(StatementKind::Threat, entity, ("org:grid", &name));
            }
            if has_attack {
                let entity = ("org:grid", "power grid");
                stored = stored.statement(StatementKind::Attack, entity, ("country:IR", "Iran"));
            }
            if has_sector {
                stored = stored.sectors(&["/energy/nuclear"]);
            }
            if has_mention {
                stored = stored.place(&name, ("country:US", "United States"));
            }
            stored.story("a-story")
        },
    )
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any_words(1..2).prop_map(|it| Value::Word(it.trim_end().to_owned())),
        3 => (any_words(1..4), 0u32..4).prop_map(|(text, slop)| Value::Phrase { text, slop }),
        1 => "(at|att|po|sec|erd|cve-20|ir|中)".prop_map(Value::Prefix),
        1 => ("(atack|iran|gird|pwer|securité|us)", 1u8..3)
            .prop_map(|(word, distance)| Value::Fuzzy { word, distance }),
    ]
}

fn any_clause() -> impl Strategy<Value = Ast> {
    use QueryField as F;
    let named = proptest::sample::select(
        &[F::Actor, F::Target, F::Entity, F::Place, F::Sector, F::Source, F::Title, F::Author][..],
    );
    let whole = proptest::sample::select(
        &[
            (F::Kind, "threat"),
            (F::Kind, "attack"),
            (F::Domain, "cyber"),
            (F::Domain, "political"),
            (F::Modality, "asserted"),
            (F::Country, "gb"),
            (F::Language, "english"),
            (F::Language, "fr"),
            (F::Site, "a.example"),
            (F::Story, "a-story"),
            (F::Indicator, "CVE-2024-1234"),
            (F::Indicator, "cve-2024-9999"),
            (F::Place, "country:US"),
            (F::Story, "b"),
            (F::Url, "https://a.example/1"),
            (F::Sector, "/energy"),
            (F::Sector, "nuclear"),
            (F::Actor, "country:IR"),
            (F::Entity, "country:US"),
            (F::Source, "outlet-a"),
        ][..],
    );
    let range = (0u32..60, any::<bool>(), any::<bool>()).prop_map(|(n, is_from, is_inclusive)| {
        let point = DatePoint::Ago { n, unit: AgoUnit::Hour };
        let bound = Some(DateBound { point, is_inclusive });
        if is_from {
            DateRange { from: bound, to: None }
        } else {
            DateRange { from: None, to: bound }
        }
    });
    let clause = |field, value| Ast::Clause(Clause { field, value });
    prop_oneof![
        6 => any_value().prop_map(move |it| clause(None, it)),
        3 => (named.clone(), any_value()).prop_map(move |(field, it)| clause(Some(field), it)),
        2 => whole.prop_map(move |(field, it)| clause(Some(field), Value::Word(it.to_owned()))),
        1 => named.prop_map(move |it| clause(Some(it), Value::Any)),
        1 => range.prop_map(move |it| clause(Some(F::Published), Value::Range(it))),
        1 => Just(Ast::Everything),
    ]
}

fn any_ast() -> impl Strategy<Value = Ast> {
    any_clause().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(Ast::and),
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(Ast::or),
            1 => inner.prop_map(Ast::negate),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Each article is held against many queries, since making its index is what takes time.
    #[test]
    fn the_matcher_finds_exactly_what_the_search_box_would_find(
        stored in any_article(),
        asts in proptest::collection::vec(any_ast(), 60),
    ) {
        let now = at(NOW);
        let index = OneDocument::of(&stored);
        let mut matcher = Matcher::new();
        for (n, ast) in asts.iter().enumerate() {
            matcher.add_parsed(&format!("{n:03}"), ast, &SearchFilters::default());
        }
        let found: Vec<String> =
            matcher.matches(&stored, now).into_iter().map(str::to_owned).collect();
        for (n, ast) in asts.iter().enumerate() {
            let id = format!("{n:03}");
            let (is_found, expected) = (found.contains(&id), index.matches(ast, now));
            prop_assert_eq!(is_found, expected, "{} on {:?}", ast, stored.article.text);
        }
    }

    /// However searches come and go, and whatever was seen before, the answer is that of a
    /// matcher which was made for it.
    #[test]
    fn adding_and_removing_searches_leaves_no_trace(
        articles in proptest::collection::vec(any_article(), 2..5),
        asts in proptest::collection::vec(any_ast(), 12),
        removed in proptest::collection::vec(0usize..12, 0..12),
    ) {
        let now = at(NOW);
        let mut old = Matcher::new();
        for (n, ast) in asts.iter().enumerate() {
            old.add_parsed(&n.to_string(), ast, &SearchFilters::default());
            old.matches(&articles[n % articles.len()], now);
        }
        removed.iter().for_each(|it| { old.remove(&it.to_string()); });
        old.refile_at = 0;
        old.refile();
        let mut new = Matcher::new();
        for (n, ast) in asts.iter().enumerate().filter(|(n, _)| !removed.contains(n)) {
            new.add_parsed(&n.to_string(), ast, &SearchFilters::default());
        }
        prop_assert_eq!(old.len(), new.len());
        for stored in &articles {
            prop_assert_eq!(old.matches(stored, now), new.matches(stored, now));
        }
    }
}

fn threat() -> StoredArticle {
    article("a.example/1", "Tehran warns", "Iran would punish Americans. Oil prices rose.")
        .statement(StatementKind::Threat, ("country:IR", "Iran"), ("country:US", "United States"))
        .sectors(&["/energy/oil-gas"])
        .mention("Tehran", ("country:IR", "Iran"))
        .mention("Iran", ("country:IR", "Iran"))
}

#[track_caller]
fn check(query: &str, expected: bool) {
    let mut matcher = Matcher::new();
    matcher.add(&SavedSearch::new("it", query)).unwrap();
    assert_eq!(!matcher.matches(&threat(), at(NOW)).is_empty(), expected, "{query}");
}

#[test]
fn a_saved_search_is_any_query() {
    check("punish", true);
    check("punishes oil", true);
    check("punish -oil", false);
    check("actor:iran sector:/energy", true);
    check("actor:tehran kind:threat", true);
    check("actor:iran kind:attack", false);
    check("target:\"united states\" published:7d", true);
    check("*", true);
}

#[test]
fn filters_narrow_a_saved_search() {
    let mut search = SavedSearch::new("it", "punish");
    search.filters.sector = vec![SectorId::new("/energy")];
    search.filters.kind = vec!["attack".to_owned(), "threat".to_owned()];
    let mut matcher = Matcher::new();
    matcher.add(&search).unwrap();
    assert_eq!(matcher.matches(&threat(), at(NOW)), ["it"]);
    search.filters.kind = vec!["attack".to_owned()];
    matcher.add(&search).unwrap();
    assert_eq!(matcher.len(), 1);
    assert!(matcher.matches(&threat(), at(NOW)).is_empty());
}

#[test]
fn a_bad_query_changes_nothing() {
    let mut matcher = Matcher::new();
    matcher.add(&SavedSearch::new("it", "punish")).unwrap();
    assert!(matcher.add(&SavedSearch::new("it", "actor:")).is_err());
    assert_eq!(matcher.matches(&threat(), at(NOW)), ["it"]);
}

#[test]
fn reasons_name_clause_words_and_sentence() {
    let search = SavedSearch::new("it", "actor:iran punishes sector:/energy -football");
    let reasons = explain(&search, &threat(), at(NOW)).unwrap();
    let shown: Vec<(&str, &str, &str)> = reasons
        .iter()
        .map(|it| (it.clause.as_str(), it.alias.as_str(), it.sentence.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("actor:iran", "Iran", ""),
            ("punishes", "punish", "Iran would punish Americans."),
            ("sector:/energy", "/energy/oil-gas", ""),
        ]
    );
}

#[test]
fn a_reason_names_only_the_sectors_that_were_asked_for() {
    let stored = threat().sectors(&["/health", "/energy/nuclear"]);
    let search = SavedSearch::new("it", "sector:/energy");
    let reasons = explain(&search, &stored, at(NOW)).unwrap();
    assert_eq!(reasons[0].alias, "/energy/oil-gas, /energy/nuclear");
}

#[test]
fn an_indicator_is_shown_as_it_is_printed_with_its_sentence() {
    let text = "Nobody was hurt.\nThe program called hxxps://Evil[.]example[.]com/A in the night.\n\
                Whoever uses it should patch CVE-2024-3400 now.";
    let stored = article("a.example/2", "Break-in at a port", text);
    let shown = |query: &str| {
        let reasons = explain(&SavedSearch::new("it", query), &stored, at(NOW)).unwrap();
        let [reason] = &reasons[..] else { panic!("{query}: {reasons:?}") };
        (reason.alias.clone(), reason.sentence.clone())
    };
    let (url, sentence) = shown("indicator:evil.example.com");
    assert_eq!(url, "hxxps://Evil[.]example[.]com/A");
    assert!(sentence.contains(&url) && !sentence.contains("hurt"), "{sentence}");
    let patch = "Whoever uses it should patch CVE-2024-3400 now.";
    assert_eq!(shown("indicator:cve-2024-3400"), ("CVE-2024-3400".to_owned(), patch.to_owned()));
    assert_eq!(shown("indicator:*").0, url, "the first one");
}

#[test]
fn only_statements_that_fit_by_themselves_count() {
    let both = threat().statement(
        StatementKind::Attack,
        ("country:US", "United States"),
        ("country:IR", "Iran"),
    );
    let fitting =
        |query: &str| matching_statements(&SavedSearch::new("it", query), &both, at(NOW)).unwrap();
    assert_eq!(fitting("actor:iran"), [(false, 0)]);
    assert_eq!(fitting("kind:attack"), [(false, 1)]);
    assert_eq!(fitting("actor:iran kind:attack"), []);
    assert_eq!(fitting("oil").len(), 2);
}
