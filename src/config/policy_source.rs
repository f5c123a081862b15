//! Where the policies come from: a file, a folder of files, or the built-in set.
//!
//! Of a folder its files `*.yaml` and `*.yml` are read in the order of their names, hidden ones left out, and taken as
//! one policy file. Bounded: [`FILES_MAX`] files, [`FILE_BYTES_MAX`] of them together.
//!
//! Reading comes in two steps, so that what has not changed is not parsed, and what is parsed is what was compared: a
//! [`Snapshot`] of the texts with their hash, and what they say. Modules of plugins belong to what is compared; which
//! they are is known once the texts have been parsed.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::environment::{self, Lookup};
use super::finding::{ConfigErrors, Findings, Warning};
use super::modules::{ModuleFile, Modules};
use super::policy_file::{self, DEFAULT_POLICIES, PolicyFile};
use super::server::PolicySource;
use super::yaml::FILE_BYTES_MAX;
use crate::sampler::wasm;

/// Most policy files in a folder.
pub const FILES_MAX: usize = 1_000;

/// What messages call [`DEFAULT_POLICIES`].
const BUILT_IN_NAME: &str = "policies/default.yaml";

/// The texts of a source at one moment, or why they cannot be read.
#[derive(Debug)]
pub struct Snapshot {
    /// The files, in the order that they are read in; empty for the built-in policies and where none could be found.
    pub files: Vec<PathBuf>,
    /// SHA-256 in hex. Of one file it is that of its content, as `sha256sum` prints it; of several that of the lines
    /// that `sha256sum` prints of them within their folder; of an unreadable source that of the reason. With plugins, it
    /// is that of lines with this hash and those of the modules.
    pub hash: String,
    /// The same without modules.
    texts_hash: String,
    /// Each with the name that messages call it.
    texts: Result<Vec<(String, String)>, ConfigErrors>,
}

/// Policies that can be put in force.
#[derive(Debug)]
pub struct Loaded {
    /// What the source says.
    pub file: PolicyFile,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
    /// As [`Snapshot::files`].
    pub files: Vec<PathBuf>,
    /// As [`Snapshot::hash`].
    pub hash: String,
    /// The modules read.
    pub modules: Known,
}

/// Policies that cannot be put in force. Displayed as its errors, one a line.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Everything that is wrong.
    pub errors: ConfigErrors,
    /// As [`Snapshot::files`].
    pub files: Vec<PathBuf>,
    /// As [`Snapshot::hash`].
    pub hash: String,
    /// The modules read, or sought.
    pub modules: Known,
}

/// The modules that some texts lead to.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<Read>);

#[derive(Debug, Default)]
struct Read {
    texts_hash: String,
    files: Vec<ModuleFile>,
}

/// Reads a source with the environment of this process.
///
/// # Errors
/// Everything that is wrong with it, in all of its files.
pub fn read(source: &PolicySource) -> Result<Loaded, Rejected> {
    Snapshot::of(source, &[]).parse(&environment::of_process)
}

impl Known {
    /// Where they are.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.files.iter().map(|file| file.path.as_path())
    }
}

impl Snapshot {
    /// What stands there now. `known` tells which modules belong to texts that were parsed before.
    #[must_use]
    pub fn of(source: &PolicySource, known: &[&Known]) -> Self {
        let mut snapshot = Self::of_texts(source);
        let mut known = known.iter();
        if let Some(known) = known.find(|known| known.0.texts_hash == snapshot.texts_hash) {
            let files: Vec<ModuleFile> = known.0.files.iter().map(ModuleFile::again).collect();
            snapshot.hash = hash_with(&snapshot.texts_hash, &files);
        }
        snapshot
    }

    fn of_texts(source: &PolicySource) -> Self {
        match &source.0 {
            None => {
                let text = DEFAULT_POLICIES.to_owned();
                Self::new(Vec::new(), Ok(vec![(BUILT_IN_NAME.to_owned(), text)]))
            }
            Some(path) if path.is_dir() => match files_of(path) {
                Ok(files) => {
                    let texts = read_all(path, &files);
                    Self::new(files, texts)
                }
                Err(errors) => Self::new(Vec::new(), Err(errors)),
            },
            Some(path) => {
                let text = super::read_text(path);
                let texts = text.map(|text| vec![(path.display().to_string(), text)]);
                Self::new(vec![path.clone()], texts)
            }
        }
    }

    fn new(files: Vec<PathBuf>, texts: Result<Vec<(String, String)>, ConfigErrors>) -> Self {
        let hash = match &texts {
            Ok(texts) => match texts.as_slice() {
                [(_, text)] => sha256(text),
                texts => {
                    let lines = files.iter().zip(texts).map(|(file, (_, text))| {
                        let name = file.file_name().unwrap_or_default();
                        format!("{}  {}\n", sha256(text), name.display())
                    });
                    sha256(&lines.collect::<String>())
                }
            },
            Err(errors) => sha256(&errors.to_string()),
        };
        Self {
            files,
            texts_hash: hash.clone(),
            hash,
            texts,
        }
    }

    /// Whether a file has no content at all, as while it is being written.
    #[must_use]
    pub fn has_empty_file(&self) -> bool {
        let mut texts = self.texts.iter().flatten();
        texts.any(|(_, text)| text.is_empty())
    }

    /// What the texts say.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn parse(self, lookup: Lookup<'_>) -> Result<Loaded, Rejected> {
        let Self {
            files,
            texts_hash,
            texts,
            ..
        } = self;
        // All files of a folder are in one folder.
        let first = files.first().map(|file| file.display().to_string());
        let modules = Rc::new(Modules::of(&first.unwrap_or_default()));
        let parsed = texts.and_then(|texts| policy_file::parse_all(&texts, lookup, &modules));
        let modules = Rc::into_inner(modules).map(Modules::into_files);
        let modules = modules.unwrap_or_default();
        let hash = hash_with(&texts_hash, &modules);
        let modules = Known(Arc::new(Read {
            texts_hash,
            files: modules,
        }));
        match parsed {
            Ok(checked) => Ok(Loaded {
                file: checked.config,
                warnings: checked.warnings,
                files,
                hash,
                modules,
            }),
            Err(errors) => Err(Rejected {
                errors,
                files,
                hash,
                modules,
            }),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errors.fmt(f)
    }
}

impl std::error::Error for Rejected {}

/// The policy files of a folder in the order of their names; at least one.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, ConfigErrors> {
    let wrong = |problem: String, advice: &str| {
        let findings = Findings::new(&folder.display().to_string());
        findings.error(None, "", problem, advice);
        findings.conclude(None::<()>).err()
    };
    let mut files = Vec::new();
    let outcome = std::fs::read_dir(folder).and_then(|entries| {
        for entry in entries {
            let path = entry?.path();
            if path.file_name().is_some_and(is_policy_file) && !path.is_dir() {
                files.push(path);
            }
        }
        Ok(())
    });
    let error = match outcome {
        Err(error) => wrong(format!("cannot be read: {error}"), ""),
        Ok(()) if files.is_empty() => {
            let advice = "add a file whose name ends in .yaml or .yml";
            wrong("holds no policy file".to_owned(), advice)
        }
        Ok(()) if files.len() > FILES_MAX => {
            let problem = format!("holds {} policy files", files.len());
            wrong(problem, &format!("at most {FILES_MAX}"))
        }
        Ok(()) => None,
    };
    files.sort();
    error.map_or(Ok(files), Err)
}

fn is_policy_file(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"))
}

/// The texts of a folder's files; all that cannot be read are told.
fn read_all(folder: &Path, files: &[PathBuf]) -> Result<Vec<(String, String)>, ConfigErrors> {
    let mut texts = Vec::with_capacity(files.len());
    let mut failed: Option<ConfigErrors> = None;
    let mut bytes = 0;
    for file in files {
        match super::read_text(file) {
            Ok(text) => {
                bytes += text.len();
                texts.push((file.display().to_string(), text));
            }
            Err(errors) => match &mut failed {
                Some(failed) => failed.errors.extend(errors.errors),
                None => failed = Some(errors),
            },
        }
        if bytes > FILE_BYTES_MAX {
            let findings = Findings::new(&folder.display().to_string());
            let limit = super::decode::format_bytes(FILE_BYTES_MAX as u64);
            let problem = format!("its policy files together are longer than {limit}");
            findings.error(None, "", problem, "");
            return findings.conclude(None).map(|checked| checked.config);
        }
    }
    failed.map_or(Ok(texts), Err)
}

fn sha256(text: &str) -> String {
    wasm::sha256(text.as_bytes())
}

/// The hash of texts and modules together.
fn hash_with(texts_hash: &str, modules: &[ModuleFile]) -> String {
    if modules.is_empty() {
        return texts_hash.to_owned();
    }
    // Replicas may have them in folders of their own.
    let hashes = modules.iter().map(|module| module.sha256.as_str());
    let hashes: Vec<&str> = std::iter::once(texts_hash).chain(hashes).collect();
    sha256(&hashes.join("\n"))
}

#[cfg(test)]
mod tests;
