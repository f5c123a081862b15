//! What a slot costs with a replica: the less, the better they fit. Weighted rendezvous hashing: -ln(u) / weight, with u
//! drawn by hashing, is least at a replica with a chance in proportion to its weight.
//!
//! All replicas must come to the same bits on all machines, so the logarithm is made of additions, multiplications and
//! divisions alone, which are exact everywhere; the library's is not.

use rapidhash::v3::rapidhash_v3;

/// The hash of one side's name, of a slot or a replica.
pub(super) fn salt(name: &[u8]) -> u64 {
    rapidhash_v3(name)
}

/// What the slot costs with the replica.
pub(super) fn cost(replica_salt: u64, slot_salt: u64, weight: u32) -> f64 {
    let hash = mix(mix(replica_salt, slot_salt), replica_salt);
    minus_ln(hash) / f64::from(weight)
}

/// Multiplies and folds: each bit of the result depends on all of both.
fn mix(a: u64, b: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(a ^ ODD) * u128::from(b ^ ODD.rotate_left(32));
    (product as u64) ^ ((product >> 64) as u64)
}

/// -ln(hash / 2^64), to five digits.
fn minus_ln(hash: u64) -> f64 {
    let zeros = (hash | 1).leading_zeros();
    // From 1 up to 2: ln x = 2 artanh((x - 1) / (x + 1)).
    let mantissa = ((hash | 1) << zeros >> 11) as f64 / (1_u64 << 52) as f64;
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0)));
    f64::from(zeros + 1) * std::f64::consts::LN_2 - 2.0 * t * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_right_to_four_digits() {
        for hash in [1, 77, u64::MAX / 3, u64::MAX / 2, 1 << 63, u64::MAX] {
            let exact = -(hash as f64 / 2_f64.powi(64)).ln();
            assert!((minus_ln(hash) - exact).abs() < 1e-4, "{hash}");
        }
    }
}
