//! Test files of policies: traces in a short form or in files, and what must become of each.
//!
//! `docs/testing-policies.md` is the reference. Traces come out as OTLP with times relative to their own start and
//! without trace IDs where the file gives none: whoever runs the tests stamps both.

mod expected;
mod short_span;
mod span_ids;
mod trace;

pub use expected::{Expected, Wanted};
pub use trace::{Source, TestTrace};

use std::path::{Path, PathBuf};

use super::decode::Place;
use super::environment::{self, Lookup};
use super::finding::{Checked, ConfigErrors, Findings};
use super::policy_source;
use super::server::PolicySource;
use super::yaml::{self, Node, Value};
use super::{PolicyFile, Position, policy_file};

/// 2000-01-01T00:00:00Z: a whole second at which no policy has expired.
const START_UNIX_NS_DEFAULT: u64 = 946_684_800_000_000_000;

/// Most tests in a file.
const TESTS_MAX: usize = 10_000;

/// A test file.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyTestFile {
    /// The policies tested, from their own file or from this one.
    pub policies: PolicyFile,
    /// `start`: the time of day at which each test starts, in nanoseconds since the Unix epoch.
    pub start_unix_ns: u64,
    /// `tests`, in the order of the file; never empty.
    pub tests: Vec<PolicyTest>,
}

/// One test: traces decided one after another by fresh policies.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyTest {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub position: Position,
    /// `traces`, in order of time; never empty.
    pub traces: Vec<TestTrace>,
}

/// Reads a test file, and the policies that it names, with the environment of this process.
///
/// # Errors
/// Everything that is wrong with either.
pub fn read(path: &Path) -> Result<Checked<PolicyTestFile>, ConfigErrors> {
    let text = super::read_text(path)?;
    parse(&path.display().to_string(), &text, &environment::of_process)
}

/// Reads the text of a test file; `file_name` is what messages call it, and what paths in it are relative to.
///
/// # Errors
/// Those of [`read`].
pub fn parse(
    file_name: &str,
    text: &str,
    lookup: Lookup<'_>,
) -> Result<Checked<PolicyTestFile>, ConfigErrors> {
    let findings = Findings::new(file_name);
    let folder = Path::new(file_name).parent().unwrap_or(Path::new(""));
    let mut of_policies = Vec::new();
    let file = yaml::parse(text, &findings).map(|mut root| {
        expand_policies(&mut root, lookup, &findings);
        let place = Place::new(&root, "", &findings);
        test_file(&place, folder, lookup, &mut of_policies)
    });
    let concluded = findings.conclude(file);
    if of_policies.is_empty() {
        return concluded;
    }
    let mut errors = concluded.err().unwrap_or(ConfigErrors {
        errors: Vec::new(),
        warnings: Vec::new(),
    });
    errors.errors.extend(of_policies);
    Err(errors)
}

/// Variables stand in policies only: elsewhere a `$` is a `$`.
fn expand_policies(root: &mut Node, lookup: Lookup<'_>, findings: &Findings) {
    if let Value::Mapping(entries) = &mut root.value
        && let Some(entry) = entries
            .iter_mut()
            .find(|entry| entry.key.text == "policies")
    {
        environment::expand(&mut entry.value, "policies", lookup, findings);
    }
}

fn test_file(
    root: &Place<'_>,
    folder: &Path,
    lookup: Lookup<'_>,
    of_policies: &mut Vec<super::Finding>,
) -> PolicyTestFile {
    let mut fields = root.fields();
    let policies = match fields.take("policies") {
        Some(place) => policies(&place, folder, lookup, of_policies),
        None => {
            let advice = "name a policy file, relative to this one: policies: ../policies.yaml";
            root.error("policies are missing", advice);
            PolicyFile::default()
        }
    };
    let mut start_unix_ns = START_UNIX_NS_DEFAULT;
    fields.set("start", &mut start_unix_ns, Place::timestamp_unix_ns);
    let tests = match fields.take("tests") {
        Some(place) => tests(&place, folder),
        None => {
            root.error("there are no tests", "add them under tests:");
            Vec::new()
        }
    };
    fields.finish();
    PolicyTestFile {
        policies,
        start_unix_ns,
        tests,
    }
}

/// A path, a list of policies, or a whole policy file.
fn policies(
    place: &Place<'_>,
    folder: &Path,
    lookup: Lookup<'_>,
    of_policies: &mut Vec<super::Finding>,
) -> PolicyFile {
    if place.is_list() || place.is_mapping() {
        return policy_file::inline(place);
    }
    let Some(path) = place.non_empty_text() else {
        return PolicyFile::default();
    };
    let source = PolicySource(Some(folder.join(PathBuf::from(path))));
    match policy_source::Snapshot::of(&source, &[]).parse(lookup) {
        Ok(loaded) => loaded.file,
        Err(rejected) => {
            of_policies.extend(rejected.errors.errors);
            PolicyFile::default()
        }
    }
}

fn tests(place: &Place<'_>, folder: &Path) -> Vec<PolicyTest> {
    let items = place.strict_items();
    if items.is_empty() {
        place.error("there are no tests", "");
    }
    if items.len() > TESTS_MAX {
        place.error(
            format!("{} tests", items.len()),
            format!("at most {TESTS_MAX}"),
        );
        return Vec::new();
    }
    items.iter().map(|item| test(item, folder)).collect()
}

fn test(place: &Place<'_>, folder: &Path) -> PolicyTest {
    let mut fields = place.fields();
    let name = match fields.take("name") {
        Some(name) => name.non_empty_text().unwrap_or_default().to_owned(),
        None => {
            place.error("a test needs a name", "say what holds: errors are kept");
            String::new()
        }
    };
    let traces = fields.take("traces");
    let traces = match &traces {
        Some(traces) => trace::traces(traces, folder),
        None => {
            place.error("a test needs traces", "");
            Vec::new()
        }
    };
    fields.finish();
    PolicyTest {
        name,
        position: place.position(),
        traces,
    }
}

#[cfg(test)]
mod tests;
