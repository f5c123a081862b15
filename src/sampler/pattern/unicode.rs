//! `\pL`, `\p{Greek}`: classes by Unicode category or script.
//!
//! Go knows categories by their short and long names and scripts by their long ones, whatever the case, with or without
//! `_`, `-` and blanks, and besides them Any, ASCII and Assigned. Here scripts have their short names as well. The tables
//! are those of Unicode 16 where Go's are of 15.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The class of this name; `None` when there is none.
pub(super) fn class(name: &str) -> Option<ClassUnicode> {
    let letters: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .collect();
    if letters.is_empty() || !letters.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    match letters.to_ascii_lowercase().as_str() {
        "any" => Some(ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)])),
        "ascii" => Some(ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')])),
        // No text has surrogates in it.
        "cs" | "surrogate" => Some(ClassUnicode::empty()),
        // A prefix that Go does not know.
        name if name.starts_with("is") => None,
        "assigned" => property("gc=Cn").map(|mut class| {
            class.negate();
            class
        }),
        _ => property(&format!("gc={letters}")).or_else(|| property(&format!("sc={letters}"))),
    }
}

fn property(query: &str) -> Option<ClassUnicode> {
    let hir = regex_syntax::parse(&format!("\\p{{{query}}}")).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}
