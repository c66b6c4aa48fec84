use super::*;
use crate::date::parse_date;
use proptest::prelude::*;

fn now() -> DateTime<Utc> {
    parse_date("2025-11-03T10:00:00Z").unwrap()
}

#[track_caller]
fn extracted(html: &str, rules: &ExtractRules) -> ExtractedPage {
    extract(html, Some("https://www.wire.example/2025/11/02/story"), rules, now()).unwrap()
}

fn page(head: &str, before: &str) -> String {
    let paragraph = "The ministry said on Monday that the outage had been caused by a fault in a \
        substation, and that power would be back by the evening in most of the affected towns. ";
    format!(
        "<html lang=en><head>{head}</head><body><header>{before}</header><main><article>\
         <h1>Outage in the north</h1><p>{0}</p><p>{0}{0}</p><p>{0}</p></article></main></body></html>",
        paragraph.repeat(2),
    )
}

#[track_caller]
fn check_date(head: &str, before: &str, expected: Option<&str>) {
    let date = extracted(&page(head, before), &ExtractRules::default()).published_at;
    assert_eq!(date.map(|it| it.to_rfc3339()).as_deref(), expected);
}

#[test]
fn dates_come_from_the_surest_place_in_their_own_zone() {
    let json = r#"<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle",
        "datePublished":"2025-11-01T23:30:00-05:00","author":[{"name":"Ann Lee"}]}]}</script>"#;
    let meta = "<meta property=article:published_time content=2025-10-31T08:00:00Z>";
    check_date(&format!("{meta}{json}"), "", Some("2025-11-01T23:30:00-05:00"));
    check_date(meta, "", Some("2025-10-31T08:00:00+00:00"));
    check_date(
        "",
        "<time datetime=2025-10-30>30 October</time>",
        Some("2025-10-30T00:00:00+00:00"),
    );
    check_date("", "", Some("2025-11-02T00:00:00+00:00"));
}

#[test]
fn absurd_dates_are_passed_over() {
    let meta = "<meta property=article:published_time content=2035-01-01T00:00:00Z>\
        <meta name=date content='October 30, 2025'>";
    check_date(meta, "", Some("2025-10-30T00:00:00+00:00"));
}

#[test]
fn authors_are_names_without_by_roles_and_addresses() {
    let by = |content: &str| {
        let head = format!("<meta name=author content='{content}'>");
        extracted(&page(&head, ""), &ExtractRules::default()).authors
    };
    assert_eq!(by("By Ann Lee and Bo Chen, Staff Writer"), ["Ann Lee", "Bo Chen"]);
    assert_eq!(by("https://www.facebook.com/wire"), [""; 0]);
    assert_eq!(by("ANN LEE; Ann Lee"), ["ANN LEE"]);
}

#[test]
fn titles_lose_the_name_of_the_site() {
    let head = "<title>Outage in the north | The Wire</title><meta property=og:site_name content='The Wire'>";
    let page = extracted(&page(head, ""), &ExtractRules::default());
    assert_eq!(page.title, "Outage in the north");
    assert_eq!(page.site_name.as_deref(), Some("The Wire"));
    assert!(page.text.starts_with("The ministry"), "the headline is no text: {}", page.text);
    assert_eq!(page.text.lines().count(), 3);
    assert_eq!(page.language.as_deref(), Some("en"));
}

#[test]
fn a_canonical_address_counts_on_the_same_site_only() {
    let canonical = |href: &str| {
        let head = format!("<link rel=canonical href='{href}'>");
        extracted(&page(&head, ""), &ExtractRules::default()).canonical_url.map(String::from)
    };
    let own = "https://m.wire.example/story?utm_source=x";
    assert_eq!(canonical(own).as_deref(), Some("https://m.wire.example/story"));
    assert_eq!(canonical("https://other.example/story"), None);
    assert_eq!(canonical("/"), None, "a front page stands for no article");
}

#[test]
fn a_sources_own_rules_win() {
    let rules = ExtractRules {
        content: Some(".body".to_owned()),
        title: Some("h2".to_owned()),
        author: Some(".who".to_owned()),
        date: Some(".when".to_owned()),
        remove: Some(".advert".to_owned()),
    };
    let html = "<h1>Not this</h1><h2>This</h2><b class=who>Ann Lee</b><i class=when>3 Nov 2025</i>\
        <div class=body><p>First paragraph of the text.</p><div class=advert>Buy!</div>\
        <p>Second one.</p></div>";
    let page = extracted(html, &rules);
    assert_eq!(page.text, "First paragraph of the text.\nSecond one.");
    assert_eq!(
        (page.title.as_str(), page.authors.as_slice()),
        ("This", &["Ann Lee".to_owned()][..])
    );
    assert_eq!(
        page.published_at.map(|it| it.to_rfc3339()).as_deref(),
        Some("2025-11-03T00:00:00+00:00")
    );
}

#[test]
fn empty_pages_and_pages_without_text_are_told_apart() {
    let failure =
        |html: &str| extract(html, None, &ExtractRules::default(), now()).unwrap_err().class();
    assert_eq!(failure(" "), FailureClass::EmptyBody);
    assert_eq!(failure("<nav>Home</nav>"), FailureClass::NoText);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_markup_is_extracted_or_refused(
        pieces in prop::collection::vec(
            "<(p|div|article|h1|time|table|td|a|script|meta)( (class|datetime|content|itemprop)=[a-z0-9\"-]{0,9})?>|</(p|div|article|td|a)>|[ -~é“]{0,30}",
            0..60,
        ),
    ) {
        let result = extract(&pieces.concat(), None, &ExtractRules::default(), now());
        prop_assert!(!matches!(result, Err(ExtractError::Extractor { .. })), "{result:?}");
    }
}

#[test]
fn a_page_without_main_text_is_kept_with_what_it_says() {
    let text = |head: &str| {
        let html = format!(
            "<html><head><title>Clip</title>{head}</head><body><video></video></body></html>"
        );
        extract(&html, None, &ExtractRules::default(), now()).map(|it| it.text)
    };
    let caption = "The minister speaks to reporters outside the parliament.";
    let described = format!("<meta property=og:description content='{caption}'>");
    assert_eq!(text(&described), Ok(caption.to_owned()));
    let stated = format!(
        "<script type='application/ld+json'>{{\"@type\":\"NewsArticle\",\"articleBody\":\"{caption}\"}}</script>"
    );
    assert_eq!(text(&stated), Ok(caption.to_owned()));
    assert!(matches!(text(""), Err(ExtractError::NoText { .. })));
}
