//! What policies cost: ten mixed ones against a trace of 20 spans with 10 attributes each. Figures are per trace.
//!
//! And what matching a regular expression costs beside remembering the result.
//!
//! `cargo bench --bench policies`

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot prepare its input has nothing to measure"
)]

#[path = "support/trace.rs"]
mod trace;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rapidhash::RapidHashMap;
use tailsieve::config::policy_file;
use tailsieve::sampler::evaluation::Scratch;
use tailsieve::sampler::pattern::Pattern;
use tailsieve::sampler::policy::Context;
use tailsieve::sampler::policy_set::{PolicySet, Setting};
use tailsieve::sampler::precedence::Decision;
use trace::trace;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TEN_POLICIES: &str = include_str!("ten_policies.yaml");
fn decide(criterion: &mut Criterion) {
    let trace = trace();
    let view = trace.view();
    let file = policy_file::parse("ten_policies.yaml", TEN_POLICIES, &|_| None);
    let file = file.expect("a valid policy file").config;
    let setting = Setting {
        context: Context::default(),
        stopwatch: None,
    };
    let mut group = criterion.benchmark_group("policies");
    let mut scratch = Scratch::default();
    let mut measure = |name: &str, set: &PolicySet| {
        let verdict = set.decide(&view, &setting, &mut scratch);
        assert_eq!(verdict.decision, Decision::NotSampled, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| set.decide(black_box(&view), &setting, &mut scratch));
        });
    };
    let all = PolicySet::compile(&file.policies, file.evaluation);
    measure("ten together", &all);
    for policy in &file.policies {
        let alone = PolicySet::compile(std::slice::from_ref(policy), file.evaluation);
        measure(&format!("{} alone", policy.name), &alone);
    }
    group.finish();
}

/// What `cache_max_size` would spare: an expression matched each time, beside one look-up of the result by the value.
fn regex_or_cache(criterion: &mut Criterion) {
    let expression = r"^/(healthz|readyz|metrics)$|^/internal/|/v[0-9]+/orders/[0-9a-f]{8}";
    let pattern = Pattern::parse(expression).expect("a valid expression");
    let values: Vec<String> = (0..1_000_u32)
        .map(|number| {
            format!(
                "/api/v1/users/{:08x}-1a54-4f0e",
                number.wrapping_mul(0x9e37_79b9)
            )
        })
        .collect();
    let results: RapidHashMap<&[u8], bool> = values
        .iter()
        .map(|value| (value.as_bytes(), pattern.is_match(value.as_bytes())))
        .collect();
    let mut group = criterion.benchmark_group("regex");
    let mut measure = |name: &str, result: &dyn Fn(&[u8]) -> bool| {
        let mut next = values.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| result(black_box(next.next().map_or(&[], |value| value.as_bytes()))));
        });
    };
    measure("matched each time", &|value| pattern.is_match(value));
    measure("looked up in a map of 1,000 results", &|value| {
        results.get(value).copied().unwrap_or_default()
    });
    group.finish();
}

criterion_group!(benches, decide, regex_or_cache);
criterion_main!(benches);
