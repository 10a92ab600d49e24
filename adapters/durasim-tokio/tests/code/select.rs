//! `select!` without `biased;`, whose branch tokio draws.

use std::collections::BTreeSet;

use durasim::{ActivityContext, ActivityError, check};
use tokio::time;

use super::{millis, simulation};

async fn draws(_: &ActivityContext, (): ()) -> Result<u64, ActivityError> {
    let mut drawn = 0;
    for _ in 0..12 {
        // Both are ready at the same moment.
        let (one, two) = (time::sleep(millis(10)), time::sleep(millis(10)));
        tokio::pin!(one, two);
        tokio::select! {
            () = &mut one => drawn *= 2,
            () = &mut two => drawn = drawn * 2 + 1,
        }
    }
    Ok(drawn)
}

/// The runs of a seed are the same, and those of different seeds are not: `RUSTFLAGS="--cfg tokio_unstable"`.
#[cfg(tokio_unstable)]
#[test]
fn the_branch_follows_from_the_seed() {
    let of_seed = |seed| simulation(draws).seed(seed).run("main", &()).unwrap().result::<u64>().unwrap();
    let of_one: BTreeSet<u64> = (0..20).map(|_| of_seed(7)).collect();
    assert_eq!(of_one.len(), 1);
    assert!((0..20).map(of_seed).collect::<BTreeSet<u64>>().len() > 10);
    // Another attempt draws other branches, and the result tells which.
    let drawn = check::same_result().normalize(|drawn: &mut u64| *drawn = 0);
    simulation(draws).explore("main", &()).every_fault().check(drawn).assert();
}

/// Without that nobody can seed it: repetition finds it, and names the word that helps.
#[cfg(not(tokio_unstable))]
#[test]
fn a_branch_that_nobody_can_seed_is_told() {
    let seen: BTreeSet<u64> =
        (0..20).map(|_| simulation(draws).run("main", &()).unwrap().result::<u64>().unwrap()).collect();
    assert!(seen.len() > 1, "{seen:?}");
    let report = simulation(draws).explore("main", &()).every_fault().check(check::same_result()).report();
    let failed = report.failures().first().unwrap_or_else(|| panic!("{report}"));
    assert_eq!(failed.check, "deterministic");
    assert!(failed.text.contains("biased;"), "{}", failed.text);
}

/// A branch is drawn only where a freeze makes both ready at once. Each exploration says so, or is as the others.
#[test]
fn a_branch_that_is_drawn_after_a_freeze_is_told_ten_times_of_ten() {
    let racy = async |ctx: &ActivityContext, (): ()| -> Result<u64, ActivityError> {
        for step in 0..3u32 {
            tokio::select! {
                () = durasim::time::sleep(millis(700)) => {}
                () = durasim::time::sleep(millis(30_000)) => return Err(ActivityError::retryable("too long")),
            }
            ctx.heartbeat(&step)?;
        }
        Ok(3)
    };
    let mut counts = BTreeSet::new();
    for _ in 0..10 {
        let report = simulation(racy)
            .explore("main", &())
            .without("progress")
            .every_fault()
            .seeds(0..300)
            .check(check::same_result())
            .report();
        match report.failures().first() {
            Some(failed) => {
                assert_eq!(failed.check, "deterministic", "{report}");
                assert!(failed.text.contains("biased;"), "{}", failed.text);
            }
            None => _ = counts.insert(report.to_string()),
        }
    }
    assert!(counts.len() <= 1, "{counts:?}");
}
