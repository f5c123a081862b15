//! When two call trees are alike: they have the same paths from root to span, by service and name.
//!
//! How often a path occurs does not matter (ten queries in a loop are one), nor does the order of spans, nor what in a
//! name looks like an identifier: `GET /users/123` is `GET /users/456`.

/// Marks the path of a span without a parent in the trace.
const ROOT: u64 = 0x9e37_79b9_7f4a_7c15;
/// Marks a span that failed.
const FAILED: u64 = 0xd1b5_4a32_d192_ed03;

/// A span, as far as it gives the tree its shape.
pub struct Span {
    /// The number of its parent, where that is in the trace.
    pub parent: Option<usize>,
    /// What [`hash_of`] says of it.
    pub name: u64,
}

/// The hash of a span's service and name, and of whether it failed.
pub fn hash_of(service: &str, name: &str, has_failed: bool) -> u64 {
    let mut hash = mixed(fnv1a(service.bytes()), if has_failed { FAILED } else { 0 });
    hash = mixed(hash, fnv1a(without_identifiers(name)));
    hash
}

/// The same for all traces of the same shape.
pub fn fingerprint(spans: &[Span]) -> u64 {
    let mut paths = paths(spans);
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().fold(ROOT, mixed)
}

/// For each span the hash of the names from the root down to it.
fn paths(spans: &[Span]) -> Vec<u64> {
    let mut paths: Vec<Option<u64>> = vec![None; spans.len()];
    // Spans on the way up from the present one to an ancestor that has its path.
    let mut way = Vec::new();
    for start in 0..spans.len() {
        let mut at = Some(start);
        // Parents that go round in a circle: the way is never longer than the trace.
        while let Some(index) = at.filter(|_| way.len() < spans.len()) {
            if paths[index].is_some() {
                break;
            }
            way.push(index);
            at = spans[index].parent.filter(|parent| *parent < spans.len());
        }
        let mut path = at.and_then(|index| paths[index]).unwrap_or(ROOT);
        while let Some(index) = way.pop() {
            path = mixed(path, spans[index].name);
            paths[index] = Some(path);
        }
    }
    paths.into_iter().flatten().collect()
}

/// The bytes of a name, with a `#` for every run of letters and digits that has a digit in it.
fn without_identifiers(name: &str) -> impl Iterator<Item = u8> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.split_inclusive(move |c| !is_inner(c))
        .flat_map(move |part| {
            let word = part.trim_end_matches(|c| !is_inner(c));
            let is_identifier = word.bytes().any(|byte| byte.is_ascii_digit());
            let shown = if is_identifier { "#" } else { word };
            shown.bytes().chain(part[word.len()..].bytes())
        })
}

/// FNV-1a, as its authors define it for 64 bits.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `hash` with `next` after it; the order matters.
fn mixed(hash: u64, next: u64) -> u64 {
    let mut mixed = (hash.rotate_left(23) ^ next).wrapping_mul(ROOT);
    mixed ^= mixed >> 32;
    mixed.wrapping_mul(FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans written as `name parent`, the parent by its number, `-` for none.
    fn tree(text: &str) -> u64 {
        let spans = text.split(", ").map(|span| {
            let (name, parent) = span.split_once(' ').unwrap();
            Span {
                parent: parent.parse().ok(),
                name: hash_of("shop", name, name.ends_with('!')),
            }
        });
        fingerprint(&spans.collect::<Vec<_>>())
    }

    #[test]
    fn repetition_and_order_do_not_change_the_shape() {
        let shape = tree("a -, b 0, c 1");
        assert_eq!(tree("a -, b 0, c 1, c 1, b 0, c 4"), shape);
        assert_eq!(tree("c 2, a -, b 1"), shape);
    }

    #[test]
    fn another_path_is_another_shape() {
        let shape = tree("a -, b 0, c 1");
        for other in ["a -, b 0, c 0", "a -, b 0", "a -, c 0, b 1", "a -, b 0, c 1, d 1", "a -, b -, c 1"] {
            assert_ne!(tree(other), shape, "{other}");
        }
    }

    #[test]
    fn a_failed_span_is_another_one() {
        assert_ne!(hash_of("shop", "a", true), hash_of("shop", "a", false));
        assert_ne!(hash_of("shop", "a", false), hash_of("cart", "a", false));
    }

    #[test]
    fn identifiers_in_names_do_not_matter() {
        let shown = |name| String::from_utf8(without_identifiers(name).collect()).unwrap();
        assert_eq!(shown("GET /users/123/cart"), "GET /users/#/cart");
        assert_eq!(shown("job 5b8efff7-9803-8103-d269-b633813fc60c"), "job #");
        assert_eq!(shown("s3.get"), "#.get");
        assert_eq!(shown("GET /caf\u{e9}?q=x"), "GET /caf\u{e9}?q=x");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn parents_in_a_circle_or_out_of_range_do_no_harm() {
        assert_eq!(tree("a 1, b 0"), tree("a 1, b 0"));
        assert_eq!(tree("a 0"), tree("a 0"));
        assert_eq!(tree("a 9"), tree("a -"));
        assert_eq!(fingerprint(&[]), fingerprint(&[]));
    }
}
