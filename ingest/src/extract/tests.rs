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
fn dates_of_quoted_posts_are_not_the_articles() {
    let post = |day: &str| {
        format!(
            "<blockquote class=post><p>We are out. <time datetime={day}>{day}</time></p></blockquote>"
        )
    };
    let published = "<meta property=article:published_time content=2025-11-02T08:00:00Z>\
        <meta property=article:modified_time content=2025-11-02T08:00:00Z>";
    let html = page(published, "").replace("</h1>", &format!("</h1>{}", post("2025-10-20")));
    let date = |html: &str, url: &str| {
        let found = extract(html, Some(url), &ExtractRules::default(), now()).unwrap();
        found.published_at.map(|it| it.date_naive().to_string())
    };
    let url = "https://www.wire.example/story";
    assert_eq!(date(&html, url).as_deref(), Some("2025-11-02"));
    let html = page("", "").replace(
        "</h1>",
        &format!("</h1>{}<time datetime=2025-11-01>1 November</time>", post("2025-10-20")),
    );
    assert_eq!(date(&html, url).as_deref(), Some("2025-11-01"));
}

#[test]
fn the_date_that_an_article_marks_counts_more_than_any_date_of_its_page() {
    let any = "<meta name=date content=2025-10-20T08:00:00Z>";
    let marked = |day: &str| format!("<time itemprop=datePublished datetime={day}>{day}</time>");
    let with = |times: &str| {
        let html = page(any, "").replace("</h1>", &format!("</h1>{times}"));
        let url = Some("https://www.wire.example/story");
        let found = extract(&html, url, &ExtractRules::default(), now()).unwrap();
        found.published_at.map(|it| it.date_naive().to_string())
    };
    assert_eq!(with(&marked("2025-10-25")).as_deref(), Some("2025-10-25"));
    let others = marked("2025-10-26") + &marked("2025-10-27");
    assert_eq!(with(&others).as_deref(), Some("2025-10-20"), "a list of articles");
}

#[test]
fn a_text_that_begins_with_its_day_is_dated_by_it() {
    let html = page("", "").replacen("<p>The ministry", "<p>31.10.2025 - The ministry", 1);
    let url = Some("https://www.wire.example/story");
    let found = extract(&html, url, &ExtractRules::default(), now()).unwrap();
    let day = found.published_at.map(|it| it.date_naive().to_string());
    assert_eq!(day.as_deref(), Some("2025-10-31"));
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
    assert_eq!(page.text.lines().count(), 2, "the third paragraph is a copy of the first");
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

/// An article between the parts of a page that are none of it.
fn framed(article: &str) -> String {
    let sentence = "The ministry said on Monday that the outage had been caused by a fault in a \
        substation, and that power would be back by the evening in most of the affected towns.";
    let links = "<li><a href=/x>Another headline of the day</a></li>".repeat(12);
    format!(
        "<html lang=en><head><title>Outage in the north</title></head><body>\
         <nav class=menu><ul>{links}</ul></nav><main><article><h1>Outage in the north</h1>\
         <p>{sentence} {sentence}</p>{article}<p>{sentence} Engineers were still at work.</p>\
         <p>Repairs, the operator added, will take until Friday, and cost about a million.</p></article>\
         <section class=comments id=comments><h3>Comments</h3><div class=comment><p>I knew it, they \
         never repair anything in this country, do they?</p></div></section></main>\
         <aside class='sidebar related'><h3>Related articles</h3><ul>{links}</ul></aside>\
         <div class=cookie-banner><p>We use cookies to improve your experience on our site.</p></div>\
         <footer class=footer><p>Copyright 2025 The Wire. All rights reserved.</p></footer></body></html>"
    )
}

#[test]
fn lists_quotes_and_tables_are_text_and_what_is_around_it_is_not() {
    let parts = "<h2>What happened</h2><ul><li>A breaker in the substation failed at noon.</li>\
        <li>The protection did not isolate the fault.</li></ul><blockquote><p>We have never seen \
        such a fault before, said the head of the operator.</p></blockquote><table><tr><td>Towns \
        without power</td><td>14</td></tr><tr><td>Households without power</td><td>9,000</td></tr></table>";
    let text = extracted(&framed(parts), &ExtractRules::default()).text;
    for kept in [
        "What happened",
        "A breaker in the substation failed at noon.",
        "We have never seen such a fault before",
        "Households without power 9,000",
    ] {
        assert!(text.contains(kept), "{kept} is missing in: {text}");
    }
    for left_out in ["Another headline", "I knew it", "cookies", "All rights reserved", "Related"] {
        assert!(!text.contains(left_out), "{left_out} is in: {text}");
    }
}

#[test]
fn a_second_copy_of_a_paragraph_is_left_out() {
    let copy = "<p>The operator of the grid, which serves nine towns, said nothing more.</p>";
    let text = extracted(&framed(&copy.repeat(2)), &ExtractRules::default()).text;
    assert_eq!(text.matches("The operator of the grid").count(), 1);
}

#[test]
fn what_else_the_page_says_is_kept() {
    let head = "<meta property=og:image content=/lead.jpg><meta property=article:section content=Energy>\
        <meta property=article:tag content=grid><meta property=article:tag content='outage, north'>\
        <meta property=article:modified_time content=2025-11-03T08:00:00Z>\
        <link rel=next href='/2025/11/02/story/2'>";
    let page = extracted(&page(head, ""), &ExtractRules::default());
    assert_eq!(page.image.as_deref(), Some("https://www.wire.example/lead.jpg"));
    assert_eq!(page.section.as_deref(), Some("Energy"));
    assert_eq!(page.tags, ["grid", "outage", "north"]);
    assert_eq!(
        page.modified_at.map(|it| it.to_rfc3339()).as_deref(),
        Some("2025-11-03T08:00:00+00:00")
    );
    let next = page.next_page.map(String::from);
    assert_eq!(next.as_deref(), Some("https://www.wire.example/2025/11/02/story/2"));
    assert!(!page.is_paywall_stub);
}

#[test]
fn the_next_article_is_no_next_page() {
    let head = "<link rel=next href='/2025/11/03/another-story'>";
    assert_eq!(extracted(&page(head, ""), &ExtractRules::default()).next_page, None);
}

#[test]
fn microdata_and_dublin_core_are_read() {
    let marked = "<span itemprop=author>Ann Lee</span><meta itemprop=datePublished \
        content='2025-10-29T08:00:00+01:00'>";
    let by_microdata = extracted(&page("", marked), &ExtractRules::default());
    assert_eq!(by_microdata.authors, ["Ann Lee"]);
    assert_eq!(
        by_microdata.published_at.map(|it| it.to_rfc3339()).as_deref(),
        Some("2025-10-29T08:00:00+01:00")
    );
    let head = "<meta name=DC.creator content='Lee, Ann'><meta name=DC.date.issued content=2025-10-28>\
        <meta name=DC.title content='Outage in the north'><meta name=DC.publisher content='The Wire'>";
    let by_dublin_core = extracted(&page(head, ""), &ExtractRules::default());
    assert_eq!(by_dublin_core.authors, ["Ann Lee"]);
    assert_eq!(by_dublin_core.site_name.as_deref(), Some("The Wire"));
    let day = by_dublin_core.published_at.map(|it| it.date_naive().to_string());
    assert_eq!(day.as_deref(), Some("2025-10-28"));
}

#[test]
fn the_beginning_of_an_article_that_is_sold_is_a_stub() {
    let is_stub = |facts: &str| {
        let json = format!(
            "<script type='application/ld+json'>{{\"@type\":\"NewsArticle\",{facts}}}</script>"
        );
        extracted(&page(&json, ""), &ExtractRules::default()).is_paywall_stub
    };
    assert!(is_stub("\"isAccessibleForFree\":false"));
    assert!(is_stub("\"isAccessibleForFree\":\"False\""));
    assert!(!is_stub("\"isAccessibleForFree\":true"));
    assert!(!is_stub("\"headline\":\"Outage\""));
}

#[test]
fn a_live_blog_keeps_its_updates() {
    let updates: String = (0..8)
        .map(|at| {
            format!(
                "<div class=post><h3>10:{at}5</h3><p>Update number {at}: crews have reached another \
                 town, and the mayor says that people there stay calm and help each other.</p></div>"
            )
        })
        .collect();
    let text = extracted(&framed(&updates), &ExtractRules::default()).text;
    for at in 0..8 {
        assert!(text.contains(&format!("Update number {at}:")), "{at} is missing in: {text}");
    }
}

#[test]
fn the_day_that_the_page_shows_counts_where_its_data_know_no_other_than_the_last_change() {
    let json = r#"<script type="application/ld+json">{"@type":"NewsArticle",
        "datePublished":"2025-10-30","dateModified":"2025-10-30"}</script>"#;
    let html = page(json, "").replace("</h1>", "</h1><p>By Ann Lee</p><p>12 October 2025</p>");
    let url = Some("https://www.wire.example/story");
    let found = extract(&html, url, &ExtractRules::default(), now()).unwrap();
    let day = found.published_at.map(|it| it.date_naive().to_string());
    assert_eq!(day.as_deref(), Some("2025-10-12"));
    assert_eq!(found.authors, ["Ann Lee"], "a byline without markup");
}

#[test]
fn huge_and_deep_pages_cost_bounded_time() {
    let started = std::time::Instant::now();
    let paragraph = "<p>Power would be back by the evening, the ministry said on Monday.</p>";
    let huge = paragraph.repeat(15 * 1_024 * 1_024 / paragraph.len());
    let text = extracted(&huge, &ExtractRules::default()).text;
    assert!(text.len() <= TEXT_CHARS_MAX);
    let deep = format!("{}{}", "<div><b>".repeat(100_000), framed(""));
    // What such a page gives does not matter, as long as it ends.
    let _ = extract(&deep, None, &ExtractRules::default(), now());
    let links = "<a href=x>".repeat(100_000) + &framed("");
    let _ = extract(&links, None, &ExtractRules::default(), now());
    assert!(started.elapsed().as_secs() < 30, "took {:?}", started.elapsed());
}
