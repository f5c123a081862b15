//! Files that a policy file refers to: plugins' modules. Read once, and remembered by their hash, so that a change of
//! theirs is a change of the policies.
//!
//! Their paths are relative to the folder of the policy file. Bounded: [`MODULES_MAX`] in a policy file, each as large
//! as its policy's `limits.binary` says.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sampler::wasm::sha256;

/// Most policies of type `wasm` in a policy file: each has an instance in every shard.
pub const MODULES_MAX: usize = 64;

/// A module as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its content in hex; empty where it could not be read.
    pub sha256: String,
    stamp: Option<Stamp>,
}

/// What changes when a file does, short of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The modules that are read with a policy file.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    folder: PathBuf,
    read: RefCell<Vec<ModuleFile>>,
}

/// A module could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModuleError {
    #[error("there are more than {MODULES_MAX} policies of type wasm")]
    TooMany,
    #[error("{0} cannot be read: {1}")]
    Io(String, io::Error),
    #[error("{0} is larger than limits.binary")]
    TooLarge(String),
}

impl Modules {
    /// Those of a policy file of this name.
    pub(crate) fn of(file_name: &str) -> Self {
        let folder = Path::new(file_name).parent().map(Path::to_owned);
        Self {
            folder: folder.unwrap_or_default(),
            read: RefCell::default(),
        }
    }

    /// The content of a module of at most `bytes_max`, and its SHA-256 in hex.
    pub(crate) fn read(
        &self,
        module: &Path,
        bytes_max: u64,
    ) -> Result<(Vec<u8>, String), ModuleError> {
        if self.read.borrow().len() >= MODULES_MAX {
            return Err(ModuleError::TooMany);
        }
        let path = self.folder.join(module);
        let name = path.display().to_string();
        let content = content(&path, bytes_max);
        let (stamp, sha256) = match &content {
            Ok((bytes, stamp)) => (Some(stamp.clone()), sha256(bytes)),
            Err(_) => (None, String::new()),
        };
        self.read.borrow_mut().push(ModuleFile {
            path,
            sha256: sha256.clone(),
            stamp,
        });
        let (bytes, _) = content.map_err(|error| ModuleError::Io(name.clone(), error))?;
        if bytes.len() as u64 > bytes_max {
            return Err(ModuleError::TooLarge(name));
        }
        Ok((bytes, sha256))
    }

    /// All that were read, or should have been.
    pub(crate) fn into_files(self) -> Vec<ModuleFile> {
        self.read.into_inner()
    }
}

impl ModuleFile {
    /// The file as it is now. It is read only if something else about it has changed.
    pub(super) fn again(&self) -> Self {
        let metadata = std::fs::metadata(&self.path);
        let stamp = metadata.ok().map(|metadata| Stamp::of(&metadata));
        if stamp.is_some() && stamp == self.stamp {
            return self.clone();
        }
        // What is too large is as good as any other file that is.
        let content = content(&self.path, BYTES_COMPARED_MAX);
        let (stamp, sha256) = match content {
            Ok((bytes, stamp)) => (Some(stamp), sha256(&bytes)),
            Err(_) => (None, String::new()),
        };
        let path = self.path.clone();
        Self {
            path,
            sha256,
            stamp,
        }
    }
}

/// Of a file that is larger, its beginning stands for the whole: none may be so large.
const BYTES_COMPARED_MAX: u64 = 256 << 20;

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// At most one byte more than `bytes_max`, and the stamp from before they were read.
fn content(path: &Path, bytes_max: u64) -> io::Result<(Vec<u8>, Stamp)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes, stamp))
}
