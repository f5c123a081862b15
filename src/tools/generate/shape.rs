//! The tree that every generated trace has: which span belongs to which service, who its parent is, and when it runs.
//!
//! Services form a binary tree. A service is entered by a span of kind SERVER, whose parent is a CLIENT span of the
//! service above; its other spans are local steps, database queries, and calls to the services below, all children of
//! the entry. Spans of one service are neighbours, so a span's number orders parents before children.

use std::ops::Range;

/// Length of a trace at scale 1, in nanoseconds.
pub const BASE_DURATION_NS: u64 = 100_000_000;

/// Most services: a cohort keeps its state in a 64-bit mask.
pub const SERVICES_MAX: usize = 64;

/// Most spans of a trace.
pub const SPANS_MAX: usize = 10_000;

/// The common layout of all traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    spans: Vec<SpanShape>,
    services: Vec<Range<usize>>,
}

/// One span's place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanShape {
    /// Which service it belongs to.
    pub service: usize,
    /// The number of its parent; `None` for the root.
    pub parent: Option<usize>,
    /// What it does.
    pub role: Role,
    /// Its start, in nanoseconds from the trace's start at scale 1.
    pub start_ns: u64,
    /// Its end, likewise.
    pub end_ns: u64,
    /// Whether it ends later in a slow trace: the slow span itself and all above it.
    pub on_slow_path: bool,
}

/// What a span does in its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Answers the caller: kind SERVER, HTTP in the first service, RPC elsewhere.
    Entry,
    /// Work inside the service: kind INTERNAL.
    Step,
    /// A database query: kind CLIENT.
    Query,
    /// A call to the service of this number: kind CLIENT.
    Call(usize),
}

/// A shape that can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a trace has 1 to {SPANS_MAX} spans over 1 to {SERVICES_MAX} services, and a span or more for each service"
)]
pub struct ShapeError;

impl Shape {
    /// The layout of `spans` spans over `services` services, as evenly as can be.
    ///
    /// # Errors
    /// [`ShapeError`] for too many of either, or fewer spans than services.
    pub fn new(spans: usize, services: usize) -> Result<Self, ShapeError> {
        if !(1..=SERVICES_MAX).contains(&services) || !(services..=SPANS_MAX).contains(&spans) {
            return Err(ShapeError);
        }
        let mut shape = Self {
            spans: Vec::with_capacity(spans),
            services: Vec::with_capacity(services),
        };
        for service in 0..services {
            let extra = usize::from(service < spans % services);
            shape.add_service(service, spans / services + extra, services);
        }
        shape.set_times();
        shape.mark_slow_path();
        Ok(shape)
    }

    /// All spans, parents before children.
    #[must_use]
    pub fn spans(&self) -> &[SpanShape] {
        &self.spans
    }

    /// For each service the numbers of its spans.
    #[must_use]
    pub fn services(&self) -> &[Range<usize>] {
        &self.services
    }

    fn add_service(&mut self, service: usize, spans: usize, services: usize) {
        let entry = self.spans.len();
        let caller = self.caller_of(service);
        self.push(service, caller, Role::Entry);
        let called = [2 * service + 1, 2 * service + 2];
        let mut calls = called.into_iter().filter(|called| *called < services);
        let first_call = spans.saturating_sub(1 + calls.clone().count());
        for position in 0..spans - 1 {
            let local = if position % 2 == 0 {
                Role::Step
            } else {
                Role::Query
            };
            let role = if position < first_call {
                local
            } else {
                calls.next().map_or(local, Role::Call)
            };
            self.push(service, Some(entry), role);
        }
        self.services.push(entry..self.spans.len());
    }

    /// The span that calls `service`: the CLIENT span made for it, or the upper service's entry where that has no room.
    fn caller_of(&self, service: usize) -> Option<usize> {
        let above = service.checked_sub(1)? / 2;
        let call = self
            .spans
            .iter()
            .position(|span| span.role == Role::Call(service));
        call.or_else(|| self.services.get(above).map(|spans| spans.start))
    }

    fn push(&mut self, service: usize, parent: Option<usize>, role: Role) {
        self.spans.push(SpanShape {
            service,
            parent,
            role,
            start_ns: 0,
            end_ns: BASE_DURATION_NS,
            on_slow_path: false,
        });
    }

    /// Children run one after another inside their parent, with gaps.
    fn set_times(&mut self) {
        let mut children = vec![0_u64; self.spans.len()];
        for span in &self.spans {
            if let Some(count) = span.parent.and_then(|parent| children.get_mut(parent)) {
                *count += 1;
            }
        }
        let mut placed = vec![0_u64; self.spans.len()];
        for number in 0..self.spans.len() {
            let Some(parent) = self.spans.get(number).and_then(|span| span.parent) else {
                continue;
            };
            let (Some(&around), Some(&siblings), Some(before)) = (
                self.spans.get(parent),
                children.get(parent),
                placed.get_mut(parent),
            ) else {
                continue;
            };
            let share_ns = (around.end_ns - around.start_ns) / (siblings + 1);
            let start_ns = around.start_ns + share_ns * *before + share_ns / 4;
            *before += 1;
            if let Some(span) = self.spans.get_mut(number) {
                span.start_ns = start_ns;
                span.end_ns = (start_ns + share_ns).max(start_ns + 1);
            }
        }
    }

    /// From the root always to the last child: the path on which a trace becomes slow.
    fn mark_slow_path(&mut self) {
        let mut next = Some(0);
        while let Some(number) = next {
            if let Some(span) = self.spans.get_mut(number) {
                span.on_slow_path = true;
            }
            next = self
                .spans
                .iter()
                .rposition(|span| span.parent == Some(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_one_tree_with_one_root_and_calls_between_all_services() {
        for (spans, services) in [(25, 5), (1, 1), (5, 5), (7, 3), (200, 64), (10_000, 1)] {
            let shape = Shape::new(spans, services).unwrap();
            assert_eq!(shape.spans().len(), spans);
            assert_eq!(shape.services().len(), services);
            for (number, span) in shape.spans().iter().enumerate() {
                assert!(shape.services()[span.service].contains(&number));
                assert!(span.start_ns < span.end_ns);
                match span.parent {
                    None => assert_eq!(number, 0),
                    Some(parent) => {
                        let around = shape.spans()[parent];
                        assert!(parent < number);
                        assert!(around.start_ns <= span.start_ns);
                        assert!(spans > 200 || span.end_ns <= around.end_ns, "{number}");
                    }
                }
            }
        }
    }

    #[test]
    fn services_are_entered_through_a_client_span_of_the_service_above() {
        let shape = Shape::new(25, 5).unwrap();
        for service in 1..5 {
            let entry = shape.spans()[shape.services()[service].start];
            let caller = shape.spans()[entry.parent.unwrap()];
            assert_eq!(entry.role, Role::Entry);
            assert_eq!(caller.role, Role::Call(service));
            assert_eq!(caller.service, (service - 1) / 2);
        }
    }

    #[test]
    fn the_slow_path_leads_from_the_root_to_a_leaf() {
        let shape = Shape::new(25, 5).unwrap();
        assert!(shape.spans()[0].on_slow_path);
        for span in shape.spans().iter().filter(|span| span.on_slow_path) {
            let parent = span.parent.map(|parent| shape.spans()[parent]);
            assert!(parent.is_none_or(|parent| parent.on_slow_path));
        }
    }

    #[test]
    fn fewer_spans_than_services_are_no_shape() {
        assert_eq!(Shape::new(4, 5), Err(ShapeError));
        assert_eq!(Shape::new(0, 0), Err(ShapeError));
        assert_eq!(Shape::new(65, 65), Err(ShapeError));
    }
}
