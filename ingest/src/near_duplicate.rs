//! Copies of one text: [`Fingerprint`], a hash that similar texts share in most bits.

use std::fmt;

/// Words in one shingle.
const SHINGLE_WORDS: usize = 4;
/// Words of a text that count; the rest of a long text changes nothing.
const N_WORDS_MAX: usize = 20_000;

/// A 64-bit SimHash (Charikar 2002) over the four-word shingles of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of `text`; case and punctuation do not count. `None` for a text shorter
    /// than 32 words, of which copies cannot be told from chance.
    pub fn of(text: &str) -> Option<Fingerprint> {
        const N_WORDS_MIN: usize = 32;
        let lower = text.to_lowercase();
        let words = lower.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
        let hashes: Vec<u64> = words.take(N_WORDS_MAX).map(hash).collect();
        if hashes.len() < N_WORDS_MIN {
            return None;
        }
        let mut votes = [0_i32; 64];
        for shingle in hashes.windows(SHINGLE_WORDS) {
            let bits = shingle.iter().fold(0_u64, |bits, it| mix(bits.rotate_left(7) ^ it));
            for (at, vote) in votes.iter_mut().enumerate() {
                *vote += if bits >> at & 1 == 1 { 1 } else { -1 };
            }
        }
        let bits = votes.iter().enumerate().filter(|(_, vote)| **vote > 0);
        Some(Fingerprint(bits.fold(0, |bits, (at, _)| bits | 1 << at)))
    }

    /// In how many of the 64 bits two fingerprints differ. Copies with small edits differ in few
    /// (up to about 8), unrelated texts in about 32.
    pub fn distance(self, other: Fingerprint) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// The bits, for storage.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// A fingerprint from its stored bits.
    pub fn from_bits(bits: u64) -> Fingerprint {
        Fingerprint(bits)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// FNV-1a, the same on all machines and in all versions: fingerprints are stored.
fn hash(word: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    word.bytes().fold(0xcbf2_9ce4_8422_2325, fold)
}

/// The finisher of SplitMix64: spreads every bit over all others.
fn mix(bits: u64) -> u64 {
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of `n` words, one of many; reproducible.
    fn story(seed: u64, n: usize) -> Vec<String> {
        (0..n as u64).map(|at| format!("w{}", mix(seed * 1_000_003 + at) % 5_000)).collect()
    }

    fn distance(a: &[String], b: &[String]) -> u32 {
        let of = |words: &[String]| Fingerprint::of(&words.join(" ")).unwrap();
        of(a).distance(of(b))
    }

    #[test]
    fn copies_are_near_and_other_texts_are_far() {
        for seed in 0..20 {
            let original = story(seed, 400);
            let mut edited = original.clone();
            edited[0] = "Exclusive".to_owned();
            edited.truncate(390);
            edited.extend(["additional", "reporting"].map(str::to_owned));
            assert!(distance(&original, &edited) <= 8, "story {seed}");
            assert!(distance(&original, &story(seed + 100, 400)) >= 16, "story {seed}");
        }
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        let words = story(1, 60);
        let shouted = words.join(", ").to_uppercase();
        assert_eq!(Fingerprint::of(&words.join(" ")), Fingerprint::of(&shouted));
    }

    #[test]
    fn short_texts_have_no_fingerprint_and_stored_ones_are_stable() {
        assert_eq!(Fingerprint::of("too short"), None);
        let fingerprint = Fingerprint::of(&story(7, 100).join(" ")).unwrap();
        assert_eq!(Fingerprint::from_bits(fingerprint.to_bits()), fingerprint);
    }
}
