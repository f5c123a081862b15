//! Results as JUnit XML, which CI systems show: a `testsuite` for each file, a `testcase` for each test.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::TestResult;

/// What came of a test file.
#[derive(Debug)]
pub struct Suite {
    /// The file.
    pub file: String,
    /// Its tests, or why they could not be run.
    pub results: Result<Vec<TestResult>, String>,
}

/// Writes all results.
///
/// # Errors
/// Those of `out`.
pub fn write(out: impl Write, suites: &[Suite]) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(out, b' ', 2);
    let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
    writer.write_event(Event::Decl(declaration))?;
    let (tests, failures, errors) = counts(suites);
    writer
        .create_element("testsuites")
        .with_attribute(("name", "tailsieve test"))
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", failures.as_str()))
        .with_attribute(("errors", errors.as_str()))
        .write_inner_content(|writer| {
            suites
                .iter()
                .try_for_each(|suite| write_suite(writer, suite))
        })?;
    writer.get_mut().write_all(b"\n")
}

fn write_suite<W: Write>(writer: &mut Writer<W>, suite: &Suite) -> io::Result<()> {
    let (tests, failures, errors) = counts(std::slice::from_ref(suite));
    let element = writer
        .create_element("testsuite")
        .with_attribute(("name", clean(&suite.file).as_str()))
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", failures.as_str()))
        .with_attribute(("errors", errors.as_str()));
    element.write_inner_content(|writer| match &suite.results {
        Ok(results) => results
            .iter()
            .try_for_each(|result| write_case(writer, &suite.file, result)),
        Err(error) => {
            let case = writer
                .create_element("testcase")
                .with_attribute(("classname", clean(&suite.file).as_str()))
                .with_attribute(("name", "the file can be read"));
            case.write_inner_content(|writer| {
                write_message(writer, "error", "the tests could not be run", error)
            })?;
            Ok(())
        }
    })?;
    Ok(())
}

fn write_case<W: Write>(writer: &mut Writer<W>, file: &str, result: &TestResult) -> io::Result<()> {
    let case = writer
        .create_element("testcase")
        .with_attribute(("classname", clean(file).as_str()))
        .with_attribute(("name", clean(&result.name).as_str()));
    if result.failures.is_empty() {
        case.write_empty()?;
        return Ok(());
    }
    case.write_inner_content(|writer| {
        result.failures.iter().try_for_each(|failure| {
            let message = format!("expected {}, got {}", failure.expected, failure.got);
            write_message(writer, "failure", &message, &failure.to_string())
        })
    })?;
    Ok(())
}

fn write_message<W: Write>(
    writer: &mut Writer<W>,
    element: &str,
    message: &str,
    text: &str,
) -> io::Result<()> {
    writer
        .create_element(element)
        .with_attribute(("message", clean(message).as_str()))
        .write_text_content(BytesText::new(&clean(text)))?;
    Ok(())
}

/// Tests, failed ones, and files that could not be run.
fn counts(suites: &[Suite]) -> (String, String, String) {
    let results = suites
        .iter()
        .filter_map(|suite| suite.results.as_ref().ok());
    let results: Vec<&TestResult> = results.flatten().collect();
    let failed = results.iter().filter(|result| !result.failures.is_empty());
    let errors = suites.iter().filter(|suite| suite.results.is_err()).count();
    let tests = results.len() + errors;
    (
        tests.to_string(),
        failed.count().to_string(),
        errors.to_string(),
    )
}

/// Control characters other than white space can't stand in XML, not even escaped.
fn clean(text: &str) -> String {
    let is_allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let shown = |c: char| if is_allowed(&c) { c } else { '\u{fffd}' };
    text.chars().map(shown).collect()
}
