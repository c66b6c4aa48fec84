use std::collections::{BTreeMap, BTreeSet};

use config::{GazetteerEntity, GazetteerKind};
use nlp::annotation::StatementKind::{Attack, Threat};
use tempfile::TempDir;

use super::*;
use crate::countries::Countries;
use crate::facet::FilterField;
use crate::record::StoredArticle;
use crate::testing::{With, article, at};
use crate::writer::{IndexWriterStage, WriterSettings};

const IRAN: (&str, &str) = ("country:IR", "Iran");
const USA: (&str, &str) = ("country:US", "United States");
const APT28: (&str, &str) = ("group:apt28", "APT28");

/// A real index in a folder of its own.
pub(super) struct Fixture {
    pub(super) stage: IndexWriterStage,
    n_committed: i64,
    _dir: TempDir,
}

impl Fixture {
    pub(super) fn of(articles: &[StoredArticle]) -> Fixture {
        let dir = TempDir::new().unwrap();
        let stage = IndexWriterStage::open(dir.path(), WriterSettings::default()).unwrap();
        let mut fixture = Fixture { stage, n_committed: 0, _dir: dir };
        fixture.add(articles);
        fixture
    }

    pub(super) fn add(&mut self, articles: &[StoredArticle]) {
        self.n_committed += 1;
        self.stage.apply(articles).unwrap();
        self.stage.commit(self.n_committed).unwrap();
    }

    /// A handle that knows nothing of this one, as a process of its own has.
    pub(super) fn reader(&self) -> SearchIndex {
        SearchIndex::open_read_only(self._dir.path(), BTreeMap::new()).unwrap()
    }

    #[track_caller]
    pub(super) fn search(&self, request: &SearchRequest) -> SearchResponse {
        self.stage.search_index().search(request, at("2026-01-20")).unwrap()
    }

    /// Paths of the articles that `q` finds, sorted.
    #[track_caller]
    fn find(&self, q: &str) -> Vec<String> {
        let response = self.search(&query(q));
        let mut paths: Vec<String> = response.hits.iter().map(path).collect();
        paths.sort();
        assert_eq!(response.total as usize, paths.len(), "{q}");
        paths
    }

    #[track_caller]
    pub(super) fn check(&self, q: &str, expected: &[&str]) {
        assert_eq!(self.find(q), expected, "{q}");
    }
}

pub(super) fn query(q: &str) -> SearchRequest {
    SearchRequest { q: q.to_owned(), ..SearchRequest::default() }
}

fn path(hit: &Hit) -> String {
    hit.url.rsplit('/').next().unwrap().to_owned()
}

pub(super) fn order(response: &SearchResponse) -> Vec<String> {
    response.hits.iter().map(path).collect()
}

fn counts(response: &SearchResponse, field: FilterField) -> Vec<(String, u64)> {
    response.facets[&field].iter().map(|it| (it.value.clone(), it.count)).collect()
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
}

#[test]
fn a_country_is_found_by_the_places_in_it() {
    let entity = |id: &str, kind, name: &str| GazetteerEntity {
        country: Some("IR".to_owned()),
        ..GazetteerEntity::new(id, kind, name)
    };
    let countries = Countries::of(&[
        entity("city:1", GazetteerKind::City, "Isfahan"),
        entity("country:IR", GazetteerKind::Country, "Iran"),
        entity("org:x", GazetteerKind::Government, "Ministry"),
    ]);
    let mut articles = [
        article("a.example/city", "Blast", "There was a blast.")
            .place("Esfahan", ("city:1", "Isfahan")),
        article("a.example/org", "Word", "Nothing.").mention("the ministry", ("org:x", "Ministry")),
        article("a.example/other", "Blast", "Another.").place("Oslo", ("city:2", "Oslo")),
    ];
    articles.iter_mut().for_each(|it| countries.fill(it));
    let fixture = Fixture::of(&articles);
    fixture.check("place:iran", &["city"]);
    fixture.check("place:country:ir", &["city"]);
    fixture.check("place:esfahan place:city:1", &["city"]);
    fixture.check("entity:iran", &[]);
    fixture.check("place:oslo", &["other"]);
}

fn grid_articles() -> Vec<StoredArticle> {
    vec![
        article(
            "a.example/grid",
            "Power grid attacked",
            "Hackers attacked the power grid on Monday.",
        )
        .statement(Attack, APT28, USA)
        .sectors(&["/energy/electricity"])
        .authors(&["Ada Smith"])
        .story("s1"),
        article(
            "b.example/power",
            "A quiet day",
            "The grid has power. Nothing happened to the grid.",
        )
        .published(Some(at("2026-01-12")))
        .source("outlet-b", "The Bee", Some("DE")),
        article("news.a.example/oil", "Iran warns of strikes", "Tankers may be bombed, Iran said.")
            .statement(Threat, IRAN, USA)
            .mention("Tehran", IRAN)
            .sectors(&["/energy/oil-gas", "/transport/maritime"])
            .published(Some(at("2026-01-15"))),
    ]
}

#[test]
fn words_phrases_and_operators_find_what_they_say() {
    let fixture = Fixture::of(&grid_articles());
    fixture.check("power grid", &["grid", "power"]);
    fixture.check("\"power grid\"", &["grid"]);
    fixture.check("\"grid power\"~3", &["grid", "power"]);
    fixture.check("attack", &["grid"]);
    fixture.check("ATTACKING", &["grid"]);
    fixture.check("tanker OR monday", &["grid", "oil"]);
    fixture.check("grid -attacked", &["power"]);
    fixture.check("NOT grid", &["oil"]);
    fixture.check("grid AND NOT (monday OR nothing)", &[]);
    fixture.check("", &["grid", "oil", "power"]);
    fixture.check("*", &["grid", "oil", "power"]);
    fixture.check("NOT *", &[]);
    fixture.check("zebra", &[]);
    fixture.check("— grid", &["grid", "power"]);
    fixture.check("\"attacked hackers\"", &[]); // end of the headline, start of the text
}

#[test]
fn excluded_phrases_take_out_the_articles_that_hold_them_and_no_others() {
    let texts = [
        "power grid",
        "grid power",
        "the grid has power",
        "power grid again",
        "water",
        "power, then grid",
        "the power grid",
    ];
    let articles: Vec<StoredArticle> = (texts.iter().enumerate())
        .map(|(n, text)| article(&format!("a.example/{n}"), "Headline", text))
        .collect();
    let fixture = Fixture::of(&articles);
    fixture.check("headline -\"power grid\"", &["1", "2", "4", "5"]);
    fixture.check("-\"power grid\" -\"grid power\"", &["2", "4", "5"]);
    fixture.check("headline -\"grid water\"", &["0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn prefixes_and_fuzzy_words_go_by_the_spelling() {
    let fixture = Fixture::of(&grid_articles());
    fixture.check("attacke*", &["grid"]);
    fixture.check("hack*", &["grid"]);
    fixture.check("tank* bomb*", &["oil"]);
    fixture.check("hakcers~", &["grid"]);
    fixture.check("hakrs~", &[]);
    fixture.check("hackrz~2 -zebra~", &["grid"]);
    fixture.check("title:pow*", &["grid"]);
    fixture.check("title:powr~", &["grid"]);
    fixture.check("actor:apt*", &["grid"]);
}

#[test]
fn fields_find_by_name_by_id_and_by_kind() {
    let fixture = Fixture::of(&grid_articles());
    fixture.check("actor:iran", &["oil"]);
    fixture.check("actor:tehran", &["oil"]);
    fixture.check("actor:country:IR", &["oil"]);
    fixture.check("target:\"united states\"", &["grid", "oil"]);
    fixture.check("target:iran", &[]);
    fixture.check("entity:tehran", &["oil"]);
    fixture.check("entity:\"group:apt28\"", &["grid"]);
    fixture.check("sector:/energy", &["grid", "oil"]);
    fixture.check("sector:energy", &["grid", "oil"]);
    fixture.check("sector:oil-gas", &["oil"]);
    fixture.check("sector:/energy/oil-gas", &["oil"]);
    fixture.check("kind:threat", &["oil"]);
    fixture.check("domain:cyber kind:attack", &["grid"]);
    fixture.check("modality:asserted", &["grid", "oil"]);
    fixture.check("source:outlet-b", &["power"]);
    fixture.check("source:bee", &["power"]);
    fixture.check("country:de", &["power"]);
    fixture.check("language:english", &["grid", "oil", "power"]);
    fixture.check("title:grid", &["grid"]);
    fixture.check("author:smith", &["grid"]);
    fixture.check("site:a.example", &["grid", "oil"]);
    fixture.check("site:news.a.example", &["oil"]);
    fixture.check("story:s1", &["grid"]);
    fixture.check("https://b.example/power", &["power"]);
    fixture.check("actor:*", &["grid", "oil"]);
    fixture.check("NOT author:*", &["oil", "power"]);
    fixture.check("actor:(iran OR apt28) -kind:threat", &["grid"]);
}

#[test]
fn dates_in_queries_and_requests_bound_the_chosen_time() {
    let mut articles = grid_articles();
    articles.push(article("a.example/undated", "Undated", "No date.").published(None));
    let fixture = Fixture::of(&articles);
    fixture.check("published:2026-01-12", &["power"]);
    fixture.check("published:[2026-01-10 TO 2026-01-12]", &["grid", "power", "undated"]);
    fixture.check("published:>2026-01-12", &["oil"]);
    fixture.check("published:6d", &["oil"]);
    fixture.check("fetched:2026-01-10", &["grid", "oil", "power", "undated"]);
    fixture.check("from:2026-01-11 to:2026-01-14", &["power"]);
    let ranged = |date_field| SearchRequest {
        from: Some(at("2026-01-12")),
        to: Some(at("2026-01-15")),
        date_field,
        ..query("")
    };
    assert_eq!(order(&fixture.search(&ranged(DateField::Published))), ["power"]);
    assert_eq!(fixture.search(&ranged(DateField::Fetched)).total, 0);
}

#[test]
fn words_are_found_in_the_forms_of_every_language() {
    let fixture = Fixture::of(&[
        article("x.example/en", "", "The houses were attacked; the news was new."),
        article("x.example/de", "", "Die Häuser wurden angegriffen. Angriffe auf Netze.")
            .language(Some("de")),
        article("x.example/fr", "", "Les attaques contre la sécurité de l’État")
            .language(Some("fr")),
        article("x.example/zh", "", "伊朗威胁攻击美国的电网").language(Some("zh")),
        article("x.example/ja", "", "電力網への攻撃").language(Some("ja")),
        article("x.example/pl", "", "Ataki na sieci").language(Some("pl")),
        article("x.example/unknown", "", "Zorblax gribbles").language(None),
    ]);
    fixture.check("haus", &["de"]);
    fixture.check("Hauses", &["de"]);
    fixture.check("house", &["en"]);
    fixture.check("angriff netz", &["de"]);
    fixture.check("attaque etat", &["fr"]);
    fixture.check("securite", &["fr"]);
    fixture.check("sécurité", &["fr"]);
    fixture.check("attack", &["en"]);
    fixture.check("news", &["en"]);
    fixture.check("攻击", &["zh"]);
    fixture.check("攻撃", &["ja"]);
    fixture.check("电网 伊朗", &["zh"]);
    fixture.check("\"威胁攻击美国\"", &["zh"]);
    fixture.check("国网", &[]);
    fixture.check("网", &["zh"]);
    fixture.check("ataki", &["pl"]);
    fixture.check("zorblax", &["unknown"]);
    fixture.check("language:german", &["de"]);
}

#[test]
fn facets_count_parents_and_ignore_the_choice_in_their_own_field() {
    let fixture = Fixture::of(&grid_articles());
    let response = fixture.search(&query(""));
    assert_eq!(
        counts(&response, FilterField::Sector),
        pairs(&[
            ("/energy", 2),
            ("/energy/electricity", 1),
            ("/energy/oil-gas", 1),
            ("/transport", 1),
            ("/transport/maritime", 1),
        ]),
    );
    assert_eq!(
        counts(&response, FilterField::Actor),
        pairs(&[("country:IR", 1), ("group:apt28", 1)])
    );
    assert_eq!(response.facets[&FilterField::Actor][0].label, "Iran");
    assert_eq!(response.facets[&FilterField::Source][1].label, "The Bee");
    assert_eq!(response.facets[&FilterField::Language][0].label, "English");
    assert_eq!(response.facets[&FilterField::Sector][2].label, "Oil gas");
    let days = pairs(&[("2026-01-15", 1), ("2026-01-12", 1), ("2026-01-10", 1)]);
    assert_eq!(counts(&response, FilterField::Day), days);
    assert_eq!(response.histogram.len(), 3);
    assert_eq!(response.histogram[0].day.to_string(), "2026-01-10");

    let chosen = SearchRequest {
        filters: BTreeMap::from([
            (FilterField::Source, vec!["outlet-a".to_owned()]),
            (FilterField::Kind, vec!["threat".to_owned()]),
        ]),
        ..query("")
    };
    let response = fixture.search(&chosen);
    assert_eq!(order(&response), ["oil"]);
    // Of the sources: those of articles with a threat. Of the kinds: those of outlet A.
    assert_eq!(counts(&response, FilterField::Source), pairs(&[("outlet-a", 1)]));
    assert!(response.facets[&FilterField::Source][0].selected);
    assert_eq!(counts(&response, FilterField::Kind), pairs(&[("attack", 1), ("threat", 1)]));
    assert_eq!(counts(&response, FilterField::Actor), pairs(&[("country:IR", 1)]));
}

#[test]
fn values_of_one_filter_are_alternatives_and_unknown_ones_stay_visible() {
    let fixture = Fixture::of(&grid_articles());
    let filtered = |field, values: &[&str]| SearchRequest {
        filters: BTreeMap::from([(field, values.iter().map(|it| (*it).to_owned()).collect())]),
        ..query("")
    };
    let found = |field, values: &[&str]| {
        order(&fixture.search(&filtered(field, values))).into_iter().collect::<BTreeSet<_>>()
    };
    let set = |paths: &[&str]| paths.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found(FilterField::Actor, &["country:IR", "group:apt28"]), set(&["grid", "oil"]));
    assert_eq!(found(FilterField::Sector, &["/energy"]), set(&["grid", "oil"]));
    assert_eq!(found(FilterField::Day, &["2026-01-12", "2026-01-15"]), set(&["power", "oil"]));
    assert_eq!(found(FilterField::Entity, &["country:IR"]), set(&["oil"]));
    assert_eq!(found(FilterField::Site, &["a.example"]), set(&["grid", "oil"]));
    assert_eq!(found(FilterField::Author, &["Ada Smith", "nobody"]), set(&["grid"]));
    assert_eq!(found(FilterField::Story, &["s1"]), set(&["grid"]));
    let response = fixture.search(&filtered(FilterField::Country, &["FR"]));
    assert_eq!(response.total, 0);
    assert_eq!(counts(&response, FilterField::Country), pairs(&[("GB", 2), ("DE", 1), ("FR", 0)]));
    assert!(response.facets[&FilterField::Country][2].selected);
    let many = vec!["x"; 201];
    let refused =
        fixture.stage.search_index().search(&filtered(FilterField::Actor, &many), at("2026-01-20"));
    assert!(matches!(refused, Err(SearchError::Filter { n_values: 201, .. })));
}

#[test]
fn facet_values_beyond_the_limit_are_left_out_and_the_chosen_one_kept() {
    let articles: Vec<StoredArticle> = (0..30)
        .map(|n| {
            let actor = (format!("group:g{n:02}"), format!("Group {n}"));
            let mut article = article(&format!("x.example/{n}"), "", "text");
            for _ in 0..1 {
                article = article.statement(Attack, (&actor.0, &actor.1), USA);
            }
            article
        })
        .collect();
    let fixture = Fixture::of(&articles);
    let request = SearchRequest {
        facet_limit: 3,
        filters: BTreeMap::from([(FilterField::Actor, vec!["group:g29".to_owned()])]),
        ..query("")
    };
    let response = fixture.search(&request);
    let expected = pairs(&[("group:g00", 1), ("group:g01", 1), ("group:g02", 1), ("group:g29", 1)]);
    assert_eq!(counts(&response, FilterField::Actor), expected);
    assert_eq!(response.facets[&FilterField::Actor][3].label, "Group 29");
}

#[test]
fn relevance_prefers_headlines_and_fresh_articles() {
    let body = "Something about ships and trade in many words that say little else.";
    let fixture = Fixture::of(&[
        article("x.example/text", "Trade", &format!("The canal. {body}")),
        article("x.example/title", "The canal closes", &format!("The canal. {body}")),
        article("x.example/old", "The canal closes", &format!("The canal. {body}"))
            .published(Some(at("2020-01-01"))),
    ]);
    let response = fixture.search(&query("canal"));
    assert_eq!(order(&response)[0], "title");
    assert!(response.hits.windows(2).all(|it| it[0].score > it[1].score));
    let fresh = SearchRequest { from: Some(at("2026-01-01")), ..query("canal") };
    assert_eq!(order(&fixture.search(&fresh)), ["title", "text"]);
    let by = |sort| order(&fixture.search(&SearchRequest { sort, ..query("canal") }));
    assert_eq!(by(Sort::Oldest)[0], "old");
    assert_eq!(by(Sort::Newest)[2], "old");
}

#[test]
fn a_match_in_a_rare_language_is_worth_no_more_than_another() {
    let mut articles: Vec<StoredArticle> = (0..20)
        .map(|n| article(&format!("x.example/{n}"), "", "The port of Rotterdam is busy today."))
        .collect();
    articles.push(
        article("x.example/nl", "", "In de haven van Rotterdam is veel te doen vandaag.")
            .language(Some("nl")),
    );
    let fixture = Fixture::of(&articles);
    let response = fixture.search(&SearchRequest { limit: 30, ..query("rotterdam") });
    let score_of = |it: &str| response.hits.iter().find(|hit| path(hit) == it).unwrap().score;
    assert!(score_of("nl") <= score_of("0"), "{} {}", score_of("nl"), score_of("0"));
}

#[test]
fn an_article_is_one_hit_however_often_it_changes_and_none_when_removed() {
    let mut fixture = Fixture::of(&grid_articles());
    let changed = article("a.example/grid", "Substation fire", "It was an accident.");
    fixture.add(&[changed.clone(), changed.clone()]);
    fixture.check("hackers", &[]);
    fixture.check("accident", &["grid"]);
    assert_eq!(fixture.stage.search_index().n_articles(), 3);
    let response = fixture.search(&query(""));
    assert_eq!(counts(&response, FilterField::Actor), pairs(&[("country:IR", 1)]));
    fixture.stage.remove(&[changed.article.id]).unwrap();
    fixture.stage.commit(9).unwrap();
    fixture.check("accident", &[]);
}

#[test]
fn what_goes_into_a_hit_comes_out_of_it() {
    let stored = grid_articles().remove(0);
    let fixture = Fixture::of(std::slice::from_ref(&stored));
    let hit = fixture.search(&query("power")).hits.remove(0);
    assert_eq!(hit.id, stored.article.id.to_string());
    assert_eq!(hit.url, stored.article.url.as_str());
    assert_eq!(hit.title, stored.article.title);
    assert_eq!((hit.source.as_str(), hit.source_name.as_str()), ("outlet-a", "Outlet A"));
    assert_eq!((hit.country.as_deref(), hit.language.as_deref()), (Some("GB"), Some("en")));
    assert_eq!(hit.published_at, stored.article.published_at);
    assert_eq!(hit.fetched_at, stored.article.fetched_at);
    assert_eq!(hit.authors, ["Ada Smith"]);
    assert_eq!(hit.story.as_deref(), Some("s1"));
    assert_eq!(hit.sectors, ["/energy/electricity"]);
    assert_eq!(hit.actors, [Label { id: "group:apt28".to_owned(), name: "APT28".to_owned() }]);
    assert_eq!(hit.targets[0].name, "United States");
    assert_eq!(hit.kinds, ["attack"]);
    let json = serde_json::to_value(&hit).unwrap();
    assert_eq!(serde_json::from_value::<Hit>(json).unwrap(), hit);
}

#[test]
fn pages_show_every_article_exactly_once_in_any_order() {
    let articles: Vec<StoredArticle> = (0..137)
        .map(|n| {
            let text = "grid ".repeat(1 + n % 5) + &"filler ".repeat(n % 7);
            let day = at("2026-01-01") + chrono::TimeDelta::hours((n as i64 % 9) * 30);
            article(&format!("x.example/{n}"), "", &text).published(Some(day))
        })
        .collect();
    for sort in [Sort::Relevance, Sort::Newest, Sort::Oldest] {
        let mut fixture = Fixture::of(&articles[..60]);
        fixture.add(&articles[60..]);
        let request = SearchRequest { sort, limit: 10, aggs: false, ..query("grid") };
        let all = fixture.search(&SearchRequest { limit: 200, ..request.clone() });
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = fixture.search(&SearchRequest { cursor, ..request.clone() });
            assert_eq!(page.total, 137);
            seen.extend(order(&page));
            // Newer arrivals and deletes between two pages do not disturb the rest.
            if seen.len() == 30 && sort != Sort::Oldest {
                let late = article("x.example/late", "", "grid").published(Some(at("2026-01-19")));
                fixture.stage.apply(&[late]).unwrap();
                fixture.stage.commit(7).unwrap();
                fixture
                    .stage
                    .remove(&[ingest::ArticleId::of(
                        &ingest::CanonicalUrl::parse("https://x.example/late").unwrap(),
                    )])
                    .unwrap();
                fixture.stage.commit(8).unwrap();
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, order(&all), "{sort:?}");
    }
}

#[test]
fn a_cursor_of_another_search_is_refused() {
    let fixture = Fixture::of(&grid_articles());
    let first = fixture.search(&SearchRequest { limit: 1, ..query("") });
    let index = fixture.stage.search_index();
    for (q, cursor) in [("grid", first.next_cursor.as_deref()), ("", Some("nonsense"))] {
        let request = SearchRequest { cursor: cursor.map(str::to_owned), ..query(q) };
        assert!(matches!(index.search(&request, at("2026-01-20")), Err(SearchError::Cursor)));
    }
}

#[test]
fn snippets_mark_the_words_that_matched_in_any_form() {
    let text = format!(
        "{} The raiders struck the port. Workers saw the attack from afar & <b>fled</b>.\nLater it was calm. {}",
        "Nothing to see in this sentence at all. ".repeat(20),
        "More words follow here and there. ".repeat(20),
    );
    let fixture = Fixture::of(&[article("x.example/a", "Attacks on ports", &text)]);
    let hit = fixture.search(&query("attacks \"saw the attack\" port*")).hits.remove(0);
    let marked = |segments: &[crate::Segment]| {
        let marked = segments.iter().filter(|it| it.marked);
        marked.map(|it| it.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(marked(&hit.title_segments), ["Attacks", "ports"]);
    assert_eq!(marked(&hit.snippet), ["port", "saw", "the", "attack"]);
    let whole: String = hit.snippet.iter().map(|it| it.text.as_str()).collect();
    assert!(whole.starts_with("… The raiders struck"), "{whole}");
    assert!(whole.contains("& <b>fled</b>. Later"), "{whole}");
    assert!(whole.ends_with(" …") && whole.chars().count() < 260, "{whole}");

    let unmatched = fixture.search(&query("NOT zebra")).hits.remove(0);
    assert_eq!(marked(&unmatched.snippet), Vec::<String>::new());
    assert!(unmatched.snippet[0].text.starts_with("Nothing to see"));
    let plain = fixture.search(&SearchRequest { highlight: false, ..query("attack") });
    assert!(plain.hits[0].snippet.is_empty());
}

#[test]
fn the_response_echoes_the_query_as_understood() {
    let fixture = Fixture::of(&grid_articles());
    let response = fixture.search(&query("grid (power OR water) -drill"));
    assert_eq!(response.query.text, "grid AND (power OR water) AND NOT drill");
    assert_eq!(response.query.words, "“grid” and (“power” or “water”), but not “drill”");
    assert_eq!(fixture.search(&query(" ")).query.text, "");
}

#[test]
fn a_reader_in_another_place_sees_commits_after_a_refresh() {
    let mut fixture = Fixture::of(&grid_articles()[..1]);
    let reader = fixture.reader();
    assert_eq!((reader.n_articles(), reader.committed_seq()), (1, 1));
    fixture.add(&grid_articles());
    assert_eq!(reader.n_articles(), 1);
    reader.refresh().unwrap();
    assert_eq!((reader.n_articles(), reader.committed_seq()), (3, 2));
    assert_eq!(reader.search(&query("tankers"), at("2026-01-20")).unwrap().total, 1);
}
