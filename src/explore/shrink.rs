//! [`shrink`]: the smallest plan that still fails.

use crate::fault::{Order, Plan};

/// Makes a plan simpler as long as `fails` says that it fails the same way: without a fault, in order, with seed 0.
pub(super) fn shrink(mut plan: Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    loop {
        let simpler = simplifications(&plan).into_iter().find(|simpler| fails(simpler));
        match simpler {
            Some(simpler) => plan = simpler,
            None => return plan,
        }
    }
}

/// The plans that are one step simpler, those that save most first.
fn simplifications(plan: &Plan) -> Vec<Plan> {
    let mut simpler = Vec::new();
    if plan.order != Order::Fifo {
        simpler.push(plan.clone().with_order(Order::Fifo));
    }
    if plan.seed != 0 {
        simpler.push(plan.clone().with_seed(0));
    }
    for place in (0..plan.entries.len()).rev() {
        let mut without = plan.clone();
        without.entries.remove(place);
        simpler.push(without);
    }
    simpler
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_is_dropped() {
        let plan: Plan =
            "v1 seed=9 order=random; a#1@1:await1=crash; a#1@2:await2=crash; a#1@3:await3=cancel".parse().unwrap();
        let needs = |plan: &Plan| plan.entries.iter().any(|entry| entry.to_string() == "a#1@2:await2=crash");
        assert_eq!(shrink(plan, needs).to_string(), "v1 seed=0 order=fifo; a#1@2:await2=crash");
    }

    #[test]
    fn two_faults_that_are_both_needed_stay() {
        let plan: Plan = "v1 seed=9 order=random; a#1@1:await1=crash; a#1@2:await2=crash".parse().unwrap();
        let small = shrink(plan, |plan| plan.entries.len() == 2 && plan.order == Order::Random);
        assert_eq!(small.to_string(), "v1 seed=0 order=random; a#1@1:await1=crash; a#1@2:await2=crash");
    }
}
