//! What stands between operators: literals, lists, maps, paths, calls and groups.

use winnow::Parser;
use winnow::combinator::{not, opt, peek, repeat, separated};
use winnow::token::any as any_character;

use super::super::error::Fault;
use super::super::syntax::{Argument, Call, Expression, ExpressionKind, Segment};
use super::token::{enclosed, here, is_word, symbol, unexpected, word};
use super::{Input, Parsed, any, literal, sum};
use winnow::error::ErrMode;

pub(super) fn primary(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = here(input);
    let kind = match first_character(input) {
        Some('"') => ExpressionKind::Text(literal::text(input)?),
        Some('0'..='9' | '.') => literal::number(input)?,
        Some('(') => group(input)?,
        Some('[') => list(input)?,
        Some('{') => map(input)?,
        Some('A'..='Z') => name(input)?,
        Some('a'..='z') => lowercase(input)?,
        _ => return Err(unexpected(input, "a value")),
    };
    Ok(Expression { at, kind })
}

fn first_character(input: &mut Input<'_>) -> Option<char> {
    let peeked: Parsed<Option<char>> = peek(opt(any_character)).parse_next(input);
    peeked.ok().flatten()
}

fn group(input: &mut Input<'_>) -> Parsed<ExpressionKind> {
    let at = here(input);
    symbol("(").parse_next(input)?;
    let inner = enclosed(input, (at, '('), ")", any)?;
    Ok(ExpressionKind::Group(Box::new(inner)))
}

/// A list; commas are needed from the first one on, as in OTTL.
fn list(input: &mut Input<'_>) -> Parsed<ExpressionKind> {
    let at = here(input);
    symbol("[").parse_next(input)?;
    let items = enclosed(input, (at, '['), "]", |input| {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            if opt(symbol(",")).parse_next(input)?.is_some() {
                comma = true;
            } else if comma || first_character(input).is_none_or(|next| next == ']') {
                return Ok(items);
            }
            items.push(sum(input)?);
        }
    })?;
    Ok(ExpressionKind::List(items))
}

/// A map; commas between its entries may be left out and one may follow the last, as in OTTL.
fn map(input: &mut Input<'_>) -> Parsed<ExpressionKind> {
    let at = here(input);
    symbol("{").parse_next(input)?;
    let entries = enclosed(input, (at, '{'), "}", |input| {
        let mut entries = Vec::new();
        while first_character(input) == Some('"') {
            let key = literal::text(input)?;
            if symbol(":").parse_next(input).is_err() {
                return Err(unexpected(input, "`:` after the key"));
            }
            entries.push((key, sum(input)?));
            opt(symbol(",")).parse_next(input)?;
        }
        Ok(entries)
    })?;
    Ok(ExpressionKind::Map(entries))
}

/// A word that starts in capitals: an enum, or a converter.
fn name(input: &mut Input<'_>) -> Parsed<ExpressionKind> {
    let (_, name) = word(input)?;
    if first_character(input) == Some('(') {
        return call(input, name);
    }
    if name.contains(|letter: char| letter.is_ascii_lowercase()) {
        return Err(unexpected(input, "`(` after the name of a converter"));
    }
    Ok(ExpressionKind::Enum(name.to_owned()))
}

fn call(input: &mut Input<'_>, name: &str) -> Parsed<ExpressionKind> {
    let at = here(input);
    symbol("(").parse_next(input)?;
    let arguments = enclosed(input, (at, '('), ")", |input| {
        if first_character(input) == Some(')') {
            return Ok(Vec::new());
        }
        separated(1.., argument, symbol(",")).parse_next(input)
    })?;
    Ok(ExpressionKind::Call(Call {
        name: name.to_owned(),
        arguments,
        keys: keys(input)?,
    }))
}

fn argument(input: &mut Input<'_>) -> Parsed<Argument> {
    let at = here(input);
    let assignment = (word, symbol("="), not(symbol("="))).map(|((_, name), (), ())| name);
    let name: Option<&str> = opt(assignment).parse_next(input)?;
    Ok(Argument {
        at,
        name: name.map(str::to_owned),
        value: sum(input)?,
    })
}

/// A word that starts with a small letter: a literal, a keyword out of place, or a path.
fn lowercase(input: &mut Input<'_>) -> Parsed<ExpressionKind> {
    let before = *input;
    let (at, first) = word(input)?;
    match first {
        "nil" => return Ok(ExpressionKind::Nil),
        "true" => return Ok(ExpressionKind::Bool(true)),
        "false" => return Ok(ExpressionKind::Bool(false)),
        "and" | "or" => return Err(unexpected(&before, "a value")),
        "not" => {
            let fault = Fault::new(at, "`not` stands before a condition, not before a value");
            let advice = "write not (...), or not at the start of the comparison";
            return Err(ErrMode::Cut(fault.advice(advice)));
        }
        _ if first_character(input) == Some('(') => {
            let problem = format!("converters start with a capital letter: `{first}` is none");
            let (initial, rest) = first.split_at(1);
            let advice = format!("did you mean {}{rest}?", initial.to_ascii_uppercase());
            return Err(ErrMode::Cut(Fault::new(at, problem).advice(advice)));
        }
        _ => {}
    }
    let mut segments = vec![segment(input, at, first)?];
    while opt(symbol(".")).parse_next(input)?.is_some() {
        if !first_character(input).is_some_and(is_word) {
            return Err(unexpected(input, "a name after the dot"));
        }
        let (at, name) = word(input)?;
        segments.push(segment(input, at, name)?);
    }
    Ok(ExpressionKind::Path(segments))
}

fn segment(input: &mut Input<'_>, at: usize, name: &str) -> Parsed<Segment> {
    Ok(Segment {
        at,
        name: name.to_owned(),
        keys: keys(input)?,
    })
}

fn keys(input: &mut Input<'_>) -> Parsed<Vec<Expression>> {
    repeat(0.., key).parse_next(input)
}

fn key(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = here(input);
    symbol("[").parse_next(input)?;
    enclosed(input, (at, '['), "]", sum)
}
