//! The tree: positions, meanings of scalars, aliases, merge keys, limits.

use super::{NODES_MAX, Node, Resolved, Value, parse};
use crate::config::finding::Findings;

fn tree(text: &str) -> Node {
    let findings = Findings::new("f.yaml");
    let node = parse(text, &findings);
    findings.conclude(node).unwrap().config
}

fn errors(text: &str) -> String {
    let findings = Findings::new("f.yaml");
    let node = parse(text, &findings);
    findings.conclude(node).unwrap_err().to_string()
}

fn get<'n>(node: &'n Node, path: &[&str]) -> &'n Node {
    path.iter().fold(node, |node, key| match &node.value {
        Value::Mapping(entries) => {
            let found = entries.iter().find(|entry| entry.key.text == **key);
            &found.unwrap_or_else(|| panic!("no {key}")).value
        }
        Value::Sequence(items) => &items[key.parse::<usize>().unwrap()],
        Value::Scalar(_) => panic!("{key} of a scalar"),
    })
}

fn meaning<'n>(node: &'n Node, path: &[&str]) -> Resolved<'n> {
    match &get(node, path).value {
        Value::Scalar(scalar) => scalar.resolve(),
        _ => panic!("no scalar at {path:?}"),
    }
}

fn place(node: &Node, path: &[&str]) -> (usize, usize) {
    let position = get(node, path).position;
    (position.line, position.column)
}

#[test]
fn every_value_knows_its_line_and_column() {
    let node = tree("# head\na: 1\nb:\n  - x\n  - {c: [7, 'q']}\nd:\n  e:\n    f: |\n      text\n");
    assert_eq!(place(&node, &["a"]), (2, 4));
    assert_eq!(place(&node, &["b", "0"]), (4, 5));
    assert_eq!(place(&node, &["b", "1"]), (5, 5));
    assert_eq!(place(&node, &["b", "1", "c", "1"]), (5, 13));
    assert_eq!(place(&node, &["d", "e"]), (8, 5));
    assert_eq!(place(&node, &["d", "e", "f"]), (9, 7));
}

#[test]
fn nothing_stands_where_its_key_stands() {
    let node = tree("a:\n  b:\n  c: ~\n");
    assert_eq!(place(&node, &["a", "b"]), (2, 3));
    assert_eq!(place(&node, &["a", "c"]), (3, 6));
}

#[test]
fn columns_count_characters_not_bytes() {
    let node = tree("{ü: ä, b: 1}");
    assert_eq!(place(&node, &["b"]), (1, 11));
}

#[test]
fn plain_scalars_mean_what_the_collectors_library_takes_them_for() {
    let meanings = [
        ("5", Resolved::Int(5)),
        ("-5", Resolved::Int(-5)),
        ("+5", Resolved::Int(5)),
        ("50_000", Resolved::Int(50_000)),
        ("0x1F", Resolved::Int(31)),
        ("-0x1F", Resolved::Int(-31)),
        ("0o17", Resolved::Int(15)),
        ("017", Resolved::Int(15)),
        ("0b101", Resolved::Int(5)),
        (
            "18446744073709551615",
            Resolved::Int(18_446_744_073_709_551_615),
        ),
        (
            "18446744073709551616",
            Resolved::Float(18_446_744_073_709_551_616.0),
        ),
        ("08", Resolved::Float(8.0)),
        ("1.5", Resolved::Float(1.5)),
        (".5", Resolved::Float(0.5)),
        ("1e3", Resolved::Float(1000.0)),
        (".inf", Resolved::Float(f64::INFINITY)),
        ("-.Inf", Resolved::Float(f64::NEG_INFINITY)),
        ("true", Resolved::Bool(true)),
        ("False", Resolved::Bool(false)),
        ("~", Resolved::Null),
        ("null", Resolved::Null),
        ("yes", Resolved::Text("yes")),
        ("on", Resolved::Text("on")),
        ("1.2.3", Resolved::Text("1.2.3")),
        ("5s", Resolved::Text("5s")),
        ("inf", Resolved::Text("inf")),
        ("127.0.0.1:4317", Resolved::Text("127.0.0.1:4317")),
        ("0x", Resolved::Text("0x")),
        ("0x-5", Resolved::Text("0x-5")),
    ];
    for (text, meaning_of_text) in meanings {
        let node = tree(&format!("a: {text}"));
        assert_eq!(meaning(&node, &["a"]), meaning_of_text, "{text}");
    }
}

#[test]
fn quotes_and_blocks_and_the_string_tag_make_strings() {
    for value in ["'5'", "\"5\"", "!!str 5", "|-\n  5", ">-\n  5"] {
        let node = tree(&format!("a: {value}"));
        assert_eq!(meaning(&node, &["a"]), Resolved::Text("5"), "{value}");
    }
    assert_eq!(
        meaning(&tree("a: ''"), &["a"]),
        Resolved::Text(""),
        "an empty string is not null"
    );
}

#[test]
fn an_empty_file_is_null() {
    for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}"] {
        assert!(tree(text).is_null(), "{text:?}");
    }
}

#[test]
fn an_alias_is_a_copy_at_the_place_of_the_original() {
    let node = tree("a: &x {k: 1}\nb: *x\nc: [*x]\n");
    assert_eq!(meaning(&node, &["b", "k"]), Resolved::Int(1));
    assert_eq!(place(&node, &["c", "0", "k"]), (1, 11));
}

#[test]
fn a_merge_key_adds_what_the_mapping_does_not_have_itself() {
    let node = tree("d: &d {x: 1, y: 2}\na:\n  y: 3\n  <<: *d\n");
    assert_eq!(meaning(&node, &["a", "x"]), Resolved::Int(1));
    assert_eq!(meaning(&node, &["a", "y"]), Resolved::Int(3));
}

#[test]
fn the_earlier_of_several_merged_mappings_wins() {
    let node = tree("d: &d {x: 1}\ne: &e {x: 2, y: 2}\na: {<<: [*d, *e]}\n");
    assert_eq!(meaning(&node, &["a", "x"]), Resolved::Int(1));
    assert_eq!(meaning(&node, &["a", "y"]), Resolved::Int(2));
}

#[test]
fn a_quoted_merge_key_is_an_ordinary_key() {
    let node = tree("'<<': 5");
    assert_eq!(meaning(&node, &["<<"]), Resolved::Int(5));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases = [
        (
            "a: 1\nb: 2\na: 3\n",
            "f.yaml:3:1: a: this key stands already at 1:1; keep one of them",
        ),
        (
            "x:\n  <<: 5\n",
            "f.yaml:2:7: <<: expected a mapping, found the number 5; \
             << takes a mapping or a list of mappings, for example *defaults",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "f.yaml:2:1: a second document starts here; a file holds one",
        ),
        (
            "{[a]: 1}",
            "f.yaml:1:2: a key must be a scalar, not a list or a mapping",
        ),
        (
            "a: !secret x",
            "f.yaml:1:4: the tag !secret is not supported",
        ),
        (
            "a: &x [*x]",
            "f.yaml:1:8: this alias stands within its own anchor",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(errors(text), message);
    }
}

#[test]
fn every_doubled_key_is_reported() {
    let text = "a: {x: 1, x: 2}\nb: {y: 1, y: 2, y: 3}\n";
    let columns = [(1, 11), (2, 11), (2, 17)];
    let errors = errors(text);
    assert_eq!(errors.lines().count(), columns.len());
    for ((line, column), error) in columns.iter().zip(errors.lines()) {
        assert!(
            error.starts_with(&format!("f.yaml:{line}:{column}: ")),
            "{error}"
        );
    }
}

#[test]
fn broken_yaml_is_told_with_its_place() {
    for text in ["policies: [", "a: 'x", "a: b: c", "a: *nowhere"] {
        let error = errors(text);
        assert!(error.starts_with("f.yaml:"), "{error}");
        assert!(error.contains(": not valid YAML: "), "{error}");
    }
}

#[test]
fn an_alias_bomb_is_refused_before_it_takes_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let aliases = [alias.as_str(); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(errors(&text).contains("too large with its aliases expanded"));
}

#[test]
fn a_bomb_of_text_is_refused_as_well() {
    let long = "x".repeat(1 << 20);
    let aliases = ["*a"; 40].join(", ");
    let text = format!("a: &a {long}\nb: [{aliases}]\n");
    assert!(errors(&text).contains("too large with its aliases expanded"));
}

#[test]
fn many_values_without_aliases_are_bounded_too() {
    let text = format!("[{}]", "1,".repeat(NODES_MAX + 1));
    assert!(errors(&text).contains(&format!("more than {NODES_MAX} values")));
}

#[test]
fn deep_nesting_is_refused_written_out_or_by_aliases() {
    let text = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    assert_eq!(
        errors(&text),
        "f.yaml:1:65: nested more than 64 levels deep"
    );
    // The scanner looks ahead, so its own limit is met first.
    let text = "[".repeat(100_000);
    assert_eq!(
        errors(&text),
        "f.yaml:1:256: not valid YAML: recursion limit exceeded"
    );
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..70 {
        text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(errors(&text).contains("nested more than 64 levels deep"));
}

#[test]
fn a_file_above_the_limit_is_not_even_parsed() {
    let text = "#".repeat(super::FILE_BYTES_MAX + 1);
    assert_eq!(errors(&text), "f.yaml: is longer than 4MiB");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-z0-9{}\\[\\]:,&*!|>'\"#?\n <~$%@.\\-\t]|\\PC){0,80}") {
        let findings = Findings::new("f.yaml");
        let _ = parse(&text, &findings);
    }
}
