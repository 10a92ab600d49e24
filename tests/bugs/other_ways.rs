//! Other forms of a bug, and other plans that show it.

use super::planted::money_is_given_back_twice::{self, Bank};
use super::planted::{BUGS, order_of_a_hash_map, result_is_made_in_the_loop};
use super::{found, found_by_pairs, keep_message, silent};

#[test]
fn a_result_made_in_the_loop_is_found_by_a_lost_report_too() {
    let plan = "copy#1@1:completion=request_lost".parse().unwrap();
    let run = result_is_made_in_the_loop::simulation_with_bug().plan(plan).run("copying", &6).unwrap();
    assert!(run.not_fired().is_empty());
    assert_eq!(run.result::<String>().unwrap(), "nothing of 6 rows", "{}", run.timeline());
}

#[test]
fn money_given_back_twice_is_found_by_a_cancel_during_the_backoff_too() {
    let plan = "pay#1@1:effect1=fail_applied; pay#1@1:backoff=cancel".parse().unwrap();
    let run = money_is_given_back_twice::simulation(false).plan(plan).run("ordering", &()).unwrap();
    assert!(run.not_fired().is_empty());
    assert_eq!(run.state::<Bank>().given_back.count(&1), 2, "{}", run.timeline());
}

/// The order is another one each time, and so is the message.
#[test]
fn the_order_of_a_hash_map_is_found() {
    let failed = found(order_of_a_hash_map::planted(), "replays", "");
    assert_eq!(failed.violation.kind, "drift", "{}", failed.text);
    silent(order_of_a_hash_map::twin());
}

#[test]
fn the_real_clock_is_found() {
    let mut failed = found(order_of_a_hash_map::planted_with_the_real_clock(), "replays", "");
    assert_eq!(failed.violation.kind, "drift", "{}", failed.text);
    // It is another time whenever this runs.
    failed.text =
        failed.text.split_inclusive(|character: char| !character.is_ascii_digit()).map(without_clock).collect();
    keep_message("order_of_a_hash_map", &failed);
}

/// Replaces a run of digits that is as long as a time. The text behind it stays.
fn without_clock(text: &str) -> String {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    if text.len() - rest.len() > 15 { format!("<now>{rest}") } else { text.to_owned() }
}

/// `replays` finds it before it happens. The ledgers show it once it has happened: the crash is that of a worker.
#[test]
fn a_compensation_that_runs_again_is_seen_in_what_it_does() {
    let bug = BUGS.iter().find(|bug| bug.name == "compensation_runs_again_after_a_replay").expect("a bug of that name");
    let plan = "reserve#1@1:completion=cancel; give_back#2@1:effect1=crash_before";
    let failed = found_by_pairs((bug.planted)().without("replays"), "kept_or_undone", plan);
    assert_eq!(failed.violation.kind, "undone too often", "{}", failed.text);
}
