//! Files of lines in a folder: `kept-000001.otlp.jsonl` and on, rotated by size, the oldest deleted beyond a number.
//!
//! Each run of the process begins a file of its own, so it never appends to what a crash left half-written or what
//! another process writes. Within a run a line is in a file whole or not at all: what a failed write left behind is
//! cut off before the next one.

mod write_error;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tracing::warn;

use self::write_error::WriteError;
use crate::exporter::config::FileConfig;

const PREFIX: &str = "kept-";
const SUFFIX: &str = ".otlp.jsonl";

/// The files of one folder and the one being written.
#[derive(Debug)]
pub(super) struct LineFiles {
    folder: PathBuf,
    rotation_bytes_max: u64,
    files_max: usize,
    current: Option<Current>,
    write: fn(&mut File, &[u8]) -> io::Result<()>,
}

#[derive(Debug)]
struct Current {
    path: PathBuf,
    file: File,
    /// Up to the end of the last whole line.
    size_bytes: u64,
    /// Part of a line may follow.
    half_written: bool,
}

impl LineFiles {
    /// Files in `config.path`; nothing is touched yet.
    pub(super) fn new(config: &FileConfig) -> Self {
        Self {
            folder: config.path.clone(),
            rotation_bytes_max: config.rotation_bytes_max,
            files_max: config.files_max,
            current: None,
            write: |file, line| file.write_all(line),
        }
    }

    /// Writes a line, which ends in a line break, to the present file or a new one.
    ///
    /// # Errors
    /// [`WriteError`]; the line is not in any file then, or will be cut off before the next one is written.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<(), WriteError> {
        let size_bytes_max = self.rotation_bytes_max;
        let full = self
            .current
            .take_if(|current| !current.has_room(line, size_bytes_max));
        if let Some(mut full) = full
            && let Err(error) = full.cut_half_written_line()
        {
            self.current = Some(full);
            return Err(error);
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin_file()?,
        };
        let written = current.write(line, self.write);
        self.current = Some(current);
        written
    }

    fn begin_file(&self) -> Result<Current, WriteError> {
        let folder = &self.folder;
        fs::create_dir_all(folder).map_err(|source| WriteError::CreateFolder {
            path: folder.clone(),
            source,
        })?;
        let mut files = numbered_files(folder).map_err(|source| WriteError::List {
            path: folder.clone(),
            source,
        })?;
        let number = files
            .last()
            .map_or(1, |(number, _)| number.saturating_add(1));
        let path = folder.join(format!("{PREFIX}{number:06}{SUFFIX}"));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| WriteError::CreateFile {
                path: path.clone(),
                source,
            })?;
        files.push((number, path.clone()));
        self.delete_oldest(&files);
        Ok(Current {
            path,
            file,
            size_bytes: 0,
            half_written: false,
        })
    }

    fn delete_oldest(&self, files: &[(u64, PathBuf)]) {
        if self.files_max == 0 {
            return;
        }
        let excess = files.len().saturating_sub(self.files_max);
        for (_, path) in files.iter().take(excess) {
            // What cannot be deleted now is the oldest again at the next rotation.
            if let Err(error) = fs::remove_file(path) {
                warn!(path = %path.display(), %error, "cannot delete an old file");
            }
        }
    }
}

impl Current {
    /// Whether `line` goes into this file. A file deleted or moved by somebody else gets no more lines: they would
    /// vanish with it.
    fn has_room(&self, line: &[u8], size_bytes_max: u64) -> bool {
        let fits = self.size_bytes.saturating_add(line.len() as u64) <= size_bytes_max;
        (fits || self.size_bytes == 0) && self.path.exists()
    }

    fn write(
        &mut self,
        line: &[u8],
        write: fn(&mut File, &[u8]) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        self.cut_half_written_line()?;
        self.half_written = true;
        let written = write(&mut self.file, line).map_err(|source| WriteError::Write {
            path: self.path.clone(),
            source,
        });
        if written.is_ok() {
            self.half_written = false;
            self.size_bytes += line.len() as u64;
            return Ok(());
        }
        // At once, so that readers see whole lines only; if that fails too, before the next line.
        if let Err(error) = self.cut_half_written_line() {
            warn!(%error, "a half-written line stays for now");
        }
        written
    }

    fn cut_half_written_line(&mut self) -> Result<(), WriteError> {
        if !self.half_written {
            return Ok(());
        }
        self.file
            .set_len(self.size_bytes)
            .map_err(|source| WriteError::Truncate {
                path: self.path.clone(),
                source,
            })?;
        self.half_written = false;
        Ok(())
    }
}

/// The folder's files of ours with their numbers, oldest first.
fn numbered_files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX))
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            files.push((number, entry.path()));
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests;
