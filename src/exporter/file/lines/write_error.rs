//! What can go wrong with the files of a folder.

use std::io;
use std::path::PathBuf;

/// An operation on the folder that failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::exporter::file) enum WriteError {
    /// The folder could not be made.
    #[error("cannot create the folder `{}`", path.display())]
    CreateFolder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The folder could not be listed.
    #[error("cannot list the folder `{}`", path.display())]
    List {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A new file could not be made.
    #[error("cannot create `{}`", path.display())]
    CreateFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A line could not be written.
    #[error("cannot write to `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A half-written line could not be cut off.
    #[error("cannot cut a half-written line off `{}`", path.display())]
    Truncate {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}
