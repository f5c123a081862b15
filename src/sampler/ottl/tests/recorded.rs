//! Conditions whose results were recorded from the collector's OTTL v0.156.0 (`tests/fixtures/ottl`).
//!
//! Where the collector crashes, an error or a refusal is right.

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
    #[serde(default)]
    refused: bool,
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
        let agrees = match &here {
            Err(_) => recorded.refused || crashes,
            Ok(here) => {
                let mut pairs = here.iter().zip(&recorded.results);
                let alike = |(here, there): (&String, &String)| {
                    here == there || (there == "panic" && here == "error")
                };
                !recorded.refused && here.len() == recorded.results.len() && pairs.all(alike)
            }
        };
        if agrees == recorded.differs.is_some() {
            let there = recorded.results.join(" ");
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
