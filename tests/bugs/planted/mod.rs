//! Bugs of published code, planted anew, each beside its corrected twin. `BUGS` has all of them.

mod background_heartbeat_erases_the_checkpoint;
mod cancel_is_swallowed;
mod checkpoint_before_the_work;
mod checkpoint_is_never_read;
mod child_is_left_running;
mod childs_id_holds_the_time;
mod compensation_in_the_cancelled_scope;
mod compensation_runs_again_after_a_replay;
mod dead_worker_is_noticed_late;
mod deploy_changes_the_checkpoint;
mod deploy_removes_an_activity;
mod downloaded_to_another_worker;
mod earlier_results_are_missing;
mod goes_on_near_the_deadline;
mod heartbeat_timeout_without_heartbeats;
mod heartbeats_only_when_it_divides;
mod input_is_deleted_whatever_happens;
mod last_run_may_have_failed;
mod last_step_is_done_again;
mod limit_moves_with_every_retry;
mod local_activity_charges_again;
pub mod money_is_given_back_twice;
mod never_hears_of_a_cancel;
pub mod order_of_a_hash_map;
mod patch_is_retired_too_early;
mod reset_begins_at_zero;
pub mod result_is_made_in_the_loop;
mod retry_of_the_workflow_pays_again;
mod signal_is_dropped_at_continue_as_new;
mod update_is_forgotten_at_the_end;
mod upload_is_gone;
mod zombie_writes_last;

use std::time::Duration;

use durasim::{ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext, WorkflowError};

/// A bug, and the explorations of the code with it and of its corrected twin.
pub struct Bug {
    pub number: u32,
    pub name: &'static str,
    pub planted: fn() -> Exploration,
    pub twin: fn() -> Exploration,
}

macro_rules! bug {
    ($number:literal, $name:ident) => {
        Bug { number: $number, name: stringify!($name), planted: $name::planted, twin: $name::twin }
    };
}

/// Every bug, in the order of its number.
pub const BUGS: [Bug; 32] = [
    bug!(1, last_step_is_done_again),
    bug!(2, checkpoint_before_the_work),
    bug!(3, earlier_results_are_missing),
    bug!(4, result_is_made_in_the_loop),
    bug!(5, goes_on_near_the_deadline),
    bug!(6, heartbeats_only_when_it_divides),
    bug!(7, checkpoint_is_never_read),
    bug!(8, background_heartbeat_erases_the_checkpoint),
    bug!(9, input_is_deleted_whatever_happens),
    bug!(10, heartbeat_timeout_without_heartbeats),
    bug!(11, limit_moves_with_every_retry),
    bug!(12, cancel_is_swallowed),
    bug!(13, money_is_given_back_twice),
    bug!(14, order_of_a_hash_map),
    bug!(15, zombie_writes_last),
    bug!(16, upload_is_gone),
    bug!(17, dead_worker_is_noticed_late),
    bug!(18, never_hears_of_a_cancel),
    bug!(19, compensation_in_the_cancelled_scope),
    bug!(20, deploy_removes_an_activity),
    bug!(21, deploy_changes_the_checkpoint),
    bug!(22, downloaded_to_another_worker),
    bug!(23, compensation_runs_again_after_a_replay),
    bug!(24, child_is_left_running),
    bug!(25, childs_id_holds_the_time),
    bug!(26, signal_is_dropped_at_continue_as_new),
    bug!(27, retry_of_the_workflow_pays_again),
    bug!(28, last_run_may_have_failed),
    bug!(29, update_is_forgotten_at_the_end),
    bug!(30, local_activity_charges_again),
    bug!(32, patch_is_retired_too_early),
    bug!(31, reset_begins_at_zero),
];

/// The place to which the activities under test write.
#[derive(Default)]
struct Target {
    rows: Ledger<u32>,
}

impl Target {
    /// Takes its time, then writes a row.
    async fn write(&self, row: u32, takes: Duration) -> Result<(), durasim::ActivityError> {
        durasim::time::sleep(takes).await;
        Ok(durasim::effect("write", || self.rows.record(row))?)
    }
}

/// One activity, `copy`, under a policy of four attempts and a heartbeat timeout of 30 s.
async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<String, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(1_800),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy", &rows, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().workflow("copying", copying).state(Target::default)
}
