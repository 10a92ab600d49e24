//! A failure of a random plan of many faults is shrunk step by step, until nothing simpler fails the same way.

use durasim::Exploration;

use super::{
    cancel_is_swallowed, checkpoint_before_the_work, earlier_results_are_missing, is_smallest, last_step_is_done_again,
};

#[test]
fn to_the_smallest_plan() {
    let planted: [fn() -> Exploration; 4] = [
        cancel_is_swallowed::planted,
        checkpoint_before_the_work::planted,
        earlier_results_are_missing::planted,
        last_step_is_done_again::planted,
    ];
    for planted in planted {
        // Others of the 400 seeds fail first, with other plans.
        for from in [0, 100, 200, 300] {
            let exploration = planted().seeds(from..from + 100);
            let report = exploration.report();
            assert!(!report.holds(), "{report}");
            for failed in report.failures() {
                is_smallest(&exploration, failed);
            }
        }
    }
}
