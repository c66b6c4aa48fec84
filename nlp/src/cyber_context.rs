//! Whether a passage speaks of computers under attack.
//!
//! The cyber head learnt from security reports only; on other news it takes people for hacker
//! groups and termites for malware. So its word counts where the passage uses the vocabulary.

use std::sync::LazyLock;

use regex::Regex;

static VOCABULARY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:cyber\w*|hack(?:s|ed|er|ers|ing|tivist\w*)?|malware|ransomware|",
        r"(?:spear-?)?phish\w*|smishing|botnets?|trojans?|backdoor\w*|apt\s?-?\d+|spyware|",
        r"(?:info-?)?stealers?|ddos|denial[- ]of[- ]service|payloads?|c2|c&c|threat actors?|",
        r"zero-days?|keylog\w+|obfuscat\w+|malicious|powershell|shellcode|cryptomin\w+|",
        r"crypto-?jack\w+|dll|rootkits?|wipers?|web-?shells?|malvertis\w+|exfiltrat\w+|",
        r"cve-\d{4}-\d+|remote code execution|command[- ]and[- ]control|data (?:breach|leak)\w*)\b",
    ))
    .expect("a constant pattern")
});

/// Sentences on each side that still count as context.
const N_NEIGHBOURS: usize = 3;
/// With this many sentences of the vocabulary, all of the document is about the subject.
const N_SENTENCES_MIN: usize = 4;

/// For each sentence whether it or its neighbourhood speaks of computers under attack.
/// `title` is the headline above them, and counts for the first sentences.
pub(crate) fn cyber_contexts(title: Option<&str>, sentences: &[&str]) -> Vec<bool> {
    let hits: Vec<bool> = sentences.iter().map(|it| VOCABULARY.is_match(it)).collect();
    let in_title = title.is_some_and(|it| VOCABULARY.is_match(it));
    let n_hits = hits.iter().filter(|&&it| it).count() + usize::from(in_title);
    let is_subject = N_SENTENCES_MIN <= n_hits;
    let near = |number: usize| {
        let end = hits.len().min(number + N_NEIGHBOURS + 1);
        hits[number.saturating_sub(N_NEIGHBOURS)..end].contains(&true)
            || (in_title && number < N_NEIGHBOURS)
    };
    (0..sentences.len()).map(|number| is_subject || near(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_gives_context_to_its_neighbours() {
        let mut sentences = vec!["Termites ate the bridge."; 10];
        assert_eq!(cyber_contexts(None, &sentences), [false; 10]);
        sentences[0] = "Hackers stole the plans.";
        let contexts = cyber_contexts(None, &sentences);
        assert_eq!(contexts.iter().filter(|&&it| it).count(), 1 + N_NEIGHBOURS);
    }

    #[test]
    fn a_headline_or_many_sentences_give_context() {
        let plain = ["The bank closed."; 8];
        let contexts = cyber_contexts(Some("Ransomware hits bank"), &plain);
        assert_eq!(contexts, [true, true, true, false, false, false, false, false]);
        let mut sentences = vec!["The bank closed."; 40];
        sentences[..4].fill("The malware spread.");
        assert_eq!(cyber_contexts(None, &sentences), [true; 40]);
    }
}
