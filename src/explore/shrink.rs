//! [`shrink`]: the smallest plan that still fails.

use std::time::Duration;

use crate::fault::{Entry, Order, Plan, Site};

/// The shortest length that a stall or a delay is cut to.
const SHORTEST: Duration = Duration::from_millis(1);

/// Makes a plan simpler as long as `fails` says that it fails the same way: in order, with seed 0, without a fault, with a
/// fault earlier, with a shorter stall. What is left is a plan of which no such step fails.
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
    for place in 0..plan.entries.len() {
        let entry = &plan.entries[place];
        for entry in earlier(entry).into_iter().chain(shorter(entry)) {
            // A point has at most one fault.
            let is_free =
                plan.entries.iter().enumerate().all(|(other, taken)| other == place || taken.point != entry.point);
            if is_free {
                let mut moved = plan.clone();
                moved.entries[place] = entry;
                simpler.push(moved);
            }
        }
    }
    simpler
}

/// The same fault at an earlier site of its kind (the first, half way, one before), or in the attempt before.
fn earlier(entry: &Entry) -> Vec<Entry> {
    let mut earlier = Vec::new();
    for site in earlier_sites(entry.point.site) {
        let mut entry = entry.clone();
        entry.point.site = site;
        earlier.push(entry);
    }
    if let Some(attempt) = entry.point.attempt.filter(|attempt| *attempt > 1) {
        let mut entry = entry.clone();
        entry.point.attempt = Some(attempt - 1);
        earlier.push(entry);
    }
    earlier
}

/// The sites of the same kind that simpler plans may have instead. Workflow tasks are not alike, so they stay.
fn earlier_sites(site: Site) -> Vec<Site> {
    let (number, of): (u32, fn(u32) -> Site) = match site {
        Site::Await(number) => (number, Site::Await),
        Site::Effect(number) => (number, Site::Effect),
        Site::Heartbeat(number) => (number, Site::Heartbeat),
        Site::Deadline(number) => (number, Site::Deadline),
        _ => return Vec::new(),
    };
    [1, number / 2, number - 1].into_iter().filter(|other| (1..number).contains(other)).map(of).collect()
}

/// The same fault at half its length, in whole milliseconds.
fn shorter(entry: &Entry) -> Option<Entry> {
    let half = Duration::from_millis(entry.fault.length()?.as_millis() as u64 / 2);
    (half >= SHORTEST).then(|| Entry::new(entry.point.clone(), entry.fault.with_length(half)))
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
        assert_eq!(small.to_string(), "v1 seed=0 order=random; a#1@1:await1=crash; a#1@2:await1=crash");
    }

    #[test]
    fn a_fault_is_moved_to_the_first_point_at_which_it_fails_and_cut_to_the_length_it_needs() {
        let plan: Plan = "a#1@3:await37=stall(80s)".parse().unwrap();
        let fails = |plan: &Plan| {
            let entry = &plan.entries[0];
            let late = matches!(entry.point.site, Site::Await(number) if number >= 5);
            let long = entry.fault.length().is_some_and(|length| length >= Duration::from_secs(30));
            plan.entries.len() == 1 && late && long && entry.point.attempt >= Some(2)
        };
        let small = shrink(plan, |plan| !plan.is_empty() && fails(plan));
        assert_eq!(small.to_string(), "v1 seed=0 order=fifo; a#1@2:await5=stall(40s)");
    }

    #[test]
    fn a_fault_is_not_moved_onto_another() {
        let plan: Plan = "a#1@1:await1=crash; a#1@1:await2=fail".parse().unwrap();
        let small = shrink(plan.clone(), |plan| plan.entries.len() == 2);
        assert_eq!(small, plan);
    }
}
