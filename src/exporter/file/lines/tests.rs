//! Lines on disk: rotation, clean-up, restarts, full and vanished disks.

use super::*;

fn files(folder: &Path, rotation_bytes_max: u64, files_max: usize) -> LineFiles {
    LineFiles::new(&FileConfig {
        path: folder.to_owned(),
        rotation_bytes_max,
        files_max,
    })
}

/// Names and contents of all files, in the order of their names.
fn contents(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

fn named(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let file = |(number, text): &(&str, &str)| {
        let name = format!("kept-{number}.otlp.jsonl");
        (name, (*text).to_owned())
    };
    list.iter().map(file).collect()
}

#[test]
fn a_new_file_begins_where_a_line_would_exceed_the_size_and_a_huge_line_gets_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("a/b");
    let mut files = files(&folder, 6, 0);
    for line in ["11\n", "22\n", "3\n", "huge line\n", "4\n"] {
        files.append(line.as_bytes()).unwrap();
    }
    let expected = named(&[
        ("000001", "11\n22\n"),
        ("000002", "3\n"),
        ("000003", "huge line\n"),
        ("000004", "4\n"),
    ]);
    assert_eq!(contents(&folder), expected);
}

#[test]
fn the_oldest_files_are_deleted_beyond_their_number_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept-notes.txt"), "mine").unwrap();
    let mut files = files(folder.path(), 1, 2);
    for line in ["1\n", "2\n", "3\n"] {
        files.append(line.as_bytes()).unwrap();
    }
    let mut expected = named(&[("000002", "2\n"), ("000003", "3\n")]);
    expected.push(("kept-notes.txt".to_owned(), "mine".to_owned()));
    assert_eq!(contents(folder.path()), expected);
}

#[test]
fn a_restart_begins_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept-000009.otlp.jsonl"), "half").unwrap();
    files(folder.path(), 100, 0).append(b"1\n").unwrap();
    let expected = named(&[("000009", "half"), ("000010", "1\n")]);
    assert_eq!(contents(folder.path()), expected);
}

#[test]
fn what_a_full_disk_left_of_a_line_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path(), 100, 0);
    files.append(b"1\n").unwrap();
    let write_all = files.write;
    files.write = |file, line| {
        file.write_all(&line[..2])?;
        Err(io::ErrorKind::StorageFull.into())
    };
    let error = files.append(b"second\n").unwrap_err();
    assert!(matches!(error, WriteError::Write { .. }));
    assert_eq!(contents(folder.path()), named(&[("000001", "1\n")]));
    files.write = write_all;
    files.append(b"second\n").unwrap();
    assert_eq!(contents(folder.path()), named(&[("000001", "1\nsecond\n")]));
}

#[test]
fn a_half_written_line_that_could_not_be_cut_off_is_before_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path(), 100, 0);
    files.append(b"1\n").unwrap();
    let current = files.current.as_mut().unwrap();
    current.file.write_all(b"sec").unwrap();
    current.half_written = true;
    files.append(b"second\n").unwrap();
    assert_eq!(contents(folder.path()), named(&[("000001", "1\nsecond\n")]));
}

#[test]
fn a_file_deleted_by_somebody_else_gets_no_more_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path(), 100, 0);
    files.append(b"1\n").unwrap();
    fs::remove_file(folder.path().join("kept-000001.otlp.jsonl")).unwrap();
    files.append(b"2\n").unwrap();
    assert_eq!(contents(folder.path()), named(&[("000001", "2\n")]));
}

#[test]
fn an_unwritable_folder_is_an_error_until_it_is_writable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    fs::write(&path, "a file in the way").unwrap();
    let mut files = files(&path, 100, 0);
    let error = files.append(b"1\n").unwrap_err();
    assert!(matches!(error, WriteError::CreateFolder { .. }));
    fs::remove_file(&path).unwrap();
    files.append(b"1\n").unwrap();
    assert_eq!(contents(&path), named(&[("000001", "1\n")]));
}
