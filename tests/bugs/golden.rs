//! Every event of the planted bugs and of their corrected twins: without faults, and under the bug's smallest plan. Part of
//! the golden net; `tests/golden/main.rs` says how it is written anew.

use std::sync::{Arc, Mutex};

use durasim::fault::Plan;
use durasim::{Exploration, Run, check};

use super::kept::Kept;
use super::planted::{BUGS, Bug, order_of_a_hash_map};
use super::run_text::run_text;

/// The plans under which a bug and its corrected twin run, by the bug's name. One that fails without faults has no other plan.
type Plans = (&'static str, &'static [&'static str], &'static [&'static str]);

/// All but the one whose order of a `HashMap` is another each time.
const PLANS: [Plans; 14] = [
    ("last_step_is_done_again", &["v1", "copy#1@1:await2=fail"], &["v1", "copy#1@1:await2=fail"]),
    ("checkpoint_before_the_work", &["v1", "copy#1@1:await1=fail"], &["v1", "copy#1@1:await1=fail"]),
    ("earlier_results_are_missing", &["v1", "copy#1@1:await2=fail"], &["v1", "copy#1@1:await2=fail"]),
    (
        "result_is_made_in_the_loop",
        &["v1", "copy#1@1:heartbeat6=crash_after_sent"],
        &["v1", "copy#1@1:heartbeat6=crash_after_sent"],
    ),
    ("goes_on_near_the_deadline", &["v1", "work#1@1:await3=freeze(46s)"], &["v1", "work#1@1:await3=freeze(46s)"]),
    ("heartbeats_only_when_it_divides", &["v1"], &["v1", "copy#1@1:await2=crash"]),
    ("checkpoint_is_never_read", &["v1", "copy#1@1:await2=fail"], &["v1", "copy#1@1:await2=fail"]),
    ("background_heartbeat_erases_the_checkpoint", &["v1"], &["v1", "copy#1@1:await2=crash"]),
    ("input_is_deleted_whatever_happens", &["v1", "copy#1@1:effect1=crash_after"], &["v1", "copy#1@1:await2=crash"]),
    ("heartbeat_timeout_without_heartbeats", &["v1", "copy#1@1:await1=crash"], &["v1", "copy#1@1:await1=crash"]),
    (
        "limit_moves_with_every_retry",
        &["v1", "wait_until_ready#1@1:heartbeat1=crash_after_sent; wait_until_ready#1@2:completion=request_lost"],
        &["v1", "wait_until_ready#1@1:heartbeat1=crash_after_sent; wait_until_ready#1@2:completion=request_lost"],
    ),
    ("cancel_is_swallowed", &["v1", "copy#1@1:await1=cancel"], &["v1", "copy#1@1:await1=cancel"]),
    (
        "money_is_given_back_twice",
        &["v1", "pay#1@1:effect1=fail_applied; pay#1@1:completion=cancel"],
        &["v1", "pay#1@1:effect1=fail_applied; pay#1@1:completion=cancel"],
    ),
    ("zombie_writes_last", &["v1", "copy#1@1:await1=stall(50s)"], &["v1", "copy#1@1:await1=stall(50s)"]),
];

/// A run and its text, by which it is remembered.
type Seen = Arc<Mutex<Vec<(Plan, String)>>>;

/// The text of the first run with these faults, as the exploration makes it.
fn text(exploration: &Exploration, plan: &Plan) -> String {
    let seen = Seen::default();
    let noted = seen.clone();
    let note = check::named("golden", move |run: &Run| {
        noted.lock().expect("no run panics with it in hand").push((run.plan(), run_text(Ok(run))));
        Ok::<(), String>(())
    })
    .all_runs();
    // The check is asked by each run that is made, those that make failures smaller included.
    let report = exploration.clone().reference_may_fail().without_repeats().check(note).replay(plan);
    let seen = seen.lock().expect("all runs are over");
    let found = seen.iter().find(|(other, _)| other.entries == plan.entries);
    found.unwrap_or_else(|| panic!("no run of {plan}\n{report}")).1.clone()
}

fn add(kept: &mut Kept, name: &str, exploration: &Exploration, plans: &[&str]) {
    for plan in plans {
        kept.add(&format!("{name}: {plan}"), &text(exploration, &plan.parse().unwrap()));
    }
}

/// The bugs with their plans, in the order of `PLANS`.
fn bugs() -> impl Iterator<Item = (&'static Bug, Plans)> {
    PLANS.into_iter().map(|plans| (BUGS.iter().find(|bug| bug.name == plans.0).expect("a bug of that name"), plans))
}

#[test]
fn golden_planted_bugs() {
    let mut kept = Kept::new("bugs_planted");
    bugs().for_each(|(bug, (_, plans, _))| add(&mut kept, bug.name, &(bug.planted)(), plans));
    kept.assert();
}

#[test]
fn golden_corrected_twins() {
    let mut kept = Kept::new("bugs_corrected");
    bugs().for_each(|(bug, (_, _, plans))| add(&mut kept, bug.name, &(bug.twin)(), plans));
    add(&mut kept, "order_of_a_hash_map", &order_of_a_hash_map::twin(), &["v1"]);
    kept.assert();
}
