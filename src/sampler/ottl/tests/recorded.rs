//! Conditions whose results were recorded from the collector's OTTL v0.156.0 (`tests/fixtures/ottl`).
//!
//! Each line names a condition, and either that it was refused or its result on every span (or event) of `spans.json`:
//! `true`, `false`, `error`, or `panic` where the collector crashes (an error here, or a refusal).

use serde::Deserialize;

use super::support::{asked, encoded, spans};
use crate::sampler::ottl::Subject;

const SPANS: &str = include_str!("../../../../tests/fixtures/ottl/spans.json");
const CONDITIONS: &str = include_str!("../../../../tests/fixtures/ottl/conditions.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    subject: String,
    condition: String,
    refused: Option<String>,
    #[serde(default)]
    results: Vec<String>,
    /// Why the result here is another.
    differs: Option<String>,
}

fn differences(conditions: &str) -> (Vec<String>, usize) {
    let request = encoded(SPANS);
    let spans = spans(&request);
    let mut differences = Vec::new();
    let mut count = 0;
    for line in conditions.lines() {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        count += 1;
        let subject = match recorded.subject.as_str() {
            "span" => Subject::Span,
            _ => Subject::SpanEvent,
        };
        let here = asked(&recorded.condition, subject).map(|asked| {
            let results = spans.iter().flat_map(|span| asked.results(span));
            let results = results.map(|result| match result {
                Ok(result) => result.to_string(),
                Err(_) => "error".to_owned(),
            });
            results.collect::<Vec<_>>()
        });
        let crashes = recorded.results.iter().any(|result| result == "panic");
        let agrees = match (&recorded.refused, &here) {
            (Some(_), Err(_)) => true,
            (None, Err(_)) => crashes,
            (None, Ok(here)) => here
                .iter()
                .zip(&recorded.results)
                .all(|(here, there)| here == there || (there == "panic" && here == "error")),
            (Some(_), Ok(_)) => false,
        };
        if agrees == recorded.differs.is_some() {
            let there = recorded.refused.unwrap_or(recorded.results.join(" "));
            differences.push(format!(
                "{}\n  there {there}\n  here  {here:?}",
                recorded.condition
            ));
        }
    }
    (differences, count)
}

#[test]
fn conditions_are_refused_and_evaluated_as_the_collector_does() {
    let (differences, count) = differences(CONDITIONS);
    assert!(count > 1000, "only {count} conditions");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn zz_local() {
    for path in [
        "/tmp/ottl_oracle/hand.out",
        "/tmp/ottl_oracle/big.out",
        "/tmp/ottl_oracle/soup.out",
    ] {
        let text = std::fs::read_to_string(path).unwrap();
        let (differences, count) = differences(&text);
        println!(
            "{path}: {} of {count}\n{}",
            differences.len(),
            differences.join("\n")
        );
    }
}
