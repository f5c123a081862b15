//! What matches, what is refused, and where: by Go's own answers, by the collector's recorded decisions, and by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::{DEPTH_MAX, Pattern, PatternBudget, TEXT_BYTES_MAX};

/// Lines of JSON of a compressed file among the fixtures.
fn lines(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let file = File::open(folder.join(name)).unwrap();
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

fn refusal(text: &str) -> String {
    Pattern::parse(text).unwrap_err().to_string()
}

/// Where Go and this differ: see the head of `pattern.rs`.
const DIFFERENCES: [&str; 5] = [
    r"\p{Zyyy}",
    r"\p{Old_Italic}",
    r"\p{Old Italic}",
    r"\p{Olditalic}",
    r"\x{d800}",
];

/// `go_expressions.go` wrote the file, with Go 1.26.
#[test]
fn expressions_mean_what_go_says_that_they_mean() {
    let mut lines = lines("go_expressions.jsonl.gz").into_iter();
    let texts = lines.next().unwrap()["texts"].clone();
    let texts: Vec<&str> = texts
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_str().unwrap())
        .collect();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for line in lines {
        let text = line["pattern"].as_str().unwrap();
        if DIFFERENCES.contains(&text) {
            continue;
        }
        compared += 1;
        match (Pattern::parse(text), line.get("error")) {
            (Err(_), Some(_)) => {}
            (Ok(_), Some(error)) => wrong.push(format!("{text:?} is taken; Go: {error}")),
            (Err(error), None) => wrong.push(format!("{text:?} is refused: {error}")),
            (Ok(pattern), None) => {
                let expected = line["matches"].as_array().unwrap().iter();
                let expected: BTreeSet<&str> = expected
                    .map(|index| texts[usize::try_from(index.as_u64().unwrap()).unwrap()])
                    .collect();
                let matching = texts.iter().copied();
                let matching: BTreeSet<&str> = matching
                    .filter(|t| pattern.is_match(t.as_bytes()))
                    .collect();
                let differing: Vec<_> = expected.symmetric_difference(&matching).collect();
                if !differing.is_empty() {
                    wrong.push(format!("{text:?} differs on {differing:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 1_000, "{compared}");
}

/// The policy of such a case is `string_attribute` on the attribute `msg`; every trace has it at most once with a match.
#[test]
fn expressions_of_recorded_decisions_match_what_the_collector_found_them_to_match() {
    let mut cases = 0;
    for case in lines("tail_sampling_conformance.jsonl.gz") {
        if !case["id"].as_str().unwrap().starts_with("regex-") {
            continue;
        }
        cases += 1;
        let config = case["config"].as_str().unwrap();
        let (_, rest) = config.split_once("values: ['").unwrap();
        let (text, _) = rest.split_once("'], enabled").unwrap();
        let pattern = Pattern::parse(text).unwrap();
        let mut matching = BTreeSet::new();
        let mut others = BTreeSet::new();
        for (trace, values) in messages(&case) {
            let is_match = values
                .iter()
                .any(|value| pattern.is_match(value.as_bytes()));
            let inverted = config.contains("invert_match: true");
            let kept = is_match != inverted;
            if kept { &mut matching } else { &mut others }.insert(trace);
        }
        assert_eq!(ids(&case["kept"]), matching, "{text}");
        assert_eq!(ids(&case["dropped"]), others, "{text}");
    }
    assert_eq!(cases, 33);
}

fn ids(list: &Value) -> BTreeSet<String> {
    let ids = list.as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// For each trace of a case, the values of `msg` that count: an empty one of a span does not.
fn messages(case: &Value) -> BTreeMap<String, Vec<String>> {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let value = |holder: &Value| {
        let attributes = list(&holder["attributes"]);
        let found = attributes.iter().find(|a| a["key"] == "msg")?.clone();
        Some(
            found["value"]["stringValue"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    for batch in list(&case["batches"]) {
        for resource_spans in list(&batch["resourceSpans"]) {
            for scope_spans in list(&resource_spans["scopeSpans"]) {
                for span in list(&scope_spans["spans"]) {
                    let trace = span["traceId"].as_str().unwrap().to_owned();
                    let values = messages.entry(trace).or_default();
                    values.extend(value(&resource_spans["resource"]));
                    values.extend(value(&span).filter(|value| !value.is_empty()));
                }
            }
        }
    }
    messages
}

#[test]
fn a_refusal_says_where_and_what() {
    let refusals = [
        (r"a(b", "column 2: missing ) for this ("),
        (r"(a(b)", "column 1: missing ) for this ("),
        (r"ab)c", "column 3: this ) has no ("),
        (r"ü[a", "column 2: missing ] for this ["),
        (r"[[:foo:]]", "column 2: unknown class [:foo:]"),
        (r"a[z-a]", "column 3: the range z-a ends before it begins"),
        (
            r"a(?=b)",
            "column 2: (?= begins look-ahead, which RE2 does not have",
        ),
        (
            r"a(?!b)",
            "column 2: (?! begins look-ahead, which RE2 does not have",
        ),
        (
            r"(?<=a)b",
            "column 1: (?<= begins look-behind, which RE2 does not have",
        ),
        (
            r"(?>a)",
            "column 1: (?> begins an atomic group, which RE2 does not have",
        ),
        (r"(?x)a", "column 1: (?x begins no group"),
        (r"(?P<a-b>x)", "column 1: this group has no valid name"),
        (
            r"(a)\1",
            r"column 4: \1: references to groups are not supported",
        ),
        (r"a\Z", r"column 2: unknown escape \Z"),
        (r"a\", "column 2: the expression ends in a backslash"),
        (r"\x{110000}", r"column 1: \x{110000} is no character"),
        (
            r"a\p{Klingon}",
            r"column 2: unknown Unicode class \p{Klingon}",
        ),
        (r"a{1001}", "column 2: the repeat count {1001} is not valid"),
        (r"a{2,1}", "column 2: the repeat count {2,1} is not valid"),
        (
            r"(a{50}){50}",
            "column 8: {50} repeats repetitions more than 1000 times",
        ),
        (r"ab**", "column 3: ** repeats twice"),
        (r"a|*", "column 3: there is nothing that * could repeat"),
    ];
    for (text, message) in refusals {
        assert_eq!(refusal(text), message, "{text}");
    }
}

#[test]
fn what_is_too_long_too_deep_or_too_large_is_refused() {
    let long = "a".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(
        refusal(&long),
        "column 1: the expression is longer than 65536 bytes"
    );
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), "b)*".repeat(depth));
    assert!(Pattern::parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(
        refusal(&nested(DEPTH_MAX + 1)),
        "column 251: more than 250 groups within each other"
    );
    assert_eq!(
        refusal(r"[\pL\pN]{1000}[\pL\pN]{1000}[\pL\pN]{1000}"),
        "column 1: the expression takes more than 33554432 bytes when compiled"
    );
    assert!(Pattern::parse(r"\pL{100}").is_ok());
}

#[test]
fn expressions_of_one_budget_are_counted_together() {
    let text = r"\pL{20}";
    let budget = PatternBudget::new(4 << 20);
    let error = (0..1_000).find_map(|_| Pattern::parse_within(text, &budget).err());
    assert_eq!(
        error.unwrap().problem,
        "with this one, the expressions take more than 4194304 bytes when compiled"
    );
    assert!(budget.is_spent());
    assert!(Pattern::parse_within("a", &budget).is_err());
    assert!(Pattern::parse(text).is_ok());
}

#[test]
fn a_match_takes_time_linear_in_the_text() {
    let pattern = Pattern::parse("(a*)*(a*)*(a*)*b$").unwrap();
    assert!(!pattern.is_match("a".repeat(100_000).as_bytes()));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "([a-z0-9{}\\[\\]()|?*+^$.:<>=!\\\\,-]|\\PC){0,40}") {
        let _ = Pattern::parse(&text);
    }
}
