//! Tells that files may have changed: hints that cost nothing while nothing happens, and no more than hints.
//!
//! Folders are watched, not files, so that a file that is replaced by renaming, or behind a symbolic link that is, is not
//! lost from sight. Hints gather in one place for one taker: a thousand events are one hint. Who takes it looks for
//! itself, and looks now and then without one, since there are file systems (and limits of inotify) that tell nothing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Most folders watched: inotify's watches are shared with all other processes of the user.
const FOLDERS_MAX: usize = 64;

/// Watches some folders.
#[derive(Debug, Default)]
pub struct FileWatch {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<Folder>,
    hint: Arc<Notify>,
}

/// A folder as it was when it began to be watched: another one at the same path is another folder.
#[derive(Debug, PartialEq, Eq)]
struct Folder {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl FileWatch {
    /// Where hints arrive.
    #[must_use]
    pub fn hint(&self) -> Arc<Notify> {
        Arc::clone(&self.hint)
    }

    /// From now on watches for changes of what `path` leads to, and of `files` within it, if it is a folder. Call it
    /// again when something changed, before looking what: links may lead elsewhere now.
    ///
    /// # Errors
    /// When the system does not let us watch; nothing is watched then, and the next call tries again.
    pub fn watch(&mut self, path: &Path, files: &[PathBuf]) -> notify::Result<()> {
        let folders = folders_of(path, files);
        if self.watcher.is_some() && folders == self.watched {
            return Ok(());
        }
        self.watcher = None;
        let hint = Arc::clone(&self.hint);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error may stand for events that were lost.
            if event.map_or(true, |event| is_change(event.kind)) {
                hint.notify_one();
            }
        })?;
        for folder in &folders {
            watcher.watch(&folder.path, RecursiveMode::NonRecursive)?;
        }
        self.watcher = Some(watcher);
        self.watched = folders;
        Ok(())
    }
}

/// Looking is no change: who looks after each hint would hint at itself.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The folders in which a change can change what is at `path`, each once: those that hold it and `files`, as named and
/// behind symbolic links, and the folder that it is itself. What does not exist is left out.
fn folders_of(path: &Path, files: &[PathBuf]) -> Vec<Folder> {
    let mut found: Vec<Folder> = Vec::new();
    let mut add = |path: &Path| {
        let Ok(metadata) = fs::metadata(path) else {
            return;
        };
        let folder = Folder {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        };
        let is_same = |known: &Folder| (known.device, known.inode) == (folder.device, folder.inode);
        if metadata.is_dir() && found.len() < FOLDERS_MAX && !found.iter().any(is_same) {
            found.push(folder);
        }
    };
    for path in std::iter::once(path).chain(files.iter().map(PathBuf::as_path)) {
        add(path);
        add(&parent_of(path));
        if let Ok(real) = fs::canonicalize(path) {
            add(&parent_of(&real));
        }
    }
    found
}

/// The folder that holds `path`.
fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    /// Far more than a hint takes: only a failing test waits so long.
    const DEADLINE: Duration = Duration::from_secs(60);

    async fn hinted(watch: &FileWatch) {
        let hint = watch.hint();
        let hinted = tokio::time::timeout(DEADLINE, hint.notified());
        hinted.await.expect("a hint");
    }

    fn paths(path: &Path, files: &[PathBuf]) -> Vec<PathBuf> {
        let folders = folders_of(path, files);
        folders.into_iter().map(|folder| folder.path).collect()
    }

    #[tokio::test]
    async fn writing_renaming_over_and_removing_a_file_are_hinted_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, "1").unwrap();
        let mut watch = FileWatch::default();
        watch.watch(&file, &[]).unwrap();
        fs::write(&file, "2").unwrap();
        hinted(&watch).await;
        // A new watch has none of the events of the old one.
        let mut watch = FileWatch::default();
        watch.watch(&file, &[]).unwrap();
        fs::write(folder.path().join("a.yaml~"), "3").unwrap();
        fs::rename(folder.path().join("a.yaml~"), &file).unwrap();
        hinted(&watch).await;
        let mut watch = FileWatch::default();
        watch.watch(&file, &[]).unwrap();
        fs::remove_file(&file).unwrap();
        hinted(&watch).await;
    }

    #[tokio::test]
    async fn reading_is_not_hinted_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, "1").unwrap();
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        assert!(!is_change(opened) && !is_change(read));
        assert!(is_change(EventKind::Access(AccessKind::Close(
            AccessMode::Write
        ))));
    }

    #[tokio::test]
    async fn a_folder_that_was_replaced_is_watched_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("policies");
        fs::create_dir(&folder).unwrap();
        let mut watch = FileWatch::default();
        watch.watch(&folder, &[]).unwrap();
        let old = folders_of(&folder, &[]);
        fs::rename(&folder, parent.path().join("old")).unwrap();
        fs::create_dir(&folder).unwrap();
        assert_ne!(folders_of(&folder, &[]), old);
        hinted(&watch).await;
        watch.watch(&folder, &[]).unwrap();
        // Hints of the swap that came late.
        let hint = watch.hint();
        while tokio::time::timeout(Duration::from_millis(50), hint.notified())
            .await
            .is_ok()
        {}
        fs::write(folder.join("a.yaml"), "1").unwrap();
        hinted(&watch).await;
    }

    #[test]
    fn folders_in_front_of_and_behind_links_are_watched_each_once() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (mounted, data) = (root.join("mounted"), root.join("mounted/..data_1"));
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("a.yaml"), "1").unwrap();
        symlink("..data_1", mounted.join("..data")).unwrap();
        symlink("..data/a.yaml", mounted.join("a.yaml")).unwrap();
        let file = mounted.join("a.yaml");
        assert_eq!(paths(&file, &[]), [mounted.clone(), data.clone()]);
        assert_eq!(paths(&mounted, &[file]), [mounted, root, data]);
        assert_eq!(paths(Path::new("Cargo.toml"), &[])[0], Path::new("."));
    }
}
