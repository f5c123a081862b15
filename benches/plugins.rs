//! What plugins cost beside policies of our own that do the same, against a trace of 20 spans with 10 attributes each.
//! Figures are per trace.
//!
//! The guests are WAT, so that nothing but the boundary is measured: what a language's runtime adds comes on top.
//!
//! `cargo bench --bench plugins`

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot prepare its input has nothing to measure"
)]

#[path = "../tests/fixtures/guest.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod guest;
#[path = "support/trace.rs"]
mod trace;

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use guest::guest;
use tailsieve::clock::Moment;
use tailsieve::config::policy_file;
use tailsieve::sampler::config::{EvaluationConfig, OnError, PolicyConfig, RuleConfig, WasmConfig};
use tailsieve::sampler::evaluation::Scratch;
use tailsieve::sampler::policy::Context;
use tailsieve::sampler::policy_set::{PolicySet, Setting};
use tailsieve::sampler::precedence::Decision;
use tailsieve::sampler::wasm::{Limits, Plugin};
use trace::trace;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Says nothing, and asks nothing.
const NOTHING: &str = "(func (export \"evaluate\") (param $trace i32) (result i32)
    (call $answer (local.get $trace) (i32.const 0)))";

/// Keeps a trace of more than 1,000 spans, or with an error, or of more than a second, or of more than 10 MB.
const FOUR_GETTERS: &str = "(func (export \"evaluate\") (param $trace i32) (result i32)
    (call $answer (local.get $trace)
      (i32.or
        (i32.or
          (i32.gt_u (call $trace.span-count (local.get $trace)) (i32.const 1000))
          (i32.ne (call $trace.error-count (local.get $trace)) (i32.const 0)))
        (i32.or
          (f64.gt (call $trace.duration-ms (local.get $trace)) (f64.const 1000))
          (i32.gt_u (call $trace.size-bytes (local.get $trace)) (i32.const 10000000))))))";

/// The same with two of the getters that read spans.
const WITH_ROOT: &str = "(func (export \"evaluate\") (param $trace i32) (result i32)
    (call $trace.root-name (local.get $trace) (i32.const 64))
    (call $trace.root-service (local.get $trace) (i32.const 80))
    (call $answer (local.get $trace)
      (i32.or
        (i32.gt_u (call $trace.span-count (local.get $trace)) (i32.const 1000))
        (f64.gt (call $trace.duration-ms (local.get $trace)) (f64.const 1000)))))";

/// Keeps a trace with a span of more than a second whose `http.route` is longer than 100 bytes.
const EVERY_SPAN: &str = "(data (i32.const 1024) \"http.route\")
  (func (export \"evaluate\") (param $trace i32) (result i32) (local $spans i32) (local $keeps i32)
    (local.set $spans (call $trace.spans (local.get $trace)))
    (block $end (loop $on
      (br_if $end (i32.eqz (call $spans.next (local.get $spans))))
      (call $spans.attribute (local.get $spans) (i32.const 1024) (i32.const 10) (i32.const 64))
      (local.set $keeps (i32.or (local.get $keeps)
        (i32.and
          (f64.gt (call $spans.duration-ms (local.get $spans)) (f64.const 1000))
          (i32.gt_u (i32.load (i32.const 72)) (i32.const 100)))))
      (br $on)))
    (call $drop-spans (local.get $spans))
    (call $answer (local.get $trace) (local.get $keeps)))";

/// What the first of the above does, by policies of our own.
const FOUR_NATIVE: &str = "policies:
  - {name: a, type: span_count, min_spans: 1001}
  - {name: b, type: status_code, status_codes: [ERROR]}
  - {name: c, type: latency, threshold_ms: 1000}
";

/// What the last one does.
const EVERY_SPAN_NATIVE: &str = "policies:
  - name: a
    type: ottl_condition
    span:
      - 'end_time_unix_nano - start_time_unix_nano > 1000000000 and Len(attributes[\"http.route\"]) > 100'
";

fn plugin(functions: &str) -> Arc<Plugin> {
    let limits = Limits::default();
    let plugin = Plugin::load(&guest(functions), "null".to_owned(), limits, &|| Moment(0));
    Arc::new(plugin.expect("a valid plugin"))
}

fn set_of(plugin: Arc<Plugin>, rebuild_after: u64) -> PolicySet {
    let rule = RuleConfig::Wasm(WasmConfig {
        module: PathBuf::new(),
        plugin,
        on_error: OnError::Abstain,
        stateful: false,
        rebuild_after,
    });
    let policy = PolicyConfig::new("plugin", rule);
    PolicySet::compile(&[policy], EvaluationConfig::default())
}

fn native(text: &str) -> PolicySet {
    let file = policy_file::parse("native.yaml", text, &|_| None);
    let file = file.expect("a valid policy file").config;
    PolicySet::compile(&file.policies, file.evaluation)
}

fn decide(criterion: &mut Criterion) {
    let trace = trace();
    let view = trace.view();
    let setting = Setting {
        context: Context::default(),
        stopwatch: None,
    };
    let mut scratch = Scratch::default();
    let mut group = criterion.benchmark_group("plugins");
    let mut measure = |name: &str, set: &PolicySet| {
        let verdict = set.decide(&view, &setting, &mut scratch);
        assert_eq!(verdict.decision, Decision::NotSampled, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| set.decide(black_box(&view), &setting, &mut scratch));
        });
    };
    measure("nothing", &set_of(plugin(NOTHING), 0));
    measure("four getters", &set_of(plugin(FOUR_GETTERS), 0));
    measure("four getters, native", &native(FOUR_NATIVE));
    measure("two getters and the root", &set_of(plugin(WITH_ROOT), 0));
    measure("every span", &set_of(plugin(EVERY_SPAN), 0));
    measure("every span, native", &native(EVERY_SPAN_NATIVE));
    measure(
        "nothing, a new instance each time",
        &set_of(plugin(NOTHING), 1),
    );
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
