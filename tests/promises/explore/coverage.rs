//! A report says which kinds of fault struck where, and which might have and did not.

use std::collections::BTreeSet;

use durasim::explore::{Cell, Coverage};
use durasim::{Exploration, Run, check};

use super::{resilient, simulation};

fn explored() -> Exploration {
    simulation(resilient()).explore("work", &4u32).named("coverage").check(check::same_result())
}

/// The numbers of cells of this kind that are struck, and that are not.
fn of(coverage: &Coverage, is_meant: impl Fn(&Cell<'_>) -> bool) -> (usize, usize) {
    let (struck, missed): (Vec<_>, Vec<_>) = coverage.cells().filter(is_meant).partition(|cell| cell.struck > 0);
    (struck.len(), missed.len())
}

#[test]
fn every_fault_fills_the_first_attempt_and_not_the_second() {
    let report = explored().every_fault().report();
    let first = of(report.coverage(), |cell| cell.attempt == Some(1) && cell.site != "backoff");
    assert!(first.0 > 20 && first.1 == 0, "{report}");
    // Without a fault there is neither a wait before a retry nor a retry.
    assert_eq!(of(report.coverage(), |cell| cell.attempt == Some(1) && cell.site == "backoff"), (0, 2));
    let second = of(report.coverage(), |cell| cell.attempt == Some(2));
    assert!(second.0 == 0 && second.1 > 20, "{report}");
    let workflow = of(report.coverage(), |cell| cell.name == "work" && cell.attempt.is_none());
    assert!(workflow.0 >= 4 && workflow.1 == 0, "{report}");

    let text = report.to_string();
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("  coverage")).collect();
    let (filled, there) = (report.coverage().filled(), report.coverage().there());
    let all = of(report.coverage(), |_| true);
    assert_eq!((filled, there), (all.0, all.0 + all.1));
    assert_eq!(lines[0], format!("  coverage: {filled} of {there} cells (activity x site x fault x attempt)"));
    assert_eq!(
        lines[1..],
        ["    not struck: steps at attempt 1: backoff=any", "    not struck: steps at attempt 2, anywhere"]
    );
}

#[test]
fn pairs_fill_the_second_attempt_too() {
    let alone = explored().every_pair().report();
    let coverage = alone.coverage();
    for is_meant in [|cell: &Cell<'_>| cell.attempt == Some(2), |cell: &Cell<'_>| cell.site == "backoff"] {
        let (struck, missed) = of(coverage, is_meant);
        assert!(struck >= 2 && missed == 0, "{alone}");
    }
    // The cells that exist do not depend on the part that has looked.
    let cells = |coverage: &Coverage| -> BTreeSet<String> {
        coverage.cells().map(|cell| format!("{} {:?} {} {}", cell.name, cell.attempt, cell.site, cell.fault)).collect()
    };
    assert_eq!(cells(coverage), cells(explored().every_fault().every_pair().report().coverage()));
}

#[test]
fn seeds_leave_out_the_deadlines_and_slow_attempts() {
    let report = explored().seeds(0..5_000).report();
    let missed: BTreeSet<&str> = report.coverage().unfilled().map(|cell| cell.site).collect();
    assert_eq!(missed, BTreeSet::from(["deadline", "dispatch"]), "{report}");
    let told = "not struck: steps at attempt 1: dispatch=slow, deadline=any\n";
    assert!(report.to_string().ends_with(told), "{report}");
}

#[test]
fn each_fault_that_strikes_is_counted() {
    let report = explored().every_fault().check(
        check::named("one fault", |run: &Run| {
            assert!(run.trace().faults().len() <= 1);
        })
        .all_runs(),
    );
    let report = report.report();
    let struck: u64 = report.coverage().cells().map(|cell| cell.struck).sum();
    assert_eq!(struck, report.parts()[1].tally.runs, "{report}");
}
