//! Several policy files as one: their `policies` in the order of the files, every other key from the file that has it.
//!
//! The trees are joined before they are decoded, so that no key but `policies` is known here. The lines of each file
//! are moved behind those of the files before it, which tells where a value came from; what is found in the whole is
//! told in the file's own lines and its own numbers of policies. All files together are as large as one may be.

mod sources;

use std::collections::HashMap;
use std::rc::Rc;

use sources::{Source, Sources};

use super::{body, policy_file};
use crate::config::decode::Place;
use crate::config::environment::{self, Lookup};
use crate::config::finding::{
    Checked, ConfigErrors, FINDINGS_MAX, Finding, Findings, Position, Warning,
};
use crate::config::modules::Modules;
use crate::config::policy_file::PolicyFile;
use crate::config::yaml::{self, Entry, Key, NODES_MAX, Node, TEXT_BYTES_MAX, Value, weigh};

/// The files joined so far.
struct Joined<'a> {
    sources: Sources<'a>,
    /// In lines of the whole.
    findings: Findings,
    /// Of single files: what kept their settings from being found.
    own_errors: Vec<Finding>,
    own_warnings: Vec<Warning>,
    nodes: usize,
    text_bytes: usize,
    /// All keys but `policies`.
    entries: Vec<Entry>,
    /// Where a key is among them.
    entry_of: HashMap<String, usize>,
    policies: Vec<Node>,
    /// The first file's.
    policies_key: Option<Key>,
}

/// Reads the texts of policy files, each with the name that messages call it, as one policy file; modules that they
/// refer to are read by `modules`.
///
/// # Errors
/// Everything that is wrong with them: a key that has different values in two files, a policy's name that stands twice,
/// and what is wrong with each.
pub(in crate::config) fn parse_all(
    files: &[(String, String)],
    lookup: Lookup<'_>,
    modules: &Rc<Modules>,
) -> Result<Checked<PolicyFile>, ConfigErrors> {
    if let [(name, text)] = files {
        return super::parse_with(name, text, lookup, modules);
    }
    let mut joined = Joined {
        sources: Sources::default(),
        findings: Findings::reading("", modules),
        own_errors: Vec::new(),
        own_warnings: Vec::new(),
        nodes: 0,
        text_bytes: 0,
        entries: Vec::new(),
        entry_of: HashMap::new(),
        policies: Vec::new(),
        policies_key: None,
    };
    let mut lines = 0;
    for (name, text) in files {
        joined.add(name, text, lines);
        // The end of a file may count as a line of its own.
        lines += text.matches(['\n', '\r']).count() + 2;
    }
    joined.decode(lookup)
}

impl<'a> Joined<'a> {
    fn add(&mut self, name: &'a str, text: &str, lines_before: usize) {
        let own = Findings::new(name);
        let found = yaml::parse(text, &own).and_then(|root| body::find(root, &own));
        let found = found.filter(|(body, path)| self.has_room(body, path, &own));
        match own.conclude(Some(())) {
            Ok(checked) => self.own_warnings.extend(checked.warnings),
            Err(errors) => {
                self.own_errors.extend(errors.errors);
                self.own_warnings.extend(errors.warnings);
            }
        }
        let (body, path) =
            found.unwrap_or((Node::null(Position { line: 1, column: 1 }), String::new()));
        self.sources.push(Source {
            name,
            lines_before,
            policies_before: self.policies.len(),
            path,
        });
        if let Value::Mapping(entries) = moved(body, lines_before).value {
            for entry in entries {
                self.add_entry(entry);
            }
        }
    }

    /// Whether there is room for a file's settings; reports it if not. What is no mapping is reported with the rest.
    fn has_room(&mut self, body: &Node, path: &str, own: &Findings) -> bool {
        // Only tells what is no mapping.
        Place::new(body, path, own).fields();
        let weight = weigh(body);
        self.nodes += weight.nodes;
        self.text_bytes += weight.text_bytes;
        if self.nodes > NODES_MAX || self.text_bytes > TEXT_BYTES_MAX {
            let problem = format!(
                "the files together are too large with their aliases expanded: more than {NODES_MAX} values or {TEXT_BYTES_MAX} bytes of text"
            );
            own.error(Some(body.position), path, problem, "");
            return false;
        }
        true
    }

    fn add_entry(&mut self, entry: Entry) {
        if entry.key.text == "policies" {
            Place::new(&entry.value, "policies", &self.findings).strict_items();
            self.policies_key.get_or_insert(entry.key);
            if let Value::Sequence(policies) = entry.value.value {
                self.policies.extend(policies);
            }
            return;
        }
        let index = *self
            .entry_of
            .entry(entry.key.text.clone())
            .or_insert(self.entries.len());
        let Some(first) = self.entries.get_mut(index) else {
            self.entries.push(entry);
            return;
        };
        // A null counts as absent.
        if first.value.is_null() {
            *first = entry;
            return;
        }
        if !entry.value.is_null() && !says_the_same(&first.value, &entry.value) {
            let first_at = first.key.position;
            let problem = format!("has another value in {}", self.sources.place_of(first_at));
            let advice = "set it in one file, or to the same value";
            self.findings
                .error(Some(entry.key.position), &entry.key.text, problem, advice);
        }
    }

    fn decode(mut self, lookup: Lookup<'_>) -> Result<Checked<PolicyFile>, ConfigErrors> {
        let mut entries = std::mem::take(&mut self.entries);
        let position = Position { line: 1, column: 1 };
        if let Some(key) = self.policies_key.take() {
            let value = Node {
                position: key.position,
                value: Value::Sequence(std::mem::take(&mut self.policies)),
            };
            entries.push(Entry { key, value });
        }
        let value = Value::Mapping(entries);
        let mut whole = Node { value, position };
        environment::expand(&mut whole, "", lookup, &self.findings);
        self.report_names_in_two_files(&whole);
        let file = policy_file(&Place::new(&whole, "", &self.findings));
        self.conclude(file)
    }

    /// Names that stand twice in one file are found by its decoding.
    fn report_names_in_two_files(&self, whole: &Node) {
        let Some(Value::Sequence(policies)) = entry_of(whole, "policies") else {
            return;
        };
        let mut first_of: HashMap<&str, Position> = HashMap::new();
        for (index, policy) in policies.iter().enumerate() {
            let Some(Value::Scalar(name)) = entry_of(policy, "name") else {
                continue;
            };
            let first = *first_of.entry(&name.text).or_insert(policy.position);
            if self.sources.index_of(first) != self.sources.index_of(policy.position) {
                let place = Place::new(policy, &format!("policies[{index}]"), &self.findings);
                let problem = format!(
                    "a policy of this name stands in {}",
                    self.sources.place_of(first)
                );
                let advice = "give each policy a name of its own";
                place.deepest(&["name"]).error(problem, advice);
            }
        }
    }

    fn conclude(self, file: PolicyFile) -> Result<Checked<PolicyFile>, ConfigErrors> {
        let Self {
            sources,
            findings,
            mut own_errors,
            mut own_warnings,
            ..
        } = self;
        let (errors, warnings) = match findings.conclude(Some(())) {
            Ok(checked) => (Vec::new(), checked.warnings),
            Err(errors) => (errors.errors, errors.warnings),
        };
        let told = |finding| sources.in_its_file(finding);
        own_errors.extend(errors.into_iter().map(told));
        own_warnings.extend(warnings.into_iter().map(told));
        let order = |finding: &Finding| {
            let file = sources.index_named(&finding.file);
            (file, finding.position)
        };
        own_errors.sort_by_key(order);
        own_warnings.sort_by_key(order);
        own_errors.truncate(FINDINGS_MAX);
        own_warnings.truncate(FINDINGS_MAX);
        if own_errors.is_empty() {
            return Ok(Checked {
                config: file,
                warnings: own_warnings,
            });
        }
        Err(ConfigErrors {
            errors: own_errors,
            warnings: own_warnings,
        })
    }
}

/// The value of a mapping's key.
fn entry_of<'a>(node: &'a Node, key: &str) -> Option<&'a Value> {
    let Value::Mapping(entries) = &node.value else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key.text == key)?;
    Some(&entry.value.value)
}

/// The same tree, further down by `lines`.
fn moved(mut node: Node, lines: usize) -> Node {
    node.position.line += lines;
    node.value = match node.value {
        Value::Sequence(items) => {
            let items = items.into_iter().map(|item| moved(item, lines));
            Value::Sequence(items.collect())
        }
        Value::Mapping(entries) => {
            let entries = entries.into_iter().map(|mut entry| {
                entry.key.position.line += lines;
                entry.value = moved(entry.value, lines);
                entry
            });
            Value::Mapping(entries.collect())
        }
        scalar @ Value::Scalar(_) => scalar,
    };
    node
}

/// Whether two values are the same, wherever they stand.
fn says_the_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Scalar(one), Value::Scalar(other)) => one.resolve() == other.resolve(),
        (Value::Sequence(one), Value::Sequence(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| says_the_same(one, other))
        }
        (Value::Mapping(one), Value::Mapping(other)) => {
            if one.len() != other.len() {
                return false;
            }
            let others = other.iter();
            let others: HashMap<&str, &Node> = others
                .map(|other| (other.key.text.as_str(), &other.value))
                .collect();
            one.iter().all(|entry| {
                let twin = others.get(entry.key.text.as_str());
                twin.is_some_and(|twin| says_the_same(&entry.value, twin))
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
