//! Buckets and counters, whole and in shares.

use super::*;

const SECOND: u64 = 1_000_000_000;

fn at(now_ns: u64) -> Context {
    Context {
        now: Moment(now_ns),
        ..Context::default()
    }
}

#[test]
fn starts_full_and_refills_at_its_rate_up_to_its_capacity() {
    let bucket = TokenBucket::new(10.0, 20.0);
    assert!(bucket.take(20.0, Share::WHOLE, at(0)));
    assert!(!bucket.take(1.0, Share::WHOLE, at(0)));
    assert!(bucket.take(10.0, Share::WHOLE, at(SECOND)));
    assert!(!bucket.take(1.0, Share::WHOLE, at(SECOND)));
    assert!(bucket.take(20.0, Share::WHOLE, at(100 * SECOND)));
    assert!(!bucket.take(1.0, Share::WHOLE, at(100 * SECOND)));
}

#[test]
fn takes_all_or_nothing() {
    let bucket = TokenBucket::new(1.0, 5.0);
    assert!(!bucket.take(6.0, Share::WHOLE, at(0)));
    assert!(bucket.take(5.0, Share::WHOLE, at(0)));
}

#[test]
fn an_earlier_moment_adds_nothing() {
    let bucket = TokenBucket::new(1.0, 5.0);
    assert!(bucket.take(5.0, Share::WHOLE, at(5 * SECOND)));
    assert!(!bucket.take(1.0, Share::WHOLE, at(SECOND)));
    assert!(!bucket.take(1.0, Share::WHOLE, at(5 * SECOND)));
    assert!(bucket.take(1.0, Share::WHOLE, at(6 * SECOND)));
}

#[test]
fn a_rehearsal_takes_nothing() {
    let bucket = TokenBucket::new(1.0, 5.0);
    let rehearsal = Context {
        is_rehearsal: true,
        ..Context::default()
    };
    assert!(
        bucket.take(5.0, Share::WHOLE, rehearsal) && !bucket.take(6.0, Share::WHOLE, rehearsal)
    );
    assert!(bucket.take(5.0, Share::WHOLE, at(0)));
    let counters = SecondCounters::new(vec![5]);
    assert!(
        counters.take(0, 5, Share::WHOLE, rehearsal) && counters.take(0, 5, Share::WHOLE, at(0))
    );
    assert!(!counters.take(0, 1, Share::WHOLE, at(0)));
}

#[test]
fn counters_begin_anew_each_second_and_never_go_back() {
    let counters = SecondCounters::new(vec![5, 1]);
    let second = |number: u64| Context {
        unix_ns: number * SECOND,
        ..Context::default()
    };
    assert!(
        counters.take(0, 5, Share::WHOLE, second(7))
            && counters.take(1, 1, Share::WHOLE, second(7))
    );
    assert!(
        !counters.take(0, 1, Share::WHOLE, second(7))
            && !counters.take(0, 1, Share::WHOLE, second(6))
    );
    assert!(
        counters.take(0, 5, Share::WHOLE, second(8))
            && !counters.take(0, 6, Share::WHOLE, second(9))
    );
    assert!(!counters.take(2, 1, Share::WHOLE, second(9)));
}

/// Spans granted within `seconds` by buckets, and by counters, of replicas with these shares, to traces of so many spans
/// that come at each millisecond at every replica.
fn granted(shares: &[f64], limit: i64, trace: i64, seconds: u64) -> (f64, f64) {
    let (mut of_buckets, mut of_counters) = (0.0, 0.0);
    for share in shares {
        let share = Share::new(*share);
        let bucket = TokenBucket::new(limit as f64, limit as f64);
        let counters = SecondCounters::new(vec![limit]);
        for millisecond in 0..seconds * 1_000 {
            let context = Context {
                unix_ns: millisecond * 1_000_000,
                ..at(millisecond * 1_000_000)
            };
            let spans = trace as f64;
            of_buckets += f64::from(u8::from(bucket.take(spans, share, context))) * spans;
            let fits = counters.take(0, trace, share, context);
            of_counters += f64::from(u8::from(fits)) * spans;
        }
    }
    (of_buckets, of_counters)
}

#[test]
fn replicas_grant_the_limit_together_whatever_their_shares_and_the_size_of_traces() {
    for trace in [1, 7, 10, 40] {
        for shares in [&[1.0][..], &[0.5, 0.5], &[0.2, 0.2, 0.6], &[0.07; 14]] {
            let (of_buckets, of_counters) = granted(shares, 100, trace, 30);
            // Buckets begin full: a second's limit more. Each replica may owe a trace at the end.
            let owed = (shares.len() as i64 * trace) as f64;
            let told = format!("{shares:?} {trace} {of_buckets} {of_counters}");
            assert!((2_700.0..=3_100.0 + owed).contains(&of_buckets), "{told}");
            // The whole, as the collector has it, may round to whole traces in each second.
            assert!((2_400.0..=3_000.0 + owed).contains(&of_counters), "{told}");
            if shares.len() > 1 {
                assert!(of_counters >= 2_700.0, "{told}");
            }
        }
    }
}

#[test]
fn what_a_share_grants_beyond_itself_it_owes() {
    let third = Share::new(1.0 / 3.0);
    let bucket = TokenBucket::new(10.0, 30.0);
    assert!(!bucket.take(31.0, third, at(0)), "more than the whole");
    assert!(bucket.take(20.0, third, at(0)));
    assert!(!bucket.take(1.0, third, at(3 * SECOND)));
    assert!(bucket.take(1.0, third, at(4 * SECOND)));
}

#[test]
fn a_limit_of_the_replica_knows_no_share() {
    let context = Context {
        share: Share::new(0.1),
        ..Context::default()
    };
    assert_eq!(LimitScope::Replica.share(&context), Share::WHOLE);
    assert_eq!(LimitScope::Cluster.share(&context), Share::new(0.1));
    assert_eq!(Share::new(f64::NAN), Share::MIN);
    assert_eq!(Share::new(7.0), Share::WHOLE);
}
