//! Where a page of hits ended: [`Cursor`], an opaque text for the caller.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::search::SearchRequest;
use crate::search::rank::Rank;

/// Length of an encoded cursor before base64.
const N_BYTES: usize = 44;

/// The end of a page and what the next one must agree with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The last hit.
    pub(crate) rank: Rank,
    /// The state of the index that was searched.
    pub(crate) snapshot: u64,
    /// The time of the first page, in seconds since 1970.
    pub(crate) now_seconds: i64,
    /// See [`fingerprint`].
    pub(crate) fingerprint: [u8; 16],
}

impl Cursor {
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(N_BYTES);
        bytes.extend(self.rank.key.to_be_bytes());
        bytes.extend(self.rank.tie.to_be_bytes());
        bytes.extend(self.snapshot.to_be_bytes());
        bytes.extend(self.now_seconds.to_be_bytes());
        bytes.extend(self.fingerprint);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor; `None` when the text is none.
    pub(crate) fn decode(text: &str) -> Option<Cursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let bytes: &[u8; N_BYTES] = bytes.as_slice().try_into().ok()?;
        let at = |start: usize| bytes[start..start + 8].try_into().ok();
        Some(Cursor {
            rank: Rank {
                key: u32::from_be_bytes(bytes[..4].try_into().ok()?),
                tie: u64::from_be_bytes(at(4)?),
            },
            snapshot: u64::from_be_bytes(at(12)?),
            now_seconds: i64::from_be_bytes(at(20)?),
            fingerprint: bytes[28..].try_into().ok()?,
        })
    }
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
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let cursor = Cursor {
            rank: Rank { key: 7, tie: u64::MAX },
            snapshot: 3,
            now_seconds: -1,
            fingerprint: fingerprint(&SearchRequest::default()),
        };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for text in ["", "x", "????", &cursor.encode()[1..], &format!("{}A", cursor.encode())] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
