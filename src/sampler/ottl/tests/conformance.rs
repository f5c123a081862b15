//! The recorded cases of `tail_sampling` with one policy, of conditions alone: decided here trace by trace. (All cases
//! run through the whole engine elsewhere.)

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value as Json};

use super::support::{Asked, asked, encoded, spans};
use crate::sampler::ottl::{EvaluationError, Subject};

const CASES: &[u8] =
    include_bytes!("../../../../tests/fixtures/tail_sampling_conformance.jsonl.gz");
const CONFIGS: &str = include_str!("../../../../tests/fixtures/tail_sampling_configs.jsonl");
/// Keys beside `policies` that leave the decision to the conditions.
const PLAIN_KEYS: [&str; 4] = [
    "decision_wait",
    "num_traces",
    "policies",
    "sample_on_first_match",
];

/// YAML as JSON, all scalars as strings.
fn json_of(yaml: &str) -> Json {
    let mut events = Parser::new_from_str(yaml).map(|event| event.unwrap().0);
    let content =
        events.find(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(_)));
    node(content.unwrap(), &mut events)
}

fn node<'y>(event: Event<'y>, events: &mut impl Iterator<Item = Event<'y>>) -> Json {
    match event {
        Event::Scalar(text, ..) => Json::String(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some(event) = events.next().filter(|event| *event != Event::SequenceEnd) {
                items.push(node(event, events));
            }
            Json::Array(items)
        }
        Event::MappingStart(..) => {
            let mut entries = Map::new();
            while let Some(event) = events.next().filter(|event| *event != Event::MappingEnd) {
                let key = node(event, events).as_str().unwrap().to_owned();
                let value = events.next().unwrap();
                entries.insert(key, node(value, events));
            }
            Json::Object(entries)
        }
        other => panic!("{other:?}"),
    }
}

/// The policies of a configuration that are conditions, wherever they are nested.
fn condition_policies(config: &Json) -> Vec<&Json> {
    let nested: Vec<&Json> = match config {
        Json::Array(items) => items.iter().collect(),
        Json::Object(entries) => entries.values().collect(),
        _ => Vec::new(),
    };
    let own = config.get("ottl_condition");
    own.into_iter()
        .chain(nested.into_iter().flat_map(condition_policies))
        .collect()
}

/// The conditions of a policy; one string counts as a list of one.
fn conditions(policy: &Json) -> Vec<(String, Subject)> {
    let subjects = [("span", Subject::Span), ("spanevent", Subject::SpanEvent)];
    let listed = subjects.into_iter().flat_map(|(key, subject)| {
        let texts = match &policy[key] {
            Json::Array(texts) => texts.clone(),
            Json::Null => Vec::new(),
            one => vec![one.clone()],
        };
        texts
            .into_iter()
            .map(move |text| (text.as_str().unwrap().to_owned(), subject))
    });
    listed.collect()
}

fn cases() -> Vec<Json> {
    let mut lines = String::new();
    GzDecoder::new(CASES).read_to_string(&mut lines).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The policy's word on a trace: spans in order, of each its own conditions before those of its events.
fn sampled(
    requests: &[Vec<u8>],
    trace_id: &str,
    policy: &[Asked],
    propagates: bool,
) -> Result<bool, EvaluationError> {
    let of_trace = requests.iter().flat_map(|request| spans(request));
    for span in of_trace.filter(|span| span.trace_id() == trace_id) {
        for subject in [Subject::Span, Subject::SpanEvent] {
            let conditions = || policy.iter().filter(|asked| asked.subject == subject);
            let results: Vec<_> = conditions().map(|asked| asked.results(&span)).collect();
            let places = results.iter().map(Vec::len).max().unwrap_or(0);
            for result in (0..places).flat_map(|place| results.iter().map(move |of| &of[place])) {
                match result {
                    Ok(true) => return Ok(true),
                    Err(error) if propagates => return Err(error.clone()),
                    Ok(false) | Err(_) => {}
                }
            }
        }
    }
    Ok(false)
}

#[test]
fn traces_are_kept_and_evaluations_fail_as_recorded() {
    let mut decided = 0;
    for case in cases() {
        let config = json_of(case["config"].as_str().unwrap());
        let is_plain = config
            .as_object()
            .unwrap()
            .keys()
            .all(|key| PLAIN_KEYS.contains(&&**key));
        let only = match config["policies"].as_array().map(Vec::as_slice) {
            Some([only]) if is_plain => only,
            _ => continue,
        };
        let Some(policy) = only.get("ottl_condition") else {
            continue;
        };
        let propagates = policy["error_mode"] == "propagate";
        let policy: Vec<Asked> = conditions(policy)
            .iter()
            .map(|(text, subject)| asked(text, *subject).unwrap())
            .collect();
        let batches = case["batches"].as_array().unwrap();
        let requests: Vec<_> = batches
            .iter()
            .map(|batch| encoded(&batch.to_string()))
            .collect();
        let mut outcomes = BTreeMap::new();
        for (key, kept) in [("kept", true), ("dropped", false)] {
            let ids = case[key].as_array().unwrap();
            outcomes.extend(ids.iter().map(|id| (id.as_str().unwrap(), kept)));
        }
        let mut errors = 0;
        for (trace_id, kept) in outcomes {
            let outcome = sampled(&requests, trace_id, &policy, propagates);
            errors += u64::from(outcome.is_err());
            assert_eq!(outcome.unwrap_or(false), kept, "{} {trace_id}", case["id"]);
            decided += 1;
        }
        assert_eq!(
            errors,
            case["evaluation_errors"].as_u64().unwrap_or(0),
            "{}",
            case["id"]
        );
    }
    assert!(decided > 150, "only {decided} traces");
}

#[test]
fn every_condition_of_the_recorded_cases_is_read() {
    let mut read = 0;
    for case in cases() {
        let config = json_of(case["config"].as_str().unwrap());
        for (text, subject) in condition_policies(&config).into_iter().flat_map(conditions) {
            asked(&text, subject).unwrap_or_else(|error| panic!("{text}: {error}"));
            read += 1;
        }
    }
    assert!(read > 100, "only {read} conditions");
}

#[test]
fn conditions_of_the_odd_configurations_are_refused_where_the_collector_refuses_them() {
    let mut judged = 0;
    for line in CONFIGS
        .lines()
        .filter(|line| line.contains("ottl_condition"))
    {
        let case: Json = serde_json::from_str(line).unwrap();
        let config = json_of(case["config"].as_str().unwrap());
        for (text, subject) in condition_policies(&config).into_iter().flat_map(conditions) {
            let accepted = case["accepted"] == true;
            assert_eq!(
                asked(&text, subject).is_ok(),
                accepted,
                "{} {text}",
                case["id"]
            );
            judged += 1;
        }
    }
    assert!(judged >= 5, "only {judged} conditions");
}
