//! What a plugin logs in one call: the first lines, cut short.

use super::host::Level;

/// Lines of a call that are taken; later ones are counted.
const LINES_MAX: usize = 16;
/// Bytes of a line.
const LINE_BYTES_MAX: usize = 512;

/// A line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What it says: without control characters, cut to 512 bytes.
    pub text: Box<str>,
}

/// Lines of the call at hand.
#[derive(Debug, Default)]
pub(super) struct Lines {
    taken: Vec<Line>,
    left_out: u64,
}

impl Lines {
    pub(super) fn push(&mut self, level: Level, message: &str) {
        if self.taken.len() >= LINES_MAX {
            self.left_out += 1;
            return;
        }
        let end = message.floor_char_boundary(LINE_BYTES_MAX.min(message.len()));
        let begin = message.get(..end).unwrap_or_default();
        let is_control = |c: char| c.is_control();
        let text = begin.replace(is_control, " ").into_boxed_str();
        let level = label(level);
        self.taken.push(Line { level, text });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Takes them out, with the number of those that were one too many.
    pub(super) fn take(&mut self) -> (Vec<Line>, u64) {
        (
            std::mem::take(&mut self.taken),
            std::mem::take(&mut self.left_out),
        )
    }
}

fn label(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_characters_and_beyond_sixteen_counted() {
        let mut lines = Lines::default();
        lines.push(
            Level::Warn,
            &format!("{}\u{e9}", "a".repeat(LINE_BYTES_MAX - 1)),
        );
        lines.push(Level::Info, "two\nlines\x1b[31m");
        for _ in 0..LINES_MAX {
            lines.push(Level::Debug, "more");
        }
        let (taken, left_out) = lines.take();
        assert_eq!((taken.len(), left_out), (LINES_MAX, 2));
        assert_eq!(&*taken[0].text, "a".repeat(LINE_BYTES_MAX - 1));
        assert_eq!(
            (taken[1].level, &*taken[1].text),
            ("info", "two lines [31m")
        );
        assert!(lines.is_empty());
    }
}
