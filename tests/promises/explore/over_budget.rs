//! Seeds stay within the retry policy, but for the share that is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use durasim::explore::Tally;
use durasim::{ActivityOptions, Exploration, RetryPolicy, Run, RunError, check};

use super::{resilient, simulation};

const SEEDS: u64 = 2_000;

fn explored() -> Exploration {
    let two = RetryPolicy { maximum_attempts: 2, ..Default::default() };
    let options = ActivityOptions { retry_policy: Some(two), ..resilient() };
    simulation(options).explore("work", &4u32).seeds(0..SEEDS).without_repeats().check(check::same_result())
}

/// The counts, and the faults that struck in the run of each seed.
fn found(exploration: Exploration) -> (Tally, BTreeMap<u64, String>) {
    let plans = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = plans.clone();
    let report = exploration
        .check(
            check::named("seen", move |run: &Run| {
                seen.lock().unwrap().insert(run.seed(), run.plan().to_string());
            })
            .all_runs(),
        )
        .report();
    assert!(report.holds(), "{report}");
    let plans = plans.lock().unwrap().clone();
    (report.parts()[1].tally.clone(), plans)
}

#[test]
fn a_share_of_the_seeds_uses_up_the_policy_and_the_others_are_as_ever() {
    let (usual, plans) = found(explored());
    assert_eq!(found(explored().over_budget(0.0)), (usual.clone(), plans.clone()));
    let mut least = usual.over_budget;
    for share in [0.2, 0.6, 1.0] {
        let (tally, others) = found(explored().over_budget(share));
        assert!(tally.over_budget > least + SEEDS / 100, "{share}: {} after {least}", tally.over_budget);
        least = tally.over_budget;
        let changed = plans.iter().filter(|(seed, plan)| others[seed] != **plan).count() as f64;
        assert!(changed > 0.0 && changed < (share + 0.03) * SEEDS as f64, "{share}: {changed}");
    }
}

#[test]
fn what_is_no_share_and_a_share_of_nothing_are_errors() {
    let told = |exploration: Exploration| match exploration.report().error() {
        Some(RunError::Setup(message)) => message.clone(),
        other => panic!("{other:?}"),
    };
    for share in [-0.1, 1.5, 25.0, f64::NAN] {
        let message = told(explored().over_budget(share));
        assert!(message.contains(&format!("`.over_budget({share})`")) && message.contains("0.0"), "{message}");
    }
    let without = simulation(resilient()).explore("work", &4u32).every_fault().check(check::same_result());
    assert!(told(without.over_budget(0.5)).contains("add `.seeds("));
}
