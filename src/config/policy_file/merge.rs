//! Several policy files as one: their `policies` in the order of the files, every other key from the file that has it.
//!
//! The trees are joined before they are decoded, so that no key but `policies` is known here. The lines of each file
//! are moved behind those of the files before it, which tells where a value came from; what is found in the whole is
//! told in the file's own lines and its own numbers of policies.

use std::collections::HashMap;

use super::{body, policy_file};
use crate::config::decode::{Place, join};
use crate::config::environment::{self, Lookup};
use crate::config::finding::{
    Checked, ConfigErrors, FINDINGS_MAX, Finding, Findings, Position, Warning,
};
use crate::config::policy_file::PolicyFile;
use crate::config::yaml::{self, Entry, Key, Node, Value};

/// The files joined so far.
struct Joined<'a> {
    sources: Vec<Source<'a>>,
    /// In lines of the whole.
    findings: Findings,
    /// Of single files: what kept their settings from being found.
    own_errors: Vec<Finding>,
    own_warnings: Vec<Warning>,
    /// All keys but `policies`.
    entries: Vec<Entry>,
    policies: Vec<Node>,
    /// The first file's.
    policies_key: Option<Key>,
}

/// A file and where its part of the whole begins.
struct Source<'a> {
    name: &'a str,
    lines_before: usize,
    policies_before: usize,
    /// Path of the settings in the file: `tail_sampling`, say.
    path: String,
}

/// Reads the texts of policy files, each with the name that messages call it, as one policy file.
///
/// # Errors
/// Everything that is wrong with them: a key that has different values in two files, a policy's name that stands twice,
/// and what is wrong with each.
pub(in crate::config) fn parse_all(
    files: &[(String, String)],
    lookup: Lookup<'_>,
) -> Result<Checked<PolicyFile>, ConfigErrors> {
    if let [(name, text)] = files {
        return super::parse(name, text, lookup);
    }
    let mut joined = Joined {
        sources: Vec::with_capacity(files.len()),
        findings: Findings::new(""),
        own_errors: Vec::new(),
        own_warnings: Vec::new(),
        entries: Vec::new(),
        policies: Vec::new(),
        policies_key: None,
    };
    let mut lines = 0;
    for (name, text) in files {
        joined.add(name, text, lines);
        lines += text.matches(['\n', '\r']).count() + 1;
    }
    joined.decode(lookup)
}

impl<'a> Joined<'a> {
    fn add(&mut self, name: &'a str, text: &str, lines_before: usize) {
        let own = Findings::new(name);
        let found = yaml::parse(text, &own).and_then(|root| body::find(root, &own));
        let found = found.filter(|(body, path)| {
            // Reports what is no mapping.
            let is_usable = body.is_null() || matches!(body.value, Value::Mapping(_));
            if !is_usable {
                Place::new(body, path, &own).fields();
            }
            is_usable
        });
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

    fn add_entry(&mut self, entry: Entry) {
        if entry.key.text == "policies" {
            Place::new(&entry.value, "policies", &self.findings).strict_items();
            self.policies_key.get_or_insert(entry.key);
            if let Value::Sequence(policies) = entry.value.value {
                self.policies.extend(policies);
            }
            return;
        }
        let known = |other: &&mut Entry| other.key.text == entry.key.text;
        let Some(first) = self.entries.iter_mut().find(known) else {
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
            let problem = format!("has another value in {}", self.place_of(first_at));
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
            if self.index_of(first) != self.index_of(policy.position) {
                let place = Place::new(policy, &format!("policies[{index}]"), &self.findings);
                let problem = format!("a policy of this name stands in {}", self.place_of(first));
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
        let told = |finding| in_its_file(&sources, finding);
        own_errors.extend(errors.into_iter().map(told));
        own_warnings.extend(warnings.into_iter().map(told));
        let order = |finding: &Finding| {
            let file = sources.iter().position(|it| it.name == finding.file);
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

    fn index_of(&self, position: Position) -> usize {
        index_of(&self.sources, position)
    }

    /// `file:line:column` of a position in the whole.
    fn place_of(&self, position: Position) -> String {
        let Some(source) = self.sources.get(self.index_of(position)) else {
            return String::new();
        };
        let Position { line, column } = position;
        format!("{}:{}:{column}", source.name, line - source.lines_before)
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

fn index_of(sources: &[Source<'_>], position: Position) -> usize {
    let before = sources.partition_point(|source| source.lines_before < position.line);
    before.saturating_sub(1)
}

/// A finding about the whole, as one about the file that it comes from.
fn in_its_file(sources: &[Source<'_>], mut finding: Finding) -> Finding {
    let position = finding.position.unwrap_or(Position { line: 1, column: 1 });
    let Some(source) = sources.get(index_of(sources, position)) else {
        return finding;
    };
    source.name.clone_into(&mut finding.file);
    if let Some(position) = &mut finding.position {
        position.line -= source.lines_before;
    }
    let key = own_number(&finding.key, source.policies_before).unwrap_or(finding.key);
    finding.key = match key.as_str() {
        "" => source.path.clone(),
        key => join(&source.path, key),
    };
    finding
}

/// `policies[1].name` for `policies[3].name` when two policies stand in files before.
fn own_number(key: &str, policies_before: usize) -> Option<String> {
    let (number, rest) = key.strip_prefix("policies[")?.split_once(']')?;
    let number = number.parse::<usize>().ok()?.checked_sub(policies_before)?;
    Some(format!("policies[{number}]{rest}"))
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
            let twin = |entry: &Entry| {
                let mut others = other.iter();
                let twin = others.find(|other| other.key.text == entry.key.text);
                twin.is_some_and(|twin| says_the_same(&entry.value, &twin.value))
            };
            one.len() == other.len() && one.iter().all(twin)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
