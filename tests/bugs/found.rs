//! Each bug is found by its check and shrunk to its smallest plan, and nothing is said of the corrected code. Bug 14, whose
//! message is another each time, is in `other_ways.rs`.

use super::planted::{BUGS, Bug};
use super::{found, found_by_pairs, keep_message, silent};

/// The bug of this number.
fn bug(number: u32) -> &'static Bug {
    BUGS.iter().find(|bug| bug.number == number).expect("a bug of that number")
}

macro_rules! bugs {
    ($($number:literal $name:ident: $found:ident($check:literal, $plan:literal);)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn is_found() {
                let bug = bug($number);
                assert_eq!(bug.name, stringify!($name));
                keep_message(bug.name, &$found((bug.planted)(), $check, $plan));
            }

            #[test]
            fn is_gone_when_corrected() {
                silent((bug($number).twin)());
            }
        }
    )*};
}

bugs! {
    1 last_step_is_done_again: found("effects", "copy#1@1:await2=fail");
    2 checkpoint_before_the_work: found("effects", "copy#1@1:await1=fail");
    3 earlier_results_are_missing: found("same_result", "copy#1@1:await2=fail");
    4 result_is_made_in_the_loop: found("same_result", "copy#1@1:heartbeat6=crash_after_sent");
    5 goes_on_near_the_deadline: found("stops_in_time", "work#1@1:await3=freeze(46s)");
    6 heartbeats_only_when_it_divides: found("progress", "");
    7 checkpoint_is_never_read: found("progress", "copy#1@1:await2=fail");
    8 background_heartbeat_erases_the_checkpoint: found("progress", "");
    9 input_is_deleted_whatever_happens: found("completes", "copy#1@1:effect1=crash_after");
    10 heartbeat_timeout_without_heartbeats: found("finishes", "");
    11 limit_moves_with_every_retry: found_by_pairs(
        "stops_in_time",
        "wait_until_ready#1@1:heartbeat1=crash_after_sent; wait_until_ready#1@2:completion=request_lost"
    );
    12 cancel_is_swallowed: found("same_result", "copy#1@1:await1=cancel");
    13 money_is_given_back_twice: found_by_pairs(
        "given_back",
        "pay#1@1:effect1=fail_applied; pay#1@1:completion=cancel"
    );
    15 zombie_writes_last: found("newest_wins", "copy#1@1:await1=stall(50s)");
    16 upload_is_gone: found("completes", "export#1@1:effect6=fail_applied");
    17 dead_worker_is_noticed_late: found("recovers_within", "build#1@1:dispatch=worker_dies");
    18 never_hears_of_a_cancel: found("hears_cancel", "render#1@1:await1=cancel");
    19 compensation_in_the_cancelled_scope: found("kept_or_undone", "reserve#1@1:await1=cancel");
    20 deploy_removes_an_activity: found("finishes", "notify#1@1:dispatch=deploy");
    21 deploy_changes_the_checkpoint: found_by_pairs(
        "progress",
        "copy#1@1:heartbeat1=crash_after_sent; copy#1@2:dispatch=deploy"
    );
    22 downloaded_to_another_worker: found("completes", "copy#1@1:await2=fail");
    23 compensation_runs_again_after_a_replay: found("replays", "reserve#1@1:dispatch=cancel");
    24 child_is_left_running: found("finishes", "call#1@1:dispatch=cancel");
    25 childs_id_holds_the_time: found("effects", "ship#1@1:await1=fail");
    26 signal_is_dropped_at_continue_as_new: found("same_result", "counting#1:signal1=delayed(1s)");
    27 retry_of_the_workflow_pays_again: found("effects", "ship#1@1:await1=fail");
    28 last_run_may_have_failed: found("effects", "export#1@1:await1=fail");
    29 update_is_forgotten_at_the_end: found("updates", "look_up#1@1:await1=fail");
    30 local_activity_charges_again: found("effects", "charge#1@1:effect1=crash_after");
    32 patch_is_retired_too_early: found("finishes", "check#1@1:dispatch=deploy");
    31 reset_begins_at_zero: found("effects", "copy#1@1:await3=fail");
}
