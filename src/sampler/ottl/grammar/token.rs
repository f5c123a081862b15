//! Tokens: each takes the blanks after it along.

use winnow::Parser;
use winnow::ascii::multispace0;
use winnow::combinator::{not, terminated};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::Location;
use winnow::token::{literal, one_of, take_while};

use super::super::error::Fault;
use super::{Input, NESTING_MAX, Parsed};

/// What people write who know another language, and what OTTL says instead.
const FOREIGN: &[(&str, &str)] = &[
    ("=~", "write IsMatch(value, \"pattern\")"),
    ("!~", "write not IsMatch(value, \"pattern\")"),
    ("===", "write =="),
    ("==", ""),
    ("=", "write == to compare"),
    ("&&", "write and"),
    ("||", "write or"),
    ("!=", ""),
    ("!", "write not"),
    ("<>", "write !="),
    ("'", "texts stand in double quotes"),
    ("`", "texts stand in double quotes"),
];

/// Byte offset of what comes next.
pub(super) fn here(input: &Input<'_>) -> usize {
    input.current_token_start()
}

pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Blanks, if there are any.
pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    multispace0.void().parse_next(input)
}

/// `text`, whatever follows.
pub(super) fn symbol<'t>(text: &'static str) -> impl Parser<Input<'t>, (), ErrMode<Fault>> {
    terminated(literal(text), space).void()
}

/// The word `text` and not merely the beginning of one.
pub(super) fn keyword<'t>(text: &'static str) -> impl Parser<Input<'t>, (), ErrMode<Fault>> {
    (literal(text), not(one_of(is_word)), space).void()
}

/// A name or keyword, and where it starts.
pub(super) fn word<'t>(input: &mut Input<'t>) -> Parsed<(usize, &'t str)> {
    let at = here(input);
    let word = terminated(take_while(1.., is_word), space).parse_next(input)?;
    Ok((at, word))
}

/// What stands between an opening bracket, already read at `at`, and the `closing` one.
pub(super) fn enclosed<'t, T>(
    input: &mut Input<'t>,
    (at, opening): (usize, char),
    closing: &'static str,
    content: impl FnOnce(&mut Input<'t>) -> Parsed<T>,
) -> Parsed<T> {
    if input.state >= NESTING_MAX {
        let problem = format!("more than {NESTING_MAX} brackets within each other");
        return Err(ErrMode::Cut(Fault::new(at, problem)));
    }
    input.state += 1;
    let content = content(input)?;
    if symbol(closing).parse_next(input).is_err() {
        let expected = format!("`{closing}` for the `{opening}`");
        return Err(unexpected(input, &expected));
    }
    input.state -= 1;
    Ok(content)
}

/// A fault that says what comes next instead of what was expected.
pub(super) fn unexpected(input: &Input<'_>, expected: &str) -> ErrMode<Fault> {
    let rest: &str = input.input.as_ref();
    let fault = Fault::new(
        here(input),
        format!("expected {expected}, found {}", named(rest)),
    );
    let foreign = FOREIGN.iter().find(|(text, _)| rest.starts_with(text));
    ErrMode::Cut(match foreign {
        Some((_, advice)) => fault.advice(*advice),
        None => fault,
    })
}

/// The first token of `rest`, as shown to people.
fn named(rest: &str) -> String {
    let Some(first) = rest.chars().next() else {
        return "the end".to_owned();
    };
    let length = if is_word(first) {
        rest.find(|next| !is_word(next)).unwrap_or(rest.len())
    } else {
        let pair = ["==", "!=", "<=", ">=", "&&", "||", "=>", "=~", "!~"];
        let pair = pair.iter().find(|pair| rest.starts_with(**pair));
        pair.map_or(first.len_utf8(), |pair| pair.len())
    };
    let token = rest.get(..length).unwrap_or(rest).chars().take(40);
    let token = token.map(|character| match character.is_control() {
        true => character.escape_debug().to_string(),
        false => character.to_string(),
    });
    format!("`{}`", token.collect::<String>())
}

impl<'t> ParserError<Input<'t>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'t>) -> Self {
        Self::new(here(input), String::new())
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}
