//! The nearest known name for one that is not known.

/// Names less alike than this are no help; 1 is the same.
const LIKENESS_MIN: f64 = 0.6;

/// Advice to write the known name that looks most like `name`; empty if none does.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let name = name.to_ascii_lowercase();
    let likeness =
        |known: &str| strsim::normalized_damerau_levenshtein(&name, &known.to_ascii_lowercase());
    let nearest = known
        .map(|known| (likeness(known), known))
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    match nearest {
        Some((likeness, known)) if likeness >= LIKENESS_MIN => format!("did you mean {known}?"),
        _ => String::new(),
    }
}
