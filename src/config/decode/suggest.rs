//! The right name nearest to a wrong one.

/// The one of `names` that `wrong` is most likely a slip for: same letters but for case, `-` and `_`, or few typing errors.
pub(crate) fn nearest<'n>(wrong: &str, names: &[&'n str]) -> Option<&'n str> {
    let folded = fold(wrong);
    let (distance, name) = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&folded, &fold(name)), *name))
        .min_by_key(|(distance, _)| *distance)?;
    // About one typing error for each three letters.
    let shortest = folded.chars().count().min(name.chars().count());
    (distance <= shortest / 3).then_some(name)
}

fn fold(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    // Names this long are no slips, and the distance takes quadratic time.
    letters.take(64).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_name_meant_and_another_word_finds_none() {
        let names = ["compression", "endpoint", "max_request_size"];
        assert_eq!(nearest("compresion", &names), Some("compression"));
        assert_eq!(nearest("Endpoint", &names), Some("endpoint"));
        assert_eq!(nearest("maxRequestSize", &names), Some("max_request_size"));
        assert_eq!(nearest("volume", &names), None);
        assert_eq!(nearest("", &names), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
