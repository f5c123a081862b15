//! `${env:NAME}` and `${env:NAME:-default}` within scalar values.
//!
//! As in the collector: the default counts when the variable is not set (an empty variable is set), `${NAME}` is short
//! for `${env:NAME}`, and `$$` is a plain `$`. Unlike there, a variable that is not set and has no default is an error.
//! What comes out is not expanded again. Keys are never expanded.

use super::finding::{Findings, Position};
use super::yaml::{Node, Scalar, Style, Value};

/// Looks up an environment variable; tests bring their own.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process. A value that is not UTF-8 counts as not set.
#[must_use]
pub fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Expands every scalar below `node`. `path` is the path of its key, for error messages.
pub(crate) fn expand(node: &mut Node, path: &str, lookup: Lookup<'_>, findings: &Findings) {
    let position = node.position;
    match &mut node.value {
        Value::Scalar(scalar) => expand_scalar(scalar, position, path, lookup, findings),
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                expand(item, &format!("{path}[{index}]"), lookup, findings);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let path = super::decode::join(path, &entry.key.text);
                expand(&mut entry.value, &path, lookup, findings);
            }
        }
    }
}

fn expand_scalar(
    scalar: &mut Scalar,
    position: Position,
    path: &str,
    lookup: Lookup<'_>,
    findings: &Findings,
) {
    if !scalar.text.contains('$') {
        return;
    }
    match expanded(&scalar.text, lookup) {
        Ok((text, used_a_variable)) => {
            scalar.text = text;
            scalar.inset = None;
            if used_a_variable {
                scalar.style = Style::Expanded;
            }
        }
        Err((problem, advice)) => findings.error(Some(position), path, problem, advice),
    }
}

/// The text with its variables replaced, and whether there were any; or what is wrong, and what would be right.
fn expanded(text: &str, lookup: Lookup<'_>) -> Result<(String, bool), (String, String)> {
    let mut result = String::with_capacity(text.len());
    let mut used_a_variable = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after_dollar) = after.strip_prefix('$') {
            result.push('$');
            rest = after_dollar;
            continue;
        }
        let Some(inside) = after.strip_prefix('{') else {
            result.push('$');
            rest = after;
            continue;
        };
        let Some((reference, after_brace)) = inside.split_once('}') else {
            let advice = "write ${env:NAME}, or $$ for a plain $";
            return Err(("${ without its }".to_owned(), advice.to_owned()));
        };
        result.push_str(&value_of(reference, lookup)?);
        used_a_variable = true;
        rest = after_brace;
    }
    result.push_str(rest);
    Ok((result, used_a_variable))
}

fn value_of(reference: &str, lookup: Lookup<'_>) -> Result<String, (String, String)> {
    let named = reference.strip_prefix("env:").unwrap_or(reference);
    let (name, default) = match named.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (named, None),
    };
    if !is_name(name) {
        let problem = format!("${{{reference}}} names no environment variable");
        let advice = "write ${env:NAME} or ${env:NAME:-default}, or $$ for a plain $";
        return Err((problem, advice.to_owned()));
    }
    lookup(name)
        .or_else(|| default.map(str::to_owned))
        .ok_or_else(|| {
            let problem = format!("the environment variable {name} is not set");
            (
                problem,
                format!("set it, or write ${{env:{name}:-default}}"),
            )
        })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "PORT" => Some("4317".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${env:PORT}".to_owned()),
            _ => None,
        }
    }

    fn text_of(text: &str) -> String {
        expanded(text, &lookup).unwrap().0
    }

    #[test]
    fn variables_are_replaced_wherever_they_stand_in_a_value() {
        assert_eq!(text_of("${env:PORT}"), "4317");
        assert_eq!(text_of("h${env:PORT}:${PORT}/${env:NO:-x}"), "h4317:4317/x");
        assert_eq!(text_of("${env:NO:-}"), "");
    }

    #[test]
    fn an_empty_variable_is_set_so_that_its_default_does_not_count() {
        assert_eq!(text_of("${env:EMPTY:-x}"), "");
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded_again() {
        assert_eq!(text_of("${env:NESTED}"), "${env:PORT}");
    }

    #[test]
    fn two_dollars_are_one_and_a_lone_dollar_stays() {
        assert_eq!(text_of("$${env:PORT} $5 ^a$"), "${env:PORT} $5 ^a$");
    }

    #[test]
    fn what_cannot_be_expanded_is_an_error_that_says_what_to_write() {
        let (problem, advice) = expanded("${env:NO}", &lookup).unwrap_err();
        assert_eq!(problem, "the environment variable NO is not set");
        assert_eq!(advice, "set it, or write ${env:NO:-default}");
        let (problem, advice) = expanded("${file:/etc/x}", &lookup).unwrap_err();
        assert_eq!(problem, "${file:/etc/x} names no environment variable");
        assert_eq!(
            advice,
            "write ${env:NAME} or ${env:NAME:-default}, or $$ for a plain $"
        );
        assert_eq!(
            expanded("${env:NO", &lookup).unwrap_err().0,
            "${ without its }"
        );
    }
}
