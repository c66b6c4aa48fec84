//! Names in invented texts against a small list, and against the built-in one.

use config::{GazetteerEntity, GazetteerKind};
use proptest::prelude::*;

use super::*;

/// `rows` are languages, names, adjectives and other phrases, each separated by `|`.
fn entity(id: &str, rows: &[[&str; 4]]) -> GazetteerEntity {
    let parts = |it: &str| it.split('|').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let kind = match id.starts_with("country:") {
        true => GazetteerKind::Country,
        false => GazetteerKind::Organization,
    };
    let mut entity = GazetteerEntity::new(id, kind, id);
    entity.in_languages = rows
        .iter()
        .map(|[languages, names, demonyms, phrases]| config::NamesInLanguages {
            languages: parts(languages),
            names: parts(names),
            demonyms: parts(demonyms),
            phrases: parts(phrases),
        })
        .collect();
    entity
}

fn entities() -> Vec<GazetteerEntity> {
    vec![
        entity(
            "country:IR",
            &[
                ["de|fr|pl|tr", "Iran|İran", "", "Iran Air"],
                ["ru|uk", "Иран", "иранский", ""],
                ["ar|fa", "إيران|ایران", "", ""],
                ["he", "איראן", "", ""],
                ["zh", "伊朗", "", ""],
                ["ja", "イラン", "", ""],
                ["ko", "이란", "", "이란성"],
                ["th", "อิหร่าน", "", ""],
            ],
        ),
        entity("country:SA", &[["ru", "Саудовская Аравия", "", ""]]),
        entity("country:US", &[["ru", "США", "", ""], ["he", "ארה\"ב", "", ""]]),
        entity("country:CN", &[["zh", "中国", "", "发展中国家"], ["ar", "الصين", "", ""]]),
        entity("country:IN", &[["ja", "インド", "", ""]]),
        entity("org:un", &[["ru", "ООН", "", ""], ["fr", "Nations unies|ONU", "", ""]]),
        entity("country:TR", &[["de", "Türkei", "türkisch", ""], ["fr", "Turquie", "turc", ""]]),
    ]
}

#[track_caller]
fn check(language: Option<&str>, text: &str, expected: &[(&str, &str)]) {
    let entities = entities();
    let found = NamesInLanguages::new(&entities).find(text, language);
    let found: Vec<(&str, &str)> = found
        .iter()
        .filter(|it| it.role != LocalRole::Phrase)
        .map(|it| (&text[it.range.clone()], entities[it.entity as usize].id.as_str()))
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn words_are_read_with_their_endings() {
    let ir = "country:IR";
    check(Some("de"), "Irans Marine und der Iran-Streit", &[("Irans", ir), ("Iran", ir)]);
    check(Some("ru"), "В Иране и иранских портах", &[("Иране", ir), ("иранских", ir)]);
    check(Some("ru"), "в Саудовской Аравии", &[("Саудовской Аравии", "country:SA")]);
    check(Some("tr"), "İran'da ve IRAN'da", &[("İran", ir), ("IRAN", ir)]);
    check(Some("de"), "türkische Häfen", &[("türkische", "country:TR")]);
}

#[test]
fn prefixes_and_particles_are_no_part_of_a_name() {
    let (ir, cn) = ("country:IR", "country:CN");
    check(Some("ar"), "وإيران للصين", &[("إيران", ir), ("للصين", cn)]);
    check(Some("he"), "באיראן ובארה\"ב", &[("איראן", ir)]);
    check(Some("he"), "ארה\"ב ואיראן", &[("ארה\"ב", "country:US"), ("איראן", ir)]);
    check(Some("ko"), "이란은 이란성 쌍둥이", &[("이란", ir)]);
}

#[test]
fn texts_without_spaces_are_read_sign_by_sign() {
    check(Some("zh"), "美方警告伊朗和中国。", &[("伊朗", "country:IR"), ("中国", "country:CN")]);
    check(Some("zh"), "发展中国家需要帮助", &[]);
    check(Some("ja"), "イランとインド", &[("イラン", "country:IR"), ("インド", "country:IN")]);
    check(Some("ja"), "インドネシアとイランイラン", &[]);
    check(Some("th"), "ทูตอิหร่านกล่าว", &[("อิหร่าน", "country:IR")]);
}

#[test]
fn common_words_and_longer_phrases_are_no_names() {
    check(Some("de"), "Der iran ist klein geschrieben, Iraner auch.", &[]);
    check(Some("de"), "Mit Iran Air geflogen", &[]);
    check(Some("ru"), "в иран, Иранка, сша", &[]);
    check(Some("fr"), "Les nations unies, onu, sud-turc", &[]);
    check(Some("fa"), "می\u{200c}ایران", &[]);
}

#[test]
fn a_name_counts_in_its_own_language_or_in_another_script() {
    check(Some("fr"), "L’ONU et l’Iran", &[("ONU", "org:un"), ("Iran", "country:IR")]);
    check(Some("es"), "ONU, Iran, Turquie", &[]);
    check(Some("en"), "ONU and Iran (Иран)", &[("Иран", "country:IR")]);
    check(None, "ООН", &[("ООН", "org:un")]);
    check(Some("uk"), "ООН", &[]);
    check(Some("en"), "Nothing but Iran here", &[]);
}

#[test]
fn the_builtin_list_loads_quickly_and_knows_each_language() {
    let gazetteer = config::Config::builtin().expect("it has no mistakes").gazetteer;
    let names = NamesInLanguages::new(&gazetteer);
    for (code, _) in LANGUAGES {
        let known = names.names.iter().filter(|it| it.languages & bit(code).unwrap_or(0) != 0);
        assert!(150 <= known.count(), "{code}");
    }
    for row in gazetteer.iter().flat_map(|it| &it.in_languages) {
        for code in &row.languages {
            assert!(bit(code).is_some(), "no rules for {code}");
        }
    }
}

const ODD_LANGUAGES: &[&str] = &["ar", "he", "ko", "ja", "zh", "th", "ru", "de", "en"];

const ODD_PARTS: &[&str] = &[
    "وإيران",
    "للصين",
    "באיראן",
    "ארה\"ב",
    "이란은",
    "イラン",
    "发展中国家",
    "伊朗",
    "อิหร่าน",
    "Иране",
    "ё\u{301}",
    "\u{64b}\u{200c}",
    "İ",
    "'",
    "-",
    " ",
    "\u{1f468}\u{200d}",
    "Саудовской Аравии",
    "ß",
    "ﷺ",
    "é\u{302}",
    ".",
    "لل",
    "ו",
];

proptest! {
    #[test]
    fn ranges_are_in_bounds_on_boundaries_and_do_not_overlap(
        parts in prop::collection::vec(prop::sample::select(ODD_PARTS), 0..12),
        language in prop::sample::select(ODD_LANGUAGES),
    ) {
        let text = parts.concat();
        let names = NamesInLanguages::new(&entities());
        let mut end = 0;
        for it in names.find(&text, Some(language)) {
            prop_assert!(end <= it.range.start && it.range.start < it.range.end);
            prop_assert!(text.get(it.range.clone()).is_some());
            end = it.range.end;
        }
    }
}
