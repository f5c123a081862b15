//! `secret_file`: read once, at start. White space around the secret is not part of it, so that a line break at the
//! end, which editors add, does not keep a replica out.

use std::fs::File;
use std::io::Read;

use crate::config::decode::Place;
use crate::router::config::Secret;

/// Longest file: a key of any kind is shorter.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The secret in the file that is named here.
pub(super) fn from_file(place: &Place<'_>) -> Option<Secret> {
    let name = place.non_empty_text()?;
    let mut bytes = Vec::new();
    let read = File::open(name).and_then(|file| {
        let limited = &mut file.take(FILE_BYTES_MAX + 1);
        limited.read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        place.error(format!("{name:?} cannot be read: {error}"), "");
        return None;
    }
    if bytes.len() as u64 > FILE_BYTES_MAX {
        place.error(format!("{name:?} is longer than 64KiB"), "");
        return None;
    }
    let bytes = bytes.trim_ascii();
    let secret = Secret::new(bytes);
    if secret.is_none() {
        let least = Secret::BYTES_MIN;
        let problem = format!("{name:?} holds {} bytes; at least {least}", bytes.len());
        place.error(problem, "make one with: openssl rand -hex 32");
    }
    secret
}
