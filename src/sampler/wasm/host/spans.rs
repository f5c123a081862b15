//! The functions of the resource `spans`.

use wasmtime::component::Resource;

use super::wit::{self, Kind, Status};
use super::{Cursors, NS_PER_MS, Result, saturated, string, text};
use crate::sampler::wasm::attributes;
use crate::sampler::wasm::cursor::Cursor;
use crate::sampler::wasm::instance::State;
use crate::sampler::wasm::present;

const STATUS_OK: i32 = 1;
const STATUS_ERROR: i32 = 2;

/// Reads something where the cursor is.
fn read<R>(spans: &Resource<Cursors>, read: impl FnOnce(&mut Cursor<'_>) -> R) -> Result<R> {
    Ok(present::with(|present| {
        Ok(read(present.cursor(spans.rep())?))
    })?)
}

impl wit::HostSpans for State {
    fn next(&mut self, spans: Resource<Cursors>) -> Result<bool> {
        Ok(present::with(|present| {
            present.move_cursor(spans.rep(), Cursor::next_index)
        })?)
    }

    fn seek(&mut self, spans: Resource<Cursors>, index: u32) -> Result<bool> {
        Ok(present::with(|present| {
            present.move_cursor(spans.rep(), |_| index as usize)
        })?)
    }

    fn index(&mut self, spans: Resource<Cursors>) -> Result<u32> {
        Ok(present::with(|present| {
            let count = present.spans().len();
            let index = present.cursor(spans.rep())?.index();
            Ok(saturated(index.unwrap_or(count) as u64))
        })?)
    }

    fn parent(&mut self, spans: Resource<Cursors>) -> Result<Option<u32>> {
        Ok(present::with(|present| {
            let index = present.cursor(spans.rep())?.index();
            Ok(index.and_then(|index| present.parent(index)))
        })?)
    }

    fn is_root(&mut self, spans: Resource<Cursors>) -> Result<bool> {
        read(&spans, |cursor| {
            cursor.index().is_some() && cursor.fields().is_root()
        })
    }

    fn id(&mut self, spans: Resource<Cursors>) -> Result<String> {
        read(&spans, |cursor| hex(cursor.fields().span_id))
    }

    fn parent_id(&mut self, spans: Resource<Cursors>) -> Result<String> {
        read(&spans, |cursor| {
            let fields = cursor.fields();
            if fields.is_root() {
                return String::new();
            }
            hex(fields.parent_span_id)
        })
    }

    fn name(&mut self, spans: Resource<Cursors>) -> Result<String> {
        read(&spans, |cursor| string(cursor.fields().name))
    }

    fn kind(&mut self, spans: Resource<Cursors>) -> Result<Kind> {
        read(&spans, |cursor| match cursor.fields().kind {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Unspecified,
        })
    }

    fn status(&mut self, spans: Resource<Cursors>) -> Result<Status> {
        read(&spans, |cursor| match cursor.fields().status_code {
            STATUS_OK => Status::Ok,
            STATUS_ERROR => Status::Error,
            _ => Status::Unset,
        })
    }

    fn status_message(&mut self, spans: Resource<Cursors>) -> Result<String> {
        read(&spans, |cursor| string(cursor.fields().status_message))
    }

    fn start_unix_ns(&mut self, spans: Resource<Cursors>) -> Result<u64> {
        read(&spans, |cursor| cursor.fields().start_ns)
    }

    fn end_unix_ns(&mut self, spans: Resource<Cursors>) -> Result<u64> {
        read(&spans, |cursor| cursor.fields().end_ns)
    }

    fn duration_ms(&mut self, spans: Resource<Cursors>) -> Result<f64> {
        read(&spans, |cursor| {
            let fields = cursor.fields();
            fields.end_ns.saturating_sub(fields.start_ns) as f64 / NS_PER_MS
        })
    }

    fn service(&mut self, spans: Resource<Cursors>) -> Result<String> {
        read(&spans, |cursor| string(cursor.service().unwrap_or(&[])))
    }

    fn scope_name(&mut self, spans: Resource<Cursors>) -> Result<String> {
        read(&spans, |cursor| string(cursor.scope_name().unwrap_or(&[])))
    }

    fn has_attribute(&mut self, spans: Resource<Cursors>, key: String) -> Result<bool> {
        read(&spans, |cursor| cursor.attribute(key.as_bytes()).is_some())
    }

    fn attribute(&mut self, spans: Resource<Cursors>, key: String) -> Result<Option<String>> {
        read(&spans, |cursor| {
            cursor.attribute(key.as_bytes()).and_then(text)
        })
    }

    fn attribute_number(&mut self, spans: Resource<Cursors>, key: String) -> Result<Option<f64>> {
        read(&spans, |cursor| {
            cursor
                .attribute(key.as_bytes())
                .and_then(attributes::number)
        })
    }

    fn resource_attribute(
        &mut self,
        spans: Resource<Cursors>,
        key: String,
    ) -> Result<Option<String>> {
        read(&spans, |cursor| {
            cursor.resource_attribute(key.as_bytes()).and_then(text)
        })
    }

    fn event_count(&mut self, spans: Resource<Cursors>, name: String) -> Result<u32> {
        read(&spans, |cursor| cursor.event_count(name.as_bytes()))
    }

    /// One of an earlier call may be dropped now: its trace is long gone, and it with it.
    fn drop(&mut self, spans: Resource<Cursors>) -> Result<()> {
        self.cursors_alive = self.cursors_alive.saturating_sub(1);
        let number = spans.rep();
        let _ = present::with(|present| {
            present.remove_cursor(number);
            Ok(())
        });
        Ok(())
    }
}

fn hex(id: &[u8]) -> String {
    use std::fmt::Write;
    id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
