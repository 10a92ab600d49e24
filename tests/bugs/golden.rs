//! Every event of the planted bugs and of their corrected twins: without faults, and under the bug's smallest plan. Part of
//! the golden net; `tests/golden/main.rs` says how it is written anew.

use std::sync::{Arc, Mutex};

use durasim::fault::Plan;
use durasim::{Exploration, Run, check};

use super::kept::Kept;
use super::run_text::run_text;

/// A bug, and the plans under which it and its corrected twin run. One that fails without faults has no other plan.
struct Bug {
    name: &'static str,
    planted: fn() -> Exploration,
    twin: fn() -> Exploration,
    plans: &'static [&'static str],
    twins_plans: &'static [&'static str],
}

macro_rules! bug {
    ($name:ident, $plan:expr) => {
        bug!($name, &["v1", $plan], &["v1", $plan])
    };
    ($name:ident, $plans:expr, $twins:expr) => {
        Bug {
            name: stringify!($name),
            planted: super::$name::planted,
            twin: super::$name::twin,
            plans: $plans,
            twins_plans: $twins,
        }
    };
}

/// All but the one whose order of a `HashMap` is another each time.
const BUGS: [Bug; 14] = [
    bug!(last_step_is_done_again, "copy#1@1:await2=fail"),
    bug!(checkpoint_before_the_work, "copy#1@1:await1=fail"),
    bug!(earlier_results_are_missing, "copy#1@1:await2=fail"),
    bug!(result_is_made_in_the_loop, "copy#1@1:heartbeat6=crash_after_sent"),
    bug!(goes_on_near_the_deadline, "work#1@1:await3=freeze(46s)"),
    bug!(heartbeats_only_when_it_divides, &["v1"], &["v1", "copy#1@1:await2=crash"]),
    bug!(checkpoint_is_never_read, "copy#1@1:await2=fail"),
    bug!(background_heartbeat_erases_the_checkpoint, &["v1"], &["v1", "copy#1@1:await2=crash"]),
    bug!(input_is_deleted_whatever_happens, &["v1", "copy#1@1:effect1=crash_after"], &["v1", "copy#1@1:await2=crash"]),
    bug!(heartbeat_timeout_without_heartbeats, "copy#1@1:await1=crash"),
    bug!(
        limit_moves_with_every_retry,
        "wait_until_ready#1@1:heartbeat1=crash_after_sent; wait_until_ready#1@2:completion=request_lost"
    ),
    bug!(cancel_is_swallowed, "copy#1@1:await1=cancel"),
    bug!(money_is_given_back_twice, "pay#1@1:effect1=fail_applied; pay#1@1:completion=cancel"),
    bug!(zombie_writes_last, "copy#1@1:await1=stall(50s)"),
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

#[test]
fn golden_planted_bugs() {
    let mut kept = Kept::new("bugs_planted");
    BUGS.iter().for_each(|bug| add(&mut kept, bug.name, &(bug.planted)(), bug.plans));
    kept.assert();
}

#[test]
fn golden_corrected_twins() {
    let mut kept = Kept::new("bugs_corrected");
    BUGS.iter().for_each(|bug| add(&mut kept, bug.name, &(bug.twin)(), bug.twins_plans));
    add(&mut kept, "order_of_a_hash_map", &super::order_of_a_hash_map::twin(), &["v1"]);
    kept.assert();
}
