//! [`shrink`]: the smallest plan that still fails.

use crate::fault::Plan;

/// Runs that one failure may take to shrink. A plan of ten faults usually takes some hundred.
pub(super) const RUNS: u64 = 10_000;

/// What shrinking came to.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shrunk<F> {
    pub(super) plan: Plan,
    /// What `fails` said of it.
    pub(super) failure: F,
    /// Whether no plan that is one step simpler fails; not if the runs were used up before.
    pub(super) is_smallest: bool,
}

/// Takes a plan that fails with `failure` to the first of its [simplifications](Plan::simplifications) that fails the same
/// way, and so on, until there is none. Ends: simplifications of simplifications have an end, and so have `runs`.
pub(super) fn shrink<F>(plan: Plan, failure: F, runs: u64, fails: impl Fn(&Plan) -> Option<F>) -> Shrunk<F> {
    let mut shrunk = Shrunk { plan, failure, is_smallest: true };
    let mut left = runs;
    'smaller: loop {
        for simpler in shrunk.plan.simplifications() {
            if left == 0 {
                shrunk.is_smallest = false;
                return shrunk;
            }
            left -= 1;
            if let Some(failure) = fails(&simpler) {
                shrunk.plan = simpler;
                shrunk.failure = failure;
                continue 'smaller;
            }
        }
        return shrunk;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::fault::{Fault, Order, Site};

    fn shrunk(plan: &str, fails: impl Fn(&Plan) -> bool) -> String {
        let shrunk = shrink(plan.parse().unwrap(), (), RUNS, |plan| fails(plan).then_some(()));
        assert!(shrunk.is_smallest);
        shrunk.plan.to_string()
    }

    #[test]
    fn what_is_not_needed_is_dropped() {
        let plan = "v1 seed=9 order=random; a#1@1:await1=crash; a#1@2:await2=crash; a#1@3:await3=cancel";
        let needs = |plan: &Plan| plan.entries.iter().any(|entry| entry.to_string() == "a#1@2:await2=crash");
        assert_eq!(shrunk(plan, needs), "v1 seed=0 order=fifo; a#1@2:await2=crash");
    }

    #[test]
    fn two_faults_that_are_both_needed_stay() {
        let plan = "v1 seed=9 order=random; a#1@1:await1=crash; a#1@2:await2=crash";
        let small = shrunk(plan, |plan| plan.entries.len() == 2 && plan.order == Order::Random);
        assert_eq!(small, "v1 seed=0 order=random; a#1@1:await1=fail; a#1@2:await1=fail");
    }

    #[test]
    fn a_crash_that_is_needed_stays() {
        let small = shrunk("a#1@1:await9=crash", |plan| plan.entries.iter().any(|entry| entry.fault == Fault::Crash));
        assert_eq!(small, "v1 seed=0 order=fifo; a#1@1:await1=crash");
    }

    #[test]
    fn a_fault_is_moved_to_the_first_point_at_which_it_fails_and_cut_to_the_length_it_needs() {
        let fails = |plan: &Plan| {
            let [entry] = &plan.entries[..] else { return false };
            let late = matches!(entry.point.site, Site::Await(number) if number >= 5);
            let long = entry.fault.length().is_some_and(|length| length >= Duration::from_secs(30));
            late && long && entry.point.attempt >= Some(2)
        };
        assert_eq!(shrunk("a#4@3:await37=stall(86421ms)", fails), "v1 seed=0 order=fifo; a#1@2:await5=stall(40s)");
    }

    #[test]
    fn the_runs_are_bounded() {
        let runs = Cell::new(0);
        let plan: Plan = "v1 seed=9; a#1@1:await1=crash; a#1@2:await2=crash".parse().unwrap();
        let shrunk = shrink(plan.clone(), (), 5, |_| {
            runs.set(runs.get() + 1);
            None
        });
        assert_eq!((runs.get(), shrunk.is_smallest, shrunk.plan), (5, false, plan));
    }
}
