//! Whether words stand in a row, by the very rules of Tantivy's phrase scorer.

/// Whether words whose shifted `positions` are given, in the order of the query, stand at one
/// place, or near enough when `slop` is more than 0.
///
/// Shifted means: the position plus the number of places to the last word of the phrase, so that
/// equal numbers are words in their place.
pub(super) fn is_phrase(mut positions: Vec<Vec<u32>>, slop: u32) -> bool {
    let Some(last) = positions.pop() else { return false };
    let mut rest = positions.into_iter();
    let Some(mut left) = rest.next() else { return !last.is_empty() };
    if slop == 0 {
        for right in rest {
            left.retain(|it| right.binary_search(it).is_ok());
        }
        return left.iter().any(|it| last.binary_search(it).is_ok());
    }
    let mut slops = Vec::new();
    for right in rest {
        (left, slops) = carry(&left, &slops, &right, slop);
        if left.is_empty() {
            return false;
        }
    }
    is_near(&left, &last, slop)
}

/// Whether two rising lists come near each other on one pass.
fn is_near(left: &[u32], right: &[u32], slop: u32) -> bool {
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        if left[l].abs_diff(right[r]) <= slop {
            return true;
        }
        if left[l] < right[r] { l += 1 } else { r += 1 }
    }
    false
}

/// The places at which `left` and `right` come near each other, with the slop spent so far.
///
/// Follows `intersection_count_with_carrying_slop` of Tantivy 0.27 step by step, since a search
/// must find what an alert finds. (Property tests compare the two.)
fn carry(left: &[u32], left_slops: &[u8], right: &[u32], slop_max: u32) -> (Vec<u32>, Vec<u8>) {
    let mut kept = Kept::default();
    let (Some(&left_last), Some(&right_last)) = (left.last(), right.last()) else {
        return (kept.positions, kept.slops);
    };
    let slop_at = |place: usize| u32::from(left_slops.get(place).copied().unwrap_or(0));
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        let (left_at, right_at, spent) = (left[l], right[r], slop_at(l));
        let mut slop = spent + left_at.abs_diff(right_at);
        if slop <= slop_max {
            let (smaller, larger, place, list) = if left_at < right_at {
                (left_at, right_at, l, left)
            } else {
                (right_at, left_at, r, right)
            };
            kept.add(slop, smaller);
            for &next in list[place + 1..].iter().take_while(|it| **it <= larger) {
                slop = spent + next.abs_diff(larger);
                kept.add(slop, next);
            }
            kept.add(slop, larger);
            l += 1;
            r += 1;
        } else if left_at < right_at {
            l += 1;
        } else {
            r += 1;
        }
    }
    if l >= left.len() {
        let spent = u32::from(left_slops.last().copied().unwrap_or(0));
        for &right_at in &right[r..] {
            let slop = left_last.abs_diff(right_at) + spent;
            if slop <= slop_max {
                kept.add(slop, right_at);
            }
        }
    } else {
        for (place, &left_at) in left.iter().enumerate().skip(l) {
            let slop = left_at.abs_diff(right_last) + slop_at(place);
            if slop <= slop_max {
                kept.add(slop, left_at);
            }
        }
    }
    (kept.positions, kept.slops)
}

#[derive(Default)]
struct Kept {
    positions: Vec<u32>,
    slops: Vec<u8>,
}

impl Kept {
    fn add(&mut self, slop: u32, position: u32) {
        let slop = slop.min(255) as u8;
        match (self.positions.last(), self.slops.last_mut()) {
            (Some(last), Some(least)) if *last == position => *least = (*least).min(slop),
            _ => {
                self.positions.push(position);
                self.slops.push(slop);
            }
        }
    }
}
