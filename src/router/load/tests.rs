//! Shares of a limit over replicas that come, go, and change their loads, with what each knows of the others being late.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SLOTS: usize = 4_096;

fn portion(load: u64, slots: usize) -> Portion {
    Portion { load, slots }
}

#[test]
fn a_replica_alone_has_the_whole() {
    for own in [portion(0, 0), portion(0, SLOTS), portion(7_000, SLOTS)] {
        assert!((part_of(own, &[]) - 1.0).abs() < 1e-9);
    }
}

#[test]
fn shares_follow_the_loads() {
    let (busy, idle) = (portion(3_000, 2_048), portion(1_000, 2_048));
    assert!((part_of(busy, &[idle]) - 0.75).abs() < 1e-9);
    assert!((part_of(idle, &[busy]) - 0.25).abs() < 1e-9);
}

#[test]
fn a_replica_that_has_just_got_slots_is_not_starved_and_one_without_takes_nothing() {
    let old = portion(500_000, SLOTS / 3);
    let fresh = part_of(portion(0, SLOTS / 3), &[old, old]);
    assert!((0.13..0.16).contains(&fresh), "{fresh}");
    assert!(part_of(portion(0, 0), &[old, old]) < 1e-9);
    let before_anything = part_of(portion(0, SLOTS / 2), &[portion(0, SLOTS / 2)]);
    assert!((before_anything - 0.5).abs() < 1e-9);
}

#[test]
fn the_load_is_a_mean_over_ten_seconds() {
    let mut meter = LoadMeter::default();
    let at = |second: u64| Moment(second * 1_000_000_000);
    for second in 0..=60 {
        meter.note(second * 200, at(second));
    }
    assert!(
        (199_000..=200_000).contains(&meter.load()),
        "{}",
        meter.load()
    );
    for second in 61..=70 {
        meter.note(60 * 200, at(second));
    }
    let a_third = 200_000.0 * (-1_f64).exp();
    assert!((meter.load() as f64 - a_third).abs() < 1_000.0);
    meter.note(60 * 200, at(70));
    assert!((meter.load() as f64 - a_third).abs() < 1_000.0);
}

proptest! {
    /// Whoever goes by the same figures: the shares are parts, and add up.
    #[test]
    fn shares_add_up_to_the_whole(
        replicas in prop::collection::vec((0_u64..1 << 40, 0_usize..SLOTS), 1..20)
    ) {
        let all: Vec<Portion> = replicas.iter().map(|(load, slots)| portion(*load, *slots)).collect();
        let mut sum = 0.0;
        for own in 0..all.len() {
            let mut others = all.clone();
            let own = others.remove(own);
            let part = part_of(own, &others);
            prop_assert!((0.0..=1.0 + 1e-9).contains(&part));
            sum += part;
        }
        prop_assert!((sum - 1.0).abs() < 1e-6, "{}", sum);
    }

    /// Replicas join and leave, their loads jump, and each hears of the others a second or two late: over any 30 s the
    /// shares that were in force add up to the whole within a tenth.
    #[test]
    fn shares_in_force_add_up_over_any_thirty_seconds(
        changes in prop::collection::vec((15_u64..60, 2_usize..7, any::<[u8; 8]>()), 1..6),
        late in 1_usize..3,
    ) {
        let in_force = simulate(&changes, late);
        for window in in_force.windows(30) {
            let mean = window.iter().sum::<f64>() / 30.0;
            prop_assert!((mean - 1.0).abs() < 0.1, "{}", mean);
        }
    }
}

/// The sum of the shares in force at each second: of those that decide. Who joins decides when the others know it.
fn simulate(changes: &[(u64, usize, [u8; 8])], late: usize) -> Vec<f64> {
    let mut meters = vec![(LoadMeter::default(), 0_u64); 8];
    let mut published: Vec<Vec<Option<Portion>>> = Vec::new();
    let mut in_force = Vec::new();
    let mut second = 0_u64;
    for (seconds, count, weights) in changes {
        for _ in 0..*seconds {
            second += 1;
            let now = Moment(0).after(Duration::from_secs(second));
            let known = published.len().checked_sub(late);
            let known = known.map_or_else(|| vec![None; 8], |index| published[index].clone());
            let mut said = vec![None; 8];
            for (number, (meter, decided)) in meters.iter_mut().enumerate() {
                if number >= *count {
                    *meter = LoadMeter::default();
                    continue;
                }
                if known[number].is_some() {
                    *decided += 1_000 + u64::from(weights[number]) * 4;
                }
                meter.note(*decided, now);
                said[number] = Some(portion(meter.load(), SLOTS / count));
            }
            let part = |number: usize| {
                let own = said[number].filter(|_| known[number].is_some());
                let others = known.iter().enumerate();
                let others = others.filter(|(other, _)| *other != number);
                let others: Vec<Portion> = others.filter_map(|(_, it)| *it).collect();
                own.map_or(0.0, |own| part_of(own, &others))
            };
            if second > 5 {
                in_force.push((0..meters.len()).map(part).sum());
            }
            published.push(said);
        }
    }
    in_force
}
