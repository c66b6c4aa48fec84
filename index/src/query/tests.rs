use proptest::prelude::*;

use super::ast::{Ast, Clause, Value};
use super::date::{AgoUnit, DateBound, DatePoint, DateRange};
use super::field::{FieldKind, QueryField};
use super::parse;

/// Parses `text` and compares the canonical form, which must mean the same.
#[track_caller]
fn check(text: &str, expected: &str) {
    let ast = parse(text).unwrap_or_else(|it| panic!("{text}: {it}"));
    assert_eq!(ast.to_string(), expected, "{text}");
    assert_eq!(parse(expected).unwrap(), ast, "the canonical form of {text} means something else");
}

/// Parses the faulty `text` and compares what the error says, points at and suggests.
#[track_caller]
fn check_error(text: &str, marked: &str, message: &str, suggestion: Option<&str>) {
    let error = parse(text).expect_err(text);
    let part: String = text.chars().skip(error.at).take(error.length).collect();
    assert_eq!(part, marked, "{text}: {error}");
    assert_eq!(error.kind.to_string(), message);
    assert_eq!(error.suggestion.as_deref(), suggestion, "{text}");
}

#[test]
fn words_are_joined_by_and_which_binds_tighter_than_or() {
    check("power grid", "power AND grid");
    check("power AND grid OR water", "(power AND grid) OR water");
    check("power (grid OR water)", "power AND (grid OR water)");
    check("a OR b OR (c OR d)", "a OR b OR c OR d");
    check("  ", "*");
    check("black and white", "black AND and AND white");
}

#[test]
fn minus_plus_and_not_apply_to_what_follows() {
    check("attack -drill", "attack AND NOT drill");
    check("attack NOT (drill OR exercise)", "attack AND NOT (drill OR exercise)");
    check("NOT NOT a", "a");
    check("--a +b", "a AND b");
    check("well-known - dash", "well-known AND dash");
    check("-", "*");
}

#[test]
fn phrases_prefixes_fuzzy_words_and_distances_are_told_apart() {
    check("\"power grid\"", "\"power grid\"");
    check("“power grid”~3", "\"power grid\"~3");
    check("ransom* colour~ colour~2", "ransom* AND colour~1 AND colour~2");
    check(r#""a \"b\" \\""#, r#""a \"b\" \\""#);
    check("核*", "核*");
}

#[test]
fn fields_take_values_groups_and_aliases() {
    check("actor:iran target:\"oil tanker\"", "actor:iran AND target:\"oil tanker\"");
    check("Actor:country:IR", "actor:country:IR");
    check(
        "title:(grid OR \"power cut\" -drill)",
        "title:grid OR (title:\"power cut\" AND NOT title:drill)",
    );
    check("lang:de headline:x", "language:de AND title:x");
    check("kind:Threat", "kind:threat");
    check("actor: iran", "actor:iran");
    check("-source:outlet-a", "NOT source:outlet-a");
    check("actor:*", "actor:*");
    check("https://a.example/x?y=1", "url:https://a.example/x?y=1");
    check("Warning: ship (sunk:) at 10:30", "Warning: AND ship AND sunk: AND at AND 10:30");
}

#[test]
fn dates_are_days_months_years_ranges_comparisons_and_ages() {
    check("published:2026-01-31", "published:[2026-01-31 TO 2026-01-31]");
    check("published:[2026-01 TO 2026-02-01}", "published:[2026-01 TO 2026-02-01}");
    check("published:>2026-01-01", "published:{2026-01-01 TO *]");
    check("published:<=2026", "published:[* TO 2026]");
    check("fetched:7d", "fetched:[7d TO *]");
    check("fetched:100m", "fetched:[100m TO *]");
    check("fetched:now-24h", "fetched:[24h TO *]");
    check("date:today", "published:[today TO today]");
    check(
        "from:2026-01-01 to:2026-02-01",
        "published:[2026-01-01 TO *] AND published:[* TO 2026-02-01]",
    );
    check("published:>=2026-01-01T10:00:00+02:00", "published:[2026-01-01T08:00:00Z TO *]");
    let now = "2026-03-10T12:00:00Z".parse().unwrap();
    let seconds = |text: &str| DateRange::of(DatePoint::parse(text).unwrap()).seconds(now);
    let day = 86_400;
    let noon = 1_773_144_000;
    assert_eq!(seconds("today"), (Some(noon - day / 2), Some(noon + day / 2)));
    assert_eq!(seconds("yesterday"), (Some(noon - 3 * day / 2), Some(noon - day / 2)));
    assert_eq!(seconds("2d"), (Some(noon - 2 * day), None));
    assert_eq!(seconds("2026-02").1.unwrap() - seconds("2026-02").0.unwrap(), 28 * day);
}

#[test]
fn errors_point_at_the_place_and_suggest_a_remedy() {
    check_error("x acter:iran", "acter", "unknown field `acter`", Some("actor"));
    check_error("é sektor:energy", "sektor", "unknown field `sektor`", Some("sector"));
    check_error("CVE:2024", "CVE:2024", "unknown field `CVE`", Some("\"CVE:2024\""));
    check_error("kind:atack", "atack", "`atack` is not a kind", Some("attack"));
    check_error("kind:zzzzzz", "zzzzzz", "`zzzzzz` is not a kind", None);
    check_error("a \"b c", "\"", "the quotation is not closed", Some("\"b c\""));
    check_error("a (b", "(", "the parenthesis is not closed", None);
    check_error("a ) b", ")", "there is no open parenthesis to close", None);
    check_error("a ()", "()", "the parentheses are empty", None);
    check_error("a AND", "AND", "AND needs something on its right", None);
    check_error("OR b", "OR", "OR needs something on its left", None);
    check_error("a AND OR b", "AND", "AND needs something on its right", None);
    check_error("a NOT", "NOT", "NOT needs something on its right", None);
    check_error("title:", "title:", "field `title` has no value", None);
    check_error("a*b", "a*b", "`*` can only end a word", None);
    check_error("a*", "a*", "`*` needs at least two letters before it", None);
    check_error("country:D*", "D*", "field `country` takes whole values only", None);
    check_error(
        "title:>5",
        "5",
        "field `title` has no ranges; `published` and `fetched` have",
        None,
    );
    check_error(
        "published:[a TO b]",
        "[a TO b]",
        "`a` is not a date like 2026-01-31, 2026-01, 7d or today",
        None,
    );
    check_error("published:[2026]", "[2026]", "a range is written [from TO to]", None);
    check_error(
        "word~7",
        "word~7",
        "`~` takes a distance: 1 or 2 after a word, up to 50 after a phrase",
        None,
    );
    let error = parse("acter:x").unwrap_err().to_string();
    assert_eq!(error, "unknown field `acter` (character 1); did you mean `actor`?");
}

#[test]
fn length_depth_and_number_of_conditions_are_bounded() {
    let message = |text: &str| parse(text).unwrap_err().kind.to_string();
    assert_eq!(message(&"a".repeat(2_001)), "the query is longer than 2000 characters");
    assert_eq!(message(&"(".repeat(1_000)), "the query is nested deeper than 32 levels");
    assert_eq!(message(&"-".repeat(1_000)), "the query is nested deeper than 32 levels");
    assert_eq!(message(&"NOT ".repeat(400)), "the query is nested deeper than 32 levels");
    assert_eq!(message(&"a ".repeat(300)), "the query has more than 256 words, phrases and fields");
}

#[test]
fn the_query_is_told_in_words() {
    let words = |text: &str| parse(text).unwrap().in_words();
    assert_eq!(
        words("\"power grid\" actor:iran -drill"),
        "“power grid” and actor iran, but not “drill”"
    );
    assert_eq!(words("a OR (b c)"), "“a” or (“b” and “c”)");
    assert_eq!(words("published:>2026-01-01"), "published after 2026-01-01");
    assert_eq!(words(""), "everything");
}

fn any_word() -> impl Strategy<Value = String> {
    "[a-zäß中0-9][a-z0-9.:'’_-]{0,8}".prop_filter("is read otherwise", |it| {
        !it.contains(':') && !it.to_lowercase().starts_with("http")
    })
}

fn any_date() -> impl Strategy<Value = DatePoint> {
    let day = (1990i32..2100, 1u32..13, 1u32..29)
        .prop_map(|(year, month, day)| chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap());
    prop_oneof![
        (1990i32..2100).prop_map(DatePoint::Year),
        day.prop_map(DatePoint::Day),
        (0u32..2).prop_map(DatePoint::DaysAgo),
        (0u32..999_999, prop_oneof![Just(AgoUnit::Minute), Just(AgoUnit::Week)])
            .prop_map(|(n, unit)| DatePoint::Ago { n, unit }),
    ]
}

fn any_clause() -> impl Strategy<Value = Ast> {
    let bound = || {
        proptest::option::of((any_date(), any::<bool>()))
            .prop_map(|it| it.map(|(point, is_inclusive)| DateBound { point, is_inclusive }))
    };
    let range = (bound(), bound()).prop_map(|(mut from, mut to)| {
        for bound in [&mut from, &mut to].into_iter().flatten() {
            bound.is_inclusive |= false;
        }
        Value::Range(DateRange { from, to })
    });
    let text = prop_oneof![
        any_word().prop_map(Value::Word),
        ("[a-z \"\\\\()]{0,6}[a-z]", 0u32..5).prop_map(|(text, slop)| Value::Phrase { text, slop }),
        "[a-z]{2,6}".prop_map(Value::Prefix),
        ("[a-z]{2,6}", 1u8..3).prop_map(|(word, distance)| Value::Fuzzy { word, distance }),
    ];
    let fields: Vec<QueryField> = QueryField::ALL.to_vec();
    (proptest::sample::select(fields), any::<bool>(), text, range, any_word()).prop_map(
        |(field, is_plain, text, range, word)| {
            let (field, value) = match field.kind() {
                _ if is_plain => (None, text),
                FieldKind::Words | FieldKind::Entity => (Some(field), text),
                FieldKind::Date => (Some(field), range),
                FieldKind::OneOf(values) => (Some(field), Value::Word(values[0].to_owned())),
                FieldKind::Whole => (Some(field), Value::Word(word)),
            };
            Ast::Clause(Clause { field, value })
        },
    )
}

fn any_ast() -> impl Strategy<Value = Ast> {
    any_clause().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Ast::and),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Ast::or),
            inner.prop_map(Ast::negate),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_accepts_has_a_canonical_form(text in any::<String>()) {
        if let Ok(ast) = parse(&text) {
            prop_assert_eq!(parse(&ast.to_string()), Ok(ast.clone()), "{}", ast);
        }
    }

    #[test]
    fn texts_made_of_the_signs_of_the_language_have_a_canonical_form_too(
        text in "([a-c]{1,2}|AND|OR|NOT|actor|title|kind|from|published|threat|2026|7d|TO|[-+:*~()\\[\\]{}<>=\"“\\\\1 ] ?| ){0,24}"
    ) {
        if let Ok(ast) = parse(&text) {
            prop_assert_eq!(parse(&ast.to_string()), Ok(ast.clone()), "{}", ast);
        }
    }

    #[test]
    fn every_query_is_what_its_canonical_text_says(ast in any_ast()) {
        prop_assert_eq!(parse(&ast.to_string()), Ok(ast.clone()), "{}", ast);
    }
}
