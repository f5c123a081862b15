//! What a plugin may ask for while it is called: the functions of `tailsieve:policy/host`.

use wasmtime::component::{HasSelf, Linker, Resource};

use super::bindings::SamplingPolicy;
use super::bindings::tailsieve::policy::host as wit;
use super::instance::State;
use super::{attributes, encode, present};
use crate::otlp::wire::value::RawValue;

pub use wit::Verdict;
pub(super) use wit::{Level, Scope};

mod spans;

/// What a handle to a trace stands for: the trace at hand.
#[allow(unreachable_pub, reason = "the generated bindings name it")]
pub enum Lent {}

/// What a handle to a cursor stands for: one of those of the call at hand.
#[allow(unreachable_pub, reason = "the generated bindings name it")]
pub enum Cursors {}

/// Most services told of a trace.
const SERVICES_MAX: usize = 256;
const NS_PER_MS: f64 = 1e6;

type Result<T> = wasmtime::Result<T>;

/// Offers the host's functions to plugins.
pub(super) fn add_to(linker: &mut Linker<State>) -> Result<()> {
    SamplingPolicy::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl wit::Host for State {
    fn log(&mut self, level: Level, message: String) -> Result<()> {
        self.lines.push(level, &message);
        Ok(())
    }
}

impl wit::HostTrace for State {
    fn id(&mut self, _: Resource<Lent>) -> Result<String> {
        Ok(present::with(|present| {
            Ok(present.trace.trace_id.to_string())
        })?)
    }

    fn span_count(&mut self, _: Resource<Lent>) -> Result<u32> {
        Ok(present::with(|present| {
            Ok(saturated(present.trace.summary.span_count))
        })?)
    }

    fn error_count(&mut self, _: Resource<Lent>) -> Result<u32> {
        Ok(present::with(|present| {
            Ok(saturated(present.trace.summary.error_count))
        })?)
    }

    fn has_error(&mut self, _: Resource<Lent>) -> Result<bool> {
        Ok(present::with(|present| {
            Ok(present.trace.summary.error_count > 0)
        })?)
    }

    fn size_bytes(&mut self, _: Resource<Lent>) -> Result<u32> {
        Ok(present::with(|present| {
            Ok(saturated(present.trace.summary.span_bytes))
        })?)
    }

    fn duration_ms(&mut self, _: Resource<Lent>) -> Result<f64> {
        Ok(present::with(|present| {
            let duration_ns = present.trace.summary.extent.duration_ns();
            Ok(duration_ns.max(0) as f64 / NS_PER_MS)
        })?)
    }

    fn start_unix_ns(&mut self, _: Resource<Lent>) -> Result<u64> {
        Ok(present::with(|present| {
            Ok(present.trace.summary.extent.start_ns())
        })?)
    }

    fn end_unix_ns(&mut self, _: Resource<Lent>) -> Result<u64> {
        Ok(present::with(|present| {
            Ok(present.trace.summary.extent.end_ns())
        })?)
    }

    fn root_name(&mut self, _: Resource<Lent>) -> Result<Option<String>> {
        Ok(present::with(|present| {
            Ok(present.root().map(|root| string(root.fields.name)))
        })?)
    }

    fn root_service(&mut self, _: Resource<Lent>) -> Result<Option<String>> {
        Ok(present::with(|present| {
            let root = present.root();
            Ok(root
                .and_then(|root| attributes::service(root.view.resource))
                .map(string))
        })?)
    }

    fn services(&mut self, _: Resource<Lent>) -> Result<Vec<String>> {
        Ok(present::with(|present| {
            let resources = present.spans().iter().map(|view| view.resource);
            let mut resources: Vec<&[u8]> = resources.collect();
            resources.dedup_by(|one, other| std::ptr::eq(*one, *other));
            let services = resources.into_iter().filter_map(attributes::service);
            let mut services: Vec<&[u8]> = services.collect();
            services.sort_unstable();
            services.dedup();
            Ok(services
                .into_iter()
                .take(SERVICES_MAX)
                .map(string)
                .collect())
        })?)
    }

    fn has_attribute(&mut self, _: Resource<Lent>, scope: Scope, key: String) -> Result<bool> {
        any(scope, &key, |_| true)
    }

    fn attribute_equals(
        &mut self,
        _: Resource<Lent>,
        scope: Scope,
        key: String,
        value: String,
    ) -> Result<bool> {
        any(scope, &key, |found| {
            attributes::text(found).is_some_and(|text| *text == *value.as_bytes())
        })
    }

    fn attribute_starts_with(
        &mut self,
        _: Resource<Lent>,
        scope: Scope,
        key: String,
        prefix: String,
    ) -> Result<bool> {
        any(scope, &key, |found| {
            attributes::text(found).is_some_and(|text| text.starts_with(prefix.as_bytes()))
        })
    }

    fn attribute_max(
        &mut self,
        _: Resource<Lent>,
        scope: Scope,
        key: String,
    ) -> Result<Option<f64>> {
        best(scope, &key, f64::max)
    }

    fn attribute_min(
        &mut self,
        _: Resource<Lent>,
        scope: Scope,
        key: String,
    ) -> Result<Option<f64>> {
        best(scope, &key, f64::min)
    }

    fn root_attribute(&mut self, _: Resource<Lent>, key: String) -> Result<Option<String>> {
        Ok(present::with(|present| {
            let Some(root) = present.root() else {
                return Ok(None);
            };
            Ok(root.attribute(key.as_bytes()).and_then(text))
        })?)
    }

    fn spans(&mut self, _: Resource<Lent>) -> Result<Resource<Cursors>> {
        let number = self.next_cursor;
        present::with(|present| present.add_cursor(number))?;
        self.next_cursor += 1;
        self.cursors_alive += 1;
        Ok(Resource::new_own(number))
    }

    fn otlp_bytes(&mut self, _: Resource<Lent>) -> Result<Vec<u8>> {
        Ok(present::with(|present| {
            Ok(encode::traces_data(present.spans()))
        })?)
    }

    /// Traces are lent, never given.
    fn drop(&mut self, _: Resource<Lent>) -> Result<()> {
        Ok(())
    }
}

/// Whether an attribute of this key passes `test`.
fn any(scope: Scope, key: &str, test: impl Fn(RawValue<'_>) -> bool) -> Result<bool> {
    use std::ops::ControlFlow::{Break, Continue};
    Ok(present::with(|present| {
        let mut is_found = false;
        present.visit_attributes(scope, key.as_bytes(), &mut |value| {
            is_found = test(value);
            if is_found { Break(()) } else { Continue(()) }
        });
        Ok(is_found)
    })?)
}

/// The number that `better` chooses among the attributes of this key.
fn best(scope: Scope, key: &str, better: fn(f64, f64) -> f64) -> Result<Option<f64>> {
    Ok(present::with(|present| {
        let mut best: Option<f64> = None;
        present.visit_attributes(scope, key.as_bytes(), &mut |value| {
            if let Some(number) = attributes::number(value) {
                best = Some(best.map_or(number, |best| better(best, number)));
            }
            std::ops::ControlFlow::Continue(())
        });
        Ok(best)
    })?)
}

fn text(value: RawValue<'_>) -> Option<String> {
    attributes::text(value).map(|text| string(&text))
}

/// Text of the wire, which the walk has checked to be UTF-8.
fn string(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
