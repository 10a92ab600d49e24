//! [`shrink`]: the smallest plan that still fails.

use crate::fault::Plan;

/// The result of shrinking.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shrunk<F> {
    pub(super) plan: Plan,
    /// The failure of that plan.
    pub(super) failure: F,
    /// Runs that it took.
    pub(super) runs: u64,
    /// True if no plan that is one step simpler fails; false also if it was enough before that was known.
    pub(super) is_smallest: bool,
}

/// Takes a plan that fails with `failure` to the first of its [simplifications](Plan::simplifications) that fails the same
/// way, and so on, until there is none, or until so many runs are enough. Simplifications of simplifications have an end.
pub(super) fn shrink<F>(
    plan: Plan,
    failure: F,
    is_enough: impl Fn(u64) -> bool,
    fails: impl Fn(&Plan) -> Option<F>,
) -> Shrunk<F> {
    let mut shrunk = Shrunk { plan, failure, runs: 0, is_smallest: true };
    loop {
        let mut smaller = None;
        for simpler in shrunk.plan.simpler() {
            if is_enough(shrunk.runs) {
                shrunk.is_smallest = false;
                break;
            }
            shrunk.runs += 1;
            if let Some(failure) = fails(&simpler) {
                smaller = Some((simpler, failure));
                break;
            }
        }
        let Some((plan, failure)) = smaller else { return shrunk };
        (shrunk.plan, shrunk.failure) = (plan, failure);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::fault::{Fault, Order, Site};

    fn shrunk(plan: &str, fails: impl Fn(&Plan) -> bool) -> String {
        let shrunk = shrink(plan.parse().unwrap(), (), |_| false, |plan| fails(plan).then_some(()));
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
        let fails = |_: &Plan| {
            runs.set(runs.get() + 1);
            None
        };
        let shrunk = shrink(plan.clone(), (), |runs| runs == 5, fails);
        assert_eq!((runs.get(), shrunk.runs, shrunk.is_smallest, shrunk.plan), (5, 5, false, plan));
    }
}
