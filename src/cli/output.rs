//! Results on standard output.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use anyhow::Context;

/// Has `write` write the result. A reader that goes away, `head` say, has seen enough: that is no failure.
///
/// # Errors
/// What standard output says.
pub(super) fn write(
    write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the result")
        }
        _ => Ok(()),
    }
}
