//! Ids for sources that are added: the one asked for or, where that is taken, one with a number.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::SourceId;

use crate::roster::Listed;

/// Longest id, in characters.
const ID_CHARS_MAX: usize = 64;

/// The ids that are taken.
pub(crate) struct Ids {
    /// With the address that may have them all the same: that of a source which was there before.
    taken: BTreeMap<SourceId, Option<String>>,
    /// The number with which the search for a free one begins, by the id that was asked for.
    next: BTreeMap<SourceId, u32>,
}

impl Ids {
    /// Those of the sources that are `listed`, and of all that are or were `archived`.
    pub(crate) fn of(
        listed: &BTreeMap<SourceId, Arc<Listed>>,
        archived: BTreeMap<SourceId, String>,
    ) -> Ids {
        let archived = archived.into_iter().map(|(id, address)| (id, Some(address)));
        let listed = listed.keys().map(|id| (id.clone(), None));
        Ids { taken: archived.chain(listed).collect(), next: BTreeMap::new() }
    }

    /// Gives a source that is read at `address` the id `wanted` or, where another has it, that with
    /// the lowest number from 2 on that is free.
    pub(crate) fn give(&mut self, wanted: &SourceId, address: String) -> SourceId {
        let mut n = self.next.get(wanted).copied().unwrap_or(1);
        let id = loop {
            let id = numbered(wanted, n);
            if self.is_free(&id, &address) {
                break id;
            }
            n += 1;
        };
        self.next.insert(wanted.clone(), n);
        self.taken.insert(id.clone(), None);
        id
    }

    fn is_free(&self, id: &SourceId, address: &str) -> bool {
        let is_same = |it: &Option<String>| it.as_deref() == Some(address);
        self.taken.get(id).is_none_or(is_same)
    }
}

fn numbered(wanted: &SourceId, n: u32) -> SourceId {
    if n == 1 {
        return wanted.clone();
    }
    let number = format!("-{n}");
    let stem: String = wanted.as_str().chars().take(ID_CHARS_MAX - number.len()).collect();
    SourceId::new(stem + &number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_goes_on_from_the_last_one_and_fits() {
        let archived =
            [("a".into(), "https://a.example/".to_owned()), ("a-3".into(), String::new())];
        let mut ids = Ids::of(&BTreeMap::new(), archived.into());
        let mut give =
            |wanted: &str, address: &str| ids.give(&wanted.into(), address.to_owned()).to_string();
        assert_eq!(give("a", "https://b.example/"), "a-2");
        assert_eq!(give("a", "https://c.example/"), "a-4");
        assert_eq!(give("a-2", "https://d.example/"), "a-2-2");
        let long = "x".repeat(64);
        assert_eq!(give(&long, "1"), long);
        assert_eq!(give(&long, "2"), format!("{}-2", "x".repeat(62)));
    }

    #[test]
    fn a_source_that_was_there_before_has_its_id_back() {
        let archived = [("a".into(), "https://a.example/".to_owned())];
        let mut ids = Ids::of(&BTreeMap::new(), archived.into());
        assert_eq!(ids.give(&"a".into(), "https://a.example/".to_owned()), "a".into());
    }
}
