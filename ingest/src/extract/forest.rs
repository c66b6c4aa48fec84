//! A trained model: how likely a line of a page belongs to the article.
//!
//! The model is a sum of small decision trees over the numbers of `features.rs`. It was trained by
//! `ingest/training/train.py`, which also wrote `lines.forest`; see `ingest/training/README.md`.

use std::sync::LazyLock;

/// The table of the trained model.
static FILE: &[u8] = include_bytes!("lines.forest");

/// The trained model.
pub(super) static FOREST: LazyLock<Forest> =
    LazyLock::new(|| Forest::read(FILE).expect("the embedded model is whole, a test reads it"));

/// First bytes of a model's file.
const MAGIC: &[u8] = b"HBLF1\n";
/// Feature of a node that is a leaf.
const LEAF: u16 = u16::MAX;

/// No later trees turn a sum that is so far from zero.
const SURE: f32 = 4.0;

/// A sum of decision trees.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    /// Where each tree begins.
    trees: Vec<u32>,
    names: Vec<String>,
}

/// A leaf with its value, or a question: whether a number is at most `value`. The next node
/// follows a yes, `right` (counted from the tree's first node) a no.
#[derive(Clone, Copy, Debug)]
struct Node {
    feature: u16,
    right: u16,
    value: f32,
}

impl Forest {
    /// Reads a model: magic, length of the names and the names one a line, then for each tree the
    /// number of nodes (two bytes) and eight bytes a node, all little endian. `None` when the file
    /// is cut off, or a node leads backwards or outside its tree.
    fn read(file: &[u8]) -> Option<Forest> {
        let rest = file.strip_prefix(MAGIC)?;
        let (n_bytes, rest) = rest.split_first_chunk::<4>()?;
        let (names, mut rest) = rest.split_at_checked(u32::from_le_bytes(*n_bytes) as usize)?;
        let names = std::str::from_utf8(names).ok()?.lines().map(str::to_owned).collect::<Vec<_>>();
        let mut forest = Forest { names, ..Forest::default() };
        while let Some((n_nodes, tail)) = rest.split_first_chunk::<2>() {
            let n_nodes = u16::from_le_bytes(*n_nodes);
            let (tree, tail) = tail.split_at_checked(8 * usize::from(n_nodes))?;
            forest.trees.push(u32::try_from(forest.nodes.len()).ok()?);
            for (at, node) in tree.chunks_exact(8).enumerate() {
                let feature = u16::from_le_bytes([node[0], node[1]]);
                let right = u16::from_le_bytes([node[2], node[3]]);
                let value = f32::from_le_bytes([node[4], node[5], node[6], node[7]]);
                let is_question = usize::from(feature) < forest.names.len()
                    && at + 1 < usize::from(right)
                    && right < n_nodes;
                if feature != LEAF && !is_question {
                    return None;
                }
                forest.nodes.push(Node { feature, right, value });
            }
            (n_nodes > 0 && forest.nodes.last()?.feature == LEAF).then_some(())?;
            rest = tail;
        }
        rest.is_empty().then_some(forest)
    }

    /// The probability for one row of numbers, in 0..=1; the row is as long as there are names.
    pub(super) fn probability(&self, row: &[f32]) -> f32 {
        if row.len() != self.names.len() {
            return 0.0;
        }
        let mut sum = 0.0_f32;
        for (n_asked, first) in self.trees.iter().enumerate() {
            if n_asked.is_multiple_of(16) && sum.abs() > SURE {
                break;
            }
            let tree = &self.nodes[*first as usize..];
            let mut node = tree[0];
            let mut at = 0;
            while node.feature != LEAF {
                let is_yes = row[usize::from(node.feature)] <= node.value;
                at = if is_yes { at + 1 } else { usize::from(node.right) };
                node = tree[at];
            }
            sum += node.value;
        }
        1.0 / (1.0 + (-sum).exp())
    }

    /// What the numbers of a row are, in order.
    #[cfg(test)]
    fn names(&self) -> &[String] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::features;

    fn file(names: &str, trees: &[&[(u16, u16, f32)]]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend((names.len() as u32).to_le_bytes());
        file.extend(names.as_bytes());
        for tree in trees {
            file.extend((tree.len() as u16).to_le_bytes());
            for (feature, right, value) in *tree {
                file.extend(feature.to_le_bytes());
                file.extend(right.to_le_bytes());
                file.extend(value.to_le_bytes());
            }
        }
        file
    }

    #[test]
    fn the_embedded_model_was_trained_on_the_numbers_that_are_measured() {
        assert_eq!(FOREST.names(), features::names());
        assert!(FOREST.trees.len() > 10);
    }

    #[test]
    fn trees_are_summed() {
        let tree: &[(u16, u16, f32)] = &[(1, 2, 0.5), (LEAF, 0, -2.0), (LEAF, 0, 2.0)];
        let forest = Forest::read(&file("a\nb", &[tree, tree])).unwrap();
        assert!(forest.probability(&[9.0, 0.5]) < 0.02);
        assert!(forest.probability(&[0.0, 0.6]) > 0.98);
        assert_eq!(forest.probability(&[0.0]), 0.0, "a row of another length");
    }

    #[test]
    fn broken_files_are_refused() {
        let whole = file("a", &[&[(0, 2, 0.5), (LEAF, 0, 0.0), (LEAF, 0, 1.0)]]);
        assert!(Forest::read(&whole).is_some());
        assert!(Forest::read(&whole[..whole.len() - 1]).is_none());
        for tree in
            [&[(0, 0, 0.5), (LEAF, 0, 0.0)][..], &[(7, 1, 0.5), (LEAF, 0, 0.0)], &[(0, 1, 0.5)]]
        {
            assert!(Forest::read(&file("a", &[tree])).is_none(), "{tree:?}");
        }
    }
}
