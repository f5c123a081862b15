//! Each kind of value: what is taken, and the exact message for what is not.

use std::time::Duration;

use super::Place;
use crate::config::finding::Findings;
use crate::config::yaml;

/// Reads `a: <value>` as one kind of value: what came out and what was reported, errors then warnings.
fn read<T>(value: &str, read: impl FnOnce(&Place<'_>) -> T) -> (T, Vec<String>) {
    let findings = Findings::new("f.yaml");
    let root = yaml::parse(&format!("a: {value}"), &findings).unwrap();
    let place = Place::new(&root, "", &findings).deepest(&["a"]);
    let result = read(&place);
    let (errors, warnings) = match findings.conclude(Some(())) {
        Ok(checked) => (Vec::new(), checked.warnings),
        Err(errors) => (errors.errors, errors.warnings),
    };
    let findings = errors.iter().chain(&warnings);
    (result, findings.map(|f| f.to_string()).collect())
}

fn taken<T>(value: &str, reader: impl FnOnce(&Place<'_>) -> Option<T>) -> T {
    let (result, findings) = read(value, reader);
    assert!(findings.is_empty(), "{findings:?}");
    result.unwrap()
}

fn refused<T>(value: &str, reader: impl FnOnce(&Place<'_>) -> Option<T>) -> String {
    let (result, findings) = read(value, reader);
    assert!(result.is_none());
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings[0].clone()
}

#[test]
fn strings_are_strings_and_numbers_are_not() {
    assert_eq!(taken("x", |p| p.text().map(str::to_owned)), "x");
    assert_eq!(taken("'5'", |p| p.text().map(str::to_owned)), "5");
    assert_eq!(
        refused("5", |p| p.text().map(|_| ())),
        "f.yaml:1:4: a: expected a string, found the number 5; put it in quotes: \"5\""
    );
    assert_eq!(
        refused("true", |p| p.text().map(|_| ())),
        "f.yaml:1:4: a: expected a string, found true; put it in quotes: \"true\""
    );
    assert_eq!(
        refused("[x]", |p| p.text().map(|_| ())),
        "f.yaml:1:4: a: expected a string, found a list"
    );
    assert_eq!(
        refused("''", |p| p.non_empty_text().map(|_| ())),
        "f.yaml:1:4: a: must not be empty"
    );
}

#[test]
fn booleans_are_true_and_false_only() {
    assert!(taken("true", |p| p.boolean()));
    assert_eq!(
        refused("'true'", |p| p.boolean()),
        "f.yaml:1:4: a: expected true or false, found the string \"true\""
    );
    assert_eq!(
        refused("yes", |p| p.boolean()),
        "f.yaml:1:4: a: expected true or false, found the string \"yes\""
    );
}

#[test]
fn integers_are_whole_and_within_their_range() {
    assert_eq!(taken("7", |p| p.integer(1..=9)), 7);
    assert_eq!(
        refused("10", |p| p.integer(1..=9)),
        "f.yaml:1:4: a: 10 is not within 1 and 9"
    );
    assert_eq!(
        refused("-1", |p| p.integer(1..=9)),
        "f.yaml:1:4: a: -1 is not within 1 and 9"
    );
    assert_eq!(
        refused("1.0", |p| p.integer(1..=9)),
        "f.yaml:1:4: a: expected a whole number, found the number 1.0"
    );
}

#[test]
fn sizes_have_units_or_are_bytes() {
    assert_eq!(taken("512MiB", |p| p.size(0..=u64::MAX)), 512 << 20);
    assert_eq!(taken("65536", |p| p.size(0..=u64::MAX)), 65_536);
    assert_eq!(
        refused("64M", |p| p.size(0..=9)),
        "f.yaml:1:4: a: expected a size, found the string \"64M\"; \
         write it like 512MiB, 64KB or a number of bytes"
    );
    assert_eq!(
        refused("-1", |p| p.size(0..=9)),
        "f.yaml:1:4: a: expected a size, found the number -1; \
         write it like 512MiB, 64KB or a number of bytes"
    );
    assert_eq!(
        refused("0", |p| p.size(1024..=u64::MAX)),
        "f.yaml:1:4: a: 0B is too small; at least 1KiB"
    );
    assert_eq!(
        refused("3MiB", |p| p.size(0..=2 << 20)),
        "f.yaml:1:4: a: 3MiB is too large; at most 2MiB"
    );
}

#[test]
fn durations_of_the_server_file_have_units() {
    let advice = "write it like 30s, 1m30s, 500ms or 1d";
    assert_eq!(taken("1m30s", |p| p.duration()), Duration::from_secs(90));
    assert_eq!(taken("0", |p| p.duration_or_none()), None);
    assert_eq!(
        refused("5", |p| p.duration()),
        format!("f.yaml:1:4: a: expected a duration, found the number 5 without unit; {advice}")
    );
    assert_eq!(
        refused("'5'", |p| p.duration()),
        format!(
            "f.yaml:1:4: a: expected a duration, found the string \"5\" without unit; {advice}"
        )
    );
    assert_eq!(
        refused("5 sec", |p| p.duration()),
        format!(
            "f.yaml:1:4: a: expected a duration, found the string \"5 sec\": \" sec\" is no unit; {advice}"
        )
    );
    assert_eq!(
        refused("soon", |p| p.duration()),
        format!("f.yaml:1:4: a: expected a duration, found the string \"soon\"; {advice}")
    );
    assert_eq!(
        refused("{}", |p| p.duration()),
        format!("f.yaml:1:4: a: expected a duration, found a mapping; {advice}")
    );
    assert_eq!(
        refused("0s", |p| p.duration()),
        format!("f.yaml:1:4: a: must be longer than 0; {advice}")
    );
    assert_eq!(
        refused("-5s", |p| p.duration()),
        "f.yaml:1:4: a: must not be negative"
    );
    assert_eq!(
        refused("366d", |p| p.duration()),
        "f.yaml:1:4: a: is too long; at most 365d"
    );
    assert_eq!(
        refused("9999999999h", |p| p.duration()),
        format!("f.yaml:1:4: a: the string \"9999999999h\" is too long for a duration; {advice}")
    );
}

#[test]
fn addresses_are_numeric_or_localhost() {
    assert_eq!(taken("'[::1]:4317'", |p| p.address()).port(), 4317);
    assert_eq!(
        taken("localhost:1", |p| p.address()).to_string(),
        "127.0.0.1:1"
    );
    assert_eq!(
        refused("example.com:1", |p| p.address()),
        "f.yaml:1:4: a: expected an IP address and a port, found \"example.com:1\"; \
         write it like 127.0.0.1:4317, 0.0.0.0:4317 or [::1]:4317"
    );
    assert_eq!(
        refused("':4317'", |p| p.address()),
        "f.yaml:1:4: a: expected an IP address and a port, found \":4317\"; \
         for all interfaces write 0.0.0.0:4317"
    );
}

#[test]
fn choices_propose_the_nearest_name_or_list_all() {
    let choices = [("gzip", 1), ("zstd", 2)];
    assert_eq!(taken("zstd", |p| p.choice(&choices)), 2);
    assert_eq!(
        refused("GZIP", |p| p.choice(&choices)),
        "f.yaml:1:4: a: unknown value \"GZIP\"; did you mean \"gzip\"?"
    );
    assert_eq!(
        refused("brotli", |p| p.choice(&choices)),
        "f.yaml:1:4: a: unknown value \"brotli\"; one of: gzip, zstd"
    );
}

#[test]
fn integers_of_the_policy_file_are_cut_and_wrapped_as_the_collector_does() {
    let cases = [
        ("5", 5, 0),
        ("2.0", 2, 0),
        ("0.5", 0, 1),
        ("-1.9", -1, 1),
        ("9223372036854775808", i64::MIN, 1),
        (".inf", i64::MIN, 1),
    ];
    for (value, number, warnings) in cases {
        let (result, findings) = read(value, |p| p.collector_integer());
        assert_eq!(result, Some(number), "{value}");
        assert_eq!(findings.len(), warnings, "{value}: {findings:?}");
    }
    let (_, findings) = read("0.5", |p| p.collector_integer());
    assert_eq!(
        findings[0],
        "f.yaml:1:4: a: the number 0.5 is taken as 0, as the collector does; write a whole number"
    );
}

#[test]
fn strings_where_numbers_belong_are_refused_with_the_likely_slip() {
    let cases = [
        ("'100'", "remove the quotes: 100"),
        ("10%", "write 10 without the percent sign"),
        ("5s", "write a number without the unit \"s\""),
    ];
    for (value, advice) in cases {
        let error = refused(value, |p| p.collector_float());
        assert!(error.ends_with(&format!("; {advice}")), "{error}");
    }
    assert_eq!(
        refused("many", |p| p.collector_unsigned()),
        "f.yaml:1:4: a: expected a number, found the string \"many\""
    );
    assert_eq!(
        refused("-3", |p| p.collector_unsigned()),
        "f.yaml:1:4: a: must not be negative"
    );
    assert_eq!(
        refused(".nan", |p| p.collector_float()),
        "f.yaml:1:4: a: expected a number, found the number .nan"
    );
}

#[test]
fn a_bare_number_is_nanoseconds_in_the_policy_file() {
    assert_eq!(taken("2000000", |p| p.collector_duration_ns()), 2_000_000);
    assert_eq!(taken("-5s", |p| p.collector_duration_ns()), -5_000_000_000);
    let (result, findings) = read("30", |p| p.collector_duration_ns());
    assert_eq!(result, Some(30));
    assert_eq!(
        findings,
        [
            "f.yaml:1:4: a: the number 30 without unit is taken as nanoseconds; did you mean 30s or 30ms?"
        ]
    );
}

#[test]
fn a_string_for_a_list_is_split_at_commas_as_the_collector_does() {
    let strings = |value: &str| {
        let (strings, findings) = read(value, |place| {
            let strings = place.collector_strings();
            let texts = strings.into_iter().map(|(text, _)| text.to_owned());
            texts.collect::<Vec<_>>()
        });
        assert!(findings.is_empty(), "{findings:?}");
        strings
    };
    assert_eq!(strings("ERROR"), ["ERROR"]);
    assert_eq!(strings("'ERROR,OK'"), ["ERROR", "OK"]);
    assert_eq!(strings("['a,b', c]"), ["a,b", "c"]);
    assert!(strings("''").is_empty());
}
