//! Names of malware and of those who use it: what the words beside a name say about its class.
//!
//! A gang is often called like its ransomware, and one list says tool where another says malware.
//! Then the words around decide: `X ransomware` is malware, the `X gang` is a group.

use std::ops::Range;
use std::sync::LazyLock;

use config::{GazetteerEntity, GazetteerKind};
use regex::Regex;

use crate::MentionKind;

/// Nouns that reports set behind a name without making them part of it, at the end of a text.
static NOUN_AT_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\s(?:ransomware|malware|(?:remote access )?trojans?|backdoors?|botnets?|payloads?|",
        r"implants?|samples?|variants?)$",
    ))
    .expect("a constant pattern")
});

/// A word with capitals inside (`ShadowQuill`, `DDoSia`) that stands before what only malware is.
static NAME_BEFORE_NOUN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        "(?:^|[\\s\"'“‘(\\[])",
        r"(?P<name>[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[A-Z]{2,}[a-z]+[A-Za-z0-9]*)",
        "[\"'”’]? ",
        r"(?:ransomware|malware|trojans?|backdoors?|botnets?|RATs?|remote access trojans?|worms?|",
        r"wipers?|rootkits?|spyware|(?:info)?stealers?|keyloggers?|loaders?|downloaders?|",
        r"droppers?|payloads?|implants?|cryptominers?)\b",
    ))
    .expect("a constant pattern")
});

static RANSOMWARE_AFTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^[”’']? ransomware\b").expect("a constant pattern"));

static GANG_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^[”’']? (?:(?:ransomware|cybercrime|hacking|extortion) )?(?:gang|group|crew|collective|hackers)\b")
        .expect("a constant pattern")
});

/// Software, systems and sorts of things that malware runs on, is written in or hides behind.
const NO_MALWARE: &[&str] = &[
    "ActiveX",
    "AppleScript",
    "AutoIt",
    "BitTorrent",
    "ChatGPT",
    "DropBox",
    "FreeBSD",
    "GitHub",
    "IoC",
    "IoCs",
    "IoT",
    "JavaScript",
    "LinkedIn",
    "MaaS",
    "MacOS",
    "OneDrive",
    "OpenAI",
    "OpenSource",
    "PCs",
    "PoC",
    "PoS",
    "PowerPoint",
    "PowerShell",
    "RaaS",
    "SaaS",
    "SharePoint",
    "TeamViewer",
    "TypeScript",
    "VBScript",
    "VMware",
    "VirusTotal",
    "WhatsApp",
    "WordPress",
    "YouTube",
];

/// Words in capitals that name a sort of software, lower case.
const SORTS: &[&str] =
    &["apk", "apt", "c&c", "c2", "ddos", "dll", "dlls", "maas", "raas", "rat", "rats"];

/// Words that are said before a noun and name nothing, lower case.
const ADJECTIVES: &[&str] = &[
    "a",
    "android",
    "banking",
    "custom",
    "ios",
    "linux",
    "macos",
    "malicious",
    "mobile",
    "new",
    "python",
    "ransomware",
    "the",
    "this",
    "windows",
];

/// The malware in `sentence` that the noun behind it gives away, as byte ranges in order.
pub(crate) fn named_by_noun(sentence: &str) -> Vec<Range<usize>> {
    let names = NAME_BEFORE_NOUN.captures_iter(sentence).filter_map(|it| it.name("name"));
    names.filter(|it| !NO_MALWARE.contains(&it.as_str())).map(|it| it.range()).collect()
}

/// `name` without a noun behind it that is no part of it: `PlugX` for `PlugX sample`.
///
/// What would be no name without its noun stays: `Banking Trojan`.
pub(crate) fn without_noun(name: &str) -> &str {
    let mut left = name;
    while let Some(noun) = NOUN_AT_END.find(left) {
        let rest = left[..noun.start()].trim_end();
        if !rest.contains(char::is_uppercase) || ADJECTIVES.contains(&rest.to_lowercase().as_str())
        {
            break;
        }
        left = rest;
    }
    left
}

/// Whether `text` is no name at all but says what sort of thing or who is spoken of: `a backdoor`,
/// `RAT`, `they`.
pub(crate) fn is_mere_word(text: &str, kind: MentionKind) -> bool {
    let lower = text.to_lowercase();
    match kind {
        MentionKind::Malware | MentionKind::Tool => {
            !text.contains(char::is_uppercase) || SORTS.contains(&lower.as_str())
        }
        MentionKind::ThreatGroup => {
            matches!(lower.as_str(), "he" | "it" | "raas" | "she" | "them" | "they" | "we")
        }
        _ => false,
    }
}

/// What a listed name is called where the words around it say better than the list; `tagged` is
/// what the tagger says with `score`, `after` is the text behind the name.
pub(crate) fn kind_in_context(
    entity: &GazetteerEntity,
    tagged: MentionKind,
    score: f32,
    after: &str,
) -> Option<MentionKind> {
    /// Surer than this the tagger is believed against a list of groups.
    const BELIEVED_MIN: f32 = 0.9;
    let is_malware = tagged == MentionKind::Malware;
    match entity.kind {
        GazetteerKind::Malware if GANG_AFTER.is_match(after) => Some(MentionKind::ThreatGroup),
        GazetteerKind::Tool if is_malware => Some(MentionKind::Malware),
        GazetteerKind::ThreatGroup if GANG_AFTER.is_match(after) => None,
        GazetteerKind::ThreatGroup if RANSOMWARE_AFTER.is_match(after) => {
            Some(MentionKind::Malware)
        }
        GazetteerKind::ThreatGroup if is_malware => {
            let is_ransomware = entity.names().any(|it| it.to_lowercase().contains("ransomware"));
            (is_ransomware || BELIEVED_MIN <= score).then_some(MentionKind::Malware)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malware_is_known_by_the_noun_behind_it() {
        let names = |sentence: &str| -> Vec<String> {
            named_by_noun(sentence).into_iter().map(|it| sentence[it].to_owned()).collect()
        };
        assert_eq!(names("They drop the ShadowQuill loader."), ["ShadowQuill"]);
        assert_eq!(names("“MossyFRAME” ransomware and DUSTpan RATs"), ["MossyFRAME", "DUSTpan"]);
        assert_eq!(names("A PowerShell backdoor, IoT botnets, Android malware"), [""; 0]);
        assert_eq!(names("ShadowQuill encrypts loaders, the Quill loader does not"), [""; 0]);
    }

    #[test]
    fn names_lose_their_noun_and_only_names_do() {
        for (name, expected) in [
            ("PlugX sample", "PlugX"),
            ("PlugX trojan samples", "PlugX"),
            ("Remcos remote access trojan", "Remcos"),
            ("Raccoon Stealer", "Raccoon Stealer"),
            ("Banking Trojan", "Banking Trojan"),
            ("modular backdoor", "modular backdoor"),
            ("Ransomware", "Ransomware"),
        ] {
            assert_eq!(without_noun(name), expected, "{name}");
        }
    }

    #[test]
    fn sorts_of_software_are_no_names() {
        assert!(is_mere_word("remote access trojan", MentionKind::Malware));
        assert!(is_mere_word("DLL", MentionKind::Tool));
        assert!(is_mere_word("it", MentionKind::ThreatGroup));
        assert!(!is_mere_word("attackers", MentionKind::ThreatGroup));
        assert!(!is_mere_word("Get2", MentionKind::Malware));
        assert!(!is_mere_word("it", MentionKind::Person));
    }

    #[track_caller]
    fn check_kind(
        entity: &GazetteerEntity,
        score: f32,
        after: &str,
        expected: Option<MentionKind>,
    ) {
        assert_eq!(
            kind_in_context(entity, MentionKind::Malware, score, after),
            expected,
            "{after}"
        );
    }

    #[test]
    fn a_gang_and_its_ransomware_are_told_apart_by_the_words_around() {
        use GazetteerKind as G;
        let plain = GazetteerEntity::new("group:moss", G::ThreatGroup, "Moss Spider");
        check_kind(&plain, 0.6, " said", None);
        check_kind(&plain, 0.95, " infects", Some(MentionKind::Malware));
        check_kind(&plain, 0.95, " group", None);
        check_kind(&plain, 0.6, " ransomware", Some(MentionKind::Malware));
        check_kind(&plain, 0.6, " ransomware gang", None);
        let aliases = vec!["MossLock ransomware".to_owned()];
        let gang = GazetteerEntity { aliases, ..plain };
        check_kind(&gang, 0.6, " payload", Some(MentionKind::Malware));
        let malware = GazetteerEntity::new("malware:moss", G::Malware, "MossLock");
        check_kind(&malware, 0.9, " gang", Some(MentionKind::ThreatGroup));
        check_kind(&malware, 0.9, " gangsters", None);
        let tool = GazetteerEntity::new("tool:moss", G::Tool, "MossView");
        check_kind(&tool, 0.6, " was used", Some(MentionKind::Malware));
        assert_eq!(kind_in_context(&tool, MentionKind::Tool, 0.9, " was used"), None);
    }
}
