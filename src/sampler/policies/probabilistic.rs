//! `probabilistic`: keeps a fixed share of traces, the same ones on every replica and in the collector.
//!
//! FNV-1a 64 over the salt, then the 16 bytes of the trace ID; kept when the hash is at most
//! `floor(percentage / 100 * (2^64 - 1))`. Source: the collector's `tail_sampling` processor.

use crate::otlp::ids::TraceId;
use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};

const DEFAULT_SALT: &str = "default-hash-seed";
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[derive(Debug)]
pub(super) struct Probabilistic {
    /// FNV-1a state after the salt.
    salted: u64,
    /// Greatest hash that is kept.
    hash_max: u64,
}

impl Probabilistic {
    pub(super) fn new(sampling_percentage: f64, hash_salt: &str) -> Self {
        let salt = if hash_salt.is_empty() {
            DEFAULT_SALT
        } else {
            hash_salt
        };
        Self {
            salted: fnv1a(FNV_OFFSET, salt.as_bytes()),
            hash_max: greatest_hash(sampling_percentage),
        }
    }

    pub(super) fn keeps(&self, trace_id: TraceId) -> bool {
        fnv1a(self.salted, &trace_id.0) <= self.hash_max
    }
}

impl Policy for Probabilistic {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        Ok(Vote::sampled_if(self.keeps(evaluation.trace().trace_id)).into())
    }
}

fn fnv1a(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

/// `floor(percentage / 100 * (2^64 - 1))`, exact for the binary value of `percentage / 100`, saturating.
fn greatest_hash(percentage: f64) -> u64 {
    let share = percentage / 100.0;
    // A NaN is no share either.
    if share.is_nan() || share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return u64::MAX;
    }
    // share = mantissa * 2^-shift with a 53-bit mantissa, so the product fits 128 bits.
    let bits = share.to_bits();
    let exponent = (bits >> 52) as u32;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 {
        fraction
    } else {
        fraction | 1 << 52
    };
    let shift = 1_075 - exponent.max(1);
    let product = u128::from(mantissa) * u128::from(u64::MAX);
    product.checked_shr(shift).unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a_64() {
        // Published test vectors of FNV-1a 64.
        assert_eq!(fnv1a(FNV_OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(FNV_OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(FNV_OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_greatest_hash_is_the_exact_floor() {
        assert_eq!(greatest_hash(0.0), 0);
        assert_eq!(greatest_hash(-5.0), 0);
        assert_eq!(greatest_hash(f64::NAN), 0);
        assert_eq!(greatest_hash(100.0), u64::MAX);
        assert_eq!(greatest_hash(250.0), u64::MAX);
        assert_eq!(greatest_hash(50.0), u64::MAX / 2);
        assert_eq!(greatest_hash(25.0), u64::MAX / 4);
        assert_eq!(greatest_hash(f64::MIN_POSITIVE), 0);
    }

    #[test]
    fn an_empty_salt_is_the_default_salt() {
        let default = Probabilistic::new(10.0, "");
        let named = Probabilistic::new(10.0, DEFAULT_SALT);
        let other = Probabilistic::new(10.0, "other");
        let ids = || {
            let odd = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128;
            (1..=4_096_u128).map(move |number| TraceId(number.wrapping_mul(odd).to_be_bytes()))
        };
        assert!(ids().all(|id| default.keeps(id) == named.keeps(id)));
        assert!(ids().any(|id| default.keeps(id) != other.keeps(id)));
        let kept = ids().filter(|id| default.keeps(*id)).count();
        assert!((300..520).contains(&kept), "kept {kept} of 4096 at 10 %");
    }
}
