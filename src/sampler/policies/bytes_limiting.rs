//! `bytes_limiting`: keeps traces while their size fits a token bucket of bytes per second.
//!
//! The size is the one that the collector counts, see [`crate::otlp::size`].

use std::sync::Arc;

use crate::sampler::compiler::Compiler;
use crate::sampler::config::LimitScope;
use crate::sampler::evaluation::Evaluation;
use crate::sampler::limiter::TokenBucket;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::witness::Witness;

#[derive(Debug)]
struct BytesLimiting {
    bucket: Arc<TokenBucket>,
    scope: LimitScope,
}

pub(super) fn compile(
    bytes_per_second: i64,
    burst_capacity: i64,
    scope: LimitScope,
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    compiler.need_sizes();
    let bucket = compiler.bucket(bytes_per_second, burst_capacity);
    Box::new(BytesLimiting { bucket, scope })
}

impl Policy for BytesLimiting {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let bytes = evaluation.trace().summary.sizes.framed_bytes;
        let context = evaluation.context();
        let share = self.scope.share(&context);
        let fits = self.bucket.take(bytes as f64, share, context);
        Ok(Opinion {
            vote: Vote::sampled_if(fits),
            witness: Witness::Bytes(bytes),
        })
    }
}
