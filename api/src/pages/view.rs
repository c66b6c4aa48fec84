//! Small things that several pages show: links, chips, tags, counted rows.

use std::collections::{BTreeMap, BTreeSet};

use config::{SectorId, Taxonomy};

use super::text::{Time, href};

/// A link with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) label: String,
}

/// A choice that is on or off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) is_on: bool,
}

/// What was just deleted, with the way back, as `_undo.html` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    pub(crate) what: String,
    /// Where the form is sent.
    pub(crate) action: String,
}

/// A sector as a small coloured tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SectorTag {
    pub(crate) href: String,
    pub(crate) label: String,
    /// Class of its colour: that of the top-level sector.
    pub(crate) class: String,
}

/// A line of a counted list, with a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What the line is about.
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) count: String,
    /// A remark before the count; mostly empty.
    pub(crate) note: String,
    /// Small bars beside the remark, oldest first; none are drawn when it is empty.
    pub(crate) spark: Vec<Spark>,
    /// Length of the bar, `0..=100`; 0 draws none.
    pub(crate) share: u64,
    pub(crate) is_on: bool,
    /// 1 for a child of the row above.
    pub(crate) depth: u8,
}

/// A small bar, 3 wide in a drawing 10 high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spark {
    pub(crate) x: u64,
    pub(crate) y: u64,
    pub(crate) height: u64,
}

/// Small bars for `counts`, oldest first; none when all are 0.
pub(crate) fn spark(counts: &[u64]) -> Vec<Spark> {
    let most = counts.iter().copied().max().unwrap_or_default();
    if most == 0 {
        return Vec::new();
    }
    let bar = |(n, count): (u64, &u64)| {
        // Days without any are a line, so that the others can be told from them.
        let height = if *count == 0 { 1 } else { (count * 10).div_ceil(most).max(2) };
        Spark { x: n * 4, y: 10 - height, height }
    };
    (0..).zip(counts).map(bar).collect()
}

/// An article in a short list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArticleItem {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) source: String,
    pub(crate) time: Time,
}

/// Names of sectors for people.
#[derive(Clone, Debug, Default)]
pub(crate) struct SectorNames(BTreeMap<SectorId, String>);

impl SectorNames {
    /// Names by id, as the taxonomy declares them.
    pub(crate) fn of(taxonomy: &Taxonomy) -> SectorNames {
        let names = taxonomy.sectors().iter().map(|it| (it.id.clone(), it.label.clone()));
        SectorNames(names.collect())
    }

    /// Whether the taxonomy has the sector.
    pub(crate) fn knows(&self, id: &SectorId) -> bool {
        self.0.contains_key(id)
    }

    /// The sectors that lie below no other, by id.
    pub(crate) fn tops(&self) -> impl Iterator<Item = &SectorId> {
        self.0.keys().filter(|it| it.parent().is_none())
    }

    /// The sector's name; for one that the taxonomy lacks, the last part of its path.
    pub(crate) fn label(&self, id: &SectorId) -> String {
        let last = || id.as_str().rsplit('/').next().unwrap_or_default().replace('-', " ");
        self.0.get(id).cloned().unwrap_or_else(last)
    }

    /// The sector as a tag that searches for it.
    pub(crate) fn tag(&self, id: &SectorId) -> SectorTag {
        let top = id.as_str().trim_start_matches('/').split('/').next().unwrap_or_default();
        let is_plain = top.bytes().all(|it| it.is_ascii_lowercase() || it == b'-');
        SectorTag {
            href: href("/search", [("sector", id.as_str())]),
            label: self.label(id),
            class: format!("sec-{}", if is_plain { top } else { "other" }),
        }
    }

    /// Tags for the [`SectorNames::deepest`] of `ids`.
    pub(crate) fn tags<'a>(&self, ids: impl IntoIterator<Item = &'a SectorId>) -> Vec<SectorTag> {
        self.deepest(ids).into_iter().map(|it| self.tag(it)).collect()
    }

    /// Each of `ids` once, in order, without those whose child is among them.
    pub(crate) fn deepest<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a SectorId>,
    ) -> Vec<&'a SectorId> {
        let ids: BTreeSet<&SectorId> = ids.into_iter().collect();
        let has_child = |id: &SectorId| ids.iter().any(|it| it.parent().as_ref() == Some(id));
        ids.iter().copied().filter(|it| !has_child(it)).collect()
    }
}

/// Rows for counted things, most frequent first, at most `n_max`; `link` makes their addresses.
pub(crate) fn rows(
    counts: BTreeMap<(String, String), u64>,
    n_max: usize,
    link: impl Fn(&str) -> String,
) -> Vec<Row> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.1.cmp(&b.0.1)));
    let most = counts.first().map_or(1, |it| it.1).max(1);
    let row = |((id, label), count): ((String, String), u64)| Row {
        href: link(&id),
        id,
        label,
        count: super::text::grouped(count),
        note: String::new(),
        spark: Vec::new(),
        share: (count * 100 / most).max(1),
        is_on: false,
        depth: 0,
    };
    counts.into_iter().take(n_max).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_hides_behind_its_child_and_takes_the_colour_of_its_top() {
        let oil = SectorId::new("/energy/oil-gas");
        let names = SectorNames([(oil, "Oil and gas".to_owned())].into());
        let ids = ["/energy", "/energy/oil-gas", "/water"].map(SectorId::new);
        let tags = names.tags(&ids);
        let shown: Vec<_> = tags.iter().map(|it| (it.label.as_str(), it.class.as_str())).collect();
        assert_eq!(shown, [("Oil and gas", "sec-energy"), ("water", "sec-water")]);
    }
}
