//! A part of an exploration ends once enough of its runs have failed in the same way, and says so.

use durasim::{Run, check};

use super::{resilient, simulation};

fn fails_with_a_fault() -> impl check::Check {
    check::named("no faults", |run: &Run| if run.plan().is_empty() { Ok(()) } else { Err("a fault struck") }).all_runs()
}

#[test]
fn a_part_ends_after_a_thousand_failures_of_one_kind() {
    let explore = |threads: usize| {
        let exploration = simulation(resilient()).explore("work", &4u32).named("ends_early").threads(threads);
        exploration.seeds(0..20_000).seeds(20_000..20_010).check(fails_with_a_fault()).report()
    };
    let report = explore(1);
    let [_, long, short] = report.parts() else { panic!("{report}") };
    assert!((1_000..1_100).contains(&long.tally.failed) && long.tally.runs < 5_000, "{report}");
    let ended_early = long.ended_early.as_ref().expect("it has left out most of its runs");
    assert_eq!((ended_early.check.as_str(), ended_early.runs), ("no faults", long.tally.failed));
    assert!(report.to_string().contains(", ended early: `no faults` had failed in the same way in "), "{report}");
    // The next part makes its runs, and the number of threads makes no difference.
    assert_eq!((short.tally.runs, &short.ended_early), (10, &None));
    assert_eq!(explore(3).to_string(), report.to_string());
}

#[test]
fn a_part_whose_last_run_is_the_thousandth_failure_has_left_out_nothing() {
    let explore =
        |seeds| simulation(resilient()).explore("work", &4u32).seeds(seeds).check(fails_with_a_fault()).report();
    let all = explore(0..4_000);
    let runs = all.parts()[1].tally.runs;
    let exactly = explore(0..runs);
    assert_eq!(exactly.parts()[1].ended_early, None, "{exactly}");
    assert_eq!(exactly.parts()[1].tally, all.parts()[1].tally);
}
