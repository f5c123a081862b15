//! Regular expressions in the syntax of Go's `regexp` (RE2), matched anywhere in a text.
//!
//! The `regex` crate has the same kind of engine and another syntax: an expression of a collector's policy file could
//! mean something else in it, or nothing. So Go's syntax is parsed here, into the intermediate form of that engine. What
//! would go wrong if the crate read the text itself:
//!
//! | expression | Go, and here | the crate |
//! |---|---|---|
//! | `\d` `\w` `\s` `\b` | ASCII; `\s` without `\v` | Unicode; `\s` with `\v` |
//! | `\Q...\E`, `\123`, `\_`, `[[a]`, `[a&&b]`, `[a--b]` | literals | refused, or set operations |
//! | `a{,2}`, `{`, `a{01}` | literals | refused or counts |
//! | `a**`, `a{1001}`, `(a{50}){50}` | refused | accepted |
//! | `\p{Alphabetic}`, `\p{sc=Greek}` | refused: categories and scripts alone | accepted |
//! | `\p{^Greek}` | not Greek | refused |
//! | `(?x)`, `(?R)`, `\<`, `\b{start}`, `\u0041`, `[\b]` | refused (`\<` is `<`) | accepted |
//! | `^*`, `x{0,}`, `(?-s).` | accepted | accepted |
//!
//! Differences from Go 1.26: script names with underscores (`\p{Old_Italic}`, which Go took until 1.24) and short ones
//! (`\p{Grek}`) are taken, surrogates (`\x{D800}`) are refused, and classes are those of Unicode 16 where Go's are of 15.
//!
//! Greediness is read and dropped: it doesn't change whether there is a match.
//!
//! Bounded: [`TEXT_BYTES_MAX`] of text, [`DEPTH_MAX`] groups within each other, [`COMPILED_BYTES_MAX`] of program, and
//! [`PatternBudget::OF_A_FILE_BYTES`] for all expressions of a file together. An expression is compiled once, when its
//! file is read, and a match takes time linear in the text.

mod class;
mod cursor;
mod escape;
mod group;
mod parser;
mod repetition;
mod unicode;

use std::cell::Cell;

use regex_automata::meta::{BuildError, Config, Regex};

/// Longest expression.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most groups within each other; Go has 1,000.
pub const DEPTH_MAX: usize = 250;
/// Largest compiled program. `\pL{100}` takes a tenth of it.
pub const COMPILED_BYTES_MAX: usize = 32 << 20;

/// What several expressions may still take together when compiled. Once one has not found room there is none for others.
#[derive(Debug)]
pub struct PatternBudget {
    bytes: usize,
    left_bytes: Cell<usize>,
}

/// A compiled expression; equal to another of the same text.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct PatternError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What would be right; may be empty.
    pub advice: String,
}

impl Pattern {
    /// Compiles `text`, with a budget of its own.
    ///
    /// # Errors
    /// [`PatternError`] where Go would not compile it, or where it is too large.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::parse_within(text, &PatternBudget::default())
    }

    /// Compiles `text`, and takes what it takes from `budget`.
    ///
    /// # Errors
    /// [`PatternError`] where Go would not compile it, or where it is too large.
    pub fn parse_within(text: &str, budget: &PatternBudget) -> Result<Self, PatternError> {
        if text.len() > TEXT_BYTES_MAX {
            let problem = format!("the expression is longer than {TEXT_BYTES_MAX} bytes");
            return Err(PatternError::new(1, problem, ""));
        }
        let hir = parser::parse(text)?;
        if budget.is_spent() {
            return Err(budget.exceeded());
        }
        let bytes_max = budget.left_bytes.get().min(COMPILED_BYTES_MAX);
        let config = Config::new().nfa_size_limit(Some(bytes_max));
        let built = Regex::builder().configure(config).build_from_hir(&hir);
        let regex = match built {
            Err(error) if error.size_limit().is_some() && bytes_max < COMPILED_BYTES_MAX => {
                return Err(budget.exceeded());
            }
            built => built.map_err(|error| too_large(&error))?,
        };
        budget.take(regex.memory_usage())?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches somewhere in `text`, which is UTF-8.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

impl PatternBudget {
    /// What the expressions of one policy file, or of the files of a folder, may take together.
    pub const OF_A_FILE_BYTES: usize = 64 << 20;

    /// So many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes,
            left_bytes: Cell::new(bytes),
        }
    }

    /// Whether an expression has not found room: nothing is left for others.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left_bytes.get() == 0
    }

    fn take(&self, bytes: usize) -> Result<(), PatternError> {
        let left = self.left_bytes.get().checked_sub(bytes);
        self.left_bytes.set(left.ok_or_else(|| self.exceeded())?);
        Ok(())
    }

    fn exceeded(&self) -> PatternError {
        self.left_bytes.set(0);
        let problem = format!(
            "with this one, the expressions take more than {} bytes when compiled",
            self.bytes
        );
        PatternError::new(1, problem, "repeat less, or smaller classes")
    }
}

impl Default for PatternBudget {
    fn default() -> Self {
        Self::new(Self::OF_A_FILE_BYTES)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PatternError {
    fn new(column: usize, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            column,
            problem: problem.into(),
            advice: advice.into(),
        }
    }
}

/// The intermediate form is valid, so nothing but its size can be wrong.
fn too_large(error: &BuildError) -> PatternError {
    let problem = match error.size_limit() {
        Some(limit) => format!("the expression takes more than {limit} bytes when compiled"),
        None => format!("the expression cannot be compiled: {error}"),
    };
    PatternError::new(1, problem, "repeat less, or smaller classes")
}

#[cfg(test)]
mod tests;
