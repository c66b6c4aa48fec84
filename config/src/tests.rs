//! Loading whole folders: every mistake is found, with its place.

use std::fs;
use std::path::Path;

use super::*;

/// A configuration folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Checks that loading these files reports exactly these errors, one line each, in this order.
#[track_caller]
fn check_errors(files: &[(&str, &str)], expected: &[&str]) {
    let folder = folder(files);
    let errors = Config::load(folder.path()).map(|_| ()).unwrap_err();
    let shown: Vec<String> = errors.errors().iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

const SOURCE: &str = "[[source]]\nid = \"a\"\nname = \"A\"\nlanguage = \"en\"\n\
                      feed_url = \"https://a.example/feed\"\n";

#[test]
fn the_builtin_configuration_has_no_mistakes() {
    let config = Config::builtin().unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.settings, Settings::default());
    assert!(config.sources.iter().any(|it| it.id.as_str() == "bbc-world"));
}

#[test]
fn the_builtin_sources_cover_sectors_regions_and_languages() {
    let config = Config::builtin().unwrap();
    let real: Vec<&Source> = config.sources.iter().filter(|it| !it.sample).collect();
    assert!(60 <= real.len(), "{} real sources", real.len());
    assert!(real.iter().all(|it| it.kind().url().is_some_and(|it| it.scheme() == "https")));
    for sector in ["/energy", "/finance", "/transport", "/government", "/technology", "/defence"] {
        let covers = |id: &SectorId| {
            id.as_str() == sector || id.parent().is_some_and(|it| it.as_str() == sector)
        };
        let n_sources = real.iter().filter(|it| it.sectors.iter().any(covers)).count();
        assert!(5 <= n_sources, "{sector} has {n_sources} sources");
    }
    for language in ["en", "de", "fr", "es", "ar", "ru", "zh", "pt"] {
        assert!(real.iter().any(|it| it.language == language), "{language}");
    }
    for region in Region::ALL {
        assert!(real.iter().any(|it| it.region == *region), "{}", region.as_str());
    }
}

#[test]
fn the_builtin_gazetteers_know_what_the_news_name() {
    let gazetteer = Config::builtin().unwrap().gazetteer;
    let named = |name: &str| -> Vec<&str> {
        let entities = gazetteer.iter().filter(|it| it.names().any(|alias| alias == name));
        entities.map(|it| it.id.as_str()).collect()
    };
    for (name, expected) in [
        ("Iran", "country:IR"),
        ("U.S.", "country:US"),
        ("Fancy Bear", "group:apt28"),
        ("Hizbullah", "group:hezbollah"),
        ("ISIS", "group:islamic-state"),
        ("Revolutionary Guards", "org:islamic-revolutionary-guard-corps"),
        ("FBI", "org:federal-bureau-of-investigation"),
        ("Aramco", "company:saudi-aramco"),
        ("NotPetya", "malware:notpetya"),
        ("Mimikatz", "tool:mimikatz"),
        ("Log4Shell", "vulnerability:log4shell"),
        ("Strait of Hormuz", "place:strait-of-hormuz"),
        ("Bakhmut", "city:713174"),
    ] {
        assert!(named(name).contains(&expected), "{name}: {:?}", named(name));
    }
    let iran = gazetteer.iter().find(|it| it.id == "country:IR").unwrap();
    assert!(iran.demonyms.contains(&"Iranians".to_owned()));
    assert!(iran.metonyms.contains(&"Tehran".to_owned()));
}

#[test]
fn ordinary_words_among_the_names_of_threats_are_marked_ambiguous() {
    let gazetteer = Config::builtin().unwrap().gazetteer;
    let is_threat = |it: &&GazetteerEntity| {
        matches!(it.kind, GazetteerKind::ThreatGroup | GazetteerKind::Malware | GazetteerKind::Tool)
    };
    let words = ["hive", "play", "royal", "chaos", "anonymous", "cobalt", "reaper", "will", "it"];
    for entity in gazetteer.iter().filter(is_threat) {
        for name in entity.names().filter(|it| words.contains(&it.to_lowercase().as_str())) {
            assert!(entity.is_ambiguous(name), "{name} of {}", entity.id);
        }
    }
}

#[test]
fn the_builtin_gazetteers_know_names_in_other_languages() {
    let gazetteer = Config::builtin().unwrap().gazetteer;
    for (id, language, name) in [
        ("country:RU", "de", "Russland"),
        ("country:US", "ru", "США"),
        ("country:IR", "ar", "إيران"),
        ("org:united-nations", "fr", "ONU"),
        ("group:hamas", "he", "חמאס"),
        ("city:2988507", "ja", "パリ"),
        ("place:red-sea", "zh", "红海"),
    ] {
        let entity = gazetteer.iter().find(|it| it.id == id).unwrap();
        let mut rows = entity.in_languages.iter();
        let row = rows.find(|it| it.languages.iter().any(|it| it == language));
        assert!(row.is_some_and(|it| it.names.iter().any(|it| it == name)), "{id}: {name}");
    }
    let n_bytes = include_str!("../gazetteers/names_in_languages.csv").len();
    assert!(n_bytes <= 600_000, "{n_bytes} bytes");
}

#[test]
fn names_in_other_languages_belong_to_a_listed_entity_and_a_language() {
    let entities = "entity_id,kind,name\ncountry:IR,country,Iran\n";
    let names = "entity_id,languages,names,demonyms,phrases\n\
                 country:IR,fa|ar,ایران,,\n\
                 country:IQ,fa,عراق,,\n\
                 country:IR,xx,Iran,,\n";
    check_errors(
        &[("gazetteers/a.csv", names), ("gazetteers/b.csv", entities)],
        &[
            "gazetteers/a.csv:3:1: `entity_id`: `country:IQ` is in no list of entities",
            "gazetteers/a.csv:4:1: `languages`: must be codes of ISO 639-1, holds `xx`",
        ],
    );
}

#[test]
fn every_country_of_iso_3166_has_an_entity() {
    let gazetteer = Config::builtin().unwrap().gazetteer;
    for code in iso::COUNTRIES {
        let id = format!("country:{code}");
        assert!(gazetteer.iter().any(|it| it.id == id), "{id}");
    }
}

#[test]
fn the_folder_of_the_project_is_the_builtin_configuration() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let loaded = Config::load(folder).unwrap_or_else(|errors| panic!("{errors}"));
    let builtin = Config::builtin().unwrap();
    assert_eq!(loaded.sources, builtin.sources);
    assert_eq!(loaded.taxonomy, builtin.taxonomy);
    assert_eq!(loaded.gazetteer, builtin.gazetteer);
}

#[test]
fn an_empty_folder_gives_the_builtin_configuration() {
    let config = Config::load(folder(&[]).path()).unwrap();
    assert_eq!(config.sources, Config::builtin().unwrap().sources);
}

#[test]
fn a_folder_of_sources_replaces_the_builtin_sources_and_nothing_else() {
    let config = Config::load(folder(&[("sources/mine.toml", SOURCE)]).path()).unwrap();
    assert_eq!(config.sources.len(), 1);
    assert_eq!(config.sources[0].name, "A");
    assert_eq!(config.taxonomy, Config::builtin().unwrap().taxonomy);
}

#[test]
fn a_missing_folder_is_an_error() {
    let errors = Config::load(Path::new("/no/such/folder")).map(|_| ()).unwrap_err().to_string();
    assert!(
        errors.contains("/no/such/folder: the configuration folder cannot be read"),
        "{errors}"
    );
}

#[test]
fn all_mistakes_in_all_sections_and_files_come_at_once() {
    let settings = "data_dir = 5\n[http]\nbnid = \"x\"\nbind = \"nowhere\"\n\
                    [fetch]\nn_fetches_max = 0\nredirects_max = \"ten\"\n[colour]\n";
    let energy = "[[source]]\nid = \"A b\"\nname = \"\"\nlangauge = \"en\"\n\
                  feed_url = \"ftp://a.example\"\nsectors = [\"/energy\", \"/enrgy\"]\n";
    check_errors(
        &[("settings.toml", settings), ("sources/energy.toml", energy), ("setings.toml", "")],
        &[
            "setings.toml: unknown file; did you mean `settings.toml`?; sources belong in the \
             folder `sources`",
            "settings.toml:1:12: `data_dir`: must be a path in quotes, is 5",
            "settings.toml:3:1: `http.bnid`: unknown key; did you mean `bind`?",
            "settings.toml:4:8: `http.bind`: must be an IP address and port such as \
             \"127.0.0.1:8321\" or \"[::]:8321\", is `nowhere`",
            "settings.toml:6:17: `fetch.n_fetches_max`: must be 1 to 1000, is 0",
            "settings.toml:7:17: `fetch.redirects_max`: must be a whole number, is `ten`",
            "settings.toml:8:2: `colour`: unknown key; allowed are data_dir, database_url, \
             database_url_file, http, fetch, poll, crawl, nlp, stories, index, alerts, retention, oidc, sample, log",
            "sources/energy.toml:1:1: `source[1]`: key `language` is missing",
            "sources/energy.toml:2:6: `source[1].id`: must be 1 to 64 characters from a-z, 0-9 \
             and -, not at the ends, is `A b`",
            "sources/energy.toml:3:8: `source[1].name`: must be a text that is not empty, is \"\"",
            "sources/energy.toml:4:1: `source[1].langauge`: unknown key; did you mean `language`?",
            "sources/energy.toml:5:12: `source[1].feed_url`: must be an address that starts with \
             http:// or https://, is `ftp://a.example`",
            "sources/energy.toml:6:23: `source[1].sectors[2]`: `/enrgy` is no sector of the \
             taxonomy; did you mean `/energy`?",
        ],
    );
}

#[test]
fn a_line_that_is_no_toml_hides_no_other_mistake() {
    let settings = "[http]\nbind = \n[fetch]\nredirects_max = \"ten\"\n";
    let folder = folder(&[("settings.toml", settings)]);
    let errors = Config::load(folder.path()).map(|_| ()).unwrap_err();
    let lines: Vec<usize> =
        errors.errors().iter().filter_map(|it| it.position.as_ref()).map(|it| it.line).collect();
    assert_eq!(lines, [2, 4], "{errors}");
}

#[test]
fn an_id_or_feed_in_two_files_is_an_error_that_names_both() {
    check_errors(
        &[("sources/one.toml", SOURCE), ("sources/two.toml", &format!("\n{SOURCE}"))],
        &[
            "sources/two.toml:2:1: `id`: `a` is already in sources/one.toml:1",
            "sources/two.toml:2:1: `feed_url`: `https://a.example/feed` is already in \
             sources/one.toml:1",
        ],
    );
}

#[test]
fn a_wrong_source_does_not_hide_that_others_share_an_id() {
    let broken = format!(
        "{SOURCE}enabled = 1\n\n{SOURCE}\n{}",
        SOURCE.replace("example/feed", "example/other")
    );
    check_errors(
        &[("sources/one.toml", &broken)],
        &[
            "sources/one.toml:6:11: `source[1].enabled`: must be true or false, is 1",
            "sources/one.toml:14:1: `id`: `a` is already in sources/one.toml:8",
        ],
    );
}

#[test]
fn only_sample_sources_lie_on_the_sample_host_and_private_feeds_need_leave() {
    let source = |url: &str, more: &str| SOURCE.replace("https://a.example/feed", url) + more;
    for (url, more, is_allowed) in [
        ("http://sample.harbinger.invalid/a/feed.xml", "sample = true\n", true),
        ("http://sample.harbinger.invalid/a/feed.xml", "", false),
        ("http://127.0.0.1:0/feed", "allow_private_addresses = true\n", false),
        ("https://a.example/feed", "sample = true\n", false),
        ("http://127.0.0.1:8000/feed", "", false),
        ("http://10.0.0.1/feed", "allow_private_addresses = true\n", true),
        ("http://[fd00::1]/feed", "", false),
        ("http://[::ffff:127.0.0.1]/feed", "", false),
        ("http://localhost/feed", "", false),
        ("https://user:word@a.example/feed", "", false),
    ] {
        let folder = folder(&[("sources/one.toml", &source(url, more))]);
        assert_eq!(Config::load(folder.path()).is_ok(), is_allowed, "{url} {more}");
    }
}

#[test]
fn a_source_has_exactly_one_kind_and_selectors_that_can_be_read() {
    let head = "[[source]]\nid = \"a\"\nname = \"A\"\nlanguage = \"en\"\n";
    let sources = [
        head.to_owned(),
        head.replace("\"a\"", "\"b\"") + "site_url = \"https://b.example/\"\nfolder = \"news\"\n",
        head.replace("\"a\"", "\"c\"")
            + "[source.listing]\nurl = \"http://10.0.0.1/\"\nitem = \"li >> a\"\n",
        head.replace("\"a\"", "\"d\"")
            + "[source.json]\nurl = \"https://d.example/\"\nlink = \"x{\"\n",
        head.replace("\"a\"", "\"e\"") + "sitemap_url = \"https://b.example/\"\n",
    ];
    let folder = folder(&[("sources/one.toml", &sources.concat())]);
    let check =
        |it: &str| if it.contains(">>") { Err("is no selector".to_owned()) } else { Ok(()) };
    let loaded =
        Config::load_checked(Some(folder.path()), &Overrides::default(), |_| Ok(()), check);
    let errors = loaded.map(|_| ()).unwrap_err();
    let shown: Vec<String> = errors.errors().iter().map(ToString::to_string).collect();
    let kinds = "a source has exactly one of `feed_url`, `site_url`, `sitemap_url`, `listing`, \
                 `json`, `folder`";
    assert_eq!(
        shown,
        [
            format!("sources/one.toml:1:1: `feed_url`: is missing; {kinds}"),
            format!("sources/one.toml:5:1: `folder`: cannot stand beside `site_url`; {kinds}"),
            "sources/one.toml:11:1: `listing.url`: `http://10.0.0.1/` lies on a private address; \
             set `allow_private_addresses = true` if it shall"
                .to_owned(),
            "sources/one.toml:11:1: `listing.item`: `li >> a` is no selector".to_owned(),
            "sources/one.toml:22:1: `source[4].json`: key `title` is missing".to_owned(),
            "sources/one.toml:24:8: `source[4].json.link`: must be a path such as \"cve.id\", or \
             a text with paths in braces, is \"x{\""
                .to_owned(),
            "sources/one.toml:25:1: `sitemap_url`: `https://b.example/` is already in \
             sources/one.toml:5"
                .to_owned(),
        ]
    );
}

#[test]
fn a_source_as_json_is_read_like_the_file() {
    let json = serde_json::json!({
        "id": "kev", "name": "KEV", "language": "en", "notes": null, "sectors": ["/technology"],
        "json": {"url": "https://kev.example/kev.json", "items": "vulnerabilities",
                 "link": "https://nvd.example/{cveID}", "title": "vulnerabilityName"},
    });
    let taxonomy = Config::builtin().unwrap().taxonomy;
    let source = Source::from_json(&json, Some(&taxonomy), |_| Ok(())).unwrap();
    assert_eq!(source.kind().name(), "json");
    assert_eq!(source.address(), "https://kev.example/kev.json");
    let back = serde_json::to_value(&source).unwrap();
    assert_eq!(Source::from_json(&back, None, |_| Ok(())), Ok(source));

    let wrong = serde_json::json!({"id": "A b", "name": "", "langauge": "en", "folder": "x"});
    let errors = Source::from_json(&wrong, Some(&taxonomy), |_| Ok(())).unwrap_err();
    assert_eq!(errors.errors().len(), 4, "{errors}");
}

#[test]
fn the_ids_of_single_pages_and_of_addresses_are_reserved() {
    for id in ["submitted", "test"] {
        let file = SOURCE.replace("\"a\"", &format!("\"{id}\""));
        let said = format!("sources/a.toml:1:1: `id`: `{id}` is reserved; choose another");
        check_errors(&[("sources/a.toml", &file)], &[&said]);
        let json = serde_json::json!({"id": id, "name": "A", "language": "en",
            "feed_url": "https://a.example/feed"});
        let errors = Source::from_json(&json, None, |_| Ok(())).unwrap_err();
        assert!(errors.to_string().contains("is reserved"), "{errors}");
    }
}

#[test]
fn a_taxonomy_is_checked_against_itself_and_the_other_vocabularies() {
    let sector = |id: &str, more: &str| {
        format!("[[sector]]\nid = \"{id}\"\nlabel = \"X\"\nkeywords = [\"x\"]\n{more}\n")
    };
    let right = "stix = [\"energy\"]\ncisa = [\"Energy\"]\nnis2 = []";
    let taxonomy = [
        sector("/a", right),
        sector("/a", right),
        sector("/b/c", right),
        sector("/d", "stix = [\"enery\"]\ncisa = [\"energy\"]\nnis2 = []"),
        sector("/e", "stix = []\ncisa = []\nnis2 = [{ annex = \"II\", sector = \"energy\" }]"),
        sector("f", right),
    ]
    .concat();
    check_errors(
        &[("taxonomy.toml", &taxonomy)],
        &[
            "taxonomy.toml:8:1: `id`: `/a` is already in taxonomy.toml:1",
            "taxonomy.toml:15:1: `id`: `/b/c` needs its parent `/b` before it",
            "taxonomy.toml:26:9: `sector[4].stix[1]`: must be a value of STIX industry-sector-ov, \
             is `enery`; did you mean `energy`?",
            "taxonomy.toml:27:9: `sector[4].cisa[1]`: must be one of CISA's 16 sectors, is \
             `energy`; did you mean `Energy`?",
            "taxonomy.toml:29:1: `nis2`: `energy` is no sector of annex II",
            "taxonomy.toml:37:6: `sector[6].id`: must be a path such as \"/energy\" or \
             \"/energy/oil-gas\" from a-z, 0-9 and -, is \"f\"",
        ],
    );
}

#[test]
fn a_gazetteer_is_checked_row_by_row() {
    let list = "entity_id,kind,name,aliases,ambiguous,country,sectors,latitude,weight\n\
        country:IR,country,Iran,Persia|IR,IR,IR,,32.0,\n\
        country:IQ,contry,Iraq,,,,,,\n\
        group:x,country,X,,,,,,\n\
        group:y,threat-group,Y,a||b,Z,UK,/enrgy,91,many\n\
        group:z,threat-group,Z\n\
        country:IR,country,Iran again,,,,,,\n";
    check_errors(
        &[("gazetteers/a.csv", list)],
        &[
            "gazetteers/a.csv:3:1: `kind`: must be one of country, city, place, threat-group, \
             armed-group, malware, tool, vulnerability, government, agency, organization, \
             company; did you mean `country`?",
            "gazetteers/a.csv:4:1: `entity_id`: must start with `country:` and go on, is `group:x`",
            "gazetteers/a.csv:5:1: `aliases`: holds an empty name between two `|`",
            "gazetteers/a.csv:5:1: `country`: must be a code of ISO 3166-1 alpha-2, is `UK`",
            "gazetteers/a.csv:5:1: `sectors`: `/enrgy` is no sector of the taxonomy; did you mean \
             `/energy`?",
            "gazetteers/a.csv:5:1: `latitude`: must be degrees from -90 to 90, is `91`",
            "gazetteers/a.csv:5:1: `weight`: must be a whole number, is `many`",
            "gazetteers/a.csv:5:1: `ambiguous`: `Z` is neither name, alias nor metonym",
            "gazetteers/a.csv:6:1: has 3 fields, not 9",
            "gazetteers/a.csv:7:1: `entity_id`: `country:IR` is already in gazetteers/a.csv:2",
        ],
    );
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_its_line() {
    let folder = folder(&[]);
    fs::write(folder.path().join("settings.toml"), b"# a\n# \xff\n").unwrap();
    let errors = Config::load(folder.path()).map(|_| ()).unwrap_err();
    assert_eq!(errors.errors()[0].to_string(), "settings.toml: is not UTF-8 from line 2 on");
}

#[test]
fn a_password_may_stand_in_the_environment_or_a_file_but_nowhere_else() {
    let secret = "postgres://u:hunter2@db.example/harbinger";
    let secrets = folder(&[("url", &format!("{secret}\n"))]);
    let path = secrets.path().join("url").display().to_string();
    let env = |name: &str, text: &str| Overrides::from_env([(name.to_owned(), text.to_owned())]);
    for overrides in
        [env("HARBINGER_DATABASE_URL", secret), env("HARBINGER_DATABASE_URL_FILE", &path)]
    {
        let config = Config::load_with(None, &overrides).unwrap();
        assert_eq!(config.settings.database_url.as_ref().unwrap().expose(), secret);
        assert!(!format!("{config:?} {overrides:?}").contains("hunter2"));
    }
    let flag = Overrides::default().with_flags([format!("database_url={secret}")]);
    let refused = Config::load_with(None, &flag).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("holds a password") && !refused.contains("hunter2"), "{refused}");
    for text in [secret, "mysql://u:hunter2@db.example"] {
        let file = format!("database_url = \"{text}\"");
        let errors = Config::load(folder(&[("settings.toml", &file)]).path());
        let errors = errors.map(|_| ()).unwrap_err().to_string();
        assert!(!errors.contains("hunter2"), "{errors}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    check_errors(
        &[("settings.toml", "[crawl]\nlease_s = 20\n[fetch]\nconnect_timeout_s = 60\n")],
        &[
            "settings.toml: `crawl.lease_s`: must be longer than `fetch.total_timeout_s`",
            "settings.toml: `fetch.total_timeout_s`: must not be shorter than \
             `fetch.connect_timeout_s`",
        ],
    );
    check_errors(
        &[("settings.toml", "[oidc]\nissuer = \"https://login.example\"\n")],
        &[
            "settings.toml: `oidc.client_id`: must be set with `oidc.issuer`",
            "settings.toml: `alerts.public_url`: must be set with `oidc.issuer`",
        ],
    );
    check_errors(
        &[("settings.toml", "[retention]\narticles_days = 14\n")],
        &["settings.toml: `retention.articles_days`: must be longer than `stories.window_days`"],
    );
}

#[test]
fn the_contact_address_goes_into_the_user_agent_and_its_absence_is_a_warning() {
    let without = Config::builtin().unwrap();
    assert_eq!(without.settings.fetch.user_agent_header(), "Harbinger");
    assert!(without.warnings.iter().any(|it| it.contains("contact_url")));
    let flags = Overrides::default().with_flags(["fetch.contact_url=mailto:me@a.example"]);
    let with = Config::load_with(None, &flags).unwrap();
    assert_eq!(with.settings.fetch.user_agent_header(), "Harbinger (+mailto:me@a.example)");
    assert_eq!(with.warnings, Vec::<String>::new());
}

#[test]
fn authorities_of_ones_own_come_from_a_file_of_certificates() {
    check_errors(
        &[("settings.toml", "[fetch]\nca_file = \"/nowhere/ca.pem\"\n")],
        &[
            "settings.toml:2:11: `fetch.ca_file`: must be a file of certificates in PEM that can be \
             read, is \"/nowhere/ca.pem\"",
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let flags = || Overrides::default().with_flags([format!("fetch.ca_file={}", file.display())]);
    fs::write(&file, "not a certificate").unwrap();
    assert!(Config::load_with(None, &flags()).is_err());
    fs::write(&file, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n").unwrap();
    let config = Config::load_with(None, &flags()).unwrap();
    assert_eq!(config.settings.fetch.ca_file, Some(file.clone()));
}

#[test]
fn every_mistake_of_the_saved_searches_is_shown_at_once() {
    let searches = "[[search]]\nid = \"grid\"\nname = \"Grid\"\nquery = \"power\"\n\
                    deliver = [{ channel = \"webhook\", to = \"ftp://a.example\" }]\n\
                    [[search]]\nid = \"grid\"\nname = \"Again\"\nunit = \"statment\"\n\
                    [[search]]\nid = \"x\"\nname = \"X\"\nquery = \"bad\"\nfilters.kind = [\"treat\"]\n\
                    deliver = [{ channel = \"webhook\", to = \"ftp://a.example\" }]\n\
                    [[search]]\nid = \"y\"\nname = \"Y\"\nquery = \"bad\"\n\
                    deliver = [{ channel = \"email\" }, { channel = \"slack\", to = \"https://a.example\", signing_secret = \"s\" }]\n";
    let folder = folder(&[("searches.toml", searches)]);
    let errors = Config::load_checked(
        Some(folder.path()),
        &Overrides::default(),
        |query| {
            if query == "bad" { Err("cannot be read (character 1)".to_owned()) } else { Ok(()) }
        },
        |_| Ok(()),
    );
    let errors = errors.map(|_| ()).unwrap_err();
    let shown: Vec<String> = errors.errors().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "searches.toml:1:1: `deliver[1].to`: must be an address that starts with http:// or https://",
            "searches.toml:7:6: `search[2].id`: `grid` is already in searches.toml:1",
            "searches.toml:9:8: `search[2].unit`: must be one of article, story, statement, is `statment`; did you mean `statement`?",
            "searches.toml:13:9: `search[3].query`: cannot be read (character 1)",
            "searches.toml:14:16: `search[3].filters.kind`: must be a list of threat, warning, attack, claim, denial, attempt, is [\"treat\"]",
            "searches.toml:15:12: `search[3].deliver[1].to`: must be an address that starts with http:// or https://",
            "searches.toml:16:1: `query`: cannot be read (character 1)",
            "searches.toml:16:1: `deliver[1].to`: is missing; give `to` or `to_secret`",
            "searches.toml:16:1: `deliver[2].signing_secret`: does not go with `slack`",
        ]
    );
}

#[test]
fn a_saved_search_as_json_is_read_like_the_file() {
    let json = serde_json::json!({
        "id": "grid", "name": "Grid", "query": "power", "notes": null,
        "filters": {"sector": ["/energy"]}, "unit": "statement",
        "deliver": [{"channel": "ntfy", "to_secret": "phone"}],
    });
    let taxonomy = Config::builtin().unwrap().taxonomy;
    let search = SavedSearch::from_json(&json, Some(&taxonomy), |_| Ok(())).unwrap();
    assert_eq!(search.unit, AlertUnit::Statement);
    assert_eq!(search.filters.chosen(), [("sector", vec!["/energy"])]);
    let back = serde_json::to_value(&search).unwrap();
    assert_eq!(SavedSearch::from_json(&back, None, |_| Ok(())), Ok(search));

    for id in ["backtest", "new", "test"] {
        let json = serde_json::json!({"id": id, "name": "A", "query": "power"});
        let errors = SavedSearch::from_json(&json, Some(&taxonomy), |_| Ok(())).unwrap_err();
        assert!(errors.to_string().contains("`id`: `"), "{errors}");
        assert!(errors.to_string().contains("` is reserved; choose another"), "{errors}");
        assert!(SavedSearch::from_json(&json, None, |_| Ok(())).is_ok(), "{id} was saved before");
        let file = format!("[[search]]\nid = \"{id}\"\nname = \"A\"\nquery = \"power\"\n");
        let said = format!("searches.toml:1:1: `id`: `{id}` is reserved; choose another");
        check_errors(&[("searches.toml", &file)], &[&said]);
    }

    let wrong = serde_json::json!({
        "id": "Grid", "nam": "x", "filters": {"sector": ["/nowhere"]}, "throttle_minutes": -1,
    });
    let errors = SavedSearch::from_json(&wrong, Some(&taxonomy), |_| Ok(())).unwrap_err();
    assert_eq!(errors.errors().len(), 5, "{errors}");
    assert!(SavedSearch::from_json(&serde_json::json!([1]), None, |_| Ok(())).is_err());
}
