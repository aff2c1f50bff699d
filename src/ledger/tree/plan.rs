//! Which spans of leaves the hashes of a proof stand for (RFC 6962, sections 2.1.1 and 2.1.2).

use crate::ledger::tree::Span;

/// The largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The spans of the proof that leaf `index` is in the tree of `size` leaves, the leaf's sibling
/// first; `None` if there is no such leaf.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Span>> {
    if index >= size {
        return None;
    }
    let (mut from, mut until) = (0, size);
    let mut spans = Vec::new();
    while until - from > 1 {
        let middle = from + split(until - from);
        if index < middle {
            spans.push(Span {
                from: middle,
                until,
            });
            until = middle;
        } else {
            spans.push(Span {
                from,
                until: middle,
            });
            from = middle;
        }
    }
    spans.reverse();
    Some(spans)
}

/// The spans of the proof that the tree of `old` leaves is the beginning of that of `size`; `None`
/// if it is larger. Nothing needs to be proved from an empty tree, or from the same size.
pub fn consistency(old: u64, size: u64) -> Option<Vec<Span>> {
    if old > size {
        return None;
    }
    if old == 0 || old == size {
        return Some(Vec::new());
    }
    let (mut from, mut until) = (0, size);
    let mut spans = Vec::new();
    // whether what is left is exactly the old tree, whose root the reader knows
    let mut known = true;
    while old != until {
        let middle = from + split(until - from);
        if old <= middle {
            spans.push(Span {
                from: middle,
                until,
            });
            until = middle;
        } else {
            spans.push(Span {
                from,
                until: middle,
            });
            from = middle;
            known = false;
        }
    }
    if !known {
        spans.push(Span { from, until });
    }
    spans.reverse();
    Some(spans)
}
