use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> ParsedFeed {
    parse(text.as_bytes(), None, Some("https://wire.example/feeds/all.xml")).unwrap()
}

fn found(text: &str) -> Vec<(String, String)> {
    let base = Url::parse("https://wire.example/feeds/all.xml").unwrap();
    let now = "2025-11-03T10:00:00Z".parse().unwrap();
    let entries = entries(&parsed(text), &SourceId::new("wire"), &base, now);
    entries.into_iter().map(|it| (it.url.into(), it.title.unwrap_or_default())).collect()
}

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = found(text);
    let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_flavour_gives_entries() {
    let expected = [("https://wire.example/a", "Alpha")];
    check(
        "<rss version='0.91'><channel><item><title>Alpha</title><link>/a</link></item></channel></rss>",
        &expected,
    );
    check(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>\
         <channel rdf:about='x'/><item rdf:about='https://wire.example/a'><title>Alpha</title></item></rdf:RDF>",
        &expected,
    );
    check(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://wire.example/'><entry>\
         <link rel='enclosure' href='a.mp3'/><link rel='alternate' href='a'/><title type='html'>&lt;b&gt;Alpha&lt;/b&gt;</title></entry></feed>",
        &expected,
    );
    check(
        "<a:feed xmlns:a='http://purl.org/atom/ns#'><a:entry><a:link href='/a'/><a:title>Alpha</a:title></a:entry></a:feed>",
        &expected,
    );
    check(
        r#"{"version":"https://jsonfeed.org/version/1.1","items":[{"id":7,"url":"/a","title":"Alpha"}]}"#,
        &expected,
    );
}

#[test]
fn broken_feeds_give_what_can_be_told() {
    let expected = [("https://wire.example/a", "A & B"), ("https://wire.example/b", "“C”")];
    check(
        "junk before <RSS><CHANNEL><ITEM><TITLE>A & B</TITLE><LINK>/a</LINK><description>x<br>y</description>\
         <ITEM><TITLE>&ldquo;C&rdquo;</TITLE><LINK>/b</LINK></ITEM>",
        &expected,
    );
    check(
        "<rss><channel><item><title>A &amp; B</title><link>/a</link></item>\
         <item><link>/b</link><title>&#147;C&#148;</title><description>cut in the mid",
        &expected,
    );
    check(
        "<rss><channel><item><title>A &amp; B</title><link>/a</link></item><item><title>No link yet</title><li",
        &expected[..1],
    );
    check(
        "<item><title>A &amp; B</title><guid isPermaLink='false'>x</guid><link>/a</link></item>",
        &expected[..1],
    );
}

#[test]
fn wide_and_wrongly_labelled_bytes_are_read() {
    let text = "<?xml version='1.0' encoding='utf-16'?><rss><channel><title>Žižkov</title></channel></rss>";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(parse(&wide, None, None).unwrap().title.as_deref(), Some("Žižkov"));
    let narrow = b"<?xml version='1.0' encoding='utf-8'?><rss><channel><title>caf\xe9 d\xe9j\xe0</title></channel></rss>";
    assert_eq!(parse(narrow, None, None).unwrap().title.as_deref(), Some("café déjà"));
}

#[test]
fn what_is_no_feed_says_so() {
    let class = |text: &str| parse(text.as_bytes(), None, None).unwrap_err().class();
    assert_eq!(class(""), FailureClass::EmptyBody);
    assert_eq!(class("<!doctype html><html><body>Hello</body></html>"), FailureClass::NotAFeed);
    assert_eq!(class("plain words"), FailureClass::NotAFeed);
    assert_eq!(class("{\"items\": 7}"), FailureClass::NotAFeed);
    assert_eq!(class("%PDF-1.7"), FailureClass::NotAFeed);
}

#[test]
fn the_rhythm_is_read() {
    let feed = parsed(
        "<rss xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'><channel><ttl>15</ttl>\
         <sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>\
         <skipHours><hour>3</hour><hour>24</hour></skipHours><skipDays><day>Sunday</day></skipDays></channel></rss>",
    );
    let rhythm = FeedRhythm {
        interval_minutes: Some(360),
        skip_hours: [0, 3].into(),
        skip_days: [6].into(),
    };
    assert_eq!(feed.rhythm, rhythm);
}

#[test]
fn each_address_is_one_entry() {
    check(
        "<rss><item><link>/a?utm_source=x</link></item><item><link>/a</link></item><item><link>mailto:x@y</link></item></rss>",
        &[("https://wire.example/a", "")],
    );
}

#[test]
fn what_a_feed_calls_an_entry_stays_when_its_address_changes() {
    let guid = |link: &str, guid: &str| {
        let item = format!("<rss><item><link>{link}</link><guid>{guid}</guid></item></rss>");
        let base = Url::parse("https://wire.example/").unwrap();
        let source = SourceId::new("wire");
        entries(&parsed(&item), &source, &base, DateTime::UNIX_EPOCH).remove(0).guid
    };
    let first = guid("https://wire.example/a", "post 7");
    assert!(first.is_some());
    assert_eq!(guid("https://wire.example/b", "post 7"), first);
    assert_ne!(guid("https://wire.example/a", "post 8"), first);
    assert_eq!(guid("https://wire.example/a", "https://wire.example/a"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, None, None);
    }

    #[test]
    fn any_mix_of_feed_markup_is_read_or_refused(
        pieces in prop::collection::vec(
            "<(/)?(rss|channel|item|entry|feed|title|link|pubDate|content)( (href|type|rel|xml:base)='[a-z0-9:/.]{0,8}')?(/)?>|[ -~é]{0,12}|&[a-z]{2,4};|<!\\[CDATA\\[|\\]\\]>",
            0..40,
        ),
    ) {
        let text = pieces.concat();
        if let Ok(feed) = parse(text.as_bytes(), None, Some("https://wire.example/")) {
            let base = Url::parse("https://wire.example/").unwrap();
            entries(&feed, &SourceId::new("wire"), &base, DateTime::UNIX_EPOCH);
        }
    }
}

#[test]
fn groups_of_media_languages_and_repeated_dates_are_read_as_by_others() {
    let feed = parse(
        b"<feed xmlns='http://www.w3.org/2005/Atom' xmlns:media='http://search.yahoo.com/mrss/' \
          xml:lang='en_US'><title>Videos</title><entry><title>One</title>\
          <updated>2010-12-01T10:14:55Z</updated><updated>2011-12-31T10:14:55Z</updated>\
          <media:group><media:description>What is shown</media:description></media:group>\
          <link href='https://video.example/1'/></entry></feed>",
        None,
        None,
    )
    .unwrap();
    assert_eq!(feed.language.as_deref(), Some("en-US"));
    let entry = &feed.entries[0];
    assert_eq!(entry.summary.as_deref(), Some("What is shown"));
    assert_eq!(
        entry.updated.map(|it| it.to_rfc3339()).as_deref(),
        Some("2011-12-31T10:14:55+00:00")
    );
}
