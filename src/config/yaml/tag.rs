//! Tags: those of the core schema say what is what anyway, all others are refused. Errors are what is wrong.

use saphyr_parser::{ScalarStyle, Tag};

use super::Style;

pub(super) fn style_of(style: ScalarStyle, tag: Option<&Tag>) -> Result<Style, String> {
    let written = match style {
        ScalarStyle::Plain => Style::Plain,
        _ => Style::Quoted,
    };
    let Some(tag) = tag else { return Ok(written) };
    match tag.suffix.as_str() {
        "str" if tag.is_yaml_core_schema() => Ok(Style::Quoted),
        "int" | "float" | "bool" | "null" if tag.is_yaml_core_schema() => Ok(Style::Plain),
        _ => Err(unknown_tag(tag)),
    }
}

pub(super) fn refuse_tag(tag: Option<&Tag>, allowed: &str) -> Result<(), String> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == allowed) => Err(unknown_tag(tag)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag) -> String {
    format!("the tag {tag} is not supported")
}
