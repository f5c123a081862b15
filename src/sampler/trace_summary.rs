//! What is known of a trace without reading its spans again: kept up to date as spans arrive.

use crate::otlp::wire::{SpanHeader, SpanStatus};

/// Running facts about a trace's spans, in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceSummary {
    /// Spans held.
    pub span_count: u64,
    /// Their encodings' lengths added up, in bytes.
    pub span_bytes: u64,
    /// Whether any span has status UNSET, OK, ERROR, in this order.
    pub has_status: [bool; 3],
    /// Spans with status ERROR.
    pub error_count: u64,
    /// Whether a span without parent is among them.
    pub has_root: bool,
    /// The number of the first one, from 0 in order of arrival; 0 without one.
    pub first_root: u64,
    /// Whether there is another.
    pub has_more_roots: bool,
    /// Whether any span has the W3C sampled flag.
    pub has_sampled_flag: bool,
    /// Running duration, the collector's way.
    pub duration: RunningDuration,
    /// From the least start to the greatest end.
    pub extent: Extent,
    /// Sizes as the collector counts them; kept up only where the policies ask for them.
    pub sizes: CollectorSizes,
}

/// The least start and the greatest end of all spans that have both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    start_ns: u64,
    end_ns: u64,
}

/// The sizes of all `ResourceSpans` received of a trace, in bytes; [`crate::otlp::size`] has the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorSizes {
    /// Without their own tags and lengths.
    pub body_bytes: u64,
    /// With them.
    pub framed_bytes: u64,
    /// Of the spans held, how many these sizes are of: all, unless spans arrived while nobody asked for sizes.
    pub span_count: u64,
}

/// The collector's running duration of a trace: from the least start to the greatest end so far.
///
/// A running minimum or maximum that is 0 is replaced by the next span's value, whatever that is; source: the
/// collector's `latency` policy. It is negative while the latest end is before the earliest start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningDuration {
    start_ns: u64,
    end_ns: u64,
    peak_ns: i64,
}

impl Default for RunningDuration {
    fn default() -> Self {
        Self {
            start_ns: 0,
            end_ns: 0,
            peak_ns: i64::MIN,
        }
    }
}

impl TraceSummary {
    /// Takes account of one more span.
    #[inline]
    pub fn add(&mut self, span: &SpanHeader) {
        if span.is_root {
            if self.has_root {
                self.has_more_roots = true;
            } else {
                self.first_root = self.span_count;
            }
            self.has_root = true;
        }
        self.span_count += 1;
        self.span_bytes += u64::from(span.length);
        let [unset, ok, error] = &mut self.has_status;
        match span.status {
            SpanStatus::Unset => *unset = true,
            SpanStatus::Ok => *ok = true,
            SpanStatus::Error => {
                *error = true;
                self.error_count += 1;
            }
            SpanStatus::Unknown => {}
        }
        self.has_sampled_flag |= span.has_sampled_flag;
        self.duration.add(span.start_ns, span.end_ns);
        self.extent.add(span.start_ns, span.end_ns);
    }
}

impl Extent {
    #[inline]
    fn add(&mut self, start_ns: u64, end_ns: u64) {
        if start_ns == 0 || end_ns == 0 {
            return;
        }
        if self.start_ns == 0 || start_ns < self.start_ns {
            self.start_ns = start_ns;
        }
        self.end_ns = self.end_ns.max(end_ns);
    }

    /// The least start, in nanoseconds since the Unix epoch; 0 without one.
    #[must_use]
    pub fn start_ns(&self) -> u64 {
        self.start_ns
    }

    /// The greatest end, likewise.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.end_ns
    }

    /// In nanoseconds; negative where the trace ends before it starts.
    #[must_use]
    pub fn duration_ns(&self) -> i64 {
        (self.end_ns as i64).saturating_sub(self.start_ns as i64)
    }
}

impl RunningDuration {
    /// Takes account of one more span; returns the duration so far, in nanoseconds.
    #[inline]
    pub fn add(&mut self, start_ns: u64, end_ns: u64) -> i64 {
        if self.start_ns == 0 || start_ns < self.start_ns {
            self.start_ns = start_ns;
        }
        if self.end_ns == 0 || end_ns > self.end_ns {
            self.end_ns = end_ns;
        }
        let (start, end) = (self.start_ns as i64, self.end_ns as i64);
        let duration = end.saturating_sub(start);
        self.peak_ns = self.peak_ns.max(duration);
        duration
    }

    /// The longest that the running duration has been, in nanoseconds; the least number there is before the first span.
    #[must_use]
    pub fn peak_ns(&self) -> i64 {
        self.peak_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_minimum_is_replaced_by_whatever_comes_next() {
        let mut duration = RunningDuration::default();
        assert_eq!(duration.add(0, 500), 500);
        assert_eq!(duration.add(400, 450), 100);
        assert_eq!(duration.peak_ns(), 500);
    }

    #[test]
    fn a_duration_that_was_always_negative_has_a_negative_peak() {
        let mut duration = RunningDuration::default();
        duration.add(1_000, 400);
        duration.add(900, 500);
        assert_eq!(duration.peak_ns(), -400);
    }

    #[test]
    fn the_duration_spans_all_spans() {
        let mut duration = RunningDuration::default();
        duration.add(1_000, 1_500);
        duration.add(800, 900);
        assert_eq!(duration.add(1_200, 2_800), 2_000);
    }
}
