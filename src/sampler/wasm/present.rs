//! The trace that a call is about, lent to the host functions for as long as the call takes.
//!
//! A store of wasmtime owns its data, so a borrowed trace cannot be in it. It is in a scoped variable of the thread
//! instead: set around the call, empty otherwise, and what is in it cannot be kept. Nothing is read before a
//! plugin asks: what was read once (the spans' places, the root, who is whose parent) is kept for the call.

use std::cell::RefCell;
use std::ops::ControlFlow;

use rapidhash::RapidHashMap;
use scoped_tls_hkt::scoped_thread_local;

use super::attributes;
use super::cursor::Cursor;
use super::failure::HostRefusal;
use crate::otlp::wire::span_fields::SpanFields;
use crate::otlp::wire::value::RawValue;
use crate::sampler::trace_view::{SpanView, TraceView};

/// Cursors of one call at a time, at most.
pub(super) const CURSORS_MAX: usize = 1_000;

/// A trace, as far as it has been looked at.
pub(super) struct Present<'a> {
    pub(super) trace: &'a TraceView<'a>,
    spans: Option<Vec<SpanView<'a>>>,
    root: Option<Option<Root<'a>>>,
    parents: Option<Vec<Option<u32>>>,
    /// Each with the number that its handle has.
    cursors: Vec<(u32, Cursor<'a>)>,
}

/// The span without a parent.
pub(super) struct Root<'a> {
    pub(super) fields: SpanFields<'a>,
    pub(super) view: SpanView<'a>,
    encoded: Vec<&'a [u8]>,
}

/// Lets one look at a trace of whatever lifetime.
trait Access {
    fn look(&self, look: &mut dyn FnMut(&mut Present<'_>));
}

scoped_thread_local!(static PRESENT: for<'a> &'a (dyn Access + 'a));

/// Does `call` with `trace` at hand for [`with`].
pub(super) fn during<R>(trace: &TraceView<'_>, call: impl FnOnce() -> R) -> R {
    let present = RefCell::new(Present {
        trace,
        spans: None,
        root: None,
        parents: None,
        cursors: Vec::new(),
    });
    PRESENT.set(&present, call)
}

/// Looks at the trace at hand.
pub(super) fn with<R>(
    look: impl FnOnce(&mut Present<'_>) -> Result<R, HostRefusal>,
) -> Result<R, HostRefusal> {
    if !PRESENT.is_set() {
        return Err(HostRefusal::Stale);
    }
    let mut look = Some(look);
    let mut found = Err(HostRefusal::Stale);
    PRESENT.with(|access| {
        access.look(&mut |present| {
            if let Some(look) = look.take() {
                found = look(present);
            }
        });
    });
    found
}

impl Access for RefCell<Present<'_>> {
    fn look(&self, look: &mut dyn FnMut(&mut Present<'_>)) {
        // Host functions do not call each other.
        if let Ok(mut present) = self.try_borrow_mut() {
            look(&mut present);
        }
    }
}

impl<'a> Root<'a> {
    fn read(view: SpanView<'a>) -> Self {
        let mut encoded = Vec::new();
        let fields = SpanFields::read(view.span, |attribute| encoded.push(attribute));
        Self {
            fields,
            view,
            encoded,
        }
    }

    /// An attribute of its own, or else of its resource.
    pub(super) fn attribute(&self, key: &[u8]) -> Option<RawValue<'a>> {
        let own = attributes::find(&self.encoded, key);
        own.or_else(|| attributes::find_in_resource(self.view.resource, key))
    }
}

impl<'a> Present<'a> {
    /// All spans, in the order of their arrival.
    pub(super) fn spans(&mut self) -> &[SpanView<'a>] {
        self.spans.get_or_insert_with(|| spans_of(self.trace))
    }

    pub(super) fn root(&mut self) -> Option<&Root<'a>> {
        if self.root.is_none() {
            self.root = Some(self.find_root());
        }
        self.root.as_ref().and_then(Option::as_ref)
    }

    /// Where there is one root, no other span is looked at: most of a trace is no longer in the CPU's caches by then.
    fn find_root(&mut self) -> Option<Root<'a>> {
        let summary = self.trace.summary;
        if !summary.has_root {
            return None;
        }
        if summary.has_more_roots {
            return first_root(self.spans());
        }
        let number = summary.first_root as usize;
        let view = match &self.spans {
            Some(spans) => spans.get(number).copied(),
            None => span_at(self.trace, number),
        };
        view.map(Root::read)
    }

    /// The number of the parent of span number `index`.
    pub(super) fn parent(&mut self, index: usize) -> Option<u32> {
        if self.parents.is_none() {
            self.parents = Some(parents_of(self.spans()));
        }
        self.parents.as_ref()?.get(index).copied().flatten()
    }

    pub(super) fn add_cursor(&mut self, number: u32) -> Result<(), HostRefusal> {
        if self.cursors.len() >= CURSORS_MAX {
            return Err(HostRefusal::TooManyCursors(CURSORS_MAX));
        }
        self.spans();
        self.cursors.push((number, Cursor::default()));
        Ok(())
    }

    /// A cursor of an earlier call is none.
    pub(super) fn cursor(&mut self, number: u32) -> Result<&mut Cursor<'a>, HostRefusal> {
        // Nearly always there is one, or the latest is meant.
        let mut cursors = self.cursors.iter_mut().rev();
        let found = cursors.find(|(known, _)| *known == number);
        found.map(|(_, cursor)| cursor).ok_or(HostRefusal::Stale)
    }

    /// Goes to the span of the number that `index` says; whether there is one.
    pub(super) fn move_cursor(
        &mut self,
        number: u32,
        index: impl FnOnce(&Cursor<'a>) -> usize,
    ) -> Result<bool, HostRefusal> {
        // There have been spans since there was a cursor.
        let spans = self.spans.as_deref().unwrap_or_default();
        let mut cursors = self.cursors.iter_mut().rev();
        let found = cursors.find(|(known, _)| *known == number);
        let (_, cursor) = found.ok_or(HostRefusal::Stale)?;
        let index = index(cursor);
        let view = spans.get(index).copied();
        cursor.go_to(index.min(spans.len()), view);
        Ok(view.is_some())
    }

    pub(super) fn remove_cursor(&mut self, number: u32) {
        let place = self.cursors.iter().rposition(|(known, _)| *known == number);
        if let Some(place) = place {
            self.cursors.swap_remove(place);
        }
    }

    /// Shows attributes of this key to `visitor` until it breaks: of spans the first, of resources each once.
    pub(super) fn visit_attributes(
        &mut self,
        scope: super::host::Scope,
        key: &[u8],
        visitor: &mut dyn FnMut(RawValue<'a>) -> ControlFlow<()>,
    ) {
        use super::host::Scope;
        let mut last_resource: Option<&[u8]> = None;
        let mut encoded = Vec::new();
        let summary = self.trace.summary;
        let is_of_one = scope == Scope::Root && !summary.has_more_roots;
        let first = summary.first_root as usize;
        let mut spans = self.spans();
        if is_of_one {
            spans = spans.get(first..=first).unwrap_or_default();
        }
        for view in spans {
            encoded.clear();
            if scope != Scope::Resource {
                let fields = SpanFields::read(view.span, |attribute| encoded.push(attribute));
                if scope == Scope::Root && !fields.is_root() {
                    continue;
                }
            }
            if last_resource.is_none_or(|last| !std::ptr::eq(last, view.resource)) {
                last_resource = Some(view.resource);
                let value = attributes::find_in_resource(view.resource, key);
                if value.is_some_and(|value| visitor(value).is_break()) {
                    return;
                }
            }
            let value = attributes::find(&encoded, key);
            if value.is_some_and(|value| visitor(value).is_break()) {
                return;
            }
        }
    }
}

fn spans_of<'a>(trace: &TraceView<'a>) -> Vec<SpanView<'a>> {
    let mut spans = Vec::with_capacity(trace.summary.span_count as usize);
    trace.spans.visit(&mut |view| {
        spans.push(view);
        ControlFlow::Continue(())
    });
    spans
}

fn span_at<'a>(trace: &TraceView<'a>, mut number: usize) -> Option<SpanView<'a>> {
    let mut found = None;
    trace.spans.visit(&mut |view| {
        if number == 0 {
            found = Some(view);
            return ControlFlow::Break(());
        }
        number -= 1;
        ControlFlow::Continue(())
    });
    found
}

/// Of several, the one that starts first, then the one with the least ID.
fn first_root<'a>(spans: &[SpanView<'a>]) -> Option<Root<'a>> {
    let is_root = |view: &&SpanView<'_>| SpanFields::read(view.span, |_| {}).is_root();
    let roots = spans.iter().filter(is_root).copied().map(Root::read);
    roots.min_by_key(|root| (root.fields.start_ns, root.fields.span_id))
}

/// Of several spans with one ID, the first is the parent.
fn parents_of(spans: &[SpanView<'_>]) -> Vec<Option<u32>> {
    let fields = spans.iter().map(|view| SpanFields::read(view.span, |_| {}));
    let ids: Vec<(&[u8], &[u8])> = fields
        .map(|fields| (fields.span_id, fields.parent_span_id))
        .collect();
    let mut index_of = RapidHashMap::default();
    for (index, (id, _)) in ids.iter().enumerate() {
        index_of.entry(*id).or_insert(index as u32);
    }
    let parents = ids.iter().map(|(_, parent)| {
        let is_none = parent.iter().all(|byte| *byte == 0);
        index_of.get(parent).copied().filter(|_| !is_none)
    });
    parents.collect()
}
