//! The grammar: a text becomes an [`Expression`].
//!
//! ```text
//! any        = all ("or" all)*
//! all        = negation ("and" negation)*
//! negation   = "not"? comparison
//! comparison = sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?
//! sum        = product (("+" | "-") product)*
//! product    = signed (("*" | "/") signed)*
//! signed     = ("+" | "-")? primary
//! primary    = literal | list | map | path | call | "(" any ")"
//! path       = word keys ("." word keys)*
//! call       = Name "(" (argument ("," argument)*)? ")" keys
//! argument   = (name "=")? sum
//! keys       = ("[" sum "]")*
//! ```
//!
//! OTTL's own grammar tells conditions and values apart by trying one after the other; here one grammar reads both and
//! [`super::check`] tells them apart, so that reading is linear in the text and says what it found. Every alternative is
//! chosen by its first character, hence nothing is tried twice.

mod literal;
mod primary;
mod token;

use winnow::Parser;
use winnow::combinator::{alt, opt, repeat, separated};
use winnow::error::ErrMode;
use winnow::stream::{LocatingSlice, Stateful};

use super::error::Fault;
use super::syntax::{Arithmetic, Comparison, Expression, ExpressionKind};
use token::{here, keyword, space, symbol, unexpected};

pub(super) use literal::offset_in_literal;

/// Longest condition.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most brackets within each other.
pub const NESTING_MAX: usize = 64;

/// The text, and how many brackets are open.
type Input<'t> = Stateful<LocatingSlice<&'t str>, usize>;
type Parsed<T> = Result<T, ErrMode<Fault>>;

/// Reads `text`.
///
/// # Errors
/// [`Fault`] where it follows no rule of the grammar, or is beyond a limit.
pub(super) fn parse(text: &str) -> Result<Expression, Fault> {
    if text.len() > TEXT_BYTES_MAX {
        let problem = format!("the condition is longer than {TEXT_BYTES_MAX} bytes");
        return Err(Fault::new(0, problem));
    }
    let mut input = Input {
        input: LocatingSlice::new(text),
        state: 0,
    };
    match condition(&mut input) {
        Ok(expression) => Ok(expression),
        Err(ErrMode::Cut(fault) | ErrMode::Backtrack(fault)) => Err(fault),
        Err(ErrMode::Incomplete(_)) => Err(Fault::new(text.len(), "the condition is incomplete")),
    }
}

fn condition(input: &mut Input<'_>) -> Parsed<Expression> {
    space(input)?;
    if input.is_empty() {
        return Err(ErrMode::Cut(Fault::new(0, "the condition is empty")));
    }
    let expression = any(input)?;
    if input.is_empty() {
        return Ok(expression);
    }
    Err(unexpected(input, "an operator or the end of the condition"))
}

/// Terms joined by `or`.
fn any(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = here(input);
    let terms: Vec<Expression> = separated(1.., all, keyword("or")).parse_next(input)?;
    Ok(joined(at, terms, ExpressionKind::Any))
}

/// Terms joined by `and`.
fn all(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = here(input);
    let terms: Vec<Expression> = separated(1.., negation, keyword("and")).parse_next(input)?;
    Ok(joined(at, terms, ExpressionKind::All))
}

fn joined(
    at: usize,
    mut terms: Vec<Expression>,
    kind: fn(Vec<Expression>) -> ExpressionKind,
) -> Expression {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            let kind = kind(terms);
            Expression { at, kind }
        }
    }
}

fn negation(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = here(input);
    let negated = opt(keyword("not")).parse_next(input)?.is_some();
    let operand = comparison(input)?;
    if !negated {
        return Ok(operand);
    }
    let kind = ExpressionKind::Not(Box::new(operand));
    Ok(Expression { at, kind })
}

fn comparison(input: &mut Input<'_>) -> Parsed<Expression> {
    let left = sum(input)?;
    let Some(operator) = opt(comparison_operator).parse_next(input)? else {
        return Ok(left);
    };
    let right = sum(input)?;
    Ok(Expression {
        at: left.at,
        kind: ExpressionKind::Comparison {
            left: Box::new(left),
            operator,
            right: Box::new(right),
        },
    })
}

fn comparison_operator(input: &mut Input<'_>) -> Parsed<Comparison> {
    alt((
        symbol("==").value(Comparison::Equal),
        symbol("!=").value(Comparison::NotEqual),
        symbol("<=").value(Comparison::LessOrEqual),
        symbol(">=").value(Comparison::GreaterOrEqual),
        symbol("<").value(Comparison::Less),
        symbol(">").value(Comparison::Greater),
    ))
    .parse_next(input)
}

/// A value that is not yet known to be one.
fn sum(input: &mut Input<'_>) -> Parsed<Expression> {
    let operator = alt((
        symbol("+").value(Arithmetic::Add),
        symbol("-").value(Arithmetic::Subtract),
    ));
    let first = product(input)?;
    let rest = repeat(0.., (operator, product)).parse_next(input)?;
    Ok(calculated(first, rest))
}

fn product(input: &mut Input<'_>) -> Parsed<Expression> {
    let operator = alt((
        symbol("*").value(Arithmetic::Multiply),
        symbol("/").value(Arithmetic::Divide),
    ));
    let first = signed(input)?;
    let rest = repeat(0.., (operator, signed)).parse_next(input)?;
    Ok(calculated(first, rest))
}

fn calculated(first: Expression, rest: Vec<(Arithmetic, Expression)>) -> Expression {
    if rest.is_empty() {
        return first;
    }
    Expression {
        at: first.at,
        kind: ExpressionKind::Arithmetic {
            first: Box::new(first),
            rest,
        },
    }
}

fn signed(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = here(input);
    let sign = alt((symbol("-").value(true), symbol("+").value(false)));
    let Some(is_negative) = opt(sign).parse_next(input)? else {
        return primary::primary(input);
    };
    let operand = Box::new(primary::primary(input)?);
    let kind = ExpressionKind::Signed {
        is_negative,
        operand,
    };
    Ok(Expression { at, kind })
}
