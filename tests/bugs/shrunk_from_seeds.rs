//! A failure of a random plan of many faults is shrunk step by step, until nothing simpler fails the same way.

use super::is_smallest;
use super::planted::BUGS;

/// Bugs that seeds find soon.
const NAMES: [&str; 4] =
    ["cancel_is_swallowed", "checkpoint_before_the_work", "earlier_results_are_missing", "last_step_is_done_again"];

#[test]
fn to_the_smallest_plan() {
    for name in NAMES {
        let bug = BUGS.iter().find(|bug| bug.name == name).expect("a bug of that name");
        // Others of the 400 seeds fail first, with other plans.
        for from in [0, 100, 200, 300] {
            let exploration = (bug.planted)().seeds(from..from + 100);
            let report = exploration.report();
            assert!(!report.holds(), "{report}");
            for failed in report.failures() {
                is_smallest(&exploration, failed);
            }
        }
    }
}
