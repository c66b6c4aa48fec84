//! Where a page of hits ended: [`Cursor`], an opaque text for the caller.
//!
//! While the state of the index that was searched is kept, the next page is read from it. A cursor
//! outlives that state, also a restart and a change of the worker, since it carries what scores go
//! by ([`Basis`]): an article has the same score in the newest state, but for the rounding of sums,
//! which [`After`] allows for. So nothing that was given comes again, and nothing is left out that
//! was there all the time. Without a kept state this does not hold for articles like another one,
//! whose words are chosen anew, and for queries of very many words.
//!
//! By story a cursor carries the stories given, so that none comes again and none is left out,
//! whichever of its articles is the best by now. Where more than [`N_STORIES_MAX`] were given it goes
//! by the order as above: then, once the state is not kept, a story is left out that was not given
//! and that an article which came in between has put before the last hit.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tantivy::Searcher;
use tantivy::query::Bm25StatisticsProvider;

use crate::schema::Fields;
use crate::search::SearchRequest;
use crate::search::rank::{After, Rank};

/// Length of a cursor without its basis before base64.
const N_BYTES: usize = 44;
/// Bytes of one of [`Cursor::near`].
const N_RANK_BYTES: usize = 12;
/// Words of a query whose frequencies a cursor carries at most, counted in text and headline.
const N_WORDS_MAX: usize = 30;
/// Hits near the last one that a cursor carries at most. Where more have almost the same score, it
/// is taken for exactly the same.
const N_NEAR_MAX: usize = 32;
/// Stories given that a cursor carries at most: 25 pages of the usual length, in 5 400 characters.
const N_STORIES_MAX: usize = 500;
/// Bytes of one of [`Cursor::stories`].
const N_STORY_BYTES: usize = 8;

/// The end of a page and what the next one must agree with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The worst hit given.
    pub(crate) rank: Rank,
    /// The state of the index that was searched.
    pub(crate) snapshot: u64,
    /// The time of the first page, in seconds since 1970.
    pub(crate) now_seconds: i64,
    /// See [`fingerprint`].
    pub(crate) fingerprint: [u8; 16],
    /// What scores go by; `None` by time, and where a cursor cannot carry it.
    pub(crate) basis: Option<Basis>,
    /// Hits given whose score is near the last one's; empty without a basis, and when too many.
    pub(crate) near: Vec<Rank>,
    /// What stands for each story given; empty unless asked by story, and when too many.
    pub(crate) stories: Vec<u64>,
}

/// What scores go by besides the article itself, as it was for the first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    /// Articles in the index.
    pub(crate) n_docs: u64,
    /// Terms of all texts.
    pub(crate) n_text_terms: u64,
    /// Terms of all headlines.
    pub(crate) n_title_terms: u64,
    /// See [`Compiled::word_freqs`](crate::query::compile::Compiled::word_freqs).
    pub(crate) word_freqs: Vec<u64>,
}

impl Basis {
    /// That of the state in `searcher`.
    pub(crate) fn of(
        searcher: &Searcher,
        fields: Fields,
        word_freqs: Vec<u64>,
    ) -> tantivy::Result<Basis> {
        Ok(Basis {
            n_docs: searcher.total_num_docs()?,
            n_text_terms: searcher.total_num_tokens(fields.text)?,
            n_title_terms: searcher.total_num_tokens(fields.title)?,
            word_freqs,
        })
    }

    /// Whether a cursor can carry it.
    pub(crate) fn is_short(&self) -> bool {
        self.word_freqs.len() <= N_WORDS_MAX
    }
}

impl Cursor {
    /// The cursor at the end of a page with these ranks; `before` led to the page.
    ///
    /// # Panics
    /// When the page is empty.
    pub(crate) fn after_page(
        page: &[Rank],
        before: Option<&Cursor>,
        snapshot: u64,
        now_seconds: i64,
        request: &SearchRequest,
        basis: Option<Basis>,
    ) -> Cursor {
        let last = *page.last().expect("a page that has a next one has hits");
        let rank = before.map_or(last, |it| it.rank.max(last));
        let near: Vec<Rank> = match before {
            // There were too many, and may still be.
            Some(it) if it.near.is_empty() && it.rank.is_near(rank) => Vec::new(),
            _ => {
                let before = before.into_iter().flat_map(|it| &it.near);
                before.chain(page).copied().filter(|it| it.is_near(rank)).collect()
            }
        };
        let is_carried = basis.is_some() && near.len() <= N_NEAR_MAX;
        let near = if is_carried { near } else { Vec::new() };
        Cursor {
            // Without those near it, a hit that was the worst in another state than this page's could
            // hide some that are still to come.
            rank: if near.is_empty() { last } else { rank },
            snapshot,
            now_seconds,
            fingerprint: fingerprint(request),
            basis,
            near,
            stories: Vec::new(),
        }
    }

    /// The same with the stories given: those of the page, and those before it, if `before` has
    /// carried them all and they are not too many.
    pub(crate) fn with_stories(mut self, before: Option<&Cursor>, page: &[u64]) -> Cursor {
        let is_whole = before.is_none_or(|it| !it.stories.is_empty());
        let given = before.map(|it| it.stories.as_slice()).unwrap_or_default();
        if is_whole && given.len() + page.len() <= N_STORIES_MAX {
            self.stories = [given, page].concat();
        }
        self
    }

    /// Where the next page starts, in whatever state: the pages before may be of several ones;
    /// `None` where [`Cursor::stories`] tell what was given.
    pub(crate) fn after(&self) -> Option<After> {
        let near = (!self.near.is_empty()).then(|| self.near.clone());
        self.stories.is_empty().then_some(After { rank: self.rank, near })
    }

    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(2 * N_BYTES);
        push_rank(&mut bytes, self.rank);
        bytes.extend(self.snapshot.to_be_bytes());
        bytes.extend(self.now_seconds.to_be_bytes());
        bytes.extend(self.fingerprint);
        if self.basis.is_some() || !self.stories.is_empty() {
            push_number(&mut bytes, self.stories.len() as u64);
            self.stories.iter().for_each(|it| bytes.extend(it.to_be_bytes()));
        }
        if let Some(basis) = &self.basis {
            for it in [basis.n_docs, basis.n_text_terms, basis.n_title_terms] {
                push_number(&mut bytes, it);
            }
            push_number(&mut bytes, basis.word_freqs.len() as u64);
            basis.word_freqs.iter().for_each(|it| push_number(&mut bytes, *it));
            self.near.iter().for_each(|it| push_rank(&mut bytes, *it));
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor; `None` when the text is none.
    pub(crate) fn decode(text: &str) -> Option<Cursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (head, mut tail) = bytes.split_at_checked(N_BYTES)?;
        let at = |start: usize| head[start..start + 8].try_into().ok();
        let mut cursor = Cursor {
            rank: rank_of(&head[..N_RANK_BYTES])?,
            snapshot: u64::from_be_bytes(at(12)?),
            now_seconds: i64::from_be_bytes(at(20)?),
            fingerprint: head[28..].try_into().ok()?,
            basis: None,
            near: Vec::new(),
            stories: Vec::new(),
        };
        if tail.is_empty() {
            return Some(cursor);
        }
        cursor.stories = take_stories(&mut tail)?;
        if tail.is_empty() && !cursor.stories.is_empty() {
            return Some(cursor);
        }
        let mut basis = Basis {
            n_docs: take_number(&mut tail)?,
            n_text_terms: take_number(&mut tail)?,
            n_title_terms: take_number(&mut tail)?,
            word_freqs: Vec::new(),
        };
        let n_words = usize::try_from(take_number(&mut tail)?).ok()?;
        if n_words > N_WORDS_MAX || tail.len() > 10 * N_WORDS_MAX + N_NEAR_MAX * N_RANK_BYTES {
            return None;
        }
        for _ in 0..n_words {
            basis.word_freqs.push(take_number(&mut tail)?);
        }
        cursor.basis = Some(basis);
        let near: Option<Vec<Rank>> = tail.chunks(N_RANK_BYTES).map(rank_of).collect();
        cursor.near = near?;
        Some(cursor)
    }
}

fn push_rank(bytes: &mut Vec<u8>, rank: Rank) {
    bytes.extend(rank.key.to_be_bytes());
    bytes.extend(rank.tie.to_be_bytes());
}

fn rank_of(bytes: &[u8]) -> Option<Rank> {
    let (key, tie) = bytes.split_at_checked(4)?;
    Some(Rank {
        key: u32::from_be_bytes(key.try_into().ok()?),
        tie: u64::from_be_bytes(tie.try_into().ok()?),
    })
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what [`push_number`] wrote at the start of `bytes`, and drops it from there.
fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Reads the stories, with their number before them, at the start of `bytes`, and drops them there.
fn take_stories(bytes: &mut &[u8]) -> Option<Vec<u64>> {
    let n_stories = usize::try_from(take_number(bytes)?).ok()?;
    if n_stories > N_STORIES_MAX {
        return None;
    }
    let (stories, rest) = bytes.split_at_checked(n_stories * N_STORY_BYTES)?;
    *bytes = rest;
    let stories = stories.chunks_exact(N_STORY_BYTES);
    stories.map(|it| Some(u64::from_be_bytes(it.try_into().ok()?))).collect()
}

/// Stands for what decides which hits come in which order: a cursor of one search is no cursor of
/// another.
pub(crate) fn fingerprint(request: &SearchRequest) -> [u8; 16] {
    let selection = (&request.q, request.from, request.to, request.date_field, &request.filters);
    let parts = (selection, &request.like, request.sort, request.by_story);
    let json = serde_json::to_vec(&parts).expect("a request has only text keys");
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&blake3::hash(&json).as_bytes()[..16]);
    fingerprint
}

#[cfg(test)]
mod tests {
    use tantivy::DocAddress;

    use super::*;
    use crate::search::rank::Best;

    fn by_time() -> Cursor {
        Cursor {
            rank: Rank { key: 7, tie: u64::MAX },
            snapshot: 3,
            now_seconds: -1,
            fingerprint: fingerprint(&SearchRequest::default()),
            basis: None,
            near: Vec::new(),
            stories: Vec::new(),
        }
    }

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let numbers = vec![0, 127, 128, u64::MAX];
        let basis = Basis { n_docs: 1, n_text_terms: 300, n_title_terms: 9, word_freqs: numbers };
        let near = vec![Rank { key: 7, tie: u64::MAX }, Rank { key: 9, tie: 0 }];
        let by_score = Cursor { basis: Some(basis), near, ..by_time() };
        let stories = vec![1, u64::MAX];
        let by_story = Cursor { stories: stories.clone(), ..by_time() };
        let by_score_and_story = Cursor { stories, ..by_score.clone() };
        for cursor in [by_time(), by_score, by_story, by_score_and_story] {
            let text = cursor.encode();
            assert_eq!(Cursor::decode(&text), Some(cursor));
            for text in ["", "x", "????", &text[1..], &text[..text.len() - 4], &format!("{text}A")]
            {
                assert_eq!(Cursor::decode(text), None, "{text}");
            }
        }
    }

    #[test]
    fn hits_near_the_last_are_carried_until_they_are_too_many() {
        let request = SearchRequest::default();
        let basis = || {
            let none = Vec::new();
            Some(Basis { n_docs: 9, n_text_terms: 9, n_title_terms: 9, word_freqs: none })
        };
        let next = |page: &[Rank], before: Option<&Cursor>| {
            Cursor::after_page(page, before, 3, 0, &request, basis())
        };
        let page = |key: u32, ties: std::ops::Range<u64>| -> Vec<Rank> {
            ties.map(|tie| Rank { key, tie }).collect()
        };
        let first = next(&page(90_000, 0..20), None);
        assert_eq!(first.near, page(90_000, 0..20));
        assert_eq!(first.after().unwrap().near.as_ref(), Some(&first.near));
        let second = next(&page(90_000, 20..40), Some(&first));
        assert!(second.near.is_empty(), "more than a cursor carries");
        assert!(
            next(&page(90_000, 40..50), Some(&second)).near.is_empty(),
            "of which some are lost"
        );
        assert_eq!(next(&page(80_000, 40..50), Some(&second)).near, page(80_000, 40..50));
        let better = next(&page(90_001, 50..51), Some(&first));
        assert_eq!(better.rank, first.rank, "the worst of all pages");
    }

    #[test]
    fn stories_are_carried_until_they_are_too_many() {
        let next = |page: std::ops::Range<u64>, before: Option<&Cursor>| {
            by_time().with_stories(before, &page.collect::<Vec<u64>>())
        };
        let first = next(0..200, None);
        let second = next(200..400, Some(&first));
        assert_eq!(second.stories, (0..400).collect::<Vec<u64>>());
        assert_eq!(second.after(), None, "the stories tell where it goes on");
        let full = next(400..500, Some(&second));
        assert!(full.encode().len() < 5_400, "a cursor stands in an address");
        assert_eq!(Cursor::decode(&full.encode()), Some(full));
        let third = next(400..501, Some(&second));
        assert!(third.stories.is_empty(), "more than a cursor carries");
        assert!(third.after().is_some(), "so it goes by the order");
        assert!(next(501..502, Some(&third)).stories.is_empty(), "of which some are lost");
    }

    #[test]
    fn pages_in_another_state_than_the_first_one_lose_nothing() {
        let mut cursor: Option<Cursor> = None;
        let mut given = Vec::new();
        // From the second page on, all scores are a little higher.
        for (key, snapshot) in [(90_000, 3), (90_001, 4), (90_001, 4)] {
            let mut best = Best::new(10, cursor.as_ref().and_then(Cursor::after));
            for tie in 0..25_u64 {
                best.offer(key, DocAddress::new(0, tie as u32), || tie);
            }
            let page: Vec<Rank> = best.into_sorted().into_iter().map(|it| it.0).collect();
            assert!(!page.is_empty(), "after {given:?}");
            given.extend(page.iter().map(|it| it.tie));
            let none = Vec::new();
            let basis = Basis { n_docs: 9, n_text_terms: 9, n_title_terms: 9, word_freqs: none };
            let request = SearchRequest::default();
            let before = cursor.as_ref();
            cursor = Some(Cursor::after_page(&page, before, snapshot, 0, &request, Some(basis)));
        }
        assert_eq!(given, Vec::from_iter(0..25));
    }
}
