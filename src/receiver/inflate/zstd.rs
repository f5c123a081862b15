//! Zstandard (RFC 8878): frames may follow each other, skippable ones included.
//!
//! The window is limited to the 8 MiB that RFC 9659 allows over HTTP, so a frame cannot ask for more memory than that.

use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer};

use super::{Corrupt, Stop};

/// Where the decoder is.
pub(super) struct Unzstd {
    context: DCtx<'static>,
    at: usize,
    between_frames: bool,
}

/// 2^23 bytes, 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;

/// The length that the first frame announces: that of the whole if it is the only one.
pub(super) fn announced_bytes(sent: &[u8]) -> Option<usize> {
    let announced = zstd_safe::get_frame_content_size(sent).ok()??;
    usize::try_from(announced).ok()
}

impl Unzstd {
    pub(super) fn new() -> Self {
        let mut context = DCtx::create();
        // Cannot fail: the value is within zstd's bounds. If it did, its own limit of 128 MiB would hold.
        let _ = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX));
        Self {
            context,
            at: 0,
            between_frames: false,
        }
    }

    pub(super) fn run(&mut self, sent: &[u8], out: &mut Vec<u8>) -> Result<Stop, Corrupt> {
        loop {
            if self.between_frames && self.at == sent.len() {
                return Ok(Stop::Done);
            }
            let length = out.len();
            let mut input = InBuffer::around(sent);
            input.set_pos(self.at);
            let mut output = OutBuffer::around_pos(out, length);
            let result = self.context.decompress_stream(&mut output, &mut input);
            let room_left = output.pos() < output.capacity();
            self.at = input.pos();
            let wanted = result.map_err(|code| Corrupt {
                at: self.at,
                why: zstd_safe::get_error_name(code),
            })?;
            self.between_frames = wanted == 0;
            if self.between_frames {
                continue;
            }
            if !room_left {
                return Ok(Stop::Full);
            }
            if self.at == sent.len() {
                return Err(Corrupt {
                    at: self.at,
                    why: "the frame ends early",
                });
            }
        }
    }
}
