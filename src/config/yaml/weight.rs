//! How large a subtree is: what a copy of it costs.

use super::{Node, Value};

/// What a subtree adds when it is copied.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) nodes: usize,
    pub(crate) text_bytes: usize,
    pub(super) depth: usize,
}

/// Weighs a value and all below it.
pub(crate) fn weigh(node: &Node) -> Weight {
    let mut weight = Weight {
        nodes: 1,
        ..Weight::default()
    };
    let mut add = |child: &Node| {
        let inner = weigh(child);
        weight.nodes += inner.nodes;
        weight.text_bytes += inner.text_bytes;
        weight.depth = weight.depth.max(inner.depth);
    };
    match &node.value {
        Value::Scalar(scalar) => {
            weight.text_bytes = scalar.text.len();
            return weight;
        }
        Value::Sequence(items) => items.iter().for_each(&mut add),
        Value::Mapping(entries) => entries.iter().for_each(|entry| add(&entry.value)),
    }
    if let Value::Mapping(entries) = &node.value {
        weight.text_bytes += entries.iter().map(|e| e.key.text.len()).sum::<usize>();
    }
    weight.depth += 1;
    weight
}
